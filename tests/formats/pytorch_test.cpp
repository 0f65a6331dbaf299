// Model files in PyTorch: load_state_dict(strict=True) takes them, and the same images give the same logits. Needs
// Debian's python3-torch and python3-torchvision, so ./check --all runs it.
#include "base/random.hpp"
#include "formats/format_test.hpp"
#include "formats/model_file.hpp"
#include "formats/used_state.hpp"
#include "runtime/executable.hpp"
#include "support/commands.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace resnet {
namespace {

// Debian's: another python3 that comes first in PATH would not see Debian's packages.
constexpr const char* python = "/usr/bin/python3";

Tensor noise(const Shape& shape) {
  Tensor tensor(shape);
  Rng rng(7, "images");
  for (float& x : tensor.data<float>()) x = static_cast<float>(rng.normal());
  return tensor;
}

class PeersPyTorch : public testing::TestWithParam<const char*> {};

TEST_P(PeersPyTorch, LoadsTheFileAndGivesTheSameLogits) {
  const std::string quoted_python = "'" + std::string(python) + "'";
  if (std::system((quoted_python + " -c 'import torch, torchvision' >/dev/null 2>&1").c_str()) != 0)
    GTEST_SKIP() << python << " has no torch and torchvision: apt-get install python3-torch python3-torchvision";
  const ModelSpec spec = find_model(GetParam());
  const ImageSize& size = spec.input;
  const Shape images{2, size.channels, size.height, size.width};
  const Graph graph = forward_graph(spec, images.n(), Mode::inference);
  State state = test::used_state(graph);
  const auto program = compile(graph, state);
  const Tensor x = noise(images);
  program->set_input("images", x);
  program->run();
  const Tensor logits = program->output("logits");

  ModelInfo info{spec, {}, {}};
  for (int k = 0; k < spec.classes; ++k) info.classes.push_back(std::to_string(k));
  info.preprocessing = {.channels = size.channels, .height = size.height, .width = size.width};
  const TemporaryFolder folder;
  save_model(folder / "model", info, state, 12);
  write_safetensors(folder / "sample", {{"images", &x}, {"logits", &logits}}, {});
  const fs::path script = test::tests_folder() / "formats" / "load_in_pytorch.py";
  const double difference = test::number_from(quoted_python + " '" + script.string() + "' " + GetParam() + " '" +
                                              (folder / "model").string() + "' '" + (folder / "sample").string() + "'");
  RecordProperty("difference", std::to_string(difference));
  EXPECT_LT(difference, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Networks, PeersPyTorch, testing::Values("resnet8", "resnet20", "resnet18", "resnet50"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace resnet
