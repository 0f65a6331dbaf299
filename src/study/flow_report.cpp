#include "study/flow_report.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

Summary of_logarithms(const std::vector<double>& values, const FlowGroup& group, const char* what, uint64_t seed) {
  const uint64_t key = stream_key(seed, "bootstrap." + group.kind + group.name, {static_cast<uint64_t>(group.depth)});
  return powers_of_ten(summarise(values, Rng(key, what)));
}

ModelFlowSetting model_setting(const FlowOptions& flow) {
  ModelFlowSetting setting = flow.models;
  setting.batch = flow.networks.batch;
  if (flow.trials > 0) setting.trials = flow.trials;
  return setting;
}

}  // namespace

void declare_flow_options(StudyOptions& options, FlowOptions& flow) {
  constexpr int64_t widest = 4096, most = 1'000'000;
  FlowSetting& networks = flow.networks;
  options.whole("--trials", flow.trials, 0, most,
                "networks to draw for each row; 0: 1000, or 10 batches of a model of the zoo");
  options.whole("--width", networks.width, 1, widest, "units of a layer of the fully connected networks");
  options.whole("--input-width", networks.input_width, 1, widest, "numbers that enter them and leave them");
  options.whole("--examples", networks.examples, 1, 65536, "in the batch of networks without batch norm");
  options.whole("--batch", networks.batch, 2, 65536, "examples in the batch of networks with batch norm");
  options.text("--model", flow.models.models, "NAMES",
               "instead: models of the zoo, with commas between, at initialisation; such as resnet56,plain56");
  options.text("--weights", flow.models.weights, "FILES",
               "instead: model files or run directories, with commas between; also shown at initialisation");
  options.text("--data", flow.models.data, "DATA", "images for the models of --model and --weights");
  const std::string usual_data = flow.models.data;
  options.require([&flow, usual_data] {
    if (!flow.of_models() && flow.models.data != usual_data)
      fail_usage("--data: the drawn networks read no images; name models with --model or --weights");
    if (flow.of_models()) flow.opened = std::make_shared<ModelFlow>(model_setting(flow));
  });
}

std::vector<FlowGroup> run_flow(StudyRun& run, const FlowOptions& flow, const std::vector<int64_t>& depths,
                                FlowDetail detail) {
  if (flow.opened) return flow.opened->run(run, detail);
  FlowSetting setting = flow.networks;
  if (flow.trials > 0) setting.trials = flow.trials;
  return flow_trials(run, setting, depths, detail);
}

FlowSummary summary_of(const FlowGroup& group, uint64_t seed) {
  FlowSummary summary{.name = group.name,
                      .kind = group.kind,
                      .depth = group.depth,
                      .layers = group.layers,
                      .paths = group.paths,
                      .norm = group.norm,
                      .trials = group.samples.size(),
                      .dead = group.dead(),
                      .dw_ratio = of_logarithms(group.log_dw_ratio(), group, "dw_ratio", seed),
                      .stream_ratio = of_logarithms(group.log_stream_ratio(), group, "stream_ratio", seed),
                      .first_dw = of_logarithms(group.log_first_dw(), group, "first_dw", seed),
                      .first_stream = of_logarithms(group.log_first_stream(), group, "first_stream", seed)};
  summary.overflowed = summary.trials - summary.dead - std::min(summary.stream_ratio.count, summary.dw_ratio.count);
  return summary;
}

Json to_json(const FlowSummary& summary) {
  return {{"name", summary.name},
          {"kind", summary.kind},
          {"depth", summary.depth},
          {"layers", summary.layers},
          {"trials", summary.trials},
          {"dead", summary.dead},
          {"overflowed", summary.overflowed},
          {"dw_ratio", to_json(summary.dw_ratio)},
          {"dx_ratio", to_json(summary.stream_ratio)},
          {"first_dw", to_json(summary.first_dw)},
          {"first_dx", to_json(summary.first_stream)},
          {"trend", summary.stream_ratio.has_interval() ? Json(trend_text(summary.stream_ratio)) : Json()}};
}

