// What the landscapes say to the claims of the papers.
#pragma once

#include "study/landscape/measure.hpp"
#include "study/report.hpp"

namespace resnet {

/// Claims, and sentences of the verdict. Plain and residual networks are compared where they have one depth and as many
/// classes; no solution, or less than some depth, decides nothing.
void add_claims(StudyReport& report, const LandscapeResult& result);

}  // namespace resnet
