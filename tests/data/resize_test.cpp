// Sizes, crops and the kernels under them. Equality with Pillow is pillow_test.cpp's.
#include "data/resize.hpp"

#include "base/random.hpp"
#include "data/expect_error.hpp"
#include "data/pixel_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace resnet {
namespace {

Image noise(int channels, int height, int width, Rng& rng) {
  Image image{.channels = channels, .height = height, .width = width};
  image.pixels.resize(static_cast<std::size_t>(channels * height * width));
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(rng.below(256));
  return image;
}

/// Weights of any sign, as bicubic ones, that sum to 1; windows at random places.
struct RandomWeights {
  RandomWeights(int outputs, int in_size, Rng& rng) : taps(1 + static_cast<int>(rng.below(std::min(in_size, 13)))) {
    for (int i = 0; i < outputs; ++i) {
      count.push_back(1 + static_cast<int>(rng.below(taps)));
      first.push_back(static_cast<int>(rng.below(in_size - count.back() + 1)));
      int left = 1 << pixels::weight_bits;
      for (int t = 0; t < taps; ++t) {
        const int weight = t + 1 == count.back() ? left : static_cast<int>(rng.below(1 << 21)) - (1 << 19);
        weights.push_back(t < count.back() ? weight : 0);
        left -= weights.back();
      }
    }
  }
  pixels::Weights view() const {
    return {static_cast<int>(first.size()), taps, first.data(), count.data(), weights.data()};
  }
  int taps;
  std::vector<int32_t> first, count, weights;
};

TEST(PixelKernels, OfEveryInstructionSetGiveTheSameBytes) {
  const pixels::Kernels& baseline = pixels::kernels_of(InstructionSet::baseline);
  Rng rng(1, "kernels");
  for (const InstructionSet set : instruction_sets) {
    if (!runs_here(set)) continue;
    const pixels::Kernels& kernels = pixels::kernels_of(set);
    EXPECT_EQ(kernels.isa, name_of(set));
    for (int i = 0; i < 400; ++i) {
      const int channels = rng.chance(0.5) ? 1 : 3, outputs = 1 + static_cast<int>(rng.below(40));
      const int rows = 1 + static_cast<int>(rng.below(12)), width = 1 + static_cast<int>(rng.below(i < 200 ? 9 : 90));
      const Image image = noise(channels, rows, width, rng);
      const RandomWeights across(outputs, width, rng), down(outputs, rows, rng);
      std::vector<int16_t> scratch(static_cast<std::size_t>(pixels::scratch_size(across.view())));
      std::vector<uint8_t> expected(static_cast<std::size_t>(rows * outputs * channels)), got = expected;
      baseline.resample_rows(image.pixels.data(), rows, width, channels, across.view(), scratch.data(),
                             expected.data());
      kernels.resample_rows(image.pixels.data(), rows, width, channels, across.view(), scratch.data(), got.data());
      ASSERT_EQ(got, expected) << kernels.isa << ": rows of " << width << " x " << channels << " to " << outputs;
      expected.assign(static_cast<std::size_t>(outputs * width * channels), 0);
      got = expected;
      baseline.resample_columns(image.pixels.data(), width * channels, down.view(), expected.data());
      kernels.resample_columns(image.pixels.data(), width * channels, down.view(), got.data());
      ASSERT_EQ(got, expected) << kernels.isa << ": columns of " << rows << " to " << outputs;
    }
  }
}

TEST(Resize, RoundsTheLongerSideDownAsTorchvision) {
  EXPECT_EQ(shorter_side_size(375, 500, 256), std::pair(256, 341));  // 341.33
  EXPECT_EQ(shorter_side_size(500, 375, 232), std::pair(309, 232));  // 309.33
  EXPECT_EQ(shorter_side_size(3, 1, 5), std::pair(15, 5));
  EXPECT_EQ(shorter_side_size(7, 7, 64), std::pair(64, 64));
  expect_error([] { shorter_side_size(1, 65535, 60'000); }, ExitCode::bad_data, {"65535x1", "60000"});
}

TEST(Resize, CentreIsRoundedHalfToEven) {
  EXPECT_EQ(centre_window(256, 341, 224, 224), (Rectangle{16, 58, 224, 224}));  // 58.5
  EXPECT_EQ(centre_window(5, 7, 2, 4), (Rectangle{2, 2, 2, 4}));                // 1.5, 1.5
  EXPECT_EQ(centre_window(3, 8, 6, 4), (Rectangle{-1, 2, 6, 4}));
}

TEST(Resize, CropShowsBlackBesideThePicture) {
  const Image image{.channels = 1, .height = 2, .width = 2, .pixels = {1, 2, 3, 4}};
  EXPECT_EQ(crop(image, {-1, 1, 3, 3}).pixels, (std::vector<uint8_t>{0, 0, 0, 2, 0, 0, 4, 0, 0}));
  EXPECT_EQ(crop(image, {5, 5, 1, 2}).pixels, (std::vector<uint8_t>{0, 0}));
  EXPECT_EQ(crop(image, {-9, -9, 1, 2}).pixels, (std::vector<uint8_t>{0, 0}));
}

TEST(Resize, CostsNoMoreThanItsCropWhateverTheShape) {
  Rng rng(2, "thread");
  for (const auto& [height, width] : {std::pair(1, 65535), std::pair(65535, 1)}) {
    const Image line = noise(3, height, width, rng);
    const Image out = resize_and_centre_crop(line, 256, 224, 224, Filter::bilinear);  // of 256 x 16.8 million
    EXPECT_EQ(out.pixels.size(), 224u * 224 * 3);
    expect_error([&] { resize_shorter_side(line, 256, Filter::bilinear); }, ExitCode::bad_data, {"limit", "pixels"});
    EXPECT_EQ(resize(line, 224, 224, Filter::bicubic).pixels.size(), 224u * 224 * 3);
  }
}

TEST(Resize, KeepsAPictureOfTheRightSize) {
  Rng rng(3, "same");
  const Image image = noise(3, 9, 7, rng);
  EXPECT_EQ(resize(image, 9, 7, Filter::bicubic), image);
  EXPECT_EQ(resize(image, 9, 7, Filter::bilinear, Box{0, 0, 7, 9}), image);
  EXPECT_EQ(resize_and_centre_crop(image, 7, 5, 5, Filter::bilinear), crop(image, {2, 1, 5, 5}));
}

TEST(Resize, RefusesBoxesOutsideOrEmpty) {
  const Image image{.channels = 1, .height = 2, .width = 2, .pixels = {1, 2, 3, 4}};
  for (const Box& box : {Box{-0.5, 0, 1, 1}, Box{0, 0, 2.5, 1}, Box{0, 1, 1, 1}, Box{1, 0, 0.5, 1}, Box{NAN, 0, 1, 1}})
    expect_error([&] { resize(image, 1, 1, Filter::bilinear, box); }, ExitCode::bad_data, {"box"});
}

}  // namespace
}  // namespace resnet
