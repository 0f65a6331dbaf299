// Where a network's weights are moved to: along random directions whose filters have the norms of the network's own
// (Li et al. 2018, section 4), and along the line to another solution.
#pragma once

#include "models/model.hpp"
#include "runtime/state.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace resnet {

/// A change of every weight, by name; f32 tensors of the weights' shapes.
using Direction = std::map<std::string, Tensor>;

/// Gaussian numbers, each filter scaled to the Frobenius norm of the network's filter at its place: a filter is what
/// makes one output channel, of a linear layer what makes one unit. Biases and the parameters of batch norm, which have
/// one number for each channel, do not move; nor do statistics. A pure function of (seed, index, names, shapes, norms).
Direction filter_normalised_direction(const ModelSpec& spec, const State& state, uint64_t seed, uint64_t index);

/// Sets `moved`, which has the network's tensors, to state + x a + y b.
void move(State& moved, const State& state, const Direction& a, double x, const Direction& b, double y);

/// Sets `moved` to (1 - t) a + t b: weights, biases, batch norm's parameters and running statistics. Beyond the ends a
/// running variance stays at 0 where it would become negative.
void move_between(State& moved, const State& a, const State& b, double t);

}  // namespace resnet
