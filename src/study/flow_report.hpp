// What the studies gradient-flow and depth share: their options, the numbers of a group of trials, and their words.
#pragma once

#include "study/flow.hpp"
#include "study/flow_models.hpp"
#include "study/flow_trend.hpp"
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
  std::shared_ptr<const ModelFlow> opened = {};  // once the options are read, where they name models
};

/// `flow` must outlive the options, and is complete once they were found consistent.
void declare_flow_options(StudyOptions& options, FlowOptions& flow);
/// The trials that the options ask for: fully connected networks of these depths, or models of the zoo.
std::vector<FlowGroup> run_flow(StudyRun& run, const FlowOptions& flow, const std::vector<int64_t>& depths,
                                FlowDetail detail);

/// The numbers of a group. Ratios and norms, not logarithms; dead networks are left out of all but `dead`.
struct FlowSummary {
  std::string name, kind;
  int64_t depth = 0, layers = 0;
  Paths paths = Paths::plain;
  bool norm = false;
  std::size_t trials = 0, dead = 0;
  std::size_t overflowed = 0;  // norms too large for a number; left out of the others too
  Summary dw_ratio;            // |dL/dW| first / last layer
  Summary stream_ratio;        // |dL/dh| first / last activation
  Summary first_dw, first_stream;
};
FlowSummary summary_of(const FlowGroup& group, uint64_t seed);
Json to_json(const FlowSummary& summary);
Table flow_table(const std::vector<FlowSummary>& summaries);
/// What to read the table by: the bounds of its words, and why intervals are missing.
std::string flow_table_note(const std::vector<FlowSummary>& summaries);
/// " 2 of 10 networks are dead.": what is not in the medians, nothing where everything is.
std::string left_out_text(const FlowSummary& summary);
/// For the terminal: the table and the sentences of the answer.
std::string printed_lines(const std::vector<FlowSummary>& summaries, const StudyReport& report);

/// "2.81 [2.60, 3.05]": the median with the bootstrap interval if there is one.
std::string median_text(const Summary& summary);

/// How many times better b's ratio |dL/dW| first / last is than a's, as the notebook counts (a's over b's), trial by
/// trial.
Summary improvement(const FlowGroup& a, const FlowGroup& b, uint64_t seed);
/// Holds if the whole interval lies above 1, fails if it lies below; undecided also without an interval.
Finding better(const Summary& improvement);

/// The paragraphs of the method that both studies have.
void add_flow_method(StudyReport& report, const FlowOptions& flow, int64_t trials);

}  // namespace resnet
