// `resnet bench --charts DIR`: how speed and memory grow with what the measured rows differ in.
#pragma once

#include "cli/measure.hpp"
#include "cli/output.hpp"

#include <filesystem>
#include <vector>

namespace resnet::cli {

/// Writes DIR/images-by-AXIS.svg and DIR/memory-by-AXIS.svg for each AXIS (depth, batch, threads) of which the results
/// have several values: a curve for each mode and precision, and for each further difference. The depth is that of
/// `weight_layers`. Error (usage): the rows differ in none of them.
void write_charts(const Json& results, const std::filesystem::path& folder);

/// The same error before anything has been measured.
void expect_axes(const std::vector<BenchCase>& cases);

}  // namespace resnet::cli
