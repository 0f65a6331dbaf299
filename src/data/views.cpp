#include "data/views.hpp"

#include "base/error.hpp"
#include "data/augment/operators.hpp"
#include "data/channels.hpp"
#include "data/prepare.hpp"
#include "data/resize.hpp"

#include <fmt/ranges.h>

namespace resnet {
namespace {

void add_five(const Image& image, int height, int width, std::vector<Image>& crops) {
  const int bottom = image.height - height, right = image.width - width;
  for (const auto& [top, left] : {std::pair{0, 0}, {0, right}, {bottom, 0}, {bottom, right}})
    crops.push_back(crop(image, {top, left, height, width}));
  crops.push_back(centre_crop(image, height, width));
}

}  // namespace

int Views::count() const {
  const int pictures = scales.empty() ? crops : static_cast<int>(scales.size());
  return pictures * (flip ? 2 : 1);
}

void check(const Views& views) {
  constexpr int least = 8, most = 4096;
  if (views.crops != 1 && views.crops != 10) fail_usage("--crops: expected 1 or 10, got ", views.crops);
  if (views.crops == 10 && views.flip) fail_usage("--flip: ten crops hold the mirrored ones already");
  if (views.crops == 10 && !views.scales.empty()) fail_usage("give either crops or scales, not both");
  for (const int scale : views.scales)
    if (scale < least || scale > most)
      fail_usage("--scales: expected sides of ", least, " to ", most, " pixels, got ", scale);
}

std::string describe(const Views& views) {
  const char* flipped = views.flip ? " and mirrored" : "";
  if (!views.scales.empty()) return fmt::format("the whole image at {}{}", fmt::join(views.scales, ", "), flipped);
  return views.crops == 10 ? "10 crops" : text_of("the centre", flipped);
}

std::vector<Image> crops_of(const Image& picture, const Preprocessing& preprocessing, const Views& views) {
  std::vector<Image> crops;
  if (views.crops == 1) {
    crops.push_back(prepare(picture, preprocessing));
    if (views.flip) crops.push_back(flip_left_right(crops.front()));
    return crops;
  }
  const int height = preprocessing.height, width = preprocessing.width;
  Image whole = with_channels(resize_shorter_side(picture, resized_side(preprocessing), preprocessing.filter),
                              preprocessing.channels);
  if (whole.height < height || whole.width < width)
    fail_data("resized to ", whole.height, "x", whole.width, " it is smaller than a crop of ", height, "x", width);
  add_five(whole, height, width, crops);
  add_five(flip_left_right(std::move(whole)), height, width, crops);
  return crops;
}

std::vector<Image> whole_at(const Image& picture, const Preprocessing& preprocessing, int scale, bool flip) {
  std::vector<Image> views{
      with_channels(resize_shorter_side(picture, scale, preprocessing.filter), preprocessing.channels)};
  if (flip) views.push_back(flip_left_right(views.front()));
  return views;
}

}  // namespace resnet
