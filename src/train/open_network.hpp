// MODEL, as every verb understands it: a run directory, a file of a network or of weights, or the name of published
// weights that `resnet fetch` has put into the cache.
#pragma once

#include "formats/open_model.hpp"

#include <string>

namespace resnet {

/// Whether `text` names published weights, fetched or not, and no file or folder.
bool is_published_weights(const std::string& text);

/// What was found and guessed is logged. Published weights have ImageNet's classes and torchvision's preprocessing.
/// Error (usage): they have not been fetched, and see open_model(); (bad model, bad data): see open_model() and
/// open_run().
OpenedModel open_network(const std::string& text, const OpenOptions& options = {});

}  // namespace resnet
