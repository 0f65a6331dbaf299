// The page of study "representation".
#pragma once

#include "study/report.hpp"
#include "study/representation/measure.hpp"

#include <string>

namespace resnet {

StudyReport representation_report(const RepresentationResult& result, const RepresentationSetting& setting,
                                  const std::string& data);

/// For the terminal.
std::string representation_lines(const RepresentationResult& result, const StudyReport& report);

}  // namespace resnet
