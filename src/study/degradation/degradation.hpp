// What study "degradation" measures: the errors of plain and residual networks of several depths while they are trained
// (He et al. 2015, section 4.2, figure 6 and table 6).
#pragma once

#include "study/report.hpp"
#include "study/spread.hpp"
#include "study/trainings.hpp"

#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct DegradationOptions {
  TrainingOptions training;
  std::vector<int64_t> depths = {8, 20, 44};
  std::string families = "plain,resnet";
};

/// After an epoch, over the seeds, in percent.
struct ErrorPoint {
  int64_t step = 0;
  Spread train, test;
};

/// A network with its trainings.
struct DegradationNetwork {
  std::string family;  // "plain", "resnet"
  int depth = 0;
  std::string model;  // "plain20"
  int64_t parameters = 0;
  std::vector<Trained> runs;
  std::vector<ErrorPoint> curve;
  /// Of each run after its last epoch, in percent; runs that failed are left out. The training error is that of the
  /// augmented images over the epoch, while the weights change, as figure 6 has it.
  std::vector<double> train_errors, test_errors;

  Spread train() const { return spread_of(train_errors); }
  Spread test() const { return spread_of(test_errors); }
};

struct DegradationResult {
  std::string data_name, test_name;
  std::vector<DegradationNetwork> networks;  // family by family, by depth

  const DegradationNetwork* find(const std::string& family, int depth) const;
  /// The published figures are of CIFAR-10 and say nothing of other images.
  bool beside_paper() const { return data_name == "cifar10"; }
};

/// "plain-20", "ResNet-20"
std::string title_of(const std::string& family, int depth);

/// Test error in percent on CIFAR-10 after 64,000 steps on all 50,000 images (table 6); none where the paper has none.
std::optional<double> published_error(const std::string& family, int depth);
/// The same with its spread where there is one; of plain networks what can be read off figure 6.
std::string published_text(const std::string& family, int depth);

StudyReport degradation_report(const DegradationOptions& options, const DegradationResult& result);

}  // namespace resnet
