// One way in for every file that holds a network or weights: this program's own model files, safetensors and PyTorch
// files of others, ONNX. Foreign weights say nothing of structure, classes and preprocessing: what the caller does not
// say is guessed where only one guess is possible, and every guess is put into words.
#pragma once

#include "formats/model_file.hpp"
#include "formats/weight_mapping.hpp"

#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// What a user says of a foreign file.
struct OpenOptions {
  std::string model = {};  // architecture of weights without one: a name of the zoo, or a file whose structure is taken
  ModelOptions variant = {};
  std::vector<float> mean = {}, deviation = {};  // empty: not said
  std::optional<ImageSize> size = {};            // channels 0: the file's own
  bool where_needed = false;  // ignored by files that say these things themselves, instead of refused
};

struct OpenedModel {
  ModelInfo info;
  State state;
  int64_t num_batches_tracked = 0;
  bool classes_known = true;            // false: "0", "1", ... stand for them
  bool preprocessing_known = true;      // false: mean 0 and deviation 1 stand for it
  std::vector<std::string> notes = {};  // what was found and guessed, a line each
};

/// Error (usage): options that the file leaves no room for, a list of another length than channels. Error (bad model):
/// the file cannot be read, fits no or several architectures, or not the named one.
OpenedModel open_model(const fs::path& path, const OpenOptions& options = {});

/// The structure that `text` stands for: a file (its own, or the only one that fits), else a name of the zoo.
ModelSpec structure_of(const std::string& text, const ModelOptions& variant);

/// Whether the file holds weights alone, without a structure of its own.
bool is_bare_weights(const fs::path& path);

/// The same structure for other classes and images. Error (usage): it cannot have them.
ModelSpec with_ends(ModelSpec spec, int classes, const ImageSize& input);

/// All weights of a file of any kind, the optimizer's left out.
WeightsFile weights_of(const fs::path& path);

/// The rows of the zoo whose network has these tensors, with the file's number of classes and channels.
std::vector<ModelSpec> fitting_models(const WeightsFile& file);

}  // namespace resnet
