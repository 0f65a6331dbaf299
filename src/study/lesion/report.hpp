// The page of study "lesion".
#pragma once

#include "study/lesion/measure.hpp"
#include "study/report.hpp"

#include <string>
#include <vector>

namespace resnet {

/// What the error was measured on: "1,000 images of builtin:shapes (test)".
StudyReport lesion_report(const std::vector<LesionedNetwork>& networks, const LesionSetting& setting,
                          const std::string& images);

/// For the terminal: each network with its numbers, and the sentences of the answer.
std::string lesion_lines(const std::vector<LesionedNetwork>& networks, const StudyReport& report);

/// How the gradient of a network is spread over the lengths of its paths.
struct PathShares {
  std::vector<double> share;             // of the total, for each length
  double low = 0, middle = 0, high = 0;  // lengths below which 5, 50 and 95 % of it lie
  double factor = 1, correlation = 0;    // of the median from a length to the next; of its logarithm with length
};
PathShares shares_of(const LesionedNetwork& network);

}  // namespace resnet
