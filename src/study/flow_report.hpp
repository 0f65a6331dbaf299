// What the studies gradient-flow and depth share: their options, the numbers of a group of trials, and their words.
#pragma once

#include "study/flow.hpp"
#include "study/flow_models.hpp"
#include "study/options.hpp"
#include "study/report.hpp"

#include <string>
#include <vector>

namespace resnet {

struct FlowOptions {
  FlowSetting networks;
  ModelFlowSetting models;
  int64_t trials = 0;  // 0: 1000 drawn networks, 10 batches of a model
  bool of_models() const { return !models.models.empty() || !models.weights.empty(); }
};

void declare_flow_options(StudyOptions& options, FlowOptions& flow);
/// The trials that the options ask for: fully connected networks of these depths, or models of the zoo.
std::vector<FlowGroup> run_flow(StudyRun& run, const FlowOptions& flow, const std::vector<int64_t>& depths,
                                FlowDetail detail);

/// The numbers of a group. Ratios and norms, not logarithms; dead networks are left out of all but `dead`.
struct FlowSummary {
  std::string name, kind;
  int64_t depth = 0, layers = 0;
  bool residual = false, norm = false;
  std::size_t trials = 0, dead = 0;
  Summary dw_ratio;      // |dL/dW| first / last layer
  Summary stream_ratio;  // |dL/dh| first / last activation
  Summary first_dw, first_stream;
};
FlowSummary summary_of(const FlowGroup& group, uint64_t seed);
Json to_json(const FlowSummary& summary);
Table flow_table(const std::vector<FlowSummary>& summaries);
/// For the terminal: the table and the sentences of the answer.
std::string printed_lines(const std::vector<FlowSummary>& summaries, const StudyReport& report);

/// What a gradient does on its way from the last layer to the first: it keeps its size within a factor of 10, it grows
/// or shrinks, or, beyond a factor of 1000, it explodes or vanishes. The whole interval of the median has to lie
/// beyond.
enum class Trend { vanishes, shrinks, steady, grows, explodes };
inline constexpr double noticeable = 10, drastic = 1000;
Trend trend_of(const Summary& ratio);
std::string_view name_of(Trend trend);
/// Neither vanishes nor explodes.
constexpr bool healthy(Trend trend) { return trend != Trend::vanishes && trend != Trend::explodes; }

/// "2.81 [2.60, 3.05]": the median with the bootstrap interval.
std::string median_text(const Summary& summary);

/// How many times better b's ratio |dL/dW| first / last is than a's, as the notebook counts (a's over b's), trial by
/// trial.
Summary improvement(const FlowGroup& a, const FlowGroup& b, uint64_t seed);
/// Holds if the whole interval lies above 1, fails if it lies below.
Finding better(const Summary& improvement);

/// The paragraphs of the method that both studies have.
void add_flow_method(StudyReport& report, const FlowOptions& flow, int64_t trials);

}  // namespace resnet
