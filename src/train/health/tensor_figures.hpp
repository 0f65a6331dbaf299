// Figures of one tensor [N, C, ...]: moments by channel, what a ReLU let through, what two gradients have in common.
#pragma once

#include "base/tensor.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace resnet {

struct ChannelMoments {
  std::vector<double> sum, squares;  // of each channel
  double count = 0;                  // numbers in each channel
  void add(const ChannelMoments& other);
  /// Over all channels together.
  double mean() const;
  double variance() const;
};
ChannelMoments channel_moments(const Tensor& tensor);

/// Which channels are positive somewhere, and how many numbers are 0.
struct Passed {
  std::vector<char> alive;
  double zeros = 0, count = 0;
  void add(const Tensor& tensor);
  double dead() const;
  double zero_part() const { return count > 0 ? zeros / count : 0; }
};

double dot(std::span<const float> a, std::span<const float> b);
/// 0 where one of them is 0.
double cosine(std::span<const float> a, std::span<const float> b);

/// Whether there are several rows w[k], and all are equal.
bool equal_rows(const Tensor& weight);

/// How far weights [units, ...] are from independent draws of one law, in standard deviations: by the energies (sums of
/// squares) of the units, of what each unit reads, and of the places of a kernel, and by the sums of the units. All of
/// a drawn layer differ by chance only; training gives some more than others. Far below 0: more alike than by chance.
double draw_departure(const Tensor& weight);

/// The mean cosine between the rows n and n + 1 of a tensor [N, ...]; not a number below 2 rows or where all are 0.
double neighbour_cosine(const Tensor& tensor);

}  // namespace resnet
