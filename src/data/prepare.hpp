// From a picture of any size to what a network sees. Evaluation during training, `eval` and `predict` all call
// prepare(), training calls training_picture(); there is no other way in.
#pragma once

#include "base/preprocessing.hpp"
#include "base/random.hpp"
#include "data/dataset.hpp"
#include "data/image.hpp"
#include "data/transforms.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace resnet {

/// The shorter side before the crop: `resize`, or what just fills the crop where that is 0.
int resized_side(const Preprocessing& preprocessing);

/// Shorter side resized, centre cut out: height x width of `preprocessing`, with its channels. An image of that size
/// whose shorter side is resized_side() comes back as it is.
Image prepare(const Image& image, const Preprocessing& preprocessing);

/// Image `index` for training, of the size of `preprocessing`: a random resized crop, decoded no further than it needs,
/// or what prepare() shows, padded and cropped; then random_change(). The seconds until the
/// picture is decoded are added to `decoding`. Error (bad data): it cannot be decoded.
Image training_picture(const Dataset& dataset, int64_t index, const Preprocessing& preprocessing,
                       const Augmentation& augmentation, Rng& rng, double* decoding = nullptr);

/// Image `index` as evaluation and prediction see it. Error (bad data): it cannot be decoded.
Image evaluation_picture(const Dataset& dataset, int64_t index, const Preprocessing& preprocessing,
                         double* decoding = nullptr);

/// Whether the images of `dataset` need nothing but normalisation: one size, which is that of the network.
bool fits(const Dataset& dataset, const Preprocessing& preprocessing);

/// Interleaved pixels into planes [C, H, W].
void to_planes(const Image& image, std::span<uint8_t> planes);

/// `dataset` as a set of images of one size, each made by evaluation_picture() when it is read; `dataset` itself where
/// it fits already.
std::shared_ptr<const Dataset> prepared(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing);

}  // namespace resnet
