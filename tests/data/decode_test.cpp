// What decoders refuse and how they say it, what the header tells, and how pictures are turned.
#include "data/decode.hpp"

#include "base/files.hpp"
#include "data/expect_error.hpp"
#include "data/resize.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

std::string seed(const std::string& name) {
  return read_file(test::tests_folder().parent_path() / "fuzz" / "seeds" / name, 1 << 20);
}
std::span<const std::byte> bytes_of(const std::string& file) { return std::as_bytes(std::span(file)); }
Image decoded(const std::string& file, const DecodeOptions& options = {}) {
  return decode_image(bytes_of(file), options);
}
void expect_refused(const std::string& file, const std::vector<std::string>& words, const DecodeOptions& options = {}) {
  expect_error([&] { decoded(file, options); }, ExitCode::bad_data, words);
}

// One of each container, all of 67x45.
constexpr const char* files[] = {"jpeg/420.jpg",       "jpeg/progressive.jpg", "jpeg/cmyk.jpg",      "png/rgba.png",
                                 "png/interlaced.png", "webp/lossy.webp",      "webp/lossless.webp", "bmp/rgb.bmp",
                                 "bmp/rle8.bmp",       "pnm/rgb.ppm"};

TEST(Decode, NamesWhatIsNoImage) {
  expect_refused("", {"empty", "0 bytes"});
  expect_refused("<!DOCTYPE html>", {"no image", "JPEG", "PNG"});
  expect_refused("GIF89a..........", {"no image"});
}

TEST(Decode, SaysThatAFileIsCutShort) {
  for (const char* name : files) {
    const std::string file = seed(name);
    for (const double part : {0.3, 0.6, 0.95})
      expect_refused(file.substr(0, static_cast<std::size_t>(part * static_cast<double>(file.size()))), {});
  }
  const std::string jpeg = seed("jpeg/420.jpg");
  expect_refused(jpeg.substr(0, jpeg.size() / 2), {"JPEG is cut short", "row", "of 45"});
  expect_refused(jpeg.substr(0, 30), {"JPEG is cut short in its header"});
  const std::string progressive = seed("jpeg/progressive.jpg");
  expect_refused(progressive.substr(0, progressive.size() - 200), {"JPEG is cut short"});
  const std::string webp = seed("webp/lossless.webp");
  expect_refused(webp.substr(0, webp.size() - 40), {"WebP is cut short"});
  const std::string map = seed("pnm/rgb.ppm");
  expect_refused(map.substr(0, map.size() - 1), {"PPM/PGM is cut short", "9045", "9044"});
}

// Every window is refused where the whole is, or a file would be bad in some epochs only.
TEST(Decode, WindowsOfACutJpegAreRefusedToo) {
  const std::string jpeg = seed("jpeg/420.jpg"), cut = jpeg.substr(0, jpeg.size() - 150);
  const auto top_left = [](int, int) { return Rectangle{0, 0, 4, 4}; };
  EXPECT_EQ(decode_window(bytes_of(jpeg), {}, top_left).image, crop(decoded(jpeg), {0, 0, 4, 4}));
  expect_error([&] { decode_window(bytes_of(cut), {}, top_left); }, ExitCode::bad_data, {"cut short"});
}

TEST(Decode, TakesAJpegThatLacksOnlyItsLastMarker) {
  const std::string jpeg = seed("jpeg/420.jpg");
  EXPECT_EQ(decoded(jpeg.substr(0, jpeg.size() - 2)), decoded(jpeg));
}

TEST(Decode, LimitsHoldBeforeMemoryIsTaken) {
  for (const char* name : files) {
    const std::string file = seed(name);
    EXPECT_EQ(decoded(file, {.limits = {.pixels = 67 * 45, .side = 67}}).width, 67);
    expect_refused(file, {"67x45", "limit of 3014"}, {.limits = {.pixels = 67 * 45 - 1}});
    expect_refused(file, {"67x45", "side", "limit of 66"}, {.limits = {.side = 66}});
    expect_refused(file, {"above the limit of 5000"}, {.limits = {.bytes = 5000}});
  }
  // Coefficients of a progressive JPEG are kept: 6 bytes for each pixel of 4:2:0 and more, beside 2 * 9045 of pixels.
  expect_refused(seed("jpeg/progressive.jpg"), {"scans", "limit of 10"}, {.limits = {.bytes = 2 * 9045 + 10}});
}

TEST(Decode, BombsAreRefusedByTheirHeader) {
  std::string png = seed("png/rgb.png");
  for (const std::size_t at : {16u, 20u}) png.replace(at, 4, std::string("\x7F\xFF\xFF\xFF", 4));
  expect_refused(png, {"2147483647x2147483647", "limit"});
  expect_refused("P6 2000000000 2000000000 255 ", {"limit"});
  expect_refused("P6 99999999999999999999 1 255 ", {"width"});
  expect_refused("P6 9999 9999 255 abc", {"cut short"});
  std::string bmp = seed("bmp/rgb.bmp");
  bmp.replace(18, 8, std::string("\x00\x00\x01\x00\x00\x00\x00\x80", 8));
  expect_refused(bmp, {"BMP is damaged", "height"});
}

TEST(Decode, RefusesAPngWhoseChunkEndsWhereItBegins) {
  std::string png = seed("png/rgb.png");
  png.replace(33, 4, "\xFF\xFF\xFF\xF4");  // the length of the chunk after IHDR: 2^32 - 12
  png.replace(37, 4, "teXt");
  expect_refused(png, {"PNG is damaged"});
}

