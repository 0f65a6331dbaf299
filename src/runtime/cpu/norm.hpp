// What the two lowerings of batch norm share.
#pragma once

#include "runtime/cpu/lowering.hpp"

#include <cmath>

namespace resnet::cpu {

struct ScaleShift {
  float scale = 0, shift = 0;
};

/// scale = gamma / sqrt(var + epsilon), shift = beta - mean scale: one function, so that the mask of the backward pass
/// is the forward pass's to the bit.
inline ScaleShift norm_terms(float epsilon, float gamma, float beta, float mean, float var) {
  const double factor = double{gamma} / std::sqrt(double{var} + double{epsilon});
  return {static_cast<float>(factor), static_cast<float>(double{beta} - double{mean} * factor)};
}

/// Mean and sum of squares about it of several parts (Chan, Golub & LeVeque 1979).
struct JoinedMoments {
  double count = 0, mean = 0, squares = 0;

  void add(double number, double part_mean, double part_squares) {
    const double difference = part_mean - mean;
    mean += difference * number / (count + number);
    squares += part_squares + difference * difference * count * number / (count + number);
    count += number;
  }
};

/// dx = scale dy + slope (x - mean) + offset.
struct SlopeOffset {
  float slope = 0, offset = 0;
};

/// dx = scale (dy - dbeta / n - (x - mean) / sqrt(var + epsilon) dgamma / n).
inline SlopeOffset slope_and_offset(float epsilon, float scale, float var, float dgamma, float dbeta, double count) {
  const double deviation = std::sqrt(double{var} + double{epsilon});
  return {static_cast<float>(-double{scale} * double{dgamma} / (deviation * count)),
          static_cast<float>(-double{scale} * double{dbeta} / count)};
}

// Of images that lie batch-inner (norm_amx.cpp). `constant_statistics`: mean and var do not depend on x.
void lower_norm_on_amx(const BatchNorm& op, const Node& node, Lowering& to);
void lower_norm_on_amx(const BatchNormInference& op, const Node& node, Lowering& to);
void lower_norm_gradient_on_amx(float epsilon, bool relu, bool constant_statistics, const Node& node, Lowering& to);

}  // namespace resnet::cpu
