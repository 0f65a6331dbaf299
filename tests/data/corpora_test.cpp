// The public corpora of odd, broken and hostile image files (image-corpora.tar.xz): each is decoded or refused with a
// message, within bounded memory and time.
#include "base/error.hpp"
#include "base/files.hpp"
#include "data/decode.hpp"
#include "data/resize.hpp"
#include "unpacked.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>

namespace resnet {
namespace {

constexpr DecodeOptions options{.limits = {.pixels = 16'000'000, .bytes = uint64_t{128} << 20}};

long peak_memory_kib() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// "decoded" or why not.
std::string outcome(const std::string& file) {
  const auto bytes = std::as_bytes(std::span(file));
  try {
    const Image image = decode_image(bytes, options);
    const Image small = resize_and_centre_crop(image, 32, 28, 28, Filter::bilinear);
    EXPECT_EQ(small.pixels.size(), 28u * 28 * 3);
    return "decoded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    return error.what();
  }
}

using ImageCorpora = UnpackedData;

TEST_F(ImageCorpora, SlowEveryFileIsDecodedOrRefused) {
  unpack({"image-corpora.tar.xz"});
  if (IsSkipped() || HasFatalFailure()) return;
  std::map<std::string, int> decoded, refused;
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string name = fs::relative(entry.path(), folder_.path()).string();
    const std::string file = read_file(entry.path(), 1 << 26);
    const long before = peak_memory_kib();
    const double start = processor_seconds();
    const std::string what = outcome(file);
    // Sanitizers make both some times larger; without bounds a bomb would need gigabytes and minutes.
    EXPECT_LT(peak_memory_kib() - before, 600 << 10) << name;
    EXPECT_LT(processor_seconds() - start, 20) << name;
    const std::string extension = entry.path().extension().string();
    ++(what == "decoded" ? decoded : refused)[extension];
  }
  int decoded_count = 0, refused_count = 0;
  for (const auto& [extension, count] : decoded) decoded_count += count;
  for (const auto& [extension, count] : refused) refused_count += count;
  std::printf("%d files decoded, %d refused\n", decoded_count, refused_count);
  // Pillow 9.4 decodes these and five more JPEGs that lack part of their data, and two PNGs with a wrong checksum; it
  // refuses three of these. All pixels are equal but those of 16-bit grey (Pillow clips them) and of one PNG whose
  // pixels index past its palette.
  EXPECT_EQ(decoded[".png"], 205);
  EXPECT_EQ(decoded[".jpg"], 47);
}

}  // namespace
}  // namespace resnet
