// Networks that others trained on CIFAR-10: they load by name or by structure, give the logits of PyTorch or ONNX
// Runtime on the same images, and reach on 5,000 of the images that they were trained on what they should. Needs the
// samples beside the checkout, so ./check --all runs it; each part skips itself where something is missing.
#include "base/parallel.hpp"
#include "data/loader.hpp"
#include "data/open.hpp"
#include "formats/open_model.hpp"
#include "support.hpp"
#include "support/commands.hpp"
#include "support/places.hpp"
#include "train/evaluate.hpp"

#include <cstdio>
#include <cstdlib>

namespace resnet {
namespace {

struct Pretrained {
  const char* name;   // in pretrained.py; "" for a file that ONNX Runtime reads
  const char* file;   // under models.tar
  const char* model;  // for OpenOptions
  const char* how;    // in the notes
  std::vector<float> mean, deviation;
  double least_accuracy;  // on training images
};

const std::vector<float> imagenet_mean = {0.485f, 0.456f, 0.406f}, imagenet_deviation = {0.229f, 0.224f, 0.225f};
const std::vector<float> cifar_mean = {0.4914f, 0.4822f, 0.4465f};
const Pretrained networks[] = {
    {"resnet20", "akamaster/resnet20-12fca82f.th", "resnet20", "by name", imagenet_mean, imagenet_deviation, 0.98},
    {"resnet56",
     "akamaster/resnet56-4bfd9763.th",
     "resnet56",
     "by name",
     cifar_mean,
     {0.2023f, 0.1994f, 0.2010f},
     0.98},
    {"", "onnc/resnet20.onnx", "", "ONNX", cifar_mean, {0.2023f, 0.1994f, 0.2010f}, 0.95},
    {"resnet_2b",
     "vnncomp2021/resnet_2b.pth",
     "vnncomp2021/resnet_2b.onnx",
     "by structure",
     {0.485f, 0.456f, 0.406f},
     {0.225f, 0.225f, 0.225f},
     0.65},
    {"", "vnncomp2021/resnet_2b.onnx", "", "ONNX", {0.485f, 0.456f, 0.406f}, {0.225f, 0.225f, 0.225f}, 0.65},
};

std::string test_script(const std::string& folder, const std::string& name) {
  return " " + test::quoted_test_file(folder + "/" + name) + " ";
}

class PeersPretrainedSlow : public QuietRun {
 protected:
  void SetUp() override {
    QuietRun::SetUp();
    const fs::path models = test::shared_data("models.tar"), images = test::shared_data("cifar-10-batches-bin.tar.xz");
    if (!path_exists(models) || !path_exists(images)) GTEST_SKIP() << models << " or " << images << " is not there";
    ASSERT_TRUE(test::works("tar xf '" + models.string() + "' -C '" + (folder / "").string() + "'"));
    const fs::path unpacked = fs::path("/tmp/data/cifar-10-batches-bin");
    if (!path_exists(unpacked)) {
      ASSERT_TRUE(test::works("tar xf '" + images.string() + "' -C '" + (folder / "").string() + "'"));
      data = open_data((folder / "cifar-10-batches-bin").string());
    } else {
      data = open_data(unpacked.string());
    }
  }

  /// Logits on the first images beside the other program's, and the accuracy on all of data.test.
  void compare(OpenedModel model, const Pretrained& network) {
    InferenceProgram program(model.info.spec, model.state, {.threads = std::make_shared<ThreadPool>(2)});
    Loader loader(data.test, model.info.preprocessing, {.batch = 64, .training = false});
    const Tensor images = loader.next().images;
    const Tensor logits = program.logits(images);
    write_safetensors(folder / "sample", {{"images", &images}, {"logits", &logits}});
    const std::string arguments = "'" + (folder / network.file).string() + "' '" + (folder / "sample").string() + "'";
    const bool torch = *network.name != '\0';
    const std::string command =
        torch ? "/usr/bin/python3 -W ignore" + test_script("train", "pretrained.py") + network.name + " "
              : "node" + test_script("formats", "onnx_runtime.mjs");
    const bool there = torch ? test::works("/usr/bin/python3 -c 'import torch'")
                             : std::getenv("NODE_PATH") && test::works("node -e \"require('onnxruntime-node')\"");
    double difference = -1;
    if (there) {
      difference = test::number_from(command + arguments);
      EXPECT_LT(difference, 1e-4) << network.file;
    }
    model.info.classes = data.test->classes();
    const std::optional<EvaluationResult> result = evaluate(program, data.test, model.info);
    ASSERT_TRUE(result);
    std::printf("%s: top-1 %.2f%% of %d training images, logits differ by %.2g%s\n", network.file, 100 * result->top1(),
                static_cast<int>(result->count), difference,
                there ? "" : " (not compared: the other program is missing)");
    EXPECT_GT(result->top1(), network.least_accuracy) << network.file;
  }

  DataSplit data;
};

TEST_F(PeersPretrainedSlow, FilesGiveTheirMakersLogitsAndAccuracy) {
  for (const Pretrained& network : networks) {
    SCOPED_TRACE(network.file);
    std::string structure = network.model;
    if (structure.ends_with(".onnx")) structure = (folder / structure).string();
    OpenedModel model =
        open_model(folder / network.file, {.model = structure, .mean = network.mean, .deviation = network.deviation});
    EXPECT_NE(model.notes.front().find(network.how), std::string::npos) << model.notes.front();
    compare(std::move(model), network);
  }
}

/// The network of distiller's ResNet-8: a stem of 64 channels, and an average pool that leaves 2x2 pixels.
Graph distiller_resnet8(int64_t batch) {
  Builder net(Mode::inference);
  const auto conv = [&](const std::string& name, Value x, int channels, int kernel, int stride) {
    return net.conv(name, x, {.channels = channels, .kernel = kernel, .stride = stride, .padding = kernel / 2});
  };
  Value x = net.input("images", {batch, 3, 32, 32});
  x = net.relu(net.batch_norm("bn1", conv("conv1", x, 64, 3, 1)));
  for (int stage = 1; stage <= 3; ++stage) {
    const auto scope = net.scope(text_of("layer", stage, ".0"));
    const int channels = 8 << stage, stride = stage > 1 ? 2 : 1;
    Value h = net.relu(net.batch_norm("bn1", conv("conv1", x, channels, 3, stride)));
    h = net.batch_norm("bn2", conv("conv2", h, channels, 3, 1));
    x = net.relu(net.add(h, net.batch_norm("shortcut.1", conv("shortcut.0", x, channels, 1, stride))));
  }
  x = net.flatten(net.average_pool(x, {.kernel = 4, .stride = 4}));
  net.observe("logits", net.linear("linear", x, {.units = 10}));
  return net.take();
}

TEST_F(PeersPretrainedSlow, AStructureWrittenWithTheBuilderTakesWeightsInItsOrder) {
  const Pretrained network{"resnet8",  "distiller/resnet8_cifar10.pth", "",  "",
                           cifar_mean, {0.2023f, 0.1994f, 0.2010f},     0.88};
  OpenedModel model;
  model.info.spec = {.name = "distiller", .family = Family::written_out, .written = write_out(distiller_resnet8)};
  MappedWeights mapped = expect_mapped(forward_graph(model.info.spec, 1, Mode::inference),
                                       read_weights(folder / network.file), HeadPolicy::exact, network.file);
  model.state = std::move(mapped.state);
  model.info.preprocessing = {.mean = network.mean, .deviation = network.deviation};
  compare(std::move(model), network);
}

}  // namespace
}  // namespace resnet
