// The formula behind residual networks, held against numbers: the Jacobian of y = F(x) + x is J_F + I, so that
// dL/dx = dL/dy (dF/dx + I) (He et al. 2016, "Identity mappings in deep residual networks", eq. 4 and 5).
#pragma once

#include <cstdint>
#include <vector>

namespace resnet {

/// A block with random weights and biases at a random point x. Row-major [width, width], row k the derivatives of
/// output k.
struct BlockJacobians {
  std::vector<double> of_block;   // of y by central differences: y is run, no gradient is used
  std::vector<double> of_branch;  // of F by reverse differentiation
};
BlockJacobians block_jacobians(int64_t width, uint64_t seed, uint64_t index);

struct JacobianCheck {
  int64_t blocks = 0;
  double largest_difference = 0;  // of an entry of J_y from that of J_F + I
  double largest_entry = 0;       // of J_y
};
JacobianCheck check_jacobians(int64_t width, int64_t blocks, uint64_t seed);

}  // namespace resnet
