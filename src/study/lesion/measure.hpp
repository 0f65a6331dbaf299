// What study "lesion" measures of one trained network: its error after units were deleted or exchanged, and its
// gradients by the length of their path.
#pragma once

#include "study/lesion/units.hpp"
#include "study/run.hpp"
#include "study/trained_networks.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

struct LesionSetting {
  int64_t draws = 5;    // of units to delete, or pairs to exchange, for each number of them
  int64_t paths = 200;  // sampled of each length
};

/// Fractions and the mean cross-entropy; the loss of a destroyed network may be infinite.
struct LesionScore {
  double error = 0, loss = 0;
};

struct SingleLesion {
  std::string name = {};
  std::size_t layer = 0;
  bool resamples = false;
  LesionScore score = {};
};

/// Several units deleted, or pairs of them exchanged one pair after the other.
struct DrawnLesion {
  int64_t count = 0;   // of units, or of pairs
  int64_t layers = 0;  // with weights, that were deleted
  double tau = 1;      // Kendall's, of the order
  LesionScore score = {};
};

/// Gradients |dL/dx| through paths of one length.
struct PathLength {
  int64_t length = 0;  // blocks whose branch the path takes
  double log10_paths = 0;
  double mean = 0, q1 = 0, median = 0, q3 = 0;
  int64_t vanished = 0;  // of the samples: exactly 0
};

struct LesionedNetwork {
  std::string name = {}, source = {};
  bool residual = false;
  std::size_t layers = 0, units = 0, classes = 0;
  LesionScore whole = {};
  std::vector<SingleLesion> single = {};
  std::vector<DrawnLesion> several = {}, exchanged = {};
  std::vector<PathLength> paths = {};  // of residual networks
  std::vector<std::string> untouched = {};

  /// What is left of the accuracy above chance (1 / classes), 1: all of it.
  double kept(const LesionScore& score) const;
  /// Whether there is enough above chance to lose.
  bool learnt() const;
};

/// All of it, in pieces. `images` are those that errors are measured on.
LesionedNetwork measure_lesions(StudyRun& run, const TrainedNetwork& network,
                                const std::shared_ptr<const Dataset>& images, const LesionSetting& setting);

Json to_json(const LesionedNetwork& network);

}  // namespace resnet
