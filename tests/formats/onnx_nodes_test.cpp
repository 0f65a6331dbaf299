// The ONNX project's own tests of single operators, for the operators that are understood, in float32 and rank 4 or
// less. They lie beside a checkout on some machines.
#include "base/error.hpp"
#include "formats/format_test.hpp"
#include "formats/onnx_import.hpp"
#include "formats/protobuf.hpp"
#include "runtime/executable.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

namespace resnet {
namespace {

struct NodeTest {
  onnx::Model model;
  std::vector<Tensor> inputs, outputs;
};

/// Cases that are left out, and why; all others with supported operators must pass.
const std::map<std::string, std::string> left_out = {
    {"test_dropout_default_mask", "the mask as a second output"},
    {"test_dropout_default_mask_ratio", "the mask as a second output"},
    {"test_maxpool_with_argmax_2d_precomputed_pads", "the positions as a second output"},
    {"test_maxpool_with_argmax_2d_precomputed_strides", "the positions as a second output"},
    {"test_batchnorm_epsilon_training_mode", "batch norm in training mode"},
    {"test_batchnorm_example_training_mode", "batch norm in training mode"},
};

std::vector<Tensor> read_tensors(const fs::path& folder, const std::string& kind) {
  std::vector<Tensor> tensors;
  for (int i = 0; path_exists(folder / text_of(kind, "_", i, ".pb")); ++i)
    tensors.push_back(onnx::parse_tensor(read_file(folder / text_of(kind, "_", i, ".pb"), 1 << 28)));
  return tensors;
}

/// Why this test is not for us; empty if it is.
std::string reason_to_skip(const std::string& name, const NodeTest& test) {
  const std::vector<std::string> supported = onnx::supported_operators();
  for (const onnx::Node& node : test.model.nodes)
    if (!std::ranges::count(supported, node.type)) return "operator " + node.type;
  if (const auto found = left_out.find(name); found != left_out.end()) return found->second;
  for (const onnx::Port& port : test.model.inputs)
    if (port.extents.size() > 4) return text_of("rank ", port.extents.size());
  for (const onnx::Port& port : test.model.outputs)
    if (port.element_type != onnx::type_float) return text_of("element type ", port.element_type, " of an output");
  if (!test.model.inputs.empty() && test.model.inputs.front().element_type != onnx::type_float)
    return text_of("element type ", test.model.inputs.front().element_type, " of an input");
  if (test.outputs.empty() || test.inputs.size() != test.model.inputs.size()) return "its files are incomplete";
  return {};
}

/// Inputs that are no float images are constants of the graph: shapes, axes, bounds.
void make_constants(NodeTest& test) {
  std::set<std::string> constants;
  const bool clip =
      test.model.nodes.size() == 1 && (test.model.nodes[0].type == "Clip" || test.model.nodes[0].type == "Pad" ||
                                       test.model.nodes[0].type == "Dropout");
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    const onnx::Port& port = test.model.inputs[i];
    if (port.element_type == onnx::type_float && !(clip && i > 0)) continue;
    constants.insert(port.name);
    test.model.initializers[port.name] = test.inputs[i];
  }
  std::vector<Tensor> images;
  for (std::size_t i = 0; i < test.inputs.size(); ++i)
    if (!constants.contains(test.model.inputs[i].name)) images.push_back(test.inputs[i]);
  test.inputs = std::move(images);
  std::erase_if(test.model.inputs, [&](const onnx::Port& port) { return constants.contains(port.name); });
}

/// Largest |got - expected| - 1e-5 |expected| over all elements; 1e-4 is what the suite itself allows for.
double excess(const Tensor& got, const Tensor& expected) {
  if (got.shape() != expected.shape()) return 1e30;
  double worst = 0;
  for (std::size_t i = 0; i < got.data<float>().size(); ++i) {
    const double a = static_cast<double>(got.data<float>()[i]), b = static_cast<double>(expected.data<float>()[i]);
    if (!(a == b)) worst = std::max(worst, std::isfinite(a - b) ? std::abs(a - b) - 1e-3 * std::abs(b) : 1e30);
  }
  return worst;
}

std::string failure_of(NodeTest test) {
  try {
    make_constants(test);
    std::map<std::string, Shape> shapes;
    for (std::size_t i = 0; i < test.inputs.size(); ++i) shapes[test.model.inputs[i].name] = test.inputs[i].shape();
    for (const Backend backend : {Backend::reference, Backend::cpu}) {
      onnx::ImportedGraph imported = onnx::import_graph(test.model, shapes);
      const auto program = compile(imported.graph, imported.state, {.backend = backend});
      for (std::size_t i = 0; i < test.inputs.size(); ++i)
        program->set_input(test.model.inputs[i].name, test.inputs[i]);
      program->run();
      const Tensor got = program->output(test.model.outputs[0].name);
      if (const double over = excess(got, test.outputs[0]); over > 1e-4)
        return text_of("output ", got.shape(), " differs from ", test.outputs[0].shape(), " by ", over);
    }
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(OnnxNodes, SupportedOperatorsPassTheProjectsOwnTests) {
  const fs::path archive = test::shared_data("onnx-backend-tests.tar.xz");
  if (!path_exists(archive)) GTEST_SKIP() << archive << " is not there";
  const TemporaryFolder folder;
  ASSERT_EQ(std::system(("tar xf '" + archive.string() + "' -C '" + (folder / "").string() + "'").c_str()), 0);
  std::map<std::string, fs::path> tests;
  for (const char* group : {"node", "pytorch-converted", "pytorch-operator", "simple"})
    for (const fs::directory_entry& entry : fs::directory_iterator(folder / group))
      tests[entry.path().filename().string()] = entry.path();
  int passed = 0, skipped = 0;
  for (const auto& [name, path] : tests) {
    NodeTest test;
    std::string reason;
    try {
      test.model = onnx::parse(read_file(path / "model.onnx", 1 << 28));
      test.inputs = read_tensors(path / "test_data_set_0", "input");
      test.outputs = read_tensors(path / "test_data_set_0", "output");
      reason = reason_to_skip(name, test);
    } catch (const Error& error) {
      reason = error.what();
    }
    if (!reason.empty()) {
      std::printf("skipped %s: %s\n", name.c_str(), reason.c_str());
      ++skipped;
      continue;
    }
    const std::string failure = failure_of(std::move(test));
    if (failure.empty()) {
      std::printf("passed  %s\n", name.c_str());
      ++passed;
    } else {
      ADD_FAILURE() << name << ": " << failure;
    }
  }
  std::printf("%d passed, %d skipped, %zu in all\n", passed, skipped, tests.size());
  EXPECT_GT(passed, 150);
}

}  // namespace
}  // namespace resnet
