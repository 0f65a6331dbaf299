// The fused augmentation against plain definitions written out pixel by pixel.
#include "data/transforms.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace resnet {
namespace {

const Shape image{3, 5, 7};

std::vector<uint8_t> numbered_pixels() {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(image.elements()));
  std::iota(pixels.begin(), pixels.end(), uint8_t{1});
  return pixels;
}

uint8_t pixel_or_zero(const std::vector<uint8_t>& pixels, int64_t c, int64_t h, int64_t w) {
  if (h < 0 || h >= image[1] || w < 0 || w >= image[2]) return 0;
  return pixels[static_cast<std::size_t>((c * image[1] + h) * image[2] + w)];
}

Preprocessing preprocessing() {
  return {.channels = 3, .height = 5, .width = 7, .mean = {0.4f, 0.5f, 0.6f}, .deviation = {0.2f, 0.25f, 0.3f}};
}

TEST(Transforms, PadAndCropTakesAWindowOfThePaddedImage) {
  const std::vector<uint8_t> pixels = numbered_pixels();
  for (const int pad : {0, 1, 4, 9})
    for (uint64_t key = 0; key < 50; ++key) {
      std::vector<uint8_t> out(pixels.size(), 77);
      Rng rng(key), same(key);
      pad_and_crop(pixels, image, pad, rng, out);
      const int64_t row = pad == 0 ? 0 : same.below(2 * pad + 1) - pad;
      const int64_t column = pad == 0 ? 0 : same.below(2 * pad + 1) - pad;
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t h = 0; h < 5; ++h)
          for (int64_t w = 0; w < 7; ++w)
            ASSERT_EQ(out[static_cast<std::size_t>((c * 5 + h) * 7 + w)], pixel_or_zero(pixels, c, h + row, w + column))
                << "pad " << pad << " key " << key;
      ASSERT_EQ(rng.bits64(), same.bits64()) << "draws the row and the column, nothing else";
    }
}

TEST(Transforms, CropReachesEveryPlace) {
  std::vector<uint8_t> pixels(static_cast<std::size_t>(image.elements()), 0), out(pixels.size());
  pixels[2 * 7 + 3] = 255;  // the centre of the first channel
  std::set<std::ptrdiff_t> places;
  for (uint64_t key = 0; key < 400; ++key) {
    Rng rng(key);
    pad_and_crop(pixels, image, 1, rng, out);
    places.insert(std::find(out.begin(), out.end(), 255) - out.begin());
  }
  EXPECT_EQ(places.size(), 9u);
}

TEST(Transforms, FlipMirrorsHalfOfTheTime) {
  const std::vector<uint8_t> pixels = numbered_pixels();
  int flipped = 0;
  for (uint64_t key = 0; key < 1000; ++key) {
    std::vector<uint8_t> out = pixels;
    Rng rng(key);
    random_flip(out, image, rng);
    if (out == pixels) continue;
    ++flipped;
    for (int64_t row = 0; row < 15; ++row)
      for (int64_t w = 0; w < 7; ++w)
        ASSERT_EQ(out[static_cast<std::size_t>(row * 7 + w)], pixels[static_cast<std::size_t>(row * 7 + 6 - w)]);
  }
  EXPECT_NEAR(flipped, 500, 80);  // five deviations
}

TEST(Transforms, NormaliseScalesByMeanAndDeviation) {
  const std::vector<uint8_t> pixels = numbered_pixels();
  std::vector<float> out(pixels.size());
  const Preprocessing p = preprocessing();
  normalise(pixels, image, normalisation_table(p), out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t c = i / 35;
    ASSERT_NEAR(out[i], (static_cast<float>(pixels[i]) / 255 - p.mean[c]) / p.deviation[c], 1e-6);
  }
}

TEST(Transforms, FusedEqualsTheThreeInTurn) {
  const std::vector<uint8_t> pixels = numbered_pixels();
  const NormalisationTable table = normalisation_table(preprocessing());
  for (const Augmentation& augmentation : {Augmentation{4, true}, {0, true}, {2, false}, {9, true}, {0, false}})
    for (uint64_t key = 0; key < 100; ++key) {
      std::vector<uint8_t> moved(pixels.size());
      std::vector<float> expected(pixels.size()), fused(pixels.size(), -99);
      Rng rng(key), same(key);
      pad_and_crop(pixels, image, augmentation.pad, rng, moved);
      if (augmentation.flip) random_flip(moved, image, rng);
      normalise(moved, image, table, expected);
      augment_and_normalise(pixels, image, augmentation, same, table, fused);
      ASSERT_EQ(fused, expected) << "pad " << augmentation.pad << " flip " << augmentation.flip << " key " << key;
      ASSERT_EQ(rng.bits64(), same.bits64());
    }
}

TEST(Transforms, FinishLightsAndErasesNormalisedValues) {
  const std::vector<uint8_t> pixels = numbered_pixels();
  const NormalisationTable table = normalisation_table(preprocessing());
  std::vector<float> plain(pixels.size()), out(pixels.size());
  normalise(pixels, image, table, plain);
  int erased = 0;
  for (uint64_t key = 0; key < 30; ++key) {
    Rng rng(key), same(key);
    finish(image_of(pixels, image), {.lighting = 0.1, .erasing = 0.5}, rng, table, out);
    const std::array<float, 3> shift = draw_lighting(0.1, same);
    const auto window = draw_erasing(5, 7, 0.5, same);
    erased += window.has_value();
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t h = 0; h < 5; ++h)
        for (int64_t w = 0; w < 7; ++w) {
          const auto at = static_cast<std::size_t>((c * 5 + h) * 7 + w), channel = static_cast<std::size_t>(c);
          const bool inside = window && h >= window->top && h < window->top + window->height && w >= window->left &&
                              w < window->left + window->width;
          ASSERT_NEAR(out[at], inside ? 0 : plain[at] + shift[channel] / preprocessing().deviation[channel], 1e-5);
        }
  }
  EXPECT_GT(erased, 5);
}

TEST(Transforms, InterleavedPicturesNormaliseAlike) {
  const std::vector<uint8_t> pixels = numbered_pixels();
  const NormalisationTable table = normalisation_table(preprocessing());
  std::vector<float> planar(pixels.size()), interleaved(pixels.size());
  normalise(pixels, image, table, planar);
  normalise(image_of(pixels, image), table, interleaved);
  EXPECT_EQ(planar, interleaved);
}

}  // namespace
}  // namespace resnet
