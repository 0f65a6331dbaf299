// Every operator of augmentation against Pillow and torchvision, byte by byte: hashes made by operators.py (kept in
// operators.txt), and, where these programs are at hand, live on a photo.
#include "data/augment/operators.hpp"

#include "data/resize.hpp"
#include "data/temporary_folder.hpp"
#include "support/places.hpp"

#include "base/files.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

namespace resnet {
namespace {

Image pattern(const std::string& kind, int channels, int height, int width) {
  Image image{.channels = channels, .height = height, .width = width, .pixels = {}};
  uint32_t state = 12345;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        state = state * 1664525 + 1013904223;
        uint32_t value = 60 + 10 * static_cast<uint32_t>(c) + (state >> 27);
        if (kind == "smooth") value = static_cast<uint32_t>(x * 5 + y * 3 + c * 80) + (state >> 29);
        if (kind == "noise") value = state >> 24;
        image.pixels.push_back(static_cast<uint8_t>(value % 256));
      }
  return image;
}

std::string fnv(const std::vector<uint8_t>& bytes) {
  uint64_t digest = 0xcbf29ce484222325;
  for (const uint8_t byte : bytes) digest = (digest ^ byte) * 0x100000001b3;
  char text[17];
  std::snprintf(text, sizeof text, "%016lx", digest);
  return text;
}

using Operator = std::function<Image(const Image&, double)>;

std::map<std::string, Operator> operators() {
  std::map<std::string, Operator> table = {
      {"brightness", adjust_brightness},
      {"contrast", adjust_contrast},
      {"saturation", adjust_saturation},
      {"sharpness", adjust_sharpness},
      {"hue", adjust_hue},
      {"posterize", [](const Image& image, double bits) { return posterize(image, static_cast<int>(bits)); }},
      {"solarize", solarize},
      {"invert", [](const Image& image, double) { return invert(image); }},
      {"autocontrast", [](const Image& image, double) { return autocontrast(image); }},
      {"equalize", [](const Image& image, double) { return equalize(image); }},
      {"flip", [](const Image& image, double) { return flip_left_right(image); }}};
  for (const auto& [suffix, how] :
       {std::pair("nearest", Interpolation::nearest), std::pair("bilinear", Interpolation::bilinear)}) {
    const auto add = [&](const std::string& name, auto&& change) {
      table[name + "_" + suffix] = [change, how = how](const Image& image, double level) {
        return change(image, level, how);
      };
    };
    add("shear_x", shear_x);
    add("shear_y", shear_y);
    add("rotate", rotate);
    add("translate_x", [](const Image& image, double level, Interpolation by) {
      return translate(image, static_cast<int>(level), 0, by);
    });
    add("translate_y", [](const Image& image, double level, Interpolation by) {
      return translate(image, 0, static_cast<int>(level), by);
    });
  }
  return table;
}

/// Compares each line of `lines`; `photo` stands for the picture called so. Returns the number of lines.
int expect_equal_hashes(std::istream& lines, const Image& photo) {
  const auto table = operators();
  std::string kind, name, hash;
  int channels = 0, height = 0, width = 0, count = 0;
  double argument = 0;
  while (lines >> kind >> channels >> height >> width >> name >> argument >> hash) {
    const Image image = kind == "photo" ? photo : pattern(kind, channels, height, width);
    const Image result = table.at(name)(image, argument);
    EXPECT_EQ(result.height, height);
    EXPECT_EQ(result.width, width);
    EXPECT_EQ(fnv(result.pixels), hash) << kind << " " << channels << "x" << height << "x" << width << " " << name
                                        << " " << argument;
    ++count;
  }
  return count;
}

TEST(AugmentOperators, EqualPillowsToTheByte) {
  std::ifstream lines(test::tests_folder() / "data/augment/operators.txt");
  EXPECT_EQ(expect_equal_hashes(lines, {}), 7 * 111);
}

TEST(AugmentOperators, PeersPillowAgreesOnPhotos) {
  const TemporaryFolder folder;
  const auto archive = test::shared_data("imagenet-samples-50.tar");
  if (!path_exists(archive)) GTEST_SKIP() << "shared sample data imagenet-samples-50.tar is not here";
  if (std::system("/usr/bin/python3 -c 'import PIL, torchvision' 2>/dev/null") != 0)
    GTEST_SKIP() << "no Pillow or torchvision here";
  const std::string place = folder.path().string();
  ASSERT_EQ(std::system(("tar xf '" + archive.string() + "' -C '" + place + "'").c_str()), 0);
  int photos = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file() || entry.path().extension() == ".raw" || photos == 2) continue;
    const std::string raw = place + "/photo.raw", out = place + "/lines.raw";
    const std::string script = (test::tests_folder() / "data/augment/operators.py").string();
    if (std::system(("/usr/bin/python3 '" + script + "' '" + entry.path().string() + "' '" + raw + "' > '" + out +
                     "' 2>/dev/null")
                        .c_str()) != 0)
      continue;  // not a picture: a list beside them
    const std::string bytes = read_file(raw, 1 << 20);
    const Image photo{.channels = 3, .height = 167, .width = 250, .pixels = {bytes.begin(), bytes.end()}};
    std::istringstream lines(read_file(out, 1 << 20));
    EXPECT_EQ(expect_equal_hashes(lines, photo), 111);
    ++photos;
  }
  EXPECT_EQ(photos, 2);
}

TEST(AugmentOperators, CropMayReachBeyondThePicture) {
  const Image image = pattern("noise", 3, 6, 8);
  for (const Rectangle window :
       {Rectangle{0, 0, 6, 8}, {1, 2, 3, 4}, {-2, -3, 6, 8}, {3, 5, 6, 8}, {-20, 0, 6, 8}, {0, 30, 6, 8}}) {
    const Image out = crop(image, window);
    ASSERT_EQ(out.pixels.size(), static_cast<std::size_t>(window.height * window.width * 3));
    for (int y = 0; y < window.height; ++y)
      for (int x = 0; x < window.width; ++x)
        for (int c = 0; c < 3; ++c) {
          const int from_y = y + window.top, from_x = x + window.left;
          const bool inside = from_y >= 0 && from_y < 6 && from_x >= 0 && from_x < 8;
          ASSERT_EQ(out.pixels[static_cast<std::size_t>((y * window.width + x) * 3 + c)],
                    inside ? image.pixels[static_cast<std::size_t>((from_y * 8 + from_x) * 3 + c)] : 0);
        }
  }
}

}  // namespace
}  // namespace resnet
