// A batch is a pure function of (seed, epoch, step, rank, ranks): wherever a run starts, however many threads prepare.
#include "data/loader.hpp"
#include "data/augment/mix.hpp"
#include "expect_error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <stdexcept>

namespace resnet {
namespace {

const Shape image{1, 3, 4};

// Image i has the pixels i, i + 1, ... and label i % 5. Image `broken` cannot be read.
class CountingDataset final : public Dataset {
 public:
  explicit CountingDataset(int64_t size, int64_t broken = -1) : size_(size), broken_(broken) {}
  int64_t size() const override { return size_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  Shape image_shape() const override { return image; }
  int label(int64_t index) const override { return static_cast<int>(index % 5); }
  void read(int64_t index, std::span<uint8_t> pixels) const override {
    if (index == broken_) throw std::runtime_error("image is broken");
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(index + static_cast<int64_t>(i));
  }

 private:
  int64_t size_, broken_;
  std::vector<std::string> classes_ = {"a", "b", "c", "d", "e"};
};

std::shared_ptr<const Dataset> counting(int64_t size, int64_t broken = -1) {
  return std::make_shared<CountingDataset>(size, broken);
}

const Preprocessing preprocessing{.channels = 1, .height = 3, .width = 4, .mean = {0.5f}, .deviation = {0.25f}};

struct Copy {
  std::vector<float> images;
  std::vector<int32_t> labels;
  std::vector<int64_t> indices;
  int64_t count, epoch, step;
  bool operator==(const Copy&) const = default;
};

Copy copy_of(const Batch& batch) {
  const auto images = batch.images.data<float>();
  const auto labels = batch.labels.data<int32_t>();
  return {{images.begin(), images.end()},
          {labels.begin(), labels.end()},
          batch.indices,
          batch.count,
          batch.epoch,
          batch.step};
}

std::vector<Copy> take(Loader& loader, int count) {
  std::vector<Copy> copies;
  for (int i = 0; i < count; ++i) copies.push_back(copy_of(loader.next()));
  return copies;
}

TEST(Loader, EpochCoversEachImageOnceInANewOrder) {
  Loader loader(counting(23), preprocessing, {.batch = 5, .seed = 3});
  EXPECT_EQ(loader.steps_per_epoch(), 5);
  std::vector<std::vector<int64_t>> orders;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> order;
    for (int64_t step = 0; step < 5; ++step) {
      const Batch& batch = loader.next();
      EXPECT_EQ(batch.epoch, epoch);
      EXPECT_EQ(batch.step, step);
      EXPECT_EQ(batch.count, step == 4 ? 3 : 5);
      order.insert(order.end(), batch.indices.begin(), batch.indices.end());
    }
    EXPECT_EQ(order, epoch_order(23, 3, epoch));
    EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 23u);
    orders.push_back(order);
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_NE(orders[1], orders[2]);
  EXPECT_NE(epoch_order(23, 3, 0), epoch_order(23, 4, 0));
}

TEST(Loader, BatchHoldsTheAugmentedImages) {
  const auto dataset = counting(20);
  Loader loader(dataset, preprocessing, {.batch = 4, .augmentation = {1, true}, .seed = 9}, 2, 1);
  const Copy batch = copy_of(loader.next());
  for (std::size_t n = 0; n < 4; ++n) {
    const auto index = static_cast<uint64_t>(batch.indices[n]);
    std::vector<uint8_t> pixels(12);
    std::vector<float> expected(12);
    dataset->read(batch.indices[n], pixels);
    Rng rng(9, "augment", {2, index});
    augment_and_normalise(pixels, image, {1, true}, rng, normalisation_table(preprocessing), expected);
    const auto first = batch.images.begin() + static_cast<std::ptrdiff_t>(n * 12);
    EXPECT_EQ(std::vector<float>(first, first + 12), expected);
    EXPECT_EQ(batch.labels[n], dataset->label(batch.indices[n]));
  }
}

TEST(Loader, MixesABatchAsAFunctionOfSeedEpochAndStep) {
  const LoaderOptions options{
      .batch = 4, .augmentation = {.pad = 0, .flip = false, .mixup = 1, .cutmix = 1}, .seed = 9};
  LoaderOptions unmixed = options;
  unmixed.augmentation.mixup = unmixed.augmentation.cutmix = 0;
  Loader loader(counting(22), preprocessing, options), plain(counting(22), preprocessing, unmixed);
  bool cut = false, averaged = false;
  for (uint64_t epoch = 0; epoch < 4; ++epoch)
    for (uint64_t step = 0; step < 6; ++step) {
      const Batch &mixed = loader.next(), &own = plain.next();
      ASSERT_EQ(mixed.indices, own.indices);
      EXPECT_TRUE(own.targets.bytes().empty());
      Rng rng(9, "mix", {epoch, step, 0});
      const Mix mix = draw_mix(1, 1, 3, 4, rng);
      (mix.window ? cut : averaged) = true;
      std::vector<float> expected(own.images.data<float>().begin(), own.images.data<float>().end()), targets(20, 0.0f);
      std::vector<int32_t> labels(own.labels.data<int32_t>().begin(), own.labels.data<int32_t>().end());
      const auto count = static_cast<std::size_t>(own.count);
      mix_batch(mix, {own.count, 1, 3, 4}, std::span(expected).first(count * 12), std::span(labels).first(count), 5,
                std::span(targets).first(count * 5));
      EXPECT_TRUE(std::ranges::equal(mixed.images.data<float>(), expected));
      EXPECT_TRUE(std::ranges::equal(mixed.targets.data<float>(), targets));
      EXPECT_TRUE(std::ranges::equal(mixed.labels.data<int32_t>(), labels));
    }
  EXPECT_TRUE(cut && averaged);
}

// Everything at once on colour images: where a loader starts and its threads change nothing.
TEST(Loader, AllAugmentationsAreFunctionsOfSeedEpochAndIndex) {
  std::vector<uint8_t> pixels(30 * 3 * 16 * 20);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * i % 251);
  std::vector<int> labels(30);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 2);
  const auto dataset = memory_dataset({"a", "b"}, {3, 16, 20}, pixels, labels);
  const Preprocessing colour{.channels = 3, .height = 16, .width = 20};
  const Augmentation all{.pad = 0,
                         .resized_crop = 0.08,
                         .randaugment_count = 2,
                         .jitter = {0.4, 0.4, 0.4, 0.1},
                         .lighting = 0.1,
                         .erasing = 0.5,
                         .mixup = 0.2,
                         .cutmix = 1};
  const auto batches = [&](int threads, int64_t start, int count) {
    Loader loader(dataset, colour, {.batch = 6, .augmentation = all, .seed = 5, .threads = threads}, start / 5,
                  start % 5);
    return take(loader, count);
  };
  const std::vector<Copy> expected = batches(1, 0, 15);
  EXPECT_EQ(batches(3, 0, 15), expected);
  EXPECT_EQ(batches(2, 7, 8), std::vector<Copy>(expected.begin() + 7, expected.end()));
  EXPECT_NE(expected[0].images, expected[5].images);
  const auto changed = [&](Augmentation without) {
    Loader loader(dataset, colour, {.batch = 6, .augmentation = without, .seed = 5});
    return take(loader, 15) != expected;
  };
  for (const auto& leave_out : std::vector<std::function<void(Augmentation&)>>{
           [](Augmentation& a) { a.resized_crop = 0; }, [](Augmentation& a) { a.randaugment_count = 0; },
           [](Augmentation& a) { a.jitter = {}; }, [](Augmentation& a) { a.lighting = 0; },
           [](Augmentation& a) { a.erasing = 0; }, [](Augmentation& a) { a.flip = false; }}) {
    Augmentation without = all;
    leave_out(without);
    EXPECT_TRUE(changed(without)) << describe(without);
  }
}

