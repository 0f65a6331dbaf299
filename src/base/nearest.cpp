#include "base/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace resnet {
namespace {

/// Levenshtein's distance, one row of its table at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  const auto distance = [&](const std::string& other) { return edit_distance(name, other); };
  const auto best = std::ranges::min_element(known, {}, distance);
  return best == known.end() ? std::string() : *best;
}

}  // namespace

std::string did_you_mean(std::string_view name, std::span<const std::string> known) {
  const std::string nearest = nearest_name(name, known);
  const std::size_t letters = name.size() - std::min(name.find_first_not_of('-'), name.size());
  const bool near = !nearest.empty() && 2 * edit_distance(name, nearest) <= letters;
  return near ? "; did you mean " + nearest + "?" : "";
}

}  // namespace resnet
