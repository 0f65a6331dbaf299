// What the trainings of study "identity" say together: summaries, comparisons seed by seed, tables.
#include "study/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

std::string factor_text(const Summary& log_ratio) {
  const Summary factor = powers_of_ten(log_ratio);
  return fmt::format("{:.3g}{}", factor.median, factor.has_interval() ? " (" + interval_text(factor) + ")" : "");
}

}  // namespace

std::string quartile_text(const Summary& summary) {
  return fmt::format("{:.3g} ({:.3g} to {:.3g})", summary.median, summary.q1, summary.q3);
}

std::string interval_text(const Summary& summary) {
  return summary.has_interval() ? fmt::format("{:.3g} to {:.3g}", summary.low, summary.high) : "none";
}

std::string_view name_of(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::plain: return "plain";
    case IdentityKind::residual: return "residual";
    case IdentityKind::near_identity: break;
  }
  return "near-identity";
}

int64_t LearnedIdentity::diverged() const {
  return std::ranges::count_if(finals, [](double error) { return error >= diverged_loss / 1000; });
}

Summary LearnedIdentity::summary(uint64_t seed) const {
  return summarise(finals, Rng(seed, "identity/final", {static_cast<uint64_t>(depth)}));
}

Summary LearnedIdentity::at_point(std::size_t point) const {
  std::vector<double> values;
  for (const std::vector<double>& curve : curves) values.push_back(curve.at(point));
  return quartiles(values);
}

IdentityComparison compare(const LearnedIdentity& plain, const LearnedIdentity& residual, uint64_t seed) {
  std::vector<double> ratios;
  int64_t better = 0;
  for (std::size_t k = 0; k < plain.finals.size(); ++k) {
    better += residual.finals[k] < plain.finals[k];
    ratios.push_back(std::log10(plain.finals[k] / residual.finals[k]));
  }
  const auto kind = static_cast<uint64_t>(residual.kind), depth = static_cast<uint64_t>(residual.depth);
  return {static_cast<double>(better) / static_cast<double>(plain.finals.size()),
          summarise(ratios, Rng(seed, "identity/ratio", {kind, depth}))};
}

const LearnedIdentity& IdentityResult::plain_at(int64_t depth) const {
  return *std::ranges::find_if(
      learned, [&](const LearnedIdentity& one) { return one.kind == IdentityKind::plain && one.depth == depth; });
}

std::string slope_text(double slope) { return std::isnan(slope) ? "none" : fmt::format("{:.4f}", slope); }

Table scaling_table(const IdentityScaling& scaling) {
  std::vector<Column> columns = {{"scale", Align::right}};
  for (const BranchErrors& branch : scaling.branches)
    columns.push_back({fmt::format("{} {}", branch.layers, branch.layers == 1 ? "matrix" : "matrices"), Align::right});
  columns.push_back({"95 % interval, 2 matrices", Align::right});
  Table table(std::move(columns));
  for (std::size_t k = 0; k < scaling.scales.size(); ++k) {
    std::vector<std::string> row = {fmt::format("{}", scaling.scales[k])};
    for (const BranchErrors& branch : scaling.branches) row.push_back(quartile_text(branch.relative[k]));
    row.push_back(interval_text(scaling.branches[1].relative[k]));
    table.row(std::move(row));
  }
  std::vector<std::string> slopes = {"slope"};
  for (const BranchErrors& branch : scaling.branches) slopes.push_back(slope_text(branch.slope));
  slopes.emplace_back();
  table.row(std::move(slopes));
  return table;
}

Table learning_table(const IdentityResult& result, uint64_t seed) {
  Table table({{"depth", Align::right},
               {"kind"},
               {"layers", Align::right},
               {"rate", Align::right},
               {"error", Align::right},
               {"diverged", Align::right},
               {"seeds better", Align::right},
               {"x better", Align::right}});
  for (const LearnedIdentity& plain : result.learned) {
    if (plain.kind != IdentityKind::plain) continue;
    for (const LearnedIdentity& learned : result.learned) {
      if (learned.depth != plain.depth) continue;
      std::vector<std::string> row = {std::to_string(learned.depth),
                                      std::string(name_of(learned.kind)),
                                      std::to_string(learned.layers),
                                      fmt::format("{:g}", learned.rate),
                                      quartile_text(quartiles(learned.finals)),
                                      std::to_string(learned.diverged())};
      if (learned.kind == IdentityKind::plain) {
        row.insert(row.end(), {"", ""});
      } else if (learned.layers == 2) {
        row.insert(row.end(), {"", "no blocks"});
      } else {
        const IdentityComparison comparison = compare(plain, learned, seed);
        row.insert(row.end(), {fmt::format("{:.0f} %", 100 * comparison.better), factor_text(comparison.log_ratio)});
      }
      table.row(std::move(row));
    }
  }
  return table;
}

std::string learning_note(const IdentityResult& result) {
  const std::size_t seeds = result.learned.front().finals.size();
  std::string note =
      "Error: median with quartiles over the seeds. x better: median of plain error / error at the same seed, with the "
      "bootstrap interval of that median";
  note += seeds < fewest_for_interval ? "; none here: " + too_few_text(seeds, "seed") + "." : ".";
  const bool control = std::ranges::any_of(result.learned, [](const LearnedIdentity& learned) {
    return learned.kind != IdentityKind::plain && learned.layers == 2;
  });
  return note + (control ? " Without blocks a residual network is the plain one." : "");
}

}  // namespace resnet
