// Decoding, resizing and cropping against Pillow and torchvision, byte for byte: photos.txt and seeds.txt hold what
// they made (tests/data/pillow/describe.py), and a peers test asks them again.
#include "base/error.hpp"
#include "base/files.hpp"
#include "data/decode.hpp"
#include "data/resize.hpp"
#include "support/places.hpp"
#include "unpacked.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>

namespace resnet {
namespace {

constexpr const char* python = "/usr/bin/python3";

uint32_t crc32(std::span<const uint8_t> bytes) {
  uint32_t crc = ~0u;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

std::string line_of(const char* what, const Image& image) {
  return fmt::format("\t{} {}x{} {:08x}", what, image.height, image.width, crc32(image.pixels));
}

// The operations of describe.py, in its order.
std::string describe(std::span<const std::byte> bytes) {
  const Image image = decode_image(bytes), grey = decode_image(bytes, {.channels = 1});
  const int height = image.height, width = image.width;
  std::string line = line_of("rgb", image) + line_of("grey", grey);
  line += line_of("bilinear", resize(image, 224, 224, Filter::bilinear));
  line += line_of("bicubic", resize(image, 97, 131, Filter::bicubic));
  line += line_of("enlarged", resize(image, height * 2, width + 61, Filter::bicubic));
  line += line_of("one-axis", resize(image, 64, width, Filter::bilinear));
  line += line_of("grey-bilinear", resize(grey, 48, 64, Filter::bilinear));
  const Box box{width * 0.125, height * 0.3125, width * 0.8125, height - 0.25};
  line += line_of("box", resize(image, 160, 160, Filter::bilinear, box));
  line += line_of("box-bicubic", resize(image, 160, 96, Filter::bicubic, box));
  const DecodedWindow window = decode_window(bytes, {}, [](int h, int w) {
    return Rectangle{h / 7, w / 5, (h + 2) / 3, (w + 1) / 2};
  });
  EXPECT_EQ(window.box, (Box{0, 0, double(window.image.width), double(window.image.height)}));
  line += line_of("window", resize(window.image, 224, 224, Filter::bilinear, window.box));
  const Image shorter = resize_shorter_side(image, 256, Filter::bilinear);
  line += line_of("shorter", shorter) + line_of("centre", centre_crop(shorter, 224, 224));
  EXPECT_EQ(resize_and_centre_crop(image, 256, 224, 224, Filter::bilinear), centre_crop(shorter, 224, 224));
  line += line_of("centre-padded", resize_and_centre_crop(image, 75, 81, 90, Filter::bicubic));
  return line;
}

void compare(const fs::path& folder, const std::string& expected) {
  std::istringstream lines(expected);
  int files = 0;
  for (std::string line; std::getline(lines, line); ++files) {
    const std::string name = line.substr(0, line.find('\t')), wanted = line.substr(name.size());
    const std::string bytes = read_file(folder / name, 1 << 24);
    EXPECT_EQ(with_context(name, [&] { return describe(std::as_bytes(std::span(bytes))); }), wanted) << name;
  }
  EXPECT_GT(files, 0);
}

std::string text_of_file(const fs::path& path) { return read_file(path, 1 << 24); }

/// One file of each kind that Pillow can read; what differs from it is named here.
TEST(PillowSeeds, DecodedAndResizedToTheSameBytes) {
  compare(test::tests_folder().parent_path() / "fuzz" / "seeds",
          text_of_file(test::tests_folder() / "data/pillow/seeds.txt"));
}

class PillowPhotos : public UnpackedData {
 protected:
  void SetUp() override { unpack({"imagenet-samples-50.tar", "hymenoptera-small.tar"}); }
};

TEST_F(PillowPhotos, SlowDecodedAndResizedToTheSameBytes) {
  compare(folder_.path(), text_of_file(test::tests_folder() / "data/pillow/photos.txt"));
}

TEST_F(PillowPhotos, PeersSaysTheSameToday) {
  if (std::system((std::string(python) + " -c 'import PIL, torchvision' >/dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP() << python << " has no PIL and torchvision: apt-get install python3-pil python3-torchvision";
  const fs::path output = folder_.path() / "lines.txt";
  const std::string command =
      fmt::format("{} '{}' '{}' .jpg .JPEG > '{}'", python, (test::tests_folder() / "data/pillow/describe.py").string(),
                  folder_.path().string(), output.string());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  compare(folder_.path(), text_of_file(output));
}

}  // namespace
}  // namespace resnet
