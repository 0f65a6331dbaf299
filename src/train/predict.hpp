// What a network says of photos: the path of an evaluation, with files that have no labels.
#pragma once

#include "data/dataset.hpp"
#include "data/views.hpp"
#include "formats/open_model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

struct PredictRequest {
  std::string model;                // a file of a network, or a run directory (its best)
  std::vector<std::string> images;  // files, or folders and tar files, whose images are all taken
  int top_k = 5;                    // classes named of each image
  int threads = 0;
  Views views = {};       // what is shown of each photo
  OpenOptions open = {};  // what a foreign file does not say itself
};

struct ClassProbability {
  std::string label;
  double probability = 0;
};

struct Prediction {
  std::string file;
  std::vector<ClassProbability> classes;  // the most probable first; of equals the first in the model's order
};

struct Predictions {
  std::vector<Prediction> images;  // in the order of the request, those of a folder sorted by name
  std::vector<BadImage> bad;       // what could not be predicted
};

/// Photos go through the preprocessing that the model file holds (ImageNet's where a foreign file holds none, which is
/// said). A file that cannot be decoded is no Error. Error (bad
/// model): see load_model; (interrupted): Ctrl-C.
Predictions predict(const PredictRequest& request);

}  // namespace resnet
