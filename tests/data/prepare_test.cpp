// Where the time of a picture goes: decoding is told from the rest on every way into the network.
#include "data/prepare.hpp"

#include "data/augment/augmentation.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace resnet {
namespace {

constexpr auto decoding_time = std::chrono::milliseconds(5);

/// Grey pictures that take their time.
class Slow final : public Dataset {
 public:
  int64_t size() const override { return 1; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Shape image_shape() const override { return {1, 0, 0}; }
  int label(int64_t) const override { return 0; }
  void read(int64_t, std::span<uint8_t>) const override {}
  DecodedWindow picture(int64_t, const PictureRequest& request) const override {
    std::this_thread::sleep_for(decoding_time);
    const Rectangle part = request.choose ? request.choose(20, 30) : Rectangle{0, 0, 20, 30};
    const auto area = static_cast<std::size_t>(part.height) * static_cast<std::size_t>(part.width);
    return {{.channels = 1, .height = part.height, .width = part.width, .pixels = std::vector<uint8_t>(area)},
            {0, 0, double(part.width), double(part.height)}};
  }

 private:
  std::vector<std::string> classes_ = {"a"};
};

TEST(Prepare, CountsDecodingForEveryAugmentation) {
  const Preprocessing preprocessing{.channels = 1, .height = 8, .width = 8, .mean = {0}, .deviation = {1}};
  const Slow dataset;
  for (const Augmentation& augmentation : {Augmentation{.pad = 2}, Augmentation{.pad = 0, .resized_crop = 0.5}}) {
    Rng rng(1, "augment");
    double decoding = 0;
    training_picture(dataset, 0, preprocessing, augmentation, rng, &decoding);
    EXPECT_GE(decoding, std::chrono::duration<double>(decoding_time).count()) << describe(augmentation);
  }
}

}  // namespace
}  // namespace resnet
