// What happens to an image between the file and the network: pad-and-crop, flip, normalisation. Each is a pure function
// of its arguments and its random stream; the loader uses the fused form, which reads every pixel once.
#pragma once

#include "base/preprocessing.hpp"
#include "base/random.hpp"
#include "base/shape.hpp"
#include "data/augment/augmentation.hpp"
#include "data/image.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace resnet {

/// out = a window of [C, H, W] at a random place of `pixels` [C, H, W] padded by `pad` zeros on each side.
/// Draws the row, then the column. `out` must not overlap `pixels`.
void pad_and_crop(std::span<const uint8_t> pixels, const Shape& image, int pad, Rng& rng, std::span<uint8_t> out);

/// Mirrors `pixels` [C, H, W] left and right with probability one half, in place.
void random_flip(std::span<uint8_t> pixels, const Shape& image, Rng& rng);

/// The network's value of each of the 256 pixel values, per channel: (x / 255 - mean) / deviation.
using NormalisationTable = std::vector<std::array<float, 256>>;
NormalisationTable normalisation_table(const Preprocessing& preprocessing);

/// out[c, h, w] = table[c][pixels[c, h, w]]
void normalise(std::span<const uint8_t> pixels, const Shape& image, const NormalisationTable& table,
               std::span<float> out);

/// The same of a decoded picture, whose channels are interleaved. out: [C, H, W]
void normalise(const Image& image, const NormalisationTable& table, std::span<float> out);

/// [C, H, W] as a picture with interleaved channels.
Image image_of(std::span<const uint8_t> pixels, const Shape& image);

/// Augments pixels [C, H, W] and normalises them. Where the augmentation only moves pixels that is
/// normalise(random_flip(pad_and_crop(pixels))) in one pass, with the same draws from `rng`; otherwise random_crop,
/// random_change and finish.
void augment_and_normalise(std::span<const uint8_t> pixels, const Shape& image, const Augmentation& augmentation,
                           Rng& rng, const NormalisationTable& table, std::span<float> out);

/// Normalises a picture that is otherwise done: with lighting, and a random rectangle at the mean colour (0). Draws for
/// what the augmentation asks for only. out: [C, H, W]
void finish(const Image& image, const Augmentation& augmentation, Rng& rng, const NormalisationTable& table,
            std::span<float> out);

}  // namespace resnet
