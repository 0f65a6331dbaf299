// What study "identity" found: its tables, its figures, and what was claimed beside it.
#include "study/identity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

Finding decided(bool holds) { return holds ? Finding::holds : Finding::fails; }

std::string short_number(double value) { return fmt::format("{:.3g}", value); }

void add_point(Series& series, double x, const Summary& y) {
  series.x.push_back(x);
  series.y.push_back(y.median);
  series.low.push_back(y.q1);
  series.high.push_back(y.q3);
}

const char* long_name(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::plain: return "plain";
    case IdentityKind::residual: return "residual, He's weights";
    case IdentityKind::near_identity: break;
  }
  return "residual, branches near 0";
}

void add_scaling(StudyReport& report, const IdentityOptions& options, const IdentityScaling& scaling) {
  report.section("A block with small weights",
                 fmt::format("{} draws of weights and input, {} units. Every matrix of the branch is multiplied by the "
                             "scale; the notebook's block has two.",
                             options.trials, options.width));
  LineChart chart{.title = "How far a block is from the identity",
                  .x_label = "scale of the weights",
                  .y_label = "|F(x) + x - x| / |x|",
                  .x_scale = Scale::logarithmic,
                  .y_scale = Scale::logarithmic};
  for (const BranchErrors& branch : scaling.branches) {
    Series series{.name = fmt::format("{} {} in F: slope {}", branch.layers, branch.layers == 1 ? "matrix" : "matrices",
                                      slope_text(branch.slope))};
    for (std::size_t k = 0; k < scaling.scales.size(); ++k) add_point(series, scaling.scales[k], branch.relative[k]);
    chart.series.push_back(std::move(series));
  }
  report.figure("error-over-scale", draw(chart), "Medians, bands from the lower to the upper quartile.", true);
  report.table(
      scaling_table(scaling),
      fmt::format("At scale {}: |x| {}, |F(x) + x| {}, |F(x) + x - x| {}: medians with quartiles.", options.scale,
                  quartile_text(scaling.input_norm), quartile_text(scaling.output_norm), quartile_text(scaling.error)));
}

void add_curves(StudyReport& report, const IdentityOptions& options, const IdentityResult& result) {
  report.section("Learning the identity",
                 fmt::format("{} networks of each kind and depth, each {} steps with the learning rate that was best "
                             "for its kind and depth. An error of 1 is that of a network that always answers 0.",
                             options.seeds, options.steps));
  for (const int64_t depth : options.depths) {
    LineChart chart{.title = fmt::format("Loss at depth {}", depth),
                    .x_label = "step",
                    .y_label = "mean squared error",
                    .y_scale = Scale::logarithmic};
    for (const LearnedIdentity& learned : result.learned) {
      if (learned.depth != depth) continue;
      Series series{.name = long_name(learned.kind)};
      for (std::size_t point = 0; point < learned.steps.size(); ++point)
        add_point(series, learned.steps[point], learned.at_point(point));
      chart.series.push_back(std::move(series));
    }
    report.figure(fmt::format("loss-depth-{}", depth), draw(chart),
                  depth == 2 && options.count == "layers" ? "Without blocks the three kinds are one network: a control."
                                                          : "Medians over the seeds, bands between the quartiles.");
  }
}

void add_depths(StudyReport& report, const IdentityOptions& options, const IdentityResult& result, uint64_t seed) {
  LineChart errors{
      .title = "Final error against depth",
      .x_label = options.count == "layers" ? "depth (layers with weights)" : "depth (plain layers, or residual blocks)",
      .y_label = "mean squared error",
      .y_scale = Scale::logarithmic};
  LineChart branches{.title = "How large the branches are",
                     .x_label = errors.x_label,
                     .y_label = "|F(x)| / |x|, median of blocks",
                     .y_scale = Scale::logarithmic};
  for (const IdentityKind kind : identity_kinds) {
    Series error{.name = long_name(kind)};
    Series start{.name = std::string(long_name(kind)) + ", at the start"},
        end{.name = std::string(long_name(kind)) + ", trained"};
    for (const LearnedIdentity& learned : result.learned) {
      if (learned.kind != kind) continue;
      const auto depth = static_cast<double>(learned.depth);
      add_point(error, depth, quartiles(learned.finals));
      if (kind == IdentityKind::plain || learned.layers == 2) continue;
      add_point(start, depth, quartiles(learned.branch_at_start));
      add_point(end, depth, quartiles(learned.branch_at_end));
    }
    errors.series.push_back(std::move(error));
    if (start.x.empty()) continue;
    branches.series.push_back(std::move(start));
    branches.series.push_back(std::move(end));
  }
  report.figure("error-over-depth", draw(errors),
                "Mean over the last tenth of the steps; medians, bands between the quartiles.", true);
  if (!branches.series.empty())
    report.figure(
        "branches", draw(branches),
        "The branch beside the shortcut, before and after training, on inputs of its own; trainings that diverged are "
        "left out.",
        true);
  report.table(learning_table(result, seed));
  report.note(learning_note(result));
}

