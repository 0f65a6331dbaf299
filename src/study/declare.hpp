// One function for each study, defined in its file: declares the options and returns what the study does.
#pragma once

#include "study/study.hpp"

namespace resnet {

StudyAction declare_notebook(StudyOptions& options);
StudyAction declare_identity(StudyOptions& options);
StudyAction declare_gradient_flow(StudyOptions& options);
StudyAction declare_depth(StudyOptions& options);
StudyAction declare_patterns(StudyOptions& options);
StudyAction declare_lesion(StudyOptions& options);
StudyAction declare_landscape(StudyOptions& options);
StudyAction declare_representation(StudyOptions& options);
StudyAction declare_degradation(StudyOptions& options);
StudyAction declare_responses(StudyOptions& options);
StudyAction declare_shortcuts(StudyOptions& options);

}  // namespace resnet
