// Study "notebook": its options, its results as JSON, and the lines that the notebook prints.
#include "study/notebook.hpp"

#include "base/error.hpp"
#include "study/declare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace resnet {
namespace {

Json rows_of(const NotebookFlow& flow) {
  Json rows = Json::array();
  for (const NotebookRow& row : flow.rows)
    rows.push_back({{"name", row.name}, {"output", row.output}, {"dw", row.dw}, {"db", row.db}, {"dx", row.dx}});
  return rows;
}

template <class Field>
Json both(const NotebookResult& result, Field field) {
  return {{"plain", field(result.plain)}, {"residual", field(result.residual)}};
}

std::string flow_lines(const char* name, const NotebookFlow& flow) {
  return fmt::format(
      "{0} - First layer gradient: {1:.6f}\n{0} - Last layer gradient: {2:.6f}\n"
      "Gradient ratio (first/last): {3:.2f}x\n\n",
      name, flow.first(), flow.last(), flow.first() / flow.last());
}

std::string takeaways(const StudyReport& report) {
  std::string text = "\nKey takeaways, each with what this run found:\n";
  for (const Claim& claim : report.claims())
    text += fmt::format("- {}\n  {}: {}\n", claim.statement, name_of(claim.finding), claim.found);
  return text;
}

}  // namespace

Json to_json(const NotebookResult& result) {
  Json json;
  json["gradient_flow"] = {
      {"plain", result.plain.norms},
      {"residual", result.residual.norms},
      {"first", both(result, [](const NotebookFlow& flow) { return flow.first(); })},
      {"last", both(result, [](const NotebookFlow& flow) { return flow.last(); })},
      {"ratio", both(result, [](const NotebookFlow& flow) { return flow.first() / flow.last(); })},
      {"improvement", result.improvement()},
      {"layers", both(result, rows_of)},
  };
  const std::size_t images = std::min<std::size_t>(3, result.images.size());
  const std::size_t labels = std::min<std::size_t>(6, result.labels.size());
  json["patterns"] = {
      {"X", std::vector(result.images.begin(), result.images.begin() + static_cast<std::ptrdiff_t>(images))},
      {"y", std::vector(result.labels.begin(), result.labels.begin() + static_cast<std::ptrdiff_t>(labels))}};
  json["identity"] = {{"input_norm", result.input_norm},
                      {"output_norm", result.output_norm},
                      {"identity_error", result.identity_error}};
  json["depth"] = Json::array();
  for (const NotebookDepth& row : result.depths)
    json["depth"].push_back(
        {{"depth", row.depth}, {"plain", row.plain}, {"residual", row.residual}, {"improvement", row.improvement()}});
  return json;
}

std::string printed_lines(const NotebookOptions& options, const NotebookResult& result, const StudyReport& report) {
  std::string text = "ResNet components initialized\n";
  text += fmt::format("Created Plain Network with {} layers\n", options.depth);
  text += fmt::format("Created ResNet with {} residual blocks\n\n", options.depth);
  text += flow_lines("Plain Network", result.plain) + flow_lines("ResNet", result.residual);
  text += fmt::format("ResNet maintains gradient flow {:.1f}x better!\n", result.improvement());
  text += fmt::format("Generated {} pattern samples\n", result.images.size());
  text += "Identity Mapping Demonstration:\n";
  text += fmt::format("Input norm: {:.4f}\n", result.input_norm);
  text += fmt::format("Output norm: {:.4f}\n", result.output_norm);
  text += fmt::format("Identity error ||F(x) + x - x||: {:.6f}\n\n", result.identity_error);
  text += "With near-zero weights, residual block ≈ identity function!\n\n";
  text += "Gradient Ratio (first/last) - Higher = Worse gradient flow:\n";
  for (const NotebookDepth& row : result.depths)
    text += fmt::format("Depth {:2}: Plain={:8.2f}, ResNet={:6.2f} (ResNet is {:.1f}x better)\n", row.depth, row.plain,
                        row.residual, row.improvement());
  return text + takeaways(report);
}

StudyAction declare_notebook(StudyOptions& options) {
  const auto notebook = std::make_shared<NotebookOptions>();
  constexpr int64_t widest = 4096, deepest = 2000;
  options.seed = notebook_seed;
  options.whole("--input-width", notebook->input_width, 1, widest, "numbers that enter a network and leave it");
  options.whole("--width", notebook->width, 1, widest, "units of a layer");
  options.whole("--depth", notebook->depth, 2, deepest, "layers of the plain network, blocks of the residual one");
  options.wholes("--depths", notebook->depths, 2, deepest, "depths to compare; the same one may come twice");
  options.whole("--patterns", notebook->patterns, 1, 1'000'000, "images to generate");
  options.whole("--pattern-size", notebook->pattern_size, 4, 1024,
                "rows and columns of an image; one class has its line in column 3");
  options.real("--noise", notebook->noise, 0, 1e6, "standard deviation of the noise of the images");
  options.real("--scale", notebook->scale, 0, 1e6, "of the weights of the block that is nearly the identity");
  options.require([&options] {
    if (options.seed > std::numeric_limits<uint32_t>::max())
      fail_usage("--seed: NumPy's RandomState takes 0 to 4294967295, got ", options.seed);
  });
  return [notebook](StudyRun& run) {
    NumpyRandom random(static_cast<uint32_t>(run.seed()));
    const NotebookResult result = run_notebook(*notebook, random, [&] { run.stop_if_interrupted(); });
    StudyReport report = notebook_report(*notebook, result, run.seed());
    std::string text = printed_lines(*notebook, result, report);
    return StudyOutcome{to_json(result), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