/// How one residual kind did against the plain networks over all depths at which they differ.
struct Against {
  IdentityKind kind;
  std::vector<int64_t> better, worse, level, open;  // open: without an interval
  std::string factors;

  std::size_t depths() const { return better.size() + worse.size() + level.size() + open.size(); }
};

Against against_plain(const IdentityResult& result, IdentityKind kind, uint64_t seed) {
  Against against{kind, {}, {}, {}, {}, {}};
  for (const LearnedIdentity& learned : result.learned) {
    if (learned.kind != kind || learned.layers == 2) continue;
    const Summary ratio = compare(result.plain_at(learned.depth), learned, seed).log_ratio;
    auto& found = !ratio.has_interval() ? against.open
                  : ratio.low > 0       ? against.better
                  : ratio.high < 0      ? against.worse
                                        : against.level;
    found.push_back(learned.depth);
    against.factors += fmt::format("{}{} at depth {}", against.factors.empty() ? "" : ", ",
                                   short_number(std::pow(10, ratio.median)), learned.depth);
  }
  return against;
}

std::string sentence_of(const Against& against) {
  const auto list = [](const std::vector<int64_t>& depths) { return fmt::format("{}", fmt::join(depths, ", ")); };
  std::string text =
      fmt::format("{}{}: ", static_cast<char>(std::toupper(long_name(against.kind)[0])), long_name(against.kind) + 1);
  if (!against.better.empty())
    text += fmt::format("learn the identity better than plain ones at depth {}; ", list(against.better));
  if (!against.worse.empty()) text += fmt::format("worse at depth {}; ", list(against.worse));
  if (!against.level.empty()) text += fmt::format("no difference beyond chance at depth {}; ", list(against.level));
  if (!against.open.empty()) text += fmt::format("not judged at depth {}, too few seeds; ", list(against.open));
  return text + fmt::format("plain error / error is {}.", against.factors);
}

void add_learning_claims(StudyReport& report, const IdentityResult& result, uint64_t seed) {
  for (const IdentityKind kind : {IdentityKind::residual, IdentityKind::near_identity}) {
    const Against against = against_plain(result, kind, seed);
    if (against.depths() == 0) continue;
    report.verdict(sentence_of(against));
    report.claim({"He et al. 2015, 3.1; the notebook's takeaways",
                  fmt::format("If an identity mapping were optimal, it would be easier to push the residual to zero "
                              "than to fit an identity by a stack of nonlinear layers. ({})",
                              long_name(kind)),
                  sentence_of(against),
                  against.better.size() == against.depths()  ? Finding::holds
                  : against.worse.size() == against.depths() ? Finding::fails
                                                             : Finding::undecided});
  }
  const auto by_depth = [&](IdentityKind kind, bool deepest) {
    const LearnedIdentity* found = nullptr;
    for (const LearnedIdentity& learned : result.learned)
      if (learned.kind == kind && (!found || (learned.depth > found->depth) == deepest)) found = &learned;
    return found;
  };
  const LearnedIdentity *shallow = by_depth(IdentityKind::plain, false), *deep = by_depth(IdentityKind::plain, true);
  if (shallow == deep) return;
  const Summary first = shallow->summary(seed), last = deep->summary(seed);
  report.claim(
      {"He et al. 2015, 1",
       "A deeper plain network has a solution by construction (added layers that are the identity), but solvers "
       "do not find one that is as good as the shallower network's.",
       fmt::format("Plain networks end at {} at depth {} and at {} at depth {}.", quartile_text(first), shallow->depth,
                   quartile_text(last), deep->depth),
       last.low > first.high   ? Finding::holds
       : last.high < first.low ? Finding::fails
                               : Finding::undecided});
}

