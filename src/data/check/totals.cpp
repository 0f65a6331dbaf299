#include "data/check/totals.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace resnet {
namespace {

/// A class with less than this part of the largest class's images is called small.
constexpr int64_t imbalance_ratio = 10;
/// Shorter side of an image that is called tiny: below this, or below a quarter of the median (up to a side of 64, for
/// what is larger serves any network).
constexpr int tiny_side = 8, tiny_ratio = 4, never_tiny = 64;

std::string images_text(int64_t count) { return fmt::format("{} image{}", count, count == 1 ? "" : "s"); }

void find_missing_classes(const std::vector<std::vector<int64_t>>& counts, CheckResult& result) {
  const auto add = [&](Problem problem, std::string detail) {
    result.findings.push_back({.problem = problem, .images = {}, .detail = std::move(detail)});
  };
  if (result.classes.size() < 2) add(Problem::too_few_classes, fmt::format("{} class", result.classes.size()));
  const auto train = std::ranges::find(result.splits, "train");
  const bool named = train != result.splits.end();
  for (std::size_t split = 0; split < result.splits.size(); ++split) {
    const bool training = !named ? result.splits[split].empty() : result.splits[split] == "train";
    for (std::size_t label = 0; label < result.classes.size(); ++label) {
      if (counts[split][label] > 0) continue;
      const std::string where = result.splits[split].empty() ? "" : " in " + result.splits[split];
      add(training ? Problem::untrained_class : Problem::missing_class,
          fmt::format("class {}: no images{}", result.classes[label], where));
    }
  }
}

void find_imbalance(const std::vector<std::vector<int64_t>>& counts, CheckResult& result) {
  for (std::size_t split = 0; split < result.splits.size(); ++split) {
    const auto largest = std::ranges::max_element(counts[split]);
    if (largest == counts[split].end()) continue;
    const std::string& largest_class = result.classes[static_cast<std::size_t>(largest - counts[split].begin())];
    const std::string where = result.splits[split].empty() ? "" : result.splits[split] + ": ";
    for (std::size_t label = 0; label < result.classes.size(); ++label)
      if (counts[split][label] > 0 && counts[split][label] * imbalance_ratio < *largest)
        result.findings.push_back({.problem = Problem::imbalance,
                                   .images = {},
                                   .detail = fmt::format("{}class {} has {}, {} has {}", where, result.classes[label],
                                                         images_text(counts[split][label]), largest_class, *largest)});
  }
}

void find_odd_images(CheckResult& result) {
  std::vector<int> sides;
  int64_t grey = 0;
  for (const CheckedImage& image : result.images) {
    if (image.height == 0) continue;
    sides.push_back(std::min(image.height, image.width));
    grey += image.stored_grey;
  }
  if (sides.empty()) return;
  const auto middle = sides.begin() + static_cast<std::ptrdiff_t>(sides.size() / 2);
  std::ranges::nth_element(sides, middle);
  const bool mostly_colour = 2 * grey < static_cast<int64_t>(sides.size());
  for (std::size_t index = 0; index < result.images.size(); ++index) {
    const CheckedImage& image = result.images[index];
    const int side = std::min(image.height, image.width);
    if (side == 0) continue;
    const bool tiny = side < tiny_side || (side < never_tiny && side * tiny_ratio < *middle);
    const std::vector<int64_t> itself = {static_cast<int64_t>(index)};
    if (tiny) result.findings.push_back({Problem::tiny, itself, fmt::format("{} x {}", image.width, image.height)});
    if (image.stored_grey && mostly_colour) result.findings.push_back({Problem::grey_among_colour, itself, ""});
  }
}

}  // namespace

void find_in_totals(CheckResult& result) {
  const std::vector<std::vector<int64_t>> counts = result.counts();
  find_missing_classes(counts, result);
  find_imbalance(counts, result);
  find_odd_images(result);
}

}  // namespace resnet
