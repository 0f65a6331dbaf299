// `resnet bench --against FILE`: has anything become slower than in an earlier measurement?
#pragma once

#include "cli/output.hpp"

#include <filesystem>
#include <vector>

namespace resnet::cli {

/// Of two measurements of the same row.
struct Comparison {
  Json before, now;    // rows of results
  double allowed = 0;  // images/s that it may be slower by chance
  bool slower() const;
};

/// Reads what `bench --json` wrote. Error (bad data): it is not that.
Json read_results(const std::filesystem::path& file);

/// The rows that both have, by model, mode, batch, precision, memory and threads. What is allowed by chance is twice
/// the deviation of the difference of two steps, and at least 5%.
std::vector<Comparison> compare_results(const Json& before, const Json& now);

/// Prints them. Error (failed), naming the first, if a row has become slower than chance allows.
void judge(const std::vector<Comparison>& comparisons, const std::filesystem::path& file, bool print);

}  // namespace resnet::cli
