// What can be wrong with a network, as a table of rules over measurements. A new rule is a function that returns its
// evidence, or nothing, and a row in rules.cpp.
#pragma once

#include "study/diagnose/measure.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// What was seen, with the numbers, and the layers that it concerns (none: the network as a whole).
struct Evidence {
  std::string text;
  std::vector<std::string> layers = {};
  /// Where on the way from the images to the loss it begins; none: everywhere, or on the way back.
  std::optional<int64_t> place = {};
};

struct HealthRule {
  std::string_view name;   // "vanishing-gradient"
  std::string_view title;  // "The gradient vanishes"
  bool fault = true;       // false: worth knowing, no reason to change anything
  std::string_view cause, advice;
  /// Rules whose findings follow from this one, separated by blanks; if both have a place, only from there on.
  std::string_view explains;
  std::optional<Evidence> (*look)(const Measurements& measured);
};

/// In the order in which findings are told: what comes first in a network, and explains what follows, comes first.
std::span<const HealthRule> health_rules();

struct HealthFinding {
  const HealthRule* rule = nullptr;
  Evidence evidence;
  std::string_view follows_from = {};  // the name of the rule that explains it; empty if none does
};

/// Causes ahead of what follows from them, otherwise in the order of the table.
std::vector<HealthFinding> findings_of(const Measurements& measured);

/// Whether one of them is a fault.
bool has_fault(const std::vector<HealthFinding>& findings);

// The rules, by what they look at; each is described in its file, with the source of its threshold.
namespace rules {

// rules_data.cpp
std::optional<Evidence> constant_input(const Measurements& measured);
std::optional<Evidence> input_scale(const Measurements& measured);
std::optional<Evidence> other_form(const Measurements& measured);
std::optional<Evidence> one_label(const Measurements& measured);
std::optional<Evidence> rare_classes(const Measurements& measured);
std::optional<Evidence> permuted_labels(const Measurements& measured);
std::optional<Evidence> unrelated_labels(const Measurements& measured);
std::optional<Evidence> nothing_learnt(const Measurements& measured);

// rules_norm.cpp
/// Whether running statistics are to fit: with the usual momentum of 0.1 the start has no more weight after 100 steps.
/// Of a file that does not say how many it has seen, only if something else was trained.
bool had_time(const Measurements& measured);
/// Whether the run was right, in inference, on most images that it was tested on: its statistics had settled, after
/// however few steps.
bool knew_its_images(const Measurements& measured);
std::optional<Evidence> statistics_untouched(const Measurements& measured);
std::optional<Evidence> statistics_of_other_input(const Measurements& measured);
std::optional<Evidence> statistics_stale(const Measurements& measured);
std::optional<Evidence> norm_collapsed(const Measurements& measured);
std::optional<Evidence> norm_without_gamma(const Measurements& measured);
std::optional<Evidence> norm_saturated(const Measurements& measured);
std::optional<Evidence> train_eval_mismatch(const Measurements& measured);

// rules_signal.cpp
std::optional<Evidence> not_finite(const Measurements& measured);
std::optional<Evidence> equal_weights(const Measurements& measured);
std::optional<Evidence> dead_relu(const Measurements& measured);
std::optional<Evidence> saturated_units(const Measurements& measured);
std::optional<Evidence> vanishing_gradient(const Measurements& measured);
std::optional<Evidence> exploding_gradient(const Measurements& measured);
std::optional<Evidence> large_logits(const Measurements& measured);
std::optional<Evidence> idle_blocks(const Measurements& measured);
std::optional<Evidence> shattered_gradient(const Measurements& measured);

// rules_step.cpp
std::optional<Evidence> probabilities_as_logits(const Measurements& measured);
std::optional<Evidence> relu_on_logits(const Measurements& measured);
std::optional<Evidence> unused_parameters(const Measurements& measured);
std::optional<Evidence> frozen_parameters(const Measurements& measured);
std::optional<Evidence> rate_too_high(const Measurements& measured);
std::optional<Evidence> rate_too_low(const Measurements& measured);

}  // namespace rules

}  // namespace resnet
