// The notebook's figures, and its takeaways beside the numbers it produced.
#include "study/notebook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet {
namespace {

std::vector<double> counted(std::size_t count) {
  std::vector<double> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return numbers;
}

Series series_of(const char* name, const std::vector<double>& values) {
  return {.name = name, .x = counted(values.size()), .y = values};
}

Finding decided(bool holds) { return holds ? Finding::holds : Finding::fails; }

void add_gradient_flow(StudyReport& report, const NotebookResult& result) {
  report.figure("gradient-flow",
                draw(LineChart{.title = "Gradient flow: ResNet vs plain network",
                               .x_label = "layer, or block of two (deeper to the right)",
                               .y_label = "|dL/dW| (Frobenius norm)",
                               .y_scale = Scale::logarithmic,
                               .series = {series_of("plain network", result.plain.norms),
                                          series_of("ResNet", result.residual.norms)}}),
                "Norm of each layer's weight gradient; a block's is the mean of its two layers'. Index 0 is the input "
                "layer. One draw of weights and one input.");
  Table table({{"network"}, {"first", Align::right}, {"last", Align::right}, {"first / last", Align::right}});
  for (const auto& [name, flow] : {std::pair{"plain", &result.plain}, std::pair{"residual", &result.residual}})
    table.row({name, fmt::format("{:.6f}", flow->first()), fmt::format("{:.6f}", flow->last()),
               fmt::format("{:.2f}", flow->first() / flow->last())});
  report.table(std::move(table));
}

void add_patterns(StudyReport& report, const NotebookOptions& options, const NotebookResult& result) {
  constexpr std::size_t shown = 3;
  const auto size = static_cast<std::size_t>(options.pattern_size);
  std::vector<std::string> labels;
  for (std::size_t k = 0; k < size; ++k) labels.push_back(size <= 16 ? std::to_string(k) : "");
  report.section("Sample patterns", fmt::format("{} images of {} x {} pixels in three classes in turn: row 2, column "
                                                "3, the diagonal, plus {} times normal noise.",
                                                result.images.size(), size, size, options.noise));
  const double range = options.noise > 0 ? 3 * options.noise : 0;  // the same colours in all images
  const char* kinds[] = {"0: horizontal", "1: vertical", "2: diagonal"};
  for (std::size_t k = 0; k < std::min(shown, result.images.size()); ++k)
    report.figure(fmt::format("pattern-{}", k),
                  draw(HeatMap{.title = fmt::format("Pattern type {}", kinds[result.labels[k]]),
                               .x_label = "column",
                               .y_label = "row",
                               .row_labels = labels,
                               .column_labels = labels,
                               .values = result.images[k],
                               .low = -range,
                               .high = 1 + range,
                               .width = 340}),
                  fmt::format("Image {}.", k));
}

void add_identity(StudyReport& report, const NotebookResult& result) {
  report.section("Identity mapping",
                 "A new block whose two weight matrices are multiplied by a small number: F(x) is "
                 "nearly 0, so y = F(x) + x is nearly x.");
  Series output = series_of("output F(x) + x", result.identity_output);
  output.open = true;
  report.figure("identity",
                draw(LineChart{.title = "Identity mapping: output ≈ input",
                               .x_label = "dimension",
                               .y_label = "value",
                               .series = {series_of("input x", result.identity_input), std::move(output)}}),
                fmt::format("|x| = {:.4f}, |F(x) + x| = {:.4f}.", result.input_norm, result.output_norm));
  BarChart bars{.title = "What the branch adds: F(x)", .x_label = "dimension", .y_label = "F(x)"};
  bars.groups.push_back({.name = "F(x)"});
  for (std::size_t i = 0; i < result.identity_input.size(); ++i) {
    bars.categories.push_back(std::to_string(i));
    bars.groups.back().values.push_back(result.identity_output[i] - result.identity_input[i]);
  }
  report.figure("residual", draw(bars),
                fmt::format("|F(x)| = {:.3g}. The notebook calls this “Learned residual ≈ 0”; the weights were scaled "
                            "down, nothing was learned.",
                            result.identity_error));
}

void add_depths(StudyReport& report, const NotebookResult& result) {
  report.section("Network depths",
                 "At depth d the plain network has d layers, the residual one d blocks, so 2d + 2 "
                 "layers. New weights and a new input for each.");
  Series plain{.name = "plain network"}, residual{.name = "ResNet"};
  Table table({{"depth", Align::right}, {"plain", Align::right}, {"ResNet", Align::right}, {"x better", Align::right}});
  for (const NotebookDepth& row : result.depths) {
    const auto depth = static_cast<double>(row.depth);
    plain.x.push_back(depth);
    residual.x.push_back(depth);
    plain.y.push_back(row.plain);
    residual.y.push_back(row.residual);
    table.row({std::to_string(row.depth), fmt::format("{:.2f}", row.plain), fmt::format("{:.2f}", row.residual),
               fmt::format("{:.1f}", row.improvement())});
  }
  report.figure("depth",
                draw(LineChart{.title = "Gradient flow degradation with depth",
                               .x_label = "network depth",
                               .y_label = "gradient ratio, first / last layer",
                               .y_scale = Scale::logarithmic,
                               .series = {plain, residual}}),
                "The notebook reads a higher ratio as worse. Below 1 the first layer's gradient is the smaller one.");
  report.table(std::move(table));
}

std::string ratio_text(const NotebookFlow& flow) { return fmt::format("{:.2f}", flow.first() / flow.last()); }

void add_takeaways(StudyReport& report, const NotebookOptions& options, const NotebookResult& result) {
  const NotebookFlow &plain = result.plain, &residual = result.residual;
  const auto better = std::ranges::count_if(result.depths, [](const NotebookDepth& d) { return d.improvement() > 1; });
  const auto nearer = std::ranges::count_if(result.depths, [](const NotebookDepth& d) {
    return std::abs(std::log(d.residual)) < std::abs(std::log(d.plain));
  });
  const std::size_t depths = result.depths.size();
  const std::string notebook = "notebook, takeaways", paper = "notebook, after He et al. 2015";
  report.claim({notebook, "Adding more layers to plain networks hurts performance, and not by overfitting.",
                "Nothing was trained here.", Finding::undecided});
  report.claim({notebook, "It is due to optimization difficulty: vanishing or exploding gradients.",
                fmt::format("The plain network's first gradient is {} times its last at depth {}; whether that is the "
                            "difficulty, a gradient alone cannot say.",
                            ratio_text(plain), options.depth),
                Finding::undecided});
  report.claim({notebook, "ResNet maintains gradient flow better.",
                fmt::format("Ratio {} plain, {} residual: {:.3g} times better as the notebook counts; better at {} of "
                            "{} depths as it counts, nearer to 1 at {}.",
                            ratio_text(plain), ratio_text(residual), result.improvement(), better, depths, nearer),
                decided(result.improvement() > 1 && better == static_cast<std::ptrdiff_t>(depths))});
  report.claim({notebook, "y = F(x, {W_i}) + x: the layers learn F(x) = H(x) - x, and H(x) = F(x) + x.",
                fmt::format("Over {} blocks |y - (F(x) + x)| / |y| is at most {:.2g}.", options.depth,
                            residual.largest_output_error),
                decided(residual.largest_output_error < 1e-12)});
  report.claim({notebook, "If the optimal mapping is the identity, F(x) = 0 is easier to learn than H(x) = x.",
                fmt::format("Weights scaled by {} leave |F(x)| / |x| = {:.3g}; nothing was learned here (see study "
                            "identity).",
                            options.scale, result.identity_error / result.input_norm),
                Finding::undecided});
  report.claim({notebook, "Gradient highways, additive gradient flow: through the residual and the skip path.",
                fmt::format("Over {} blocks |dx - (branch + skip)| / |dx| is at most {:.2g}.", options.depth,
                            residual.largest_sum_error),
                decided(residual.largest_sum_error < 1e-12)});
  report.claim({notebook, "The + I term ensures that gradients always flow.",
                fmt::format("The least |dL/dx| / |dL/dy| of a block is {:.3g}.", residual.least_gain),
                decided(residual.least_gain > 0.5)});
  const JacobianCheck& check = result.jacobian;
  report.claim({notebook, "dL/dx = dL/dy (dF/dx + dx/dx) = dL/dy (dF/dx + I).",
                fmt::format("Over {} random blocks the Jacobian of y by finite differences differs from J_F + I by at "
                            "most {:.2g}, its largest entry being {:.3g}.",
                            check.blocks, check.largest_difference, check.largest_entry),
                decided(check.largest_difference < 1e-6 * check.largest_entry)});
  report.claim(
      {notebook, "No extra parameters: the skip connection is free of them.",
       fmt::format("{} parameters in the residual network of {} layers; a plain one of as many layers has {}.",
                   residual.parameters, 2 * options.depth + 2,
                   plain.parameters + (options.depth + 2) * options.width * (options.width + 1)),
       decided(residual.parameters == plain.parameters + (options.depth + 2) * options.width * (options.width + 1))});
  report.claim({paper, "Enabled 152-layer networks (against 20 before); won ImageNet 2015 (3.57 % top-5 error).",
                "Not a question of this notebook.", Finding::undecided});
}

}  // namespace