Table flow_table(const std::vector<FlowSummary>& summaries) {
  Table table({{"network"},
               {"layers", Align::right},
               {"|dL/dW| first / last [95 %]", Align::right},
               {"quartiles", Align::right},
               {"|dL/dh| first / last [95 %]", Align::right},
               {"first |dL/dW|", Align::right},
               {"dead", Align::right},
               {"trend"}});
  for (const FlowSummary& row : summaries)
    table.row({row.name, std::to_string(row.layers), median_text(row.dw_ratio),
               row.dw_ratio.count == 0 ? "" : fmt::format("{:.3g} to {:.3g}", row.dw_ratio.q1, row.dw_ratio.q3),
               median_text(row.stream_ratio), number_text(row.first_dw.median),
               fmt::format("{} of {}", row.dead, row.trials), short_trend_text(row.stream_ratio)});
  return table;
}

std::string flow_table_note(const std::vector<FlowSummary>& summaries) {
  const auto missing = std::ranges::find_if(
      summaries, [](const FlowSummary& row) { return row.stream_ratio.count > 0 && !row.stream_ratio.has_interval(); });
  if (missing == summaries.end()) return trend_bounds_text();
  return trend_bounds_text() + fmt::format(" Too few: {}.", too_few_text(missing->stream_ratio.count, "trial"));
}

std::string left_out_text(const FlowSummary& summary) {
  std::string text;
  if (summary.dead > 0) text += fmt::format(" {} of {} networks are dead.", summary.dead, summary.trials);
  if (summary.overflowed > 0)
    text += fmt::format(" In {} of {} numbers overflowed.", summary.overflowed, summary.trials);
  return text;
}

std::string printed_lines(const std::vector<FlowSummary>& summaries, const StudyReport& report) {
  std::string text = to_text(flow_table(summaries)) + "\n" + flow_table_note(summaries) + "\n\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

std::string median_text(const Summary& summary) {
  if (!summary.has_interval()) return number_text(summary.median);
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", summary.median, summary.low, summary.high);
}

Summary improvement(const FlowGroup& a, const FlowGroup& b, uint64_t seed) {
  std::vector<double> values;
  for (std::size_t trial = 0; trial < std::min(a.samples.size(), b.samples.size()); ++trial) {
    const FlowSample &one = a.samples[trial], &other = b.samples[trial];
    if (one.dead() || other.dead()) continue;
    values.push_back(std::log10(one.dw.front() / one.dw.back()) - std::log10(other.dw.front() / other.dw.back()));
  }
  return of_logarithms(values, b, ("improvement over " + a.kind).c_str(), seed);
}

Finding better(const Summary& improvement) {
  if (improvement.low > 1) return Finding::holds;
  return improvement.high < 1 ? Finding::fails : Finding::undecided;
}

void add_flow_method(StudyReport& report, const FlowOptions& flow, int64_t trials) {
  if (flow.of_models())
    report.method(fmt::format(
        "{} batches of {} training images of {}, not augmented; mean cross-entropy; batch norm with the batch's "
        "statistics; single precision. At initialisation each batch meets new weights. In a dense network dL/dh is "
        "that "
        "of the channels side by side that each layer reads.",
        trials, flow.networks.batch, flow.models.data));
  else
    report.method(fmt::format(
        "For each row {} networks are drawn, each with a normal input ({} example{} without batch norm, {} with it) "
        "and "
        "ones as the gradient of the output, in double. Width {}. Without batch norm the networks are the notebook's; "
        "those with it follow He et al. (2015, fig. 2; 2016, fig. 4e), their last layer being linear.",
        trials, flow.networks.examples, flow.networks.examples == 1 ? "" : "s", flow.networks.batch,
        flow.networks.width));
  report.method(
      "dL/dW mixes a layer's activations into the gradient; dL/dh, the gradient of the activations along the main "
      "path, "
      "does not, so both are shown. First / last above 1 means that the gradient grows on its way back, below 1 that "
      "it "
      "shrinks. Medians over the trials, with quartiles as bands, and in brackets the 95 % percentile bootstrap "
      "interval "
      "of the median (1000 resamples), if there are at least 6. Dead networks, whose first layer gets no gradient, are "
      "counted and left out.");
}

}  // namespace resnet
