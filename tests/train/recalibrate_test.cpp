// Batch-norm statistics as true averages over a data set, beside PyTorch's.
#include "train/recalibrate.hpp"

#include "base/parallel.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "formats/safetensors.hpp"
#include "support/commands.hpp"
#include "train/support.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

class RecalibrateTest : public QuietRun {
 protected:
  void start(const char* name, const ImageSize& size) {
    info.spec = find_model(name, {.classes = 2, .input = size});
    info.classes = {"0", "1"};
    info.preprocessing = {.channels = size.channels, .height = size.height, .width = size.width};
    info.preprocessing.mean.assign(static_cast<std::size_t>(size.channels), 0.5f);
    info.preprocessing.deviation.assign(static_cast<std::size_t>(size.channels), 0.25f);
    initialise(state, forward_graph(info.spec, 1, Mode::inference), 3);
  }
  std::shared_ptr<const Dataset> images(int count, const ImageSize& size) {
    std::vector<uint8_t> pixels(static_cast<std::size_t>(count * size.elements()));
    Rng rng(4, "pixels");
    for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(rng.uniform(0, 256));
    return memory_dataset({"0", "1"}, {size.channels, size.height, size.width}, std::move(pixels),
                          std::vector<int>(static_cast<std::size_t>(count)));
  }
  std::shared_ptr<ThreadPool> threads = std::make_shared<ThreadPool>(2);
  ModelInfo info;
  State state;
};

TEST_F(RecalibrateTest, IsTheMeanOverTheBatchesAndKeepsTheWeights) {
  const ImageSize size{3, 16, 16};
  start("resnet8", size);
  const State before = state;
  // Batches of the same images in any order have the same statistics.
  const auto one = images(8, size);
  EXPECT_EQ(recalibrate(info, state, one, {.batch = 8}, threads), 1);
  const State first = state;
  EXPECT_EQ(recalibrate(info, state, one, {.batch = 8, .seed = 1}, threads), 1);
  int statistics = 0;
  for (const auto& [name, tensor] : state.tensors()) {
    const bool statistic = name.find("running") != std::string::npos;
    statistics += statistic;
    for (std::size_t i = 0; i < tensor.data<float>().size(); ++i) {
      const float now = tensor.data<float>()[i];
      if (statistic)
        EXPECT_NEAR(now, first.at(name).data<float>()[i], 1e-5) << name;
      else
        ASSERT_EQ(now, before.at(name).data<float>()[i]) << name;
    }
  }
  EXPECT_EQ(statistics, 14);
  EXPECT_NE(state.at("bn1.running_var").data<float>()[0], before.at("bn1.running_var").data<float>()[0]);
  EXPECT_EQ(recalibrate(info, state, images(21, size), {.batch = 8}, threads), 2) << "the last 5 fill no batch";
}

TEST_F(RecalibrateTest, SaysWhatCannotBeDone) {
  const ImageSize size{3, 16, 16};
  start("resnet8", size);
  EXPECT_THROW(recalibrate(info, state, images(7, size), {.batch = 8}, threads), Error);
  start("mlp", size);
  EXPECT_THROW(recalibrate(info, state, images(8, size), {.batch = 8}, threads), Error);
}

using PeersRecalibrate = RecalibrateTest;

TEST_F(PeersRecalibrate, EqualsPyTorchsCumulativeAverage) {
  if (!test::works("/usr/bin/python3 -c 'import torch, torchvision'"))
    GTEST_SKIP() << "no torchvision in /usr/bin/python3: apt-get install python3-torchvision";
  const ImageSize size{3, 64, 64};
  start("resnet18", size);
  const auto data = images(40, size);
  save_model(folder / "before.safetensors", info, state, 0);
  const int64_t batches = recalibrate(info, state, data, {.batch = 16, .seed = 9}, threads);
  ASSERT_EQ(batches, 2);
  save_model(folder / "after.safetensors", info, state, batches);
  Loader loader(data, info.preprocessing,
                {.batch = 16, .augmentation = {.pad = 0, .flip = false}, .drop_last = true, .seed = 9});
  const Tensor first = loader.next().images, second = loader.next().images;
  write_safetensors(folder / "batches", {{"0", &first}, {"1", &second}}, {});
  EXPECT_LT(test::number_from("/usr/bin/python3 -W ignore " + test::quoted_test_file("train/recalibrated.py") + " '" +
                              (folder / "before.safetensors").string() + "' '" +
                              (folder / "after.safetensors").string() + "' '" + (folder / "batches").string() + "'"),
            1e-4);
}

}  // namespace
}  // namespace resnet