TEST(Decode, StrictRefusesWhatLibjpegRecoversFrom) {
  const std::string whole = seed("jpeg/444.jpg");
  std::string jpeg = whole;
  jpeg.insert(jpeg.size() - 2, "stray bytes");
  EXPECT_EQ(decoded(jpeg), decoded(whole));
  EXPECT_EQ(decoded(whole, {.strict = true}), decoded(whole));
  expect_refused(jpeg, {"JPEG is damaged", "extraneous bytes"}, {.strict = true});
}

TEST(Decode, RefusesAJpegWithAMarkerAmidItsData) {
  std::string jpeg = seed("jpeg/444.jpg");
  jpeg.replace(jpeg.size() * 2 / 3, 2, "\xFF\xC8");
  expect_refused(jpeg, {"JPEG is cut short", "of 45"});
}

TEST(Decode, ExifTurnsThePicture) {
  // Every orientation of the same stored pixels; 6, for example, is shown turned a quarter clockwise.
  const Image stored = decoded(seed("jpeg/exif1.jpg"));
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string file = seed("jpeg/exif" + std::to_string(orientation) + ".jpg");
    EXPECT_EQ(probe_image(bytes_of(file)).orientation, orientation);
    EXPECT_EQ(decoded(file, {.orient = false}), stored);
    const Image shown = decoded(file);
    EXPECT_EQ(shown.height, orientation >= 5 ? 67 : 45);
    const auto corner = [&](const Image& image, int y, int x) {
      const std::size_t at = static_cast<std::size_t>(y * image.width + x) * 3;
      return std::vector<uint8_t>(image.pixels.begin() + static_cast<std::ptrdiff_t>(at),
                                  image.pixels.begin() + static_cast<std::ptrdiff_t>(at + 3));
    };
    // Where the stored first row and column are to be seen (EXIF 2.32, table of the tag Orientation).
    const bool bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    EXPECT_EQ(corner(shown, bottom ? shown.height - 1 : 0, right ? shown.width - 1 : 0), corner(stored, 0, 0));
  }
}

TEST(Decode, ScaledJpegKeepsTheShorterSide) {
  const std::string file = seed("jpeg/exif6.jpg");  // 67 high and 45 wide as shown
  for (const auto& [least, height, width] :
       {std::tuple(22, 34, 23), {23, 67, 45}, {11, 17, 12}, {5, 9, 6}, {0, 67, 45}}) {
    const Image image = decoded(file, {.scale_for = least});
    EXPECT_EQ(std::pair(image.height, image.width), std::pair(height, width)) << least;
  }
  const DecodedWindow window = decode_window(bytes_of(file), {.scale_for = 10}, [](int height, int width) {
    EXPECT_EQ(std::pair(height, width), std::pair(67, 45));
    return Rectangle{11, 2, 40, 23};
  });
  // Half the size; as stored columns 11 to 51 and rows 20 to 43 are wanted, of which 5 to 25.5 and 10 to 21.5 remain.
  EXPECT_EQ(std::pair(window.image.height, window.image.width), std::pair(21, 12));
  EXPECT_EQ(window.box, (Box{0.5, 0.5, 12, 20.5}));
}

TEST(Decode, TheHeaderTells) {
  const auto info = [](const char* name) { return probe_image(bytes_of(seed(name))); };
  EXPECT_TRUE(info("jpeg/progressive.jpg").progressive);
  EXPECT_TRUE(info("jpeg/cmyk.jpg").cmyk);
  EXPECT_EQ(info("jpeg/grey.jpg").channels, 1);
  EXPECT_TRUE(info("png/palette.png").palette);
  EXPECT_TRUE(info("png/palette-transparent.png").alpha);
  EXPECT_TRUE(info("png/interlaced.png").progressive);
  EXPECT_TRUE(info("png/animated.png").animated);
  EXPECT_EQ(info("png/rgb16.png").bits, 16);
  EXPECT_EQ(info("png/exif6.png").orientation, 6);
  EXPECT_TRUE(info("webp/animated.webp").animated);
  EXPECT_TRUE(info("webp/lossy-alpha.webp").alpha);
  EXPECT_EQ(info("webp/exif8.webp").orientation, 8);
  EXPECT_EQ(info("pnm/rgb16.ppm").bits, 16);
  EXPECT_EQ(info("bmp/rle4.bmp").bits, 4);
  for (const char* name : files) {
    const ImageInfo each = info(name);
    EXPECT_EQ(std::pair(each.height, each.width), std::pair(45, 67)) << name;
  }
}

TEST(Decode, FormatsAreToldByContentAndByExtension) {
  EXPECT_EQ(format_of_extension(".JPEG"), ImageFormat::jpeg);
  EXPECT_EQ(format_of_extension(".Pgm"), ImageFormat::pnm);
  EXPECT_EQ(format_of_extension(".txt"), std::nullopt);
  EXPECT_EQ(format_of_extension(""), std::nullopt);
  EXPECT_EQ(detect_format(bytes_of(seed("webp/lossy.webp"))), ImageFormat::webp);
  EXPECT_EQ(name_of(ImageFormat::pnm), "PPM/PGM");
}

}  // namespace
}  // namespace resnet