TEST(Loader, EvaluationKeepsOrderAndTailAndChangesNoImage) {
  const auto dataset = counting(7);
  Loader loader(dataset, preprocessing, {.batch = 5, .training = false, .drop_last = true});
  ASSERT_EQ(loader.steps_per_epoch(), 2);
  EXPECT_EQ(loader.next().indices, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  const Batch& tail = loader.next();
  EXPECT_EQ(tail.indices, (std::vector<int64_t>{5, 6}));
  EXPECT_EQ(tail.count, 2);
  EXPECT_EQ(tail.images.shape(), Shape({5, 1, 3, 4}));
  EXPECT_FLOAT_EQ(tail.images.data<float>()[12], (6.0f / 255 - 0.5f) / 0.25f);
  for (std::size_t i = 24; i < 60; ++i) EXPECT_EQ(tail.images.data<float>()[i], 0) << i;
  for (std::size_t n = 2; n < 5; ++n) EXPECT_EQ(tail.labels.data<int32_t>()[n], 0) << n;
}

TEST(Loader, TailIsClearedInARecycledBuffer) {
  Loader loader(counting(7), preprocessing, {.batch = 5, .training = false, .prefetch = 1});
  for (int epoch = 0; epoch < 3; ++epoch) {
    loader.next();
    const Batch& tail = loader.next();
    for (std::size_t i = 24; i < 60; ++i) ASSERT_EQ(tail.images.data<float>()[i], 0) << i;
  }
}

TEST(Loader, TrainingMayDropTheTail) {
  Loader loader(counting(23), preprocessing, {.batch = 5, .drop_last = true});
  EXPECT_EQ(loader.steps_per_epoch(), 4);
  for (const Copy& batch : take(loader, 9)) EXPECT_EQ(batch.count, 5);
}

TEST(Loader, StartingAnywhereEqualsContinuing) {
  const LoaderOptions options{.batch = 5, .augmentation = {1, true}, .seed = 11};
  Loader whole(counting(23), preprocessing, options);
  const std::vector<Copy> expected = take(whole, 15);
  for (int start = 0; start < 15; ++start) {
    Loader resumed(counting(23), preprocessing, options, start / 5, start % 5);
    EXPECT_EQ(take(resumed, 15 - start), std::vector<Copy>(expected.begin() + start, expected.end())) << start;
  }
  whole.restart(1, 2);
  EXPECT_EQ(take(whole, 8), std::vector<Copy>(expected.begin() + 7, expected.end()));
}

TEST(Loader, ThreadsAndPrefetchChangeNothing) {
  const auto batches = [](int threads, int prefetch) {
    Loader loader(counting(101), preprocessing,
                  {.batch = 8, .augmentation = {1, true}, .seed = 5, .threads = threads, .prefetch = prefetch});
    return take(loader, 60);
  };
  const std::vector<Copy> expected = batches(1, 4);
  for (const int threads : {1, 2, 4})
    for (const int prefetch : {1, 2, 7}) EXPECT_EQ(batches(threads, prefetch), expected) << threads << ", " << prefetch;
}

TEST(Loader, RanksTogetherTakeWhatOneProcessTakes) {
  for (const int ranks : {2, 3}) {
    Loader whole(counting(50), preprocessing, {.batch = 4 * ranks, .seed = 5});
    std::vector<std::unique_ptr<Loader>> parts;
    for (int rank = 0; rank < ranks; ++rank)
      parts.push_back(std::make_unique<Loader>(counting(50), preprocessing,
                                               LoaderOptions{.batch = 4, .seed = 5, .rank = rank, .ranks = ranks}));
    for (int64_t step = 0; step < 2 * whole.steps_per_epoch(); ++step) {
      std::vector<int64_t> expected = whole.next().indices, together;
      for (const auto& part : parts) {
        ASSERT_EQ(part->steps_per_epoch(), whole.steps_per_epoch());
        const std::vector<int64_t>& indices = part->next().indices;
        together.insert(together.end(), indices.begin(), indices.end());
      }
      std::sort(expected.begin(), expected.end());
      std::sort(together.begin(), together.end());
      EXPECT_EQ(together, expected) << "ranks " << ranks << " step " << step;
    }
  }
}

TEST(Loader, CanBeDestroyedAtAnyTime) {
  for (const int threads : {1, 4})
    for (int taken = 0; taken < 6; ++taken)
      for (int round = 0; round < 20; ++round) {
        Loader loader(counting(40), preprocessing, {.batch = 4, .threads = threads, .prefetch = 2});
        for (int i = 0; i < taken; ++i) loader.next();
      }
}

TEST(Loader, ExceptionArrivesInItsTurnAndStays) {
  for (const int threads : {1, 3}) {
    Loader loader(counting(40, 10), preprocessing, {.batch = 4, .training = false, .threads = threads});
    EXPECT_EQ(loader.next().count, 4);
    EXPECT_EQ(loader.next().count, 4);
    EXPECT_THROW(loader.next(), std::runtime_error);
    EXPECT_THROW(loader.next(), std::runtime_error);
    loader.restart(0, 3);
    EXPECT_EQ(loader.next().indices.front(), 12);
  }
}

TEST(Loader, RefusesWhatCannotWork) {
  const auto open = [](const LoaderOptions& options, const Preprocessing& p = preprocessing) {
    return [options, p] { Loader(counting(10), p, options); };
  };
  expect_error(open({.batch = 11}), ExitCode::usage, {"batch of 11", "10", "--batch"});
  expect_error(open({.batch = 6, .ranks = 2}), ExitCode::usage, {"batch of 12", "--batch 5"});
  expect_error(open({.batch = 0}), ExitCode::usage, {"--batch is 0"});
  expect_error(open({.batch = 1, .rank = 2, .ranks = 2}), ExitCode::usage, {"rank 2 of 2"});
  expect_error(open({.batch = 1, .threads = 0}), ExitCode::usage, {"1 thread"});
  Preprocessing larger = preprocessing;
  larger.height = 8;
  expect_error(open({.batch = 1}, larger), ExitCode::usage, {"[1x8x4]", "[1x3x4]"});
  Loader evaluation(counting(10), preprocessing, {.batch = 11, .training = false});
  EXPECT_EQ(evaluation.next().count, 10);
}

}  // namespace
}  // namespace resnet
