// What study "shortcuts" compares: networks of one depth whose blocks treat the shortcut, or the order of batch norm,
// ReLU and addition, in another way (He et al. 2015, section 3.3; He et al. 2016, sections 3 and 4).
#pragma once

#include "study/report.hpp"
#include "study/spread.hpp"
#include "study/trainings.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace resnet {

/// The paper's experiment that a variant belongs to.
enum class VariantGroup : uint8_t { options, scaling, gating, activation };

struct ShortcutVariant {
  const char* name;   // "exclusive-gate": in --variants, and of the runs
  const char* title;  // "exclusive gating, b = -6"
  VariantGroup group;
  const char* unit;       // what the block computes
  const char* published;  // error in percent of ResNet-110 on CIFAR-10, median of 5; empty: none on CIFAR-10
  /// Makes it of the network as the paper of 2015 has it, with option A.
  void (*change)(ModelSpec& spec);
};

/// The table; the first row is the network as it is.
std::span<const ShortcutVariant> shortcut_variants();

/// The network of that depth (6n + 2) as a variant, "resnet20-exclusive-gate"; the original keeps its name.
ModelSpec variant_of(const ShortcutVariant& variant, int depth);

struct ShortcutOptions {
  TrainingOptions training = {.data = "builtin:shapes?train=2000&test=1000"};
  int64_t depth = 20;
  std::string variants = "all";
};

/// A variant with its trainings.
struct VariantResult {
  const ShortcutVariant* variant = nullptr;
  ModelSpec spec;
  int64_t parameters = 0, macs = 0;
  std::vector<Trained> runs;
  /// In percent after the last epoch; runs that failed are left out.
  std::vector<double> train_errors, test_errors;
};

struct ShortcutResult {
  std::string data_name, test_name;
  std::vector<VariantResult> variants;
};

StudyReport shortcut_report(const ShortcutOptions& options, const ShortcutResult& result);

}  // namespace resnet
