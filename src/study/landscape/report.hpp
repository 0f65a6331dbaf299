// The page of study "landscape".
#pragma once

#include "study/landscape/measure.hpp"
#include "study/report.hpp"

#include <string>

namespace resnet {

/// `images`: what the loss is taken of, "400 training images of builtin:shapes".
StudyReport landscape_report(const LandscapeResult& result, const LandscapeSetting& setting, const std::string& images);

/// For the terminal.
std::string landscape_lines(const LandscapeResult& result, const StudyReport& report);

}  // namespace resnet
