// What the numbers of study "lesion" say: the sentences of the answer, and Veit et al.'s statements held against them.
#pragma once

#include "study/lesion/measure.hpp"
#include "study/report.hpp"

#include <string>
#include <vector>

namespace resnet {

/// Errors after one unit was deleted, as fractions.
struct SingleSummary {
  double median = 0, worst = 0;
  std::string worst_name;
  double median_kept = 0;  // of the accuracy above chance
};
SingleSummary single_summary(const LesionedNetwork& network);

void add_lesion_verdict(StudyReport& report, const std::vector<LesionedNetwork>& networks);
void add_lesion_claims(StudyReport& report, const std::vector<LesionedNetwork>& networks);

}  // namespace resnet