void add_branch_claim(StudyReport& report, const IdentityResult& result) {
  std::string found;
  bool all_smaller = true, enough = true, any = false;
  for (const LearnedIdentity& learned : result.learned) {
    if (learned.kind != IdentityKind::residual || learned.layers == 2) continue;
    const double start = quartiles(learned.branch_at_start).median, end = quartiles(learned.branch_at_end).median;
    if (!std::isfinite(end)) continue;  // all diverged
    found += fmt::format("{}{:.3g} to {:.3g} at depth {}", any ? ", " : "", start, end, learned.depth);
    all_smaller = all_smaller && end < start;
    enough = enough && learned.finals.size() >= fewest_for_interval;
    any = true;
  }
  if (any)
    report.claim({"notebook, \"learned residual ≈ 0\"; He et al. 2015, figure 7",
                  "Learned residual functions have small responses.",
                  "|F(x)| / |x| of residual networks with He's weights went from " + found + " in training.",
                  enough ? decided(all_smaller) : Finding::undecided});
}

void add_methods(StudyReport& report, const IdentityOptions& options) {
  report.method(fmt::format(
      "Block: the reference backend in double; the error is |(F(x) + x) - x|, as the notebook computes it. Slopes are "
      "least squares over the logarithms. Since relu(c a) = c relu(a) for c > 0 and there are no biases, F with k "
      "matrices is exactly proportional to scale^k; what is left is rounding."));
  report.method(fmt::format(
      "Learning: normal inputs of {0} numbers, {1} new ones in each step, so that every loss is on inputs not seen "
      "before; mean squared error; SGD with momentum 0.9 in single precision. Hidden layers have {2} = 2 x {0} units: "
      "x = relu(x) - relu(-x), so networks of every depth and kind can represent the identity without error.",
      options.width, options.batch, 2 * options.width));
  report.method(
      "All weights start as the notebook's, He's normal ones with zero biases, and near-identity networks multiply "
      "those of the branches by --scale, as the notebook does with its block. Networks with equal seeds have equal "
      "first and last layers and see equal inputs. For each kind and depth the learning rate is the one of "
      "fourteen (1 to 1e-10) whose largest final error over five other seeds is the smallest, or among equals the "
      "median. A training whose loss leaves what "
      "single precision can hold is stopped and counts as an error of 1e15.");
  report.formula({"y = F(x) + x,   F(x) = relu(W2 relu(W1 x))\nW = scale * randn(n, n) * sqrt(2 / n)",
                  "He et al. 2015, Deep residual learning, eq. 1; the notebook's identity cell"});
  report.formula({"L = mean((y(x) - x)^2),   x ~ N(0, I)", "the identity as the target of He et al. 2015, 3.1"});
}

}  // namespace

StudyReport identity_report(const IdentityOptions& options, const IdentityResult& result, uint64_t seed) {
  const IdentityScaling& scaling = result.scaling;
  StudyReport report("identity", "How near is the identity, and is it easier to learn?");
  report.question(
      "The notebook scales the weights of one residual block down and finds it nearly the identity; it only claims "
      "that "
      "the identity is easier to learn with a shortcut. How near over many draws, how does the error grow with the "
      "scale, and which networks learn to give back their input?");
  const BranchErrors& block = scaling.branches[1];
  report.highlight("|F(x)| / |x| at scale " + short_number(options.scale), short_number(scaling.relative.median));
  report.highlight("slope over scale, two matrices", slope_text(block.slope));
  report.verdict(fmt::format(
      "With weights times {}, |F(x)| / |x| has median {} ({}) and quartiles {} and {} over {} blocks. "
      "The "
      "error grows with the power {} of the scale for two matrices, {} for one and {} for three.",
      options.scale, short_number(scaling.relative.median),
      scaling.relative.has_interval() ? "95 % interval " + interval_text(scaling.relative)
                                      : too_few_text(scaling.relative.count, "block"),
      short_number(scaling.relative.q1), short_number(scaling.relative.q3), options.trials, slope_text(block.slope),
      slope_text(scaling.branches[0].slope), slope_text(scaling.branches[2].slope)));
  report.claim({"notebook, identity cell", "With near-zero weights a residual block is nearly the identity.",
                fmt::format("|F(x)| / |x| at scale {}: {}.", options.scale, quartile_text(scaling.relative)),
                scaling.relative.has_interval() ? decided(scaling.relative.q3 < 0.01) : Finding::undecided});
  add_scaling(report, options, scaling);
  add_curves(report, options, result);
  add_depths(report, options, result, seed);
  add_learning_claims(report, result, seed);
  add_branch_claim(report, result);
  add_methods(report, options);
  return report;
}

}  // namespace resnet
