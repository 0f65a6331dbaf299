// What study "landscape" measures: the loss around a trained network and between two of them.
#pragma once

#include "study/run.hpp"
#include "study/trained_networks.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct LandscapeSetting {
  int64_t points = 21;       // along each side of the plane; odd, so that the network itself is one of them
  double extent = 1;         // the plane reaches from -extent to extent in both directions
  int64_t line_points = 21;  // from -1/2 to 3/2 between two solutions
};

struct LossAt {
  double loss = 0, error = 0;  // the loss may be infinite
};

/// The loss over a plane: rows along the second direction, columns along the first.
struct LossPlane {
  std::vector<double> steps;   // of both directions, ascending
  std::vector<LossAt> values;  // [steps, steps]
  const LossAt& at(std::size_t row, std::size_t column) const { return values[row * steps.size() + column]; }
  const LossAt& centre() const { return at(steps.size() / 2, steps.size() / 2); }
};

/// Along the line from one solution (0) to another of the same structure (1).
struct LossLine {
  std::string from = {}, to = {};
  bool residual = false;
  std::vector<double> steps = {};
  std::vector<LossAt> interpolated = {};  // with the running statistics on the line
  std::vector<LossAt> recomputed = {};    // with statistics of the images for each point; empty without batch norm
};

/// What the plane says of the surface. Bends are eigenvalues of the Hessian in the plane, by central differences.
struct PlaneSummary {
  int64_t inner = 0;     // points with neighbours on all sides whose losses are all finite
  double bent_down = 0;  // part of them with a smaller eigenvalue below -1/10 of the larger one's size
  double low_part = 0;   // part of all points whose loss is below that of guessing, log(classes)
  int64_t minima = 0;    // points below all eight neighbours
  double steepest = 0;   // largest change of log10(loss) from a point to the next one
};

struct SurroundedNetwork {
  std::string name, source;
  bool residual = false;
  std::size_t layers = 0, classes = 0;
  LossPlane plane;
  PlaneSummary summary;
};

struct LandscapeResult {
  std::vector<SurroundedNetwork> networks;
  std::vector<LossLine> lines;  // between networks of equal structure, each with the next one
};

/// In pieces: a row of a plane, a point of a line.
LandscapeResult measure_landscapes(StudyRun& run, const TrainedNetworks& networks,
                                   const std::shared_ptr<const Dataset>& images, const LandscapeSetting& setting);

PlaneSummary summary_of(const LossPlane& plane, std::size_t classes);

/// How far the line rises above the straight line between its ends, at most; 0 or more. None if no point is finite.
std::optional<double> barrier_of(const std::vector<double>& steps, const std::vector<LossAt>& values);

Json to_json(const LandscapeResult& result);

}  // namespace resnet
