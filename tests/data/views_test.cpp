// What an evaluation shows of a picture, beside torchvision.
#include "data/views.hpp"

#include "base/error.hpp"
#include "data/augment/operators.hpp"
#include "data/decode.hpp"
#include "data/prepare.hpp"
#include "support/hashed.hpp"
#include "support/pictures.hpp"

#include <gtest/gtest.h>

#include <string>

namespace resnet {
namespace {

Image picture(int height, int width) {
  const std::string bytes = test::picture_bytes(height, width, 5);
  return decode_image(std::as_bytes(std::span(bytes)), {});
}

std::string pixels_of(const Image& image) { return {image.pixels.begin(), image.pixels.end()}; }

struct TenCrops {
  int height, width, size;
  uint64_t digests[10];
};

// Printed by tests/data/ten_crops.py with torchvision 0.14 and Pillow 9.4.
constexpr TenCrops torchvision[] = {
    {300,
     400,
     256,
     {0xa8a7d8b001937eea, 0x691086428ccd714f, 0x690d448dc517c723, 0xd64c8c616ba8e500, 0xf068eae675c0833c,
      0xa62ed6d60a42bff7, 0xd7190a397a9ee9f8, 0x1507e450b1fc4482, 0x9aea117f61418713, 0xd3199ebe3c2bcf54}},
    {401,
     300,
     232,
     {0x66a1c393d58b8e3b, 0xccd46e321a5a1712, 0x860da0bd0fce87a5, 0x242d26e5743d688d, 0x93a1c5ff32e8c2d4,
      0xe2e4f899288a78d4, 0x673f0a5e9de25993, 0xba51ea32b4afb3c9, 0x241331c9950c38dd, 0x5a0e2bd8ad0a18ee}},
    {256,
     256,
     256,
     {0x4bf1b82d050aa365, 0x868233496892c7e5, 0x014f02f1ab8bc365, 0x4bf1b82d050aa365, 0x9614d7c1fb975a65,
      0xaf77eb652a9d94e5, 0x4113a9f36d6dfe65, 0x4113a9f36d6dfe65, 0x7d411894fbd11d65, 0xc874fe70b324df65}},
    {224,
     500,
     224,
     {0x4bf1b82d050aa365, 0xd5e71eee38e7f765, 0x4bf1b82d050aa365, 0xd5e71eee38e7f765, 0x33250aabdc7a3e25,
      0xd61c6510f0e359a5, 0x4113a9f36d6dfe65, 0xd61c6510f0e359a5, 0x4113a9f36d6dfe65, 0xb304e4e198ae0ae5}},
};

TEST(ViewsTest, TenCropsAreTorchvisions) {
  for (const TenCrops& row : torchvision) {
    const Preprocessing preprocessing{.height = 224, .width = 224, .resize = row.size};
    const std::vector<Image> crops = crops_of(picture(row.height, row.width), preprocessing, {.crops = 10});
    ASSERT_EQ(crops.size(), 10u);
    for (std::size_t k = 0; k < 10; ++k)
      EXPECT_EQ(test::digest(pixels_of(crops[k])), row.digests[k]) << row.height << "x" << row.width << ", crop " << k;
  }
}

TEST(ViewsTest, OneCropIsWhatPrepareMakes) {
  const Preprocessing preprocessing{.height = 24, .width = 32, .resize = 40};
  const Image whole = picture(60, 50);
  const std::vector<Image> plain = crops_of(whole, preprocessing, {}),
                           both = crops_of(whole, preprocessing, {.flip = true});
  ASSERT_EQ(plain.size(), 1u);
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(plain[0], prepare(whole, preprocessing));
  EXPECT_EQ(both[0], plain[0]);
  EXPECT_EQ(both[1], flip_left_right(plain[0]));
}

TEST(ViewsTest, WholePicturesKeepTheirRectangle) {
  const std::vector<Image> views = whole_at(picture(60, 91), {.filter = Filter::bilinear}, 40, true);
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].height, 40);
  EXPECT_EQ(views[0].width, 60);
  EXPECT_EQ(views[1], flip_left_right(views[0]));
}

TEST(ViewsTest, RefusesWhatDoesNotGoTogether) {
  EXPECT_THROW(check(Views{.crops = 5}), Error);
  EXPECT_THROW(check(Views{.crops = 10, .flip = true}), Error);
  EXPECT_THROW(check(Views{.crops = 10, .scales = {224}}), Error);
  EXPECT_THROW(check(Views{.scales = {4}}), Error);
  EXPECT_NO_THROW(check(Views{.flip = true, .scales = {224, 256}}));
  EXPECT_EQ(Views({.flip = true, .scales = {224, 256}}).count(), 4);
  const Preprocessing preprocessing{.height = 64, .width = 64, .resize = 48};
  EXPECT_THROW(crops_of(picture(60, 50), preprocessing, {.crops = 10}), Error);
}

}  // namespace
}  // namespace resnet
