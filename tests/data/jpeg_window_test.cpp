// A window of a JPEG equals its part of the whole picture, wherever it lies and however colours are sampled, though
// only its blocks are decoded.
#include "base/files.hpp"
#include "base/random.hpp"
#include "data/decode.hpp"
#include "data/resize.hpp"
#include "support/places.hpp"
#include "unpacked.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

Rectangle random_window(int height, int width, Rng& rng) {
  const auto top = static_cast<int>(rng.below(height)), left = static_cast<int>(rng.below(width));
  return {top, left, 1 + static_cast<int>(rng.below(height - top)), 1 + static_cast<int>(rng.below(width - left))};
}

void expect_windows_equal(const std::string& file, const std::string& name, int windows) {
  const auto bytes = std::as_bytes(std::span(file));
  Rng rng(3, name);
  for (const int channels : {1, 3}) {
    const DecodeOptions options{.channels = channels};
    const Image whole = decode_image(bytes, options);
    for (int i = 0; i < windows; ++i) {
      const Rectangle window = random_window(whole.height, whole.width, rng);
      const Image part = decode_window(bytes, options, [&](int, int) { return window; }).image;
      ASSERT_EQ(part, crop(whole, window))
          << name << ": " << window.height << "x" << window.width << " at " << window.top << "," << window.left;
    }
  }
}

TEST(JpegWindow, EqualsItsPartOfTheWholeForEverySampling) {
  for (const auto& entry : fs::directory_iterator(test::tests_folder().parent_path() / "fuzz/seeds/jpeg"))
    expect_windows_equal(read_file(entry.path(), 1 << 20), entry.path().filename().string(), 300);
}

using JpegWindowPhotos = UnpackedData;

TEST_F(JpegWindowPhotos, SlowEqualsItsPart) {
  unpack({"imagenet-samples-50.tar", "hymenoptera-small.tar"});
  if (IsSkipped() || HasFatalFailure()) return;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
    if (entry.path().extension() == ".jpg" || entry.path().extension() == ".JPEG")
      expect_windows_equal(read_file(entry.path(), 1 << 24), entry.path().filename().string(), 12);
}

}  // namespace
}  // namespace resnet
