// `resnet bench --layers`: where the time of one step goes, node by node, beside what the machine could do.
#pragma once

#include "cli/measure.hpp"

#include <filesystem>

namespace resnet::cli {

enum class TableFormat { text, markdown, csv };

struct LayersRequest {
  BenchCase bench;
  TableFormat format = TableFormat::text;
  bool json = false;
  std::filesystem::path roofline = {};  // an SVG file to write; empty: none
};

/// Profiles steps for `bench.seconds`, and prints for each node the median time, the arithmetic and the traffic, as
/// parts of the ceilings measured beside it.
void show_layers(const LayersRequest& request);

}  // namespace resnet::cli
