// Other programs read our ONNX files and get our logits; we read PyTorch's export and get its logits. Needs Debian's
// python3-onnx, python3-opencv, python3-torch and python3-torchvision, and npm's onnxruntime-node where NODE_PATH says,
// so
// ./check --all runs it; each part skips itself where its program is missing.
#include "base/random.hpp"
#include "formats/format_test.hpp"
#include "formats/onnx_export.hpp"
#include "formats/onnx_import.hpp"
#include "formats/used_state.hpp"
#include "runtime/executable.hpp"
#include "support/commands.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace resnet {
namespace {

std::string script(const std::string& name) { return test::quoted_test_file("formats/" + name); }

Tensor noise(const Shape& shape) {
  Tensor tensor(shape);
  Rng rng(7, "images");
  for (float& x : tensor.data<float>()) x = static_cast<float>(rng.normal());
  return tensor;
}

Tensor run(const ModelSpec& spec, State& state, const Tensor& images, const char* output) {
  const auto program = compile(forward_graph(spec, images.shape().n(), Mode::inference), state);
  program->set_input("images", images);
  program->run();
  return program->output(output);
}

class PeersOnnx : public testing::TestWithParam<const char*> {
 protected:
  PeersOnnx() {
    ModelOptions options{.classes = 10};
    if (find_model(GetParam()).input.height > 64) options.input = ImageSize{3, 64, 64};
    info.spec = find_model(GetParam(), options);
    state = test::used_state(info.spec);
    for (int k = 0; k < 10; ++k) info.classes.push_back(std::to_string(k));
    const ImageSize& size = info.spec.input;
    info.preprocessing = {.channels = 3,
                          .height = size.height,
                          .width = size.width,
                          .mean = {0.4f, 0.5f, 0.6f},
                          .deviation = {0.2f, 0.25f, 0.3f}};
    images = noise({3, 3, size.height, size.width});
    logits = run(info.spec, state, images, "logits");
    write_safetensors(folder / "sample", {{"images", &images}, {"logits", &logits}});
    for (const bool fold : {true, false}) write_file(file(fold), onnx::export_network(info, state, {.fold = fold}));
  }
  fs::path file(bool fold) const { return folder / (fold ? "folded.onnx" : "kept.onnx"); }

  TemporaryFolder folder;
  ModelInfo info;
  State state;
  Tensor images, logits;
};

TEST_P(PeersOnnx, TheCheckerIsContent) {
  if (!test::works("/usr/bin/python3 -c 'import onnx'"))
    GTEST_SKIP() << "no onnx in /usr/bin/python3: apt-get install python3-onnx";
  write_file(folder / "inside.onnx", onnx::export_network(info, state, {.preprocess = true}));
  for (const fs::path& path : {file(true), file(false), folder / "inside.onnx"})
    EXPECT_EQ(test::number_from("/usr/bin/python3 " + script("onnx_peers.py") + " check '" + path.string() + "'"), 0);
}

TEST_P(PeersOnnx, OpenCvGivesTheSameLogits) {
  if (!test::works("/usr/bin/python3 -c 'import cv2'"))
    GTEST_SKIP() << "no cv2 in /usr/bin/python3: apt-get install python3-opencv";
  for (const bool fold : {true, false})
    EXPECT_LT(test::number_from("/usr/bin/python3 " + script("onnx_peers.py") + " opencv '" + file(fold).string() +
                                "' '" + (folder / "sample").string() + "'"),
              1e-4);
}

TEST_P(PeersOnnx, OnnxRuntimeGivesTheSameLogitsAndProbabilities) {
  if (!std::getenv("NODE_PATH") || !test::works("node -e \"require('onnxruntime-node')\""))
    GTEST_SKIP() << "no onnxruntime-node for node: npm install --ignore-scripts onnxruntime-node, and NODE_PATH";
  for (const bool fold : {true, false})
    EXPECT_LT(test::number_from("node " + script("onnx_runtime.mjs") + " '" + file(fold).string() + "' '" +
                                (folder / "sample").string() + "'"),
              1e-4);
  // The same images as bytes, row by row, prepared inside the file there and by the formula here.
  const ImageSize& size = info.spec.input;
  Tensor bytes(Shape{3, size.height, size.width, 3}, DType::u8), prepared(images.shape());
  Rng rng(9, "bytes");
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t p = 0; p < size.height * size.width; ++p)
      for (int64_t c = 0; c < 3; ++c) {
        const auto value = static_cast<uint8_t>(rng.below(256));
        const auto channel = static_cast<std::size_t>(c);
        bytes.data<uint8_t>()[static_cast<std::size_t>((n * size.height * size.width + p) * 3 + c)] = value;
        prepared.data<float>()[static_cast<std::size_t>((n * 3 + c) * size.height * size.width + p)] =
            (static_cast<float>(value) / 255 - info.preprocessing.mean[channel]) /
            info.preprocessing.deviation[channel];
      }
  const Tensor probabilities = run(info.spec, state, prepared, "probabilities");
  write_safetensors(folder / "bytes", {{"images", &bytes}, {"probabilities", &probabilities}});
  write_file(folder / "inside.onnx", onnx::export_network(info, state, {.preprocess = true}));
  EXPECT_LT(test::number_from("node " + script("onnx_runtime.mjs") + " '" + (folder / "inside.onnx").string() + "' '" +
                              (folder / "bytes").string() + "'"),
            1e-4);
}

INSTANTIATE_TEST_SUITE_P(Networks, PeersOnnx, testing::Values("resnet20", "resnet18", "resnet50"),
                         [](const auto& test) { return std::string(test.param); });

TEST(PeersOnnxExport, PyTorchsExportComesInAndEquals) {
  if (!test::works("/usr/bin/python3 -c 'import torch, torchvision'"))
    GTEST_SKIP() << "no torch and torchvision in /usr/bin/python3: apt-get install python3-torch python3-torchvision";
  for (const char* name : {"resnet18", "densenet121", "mobilenet_v2"}) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    ASSERT_TRUE(test::works("/usr/bin/python3 -W ignore " + script("onnx_peers.py") + " torch " + name + " '" +
                            (folder / "x.onnx").string() + "' '" + (folder / "sample").string() + "'"));
    onnx::ImportedNetwork network = onnx::import_network(folder / "x.onnx", ImageSize{3, 64, 64});
    const TensorFile sample = read_safetensors(folder / "sample");
    const Tensor found = run(network.spec, network.state, sample.tensors.at("images"), "logits");
    const Tensor& expected = sample.tensors.at("logits");
    ASSERT_EQ(found.shape(), expected.shape());
    double largest = 0, scale = 0;
    for (std::size_t i = 0; i < found.data<float>().size(); ++i) {
      const auto a = static_cast<double>(found.data<float>()[i]), b = static_cast<double>(expected.data<float>()[i]);
      largest = std::max(largest, std::abs(a - b));
      scale = std::max(scale, std::abs(b));
    }
    EXPECT_LT(largest / scale, 1e-4);
  }
}

}  // namespace
}  // namespace resnet