StudyReport notebook_report(const NotebookOptions& options, const NotebookResult& result, uint64_t seed) {
  StudyReport report("notebook", "The notebook, cell by cell");
  report.question(
      "What does the notebook on deep residual learning compute, and what do its numbers show? Every cell in its "
      "order, in double precision, with the random numbers NumPy would draw.");
  report.highlight("plain, first / last gradient", ratio_text(result.plain));
  report.highlight("ResNet, first / last gradient", ratio_text(result.residual));
  report.highlight("|F(x)| of the near-identity block", fmt::format("{:.2g}", result.identity_error));
  report.verdict(fmt::format(
      "With seed {} the first layer's gradient is {} times the last one's in the plain network of {} layers and {} "
      "times in the residual one of {} blocks: {} as the notebook counts. This is one draw of weights and one input; "
      "the studies gradient-flow and depth ask the same of many.",
      seed, ratio_text(result.plain), options.depth, ratio_text(result.residual), options.depth,
      result.improvement() > 1 ? fmt::format("ResNet is {:.1f} times better", result.improvement())
                               : fmt::format("ResNet is not better ({:.2g} times)", result.improvement())));
  report.section("Gradient flow");
  add_gradient_flow(report, result);
  add_patterns(report, options, result);
  add_identity(report, result);
  add_depths(report, result);
  add_takeaways(report, options, result);
  report.method(
      "One stream of numpy.random.RandomState numbers (MT19937, polar Gaussian) feeds the plain network's weights, the "
      "residual network's, an input for each, the patterns, the block of the identity, and the networks of each depth. "
      "The networks are graphs that the reference backend runs in double.");
  report.formula(
      {"y = F(x) + x,   F(x) = relu(W2 relu(W1 x + b1) + b2)\nW = randn(out, in) * sqrt(2 / in),   b = 0",
       "He et al. 2015, Deep residual learning, eq. 1; initialisation: He et al. 2015, Delving deep, eq. 10"});
  report.formula({"dL/dx = dL/dy (dF/dx + I)", "the notebook's last cell; He et al. 2016, Identity mappings, eq. 5"});
  return report;
}

}  // namespace resnet
