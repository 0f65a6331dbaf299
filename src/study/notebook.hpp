// What the notebook computes, cell by cell, in double and with NumPy's numbers (docs/notebook.md goes through its
// statements one by one).
#pragma once

#include "study/jacobian.hpp"
#include "study/json.hpp"
#include "study/numpy_random.hpp"
#include "study/report.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace resnet {

/// What the notebook seeds NumPy with.
inline constexpr uint32_t notebook_seed = 42;

struct NotebookOptions {
  int64_t input_width = 16, width = 16, depth = 10;
  std::vector<int64_t> depths = {5, 10, 20, 30, 40};
  int64_t patterns = 30, pattern_size = 4;
  double noise = 0.1;    // of the patterns
  double scale = 0.001;  // of the weights of the block that is nearly the identity
};

/// Frobenius norms of one layer or block after a backward pass from ones; a block's dw and db are the means of its two
/// layers'.
struct NotebookRow {
  std::string name;  // "input", "hidden.0", "blocks.0", "blocks.0.linear1", "output"
  double output = 0, dw = 0, db = 0, dx = 0;
};

struct NotebookFlow {
  std::vector<double> norms;  // of dw: one for each layer of a plain network; input, blocks, output of a residual one
  std::vector<NotebookRow> rows;  // every layer, and before its two layers each block
  int64_t parameters = 0;
  /// Over the blocks: the largest |y - (F(x) + x)| / |y| and |dx - (branch + shortcut)| / |dx|, the least |dx| / |dy|.
  double largest_output_error = 0, largest_sum_error = 0, least_gain = 0;

  double first() const { return norms.front(); }
  double last() const { return norms.back(); }
};

struct NotebookDepth {
  int64_t depth = 0;
  double plain = 0, residual = 0;  // first / (last + 1e-10)
  double improvement() const { return plain / residual; }
};

struct NotebookResult {
  NotebookFlow plain, residual;
  std::vector<std::vector<double>> images;  // [patterns][size * size]
  std::vector<int> labels;
  std::vector<double> identity_input, identity_output;  // [width]
  double input_norm = 0, output_norm = 0, identity_error = 0;
  std::vector<NotebookDepth> depths;
  JacobianCheck jacobian = {};  // of blocks of the same width, drawn apart from the notebook's stream

  double improvement() const { return plain.first() / plain.last() / (residual.first() / residual.last()); }
};

/// All cells in their order on one stream of random numbers. `between` is called now and then, and may throw to stop.
NotebookResult run_notebook(const NotebookOptions& options, NumpyRandom& random, const std::function<void()>& between);

Json to_json(const NotebookResult& result);
/// What the notebook prints, and its takeaways beside the evidence that `report` found.
std::string printed_lines(const NotebookOptions& options, const NotebookResult& result, const StudyReport& report);
StudyReport notebook_report(const NotebookOptions& options, const NotebookResult& result, uint64_t seed);

}  // namespace resnet
