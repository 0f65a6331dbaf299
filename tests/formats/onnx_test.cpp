// ONNX out and in again, networks that are written out as layers, and files that no honest program writes.
#include "formats/onnx_export.hpp"
#include "formats/onnx_import.hpp"
#include "formats/used_state.hpp"

#include "base/random.hpp"
#include "formats/format_test.hpp"
#include "formats/open_model.hpp"
#include "formats/protobuf.hpp"
#include "graph/passes.hpp"
#include "runtime/executable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace resnet {
namespace {

// --- out and in ---

ModelInfo info_of(const ModelSpec& spec) {
  ModelInfo info{spec, {}, {}};
  for (int k = 0; k < spec.classes; ++k) info.classes.push_back(text_of("class ", k));
  const auto channels = static_cast<std::size_t>(spec.input.channels);
  info.preprocessing = {.channels = spec.input.channels,
                        .height = spec.input.height,
                        .width = spec.input.width,
                        .mean = std::vector<float>(channels, 0.5f),
                        .deviation = std::vector<float>(channels, 0.25f)};
  return info;
}

Tensor logits_of(const ModelSpec& spec, State& state, int64_t batch) {
  const auto program = compile(forward_graph(spec, batch, Mode::inference), state);
  Tensor images(Shape{batch, spec.input.channels, spec.input.height, spec.input.width});
  Rng rng(7, "images");
  for (float& x : images.data<float>()) x = static_cast<float>(rng.normal());
  program->set_input("images", images);
  program->run();
  return program->output("logits");
}

double difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double largest = 0, scale = 0;
  for (std::size_t i = 0; i < a.data<float>().size(); ++i) {
    largest =
        std::max(largest, std::abs(static_cast<double>(a.data<float>()[i]) - static_cast<double>(b.data<float>()[i])));
    scale = std::max(scale, std::abs(static_cast<double>(a.data<float>()[i])));
  }
  return largest / scale;
}

class OnnxRoundTrip : public testing::TestWithParam<const char*> {};

TEST_P(OnnxRoundTrip, GivesTheSameLogitsForAnyBatch) {
  ModelOptions options{.classes = 7};
  const ModelSpec row = find_model(GetParam());
  if (row.input.height > 64) options.input = ImageSize{3, 64, 64};
  const ModelSpec spec = find_model(GetParam(), options);
  State state = test::used_state(spec);
  for (const bool fold : {true, false}) {
    const std::string bytes = onnx::export_network(info_of(spec), state, {.fold = fold});
    EXPECT_EQ(bytes, onnx::export_network(info_of(spec), state, {.fold = fold}));
    onnx::ImportedNetwork network = onnx::import_network(bytes, "x.onnx");
    EXPECT_EQ(network.spec.classes, 7);
    for (const int64_t batch : {1, 5})
      EXPECT_LT(difference(logits_of(spec, state, batch), logits_of(network.spec, network.state, batch)), 1e-5) << fold;
    EXPECT_EQ(spec_from_json(to_json_text(network.spec)), network.spec);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, OnnxRoundTrip,
                         testing::Values("resnet8", "plain8", "resnet18", "resnet50", "mlp", "residual_mlp"),
                         [](const auto& test) { return std::string(test.param); });

TEST(OnnxExport, FilesKeepClassesAndPreprocessing) {
  const ModelSpec spec = find_model("resnet8");
  const TemporaryFolder folder;
  write_file(folder / "x.onnx", onnx::export_network(info_of(spec), test::used_state(spec)));
  const OpenedModel model = open_model(folder / "x.onnx");
  EXPECT_TRUE(model.classes_known);
  EXPECT_TRUE(model.preprocessing_known);
  EXPECT_EQ(model.info.classes, info_of(spec).classes);
  EXPECT_EQ(model.info.preprocessing, info_of(spec).preprocessing);
}

// --- written out ---

TEST(WrittenOut, IsSavedLoadedAndTrained) {
  const ModelSpec row = find_model("resnet8");
  State row_state = test::used_state(row);
  onnx::ImportedNetwork network =
      onnx::import_network(onnx::export_network(info_of(row), row_state, {.fold = false}), "kept.onnx");
  const TemporaryFolder folder;
  ModelInfo info = info_of(network.spec);
  save_model(folder / "model", info, network.state, 3);
  ModelFile loaded = load_model(folder / "model");
  EXPECT_EQ(loaded.info.spec, network.spec);
  EXPECT_LT(difference(logits_of(row, row_state, 2), logits_of(loaded.info.spec, loaded.state, 2)), 1e-5);

  // A training graph has batch norms that learn, a gradient for each parameter, and as many parameters as the row.
  Graph graph = loss_graph(loaded.info.spec, 4, Mode::training);
  EXPECT_EQ(graph.parameter_count(), loss_graph(row, 4, Mode::training).parameter_count());
  EXPECT_EQ(graph.updates().size(), loss_graph(row, 4, Mode::training).updates().size());
  const auto gradients = differentiate(graph, {{*graph.find("loss"), {}}}, graph.parameters());
  EXPECT_EQ(gradients.size(), graph.parameters().size());
}

TEST(WrittenOut, GetsOtherClassesAndImages) {
  const ModelSpec row = find_model("resnet8", {.shortcut = Shortcut::option_b});
  const onnx::ImportedNetwork network =
      onnx::import_network(onnx::export_network(info_of(row), test::used_state(row)), "x.onnx");
  const ModelSpec other = with_ends(network.spec, 4, {3, 48, 40});
  EXPECT_EQ(forward_graph(other, 2, Mode::inference)[*forward_graph(other, 2, Mode::inference).find("logits")].shape,
            (Shape{2, 4}));
  EXPECT_EQ(error_of([&] { with_ends(network.spec, 4, {5, 32, 32}); }).code(), ExitCode::usage);
}

TEST(WrittenOut, RefusesLayersThatDoNotFit) {
  const ModelSpec row = find_model("resnet8");
  const ModelSpec good = onnx::import_network(onnx::export_network(info_of(row), test::used_state(row)), "x.onnx").spec;
  const auto refused = [&](auto change, const std::string& because) {
    ModelSpec spec = good;
    change(spec.written);
    const Error error = error_of([&] {
      check(spec);
      forward_graph(spec, 1, Mode::inference);
    });
    EXPECT_EQ(error.code(), ExitCode::bad_model) << error.what();
    EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
  };
  refused([](WrittenOut& w) { w.layers[0].inputs[0] = 1000; }, "before it is computed");
  refused([](WrittenOut& w) { w.logits = 100'000; }, "does not exist");
  refused([](WrittenOut& w) { w.states[0].shape[0] = -3; }, "extent -3");
  refused([](WrittenOut& w) { w.states[1].name = w.states[0].name; }, "twice");
  refused([](WrittenOut& w) { w.states[0].shape = {1 << 30, 1 << 30}; }, "too large");
  refused([](WrittenOut& w) { w.states[0].shape[1] = 5; }, "conv");
}

// --- hostile files ---

struct FakeNode {
  std::string type;
  std::vector<std::string> inputs, outputs;
  ProtobufWriter attributes = {};
};

ProtobufWriter attribute_of(const std::string& name, const ProtobufWriter& value) {
  ProtobufWriter attribute, node;
  attribute.bytes(1, name);
  node.bytes(5, attribute.text() + value.text());
  return node;
}
ProtobufWriter attribute_of(const std::string& name, const std::string& text) {
  ProtobufWriter value;
  value.bytes(4, text);
  return attribute_of(name, value);
}
ProtobufWriter attribute_of(const std::string& name, int64_t integer) {
  ProtobufWriter value;
  value.integer(3, integer);
  return attribute_of(name, value);
}

std::string onnx_of(const std::vector<FakeNode>& nodes, const std::string& output, const std::string& extra = {},
                    int64_t channels = 3, int64_t opset = 17) {
  ProtobufWriter graph, model, version;
  for (const FakeNode& fake : nodes) {
    ProtobufWriter node = fake.attributes;
    for (const std::string& input : fake.inputs) node.bytes(1, input);
    for (const std::string& name : fake.outputs) node.bytes(2, name);
    node.bytes(4, fake.type);
    graph.message(1, node);
  }
  const auto port = [&](uint32_t number, const std::string& name, const std::vector<int64_t>& extents) {
    ProtobufWriter shape, tensor, kind, value;
    for (const int64_t extent : extents) {
      ProtobufWriter dimension;
      dimension.integer(1, extent);
      shape.message(1, dimension);
    }
    tensor.integer(1, 1);
    tensor.message(2, shape);
    kind.message(1, tensor);
    value.bytes(1, name);
    value.message(2, kind);
    graph.message(number, value);
  };
  port(11, "x", {1, channels, 4, 4});
  port(12, output, {1, 3});
  model.integer(1, 8);
  model.bytes(7, graph.text() + extra);
  version.integer(2, opset);
  model.message(8, version);
  return model.text();
}

void expect_refused(const std::string& bytes, const std::string& because) {
  const Error error = error_of([&] { onnx::import_network(bytes, "file.onnx"); });
  EXPECT_EQ(error.code(), ExitCode::bad_model) << error.what();
  EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
}

std::string initializer(const std::string& name, const std::vector<int64_t>& extents, const std::string& raw,
                        int64_t type = 1) {
  ProtobufWriter tensor, graph;
  for (const int64_t extent : extents) tensor.integer(1, extent);
  tensor.integer(2, type);
  tensor.bytes(8, name);
  tensor.bytes(9, raw);
  graph.message(5, tensor);
  return graph.text();
}

std::string number_bytes(int64_t value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string number_bytes(const std::vector<int64_t>& values) {
  std::string bytes;
  for (const int64_t value : values) bytes += number_bytes(value);
  return bytes;
}

/// Images padded by reflection, and three of their channels in another order as the classes.
std::string picking_network(const std::string& mode, const std::vector<int64_t>& channels) {
  const std::vector<FakeNode> nodes = {{"Pad", {"x", "pads"}, {"padded"}, attribute_of("mode", mode)},
                                       {"Gather", {"padded", "channels"}, {"picked"}, attribute_of("axis", 1)},
                                       {"GlobalAveragePool", {"picked"}, {"p"}},
                                       {"Flatten", {"p"}, {"y"}}};
  const std::string pads = number_bytes({0, 0, 1, 2, 0, 0, 2, 0});
  const auto count = static_cast<int64_t>(channels.size());
  return onnx_of(nodes, "y",
                 initializer("pads", {8}, pads, 7) + initializer("channels", {count}, number_bytes(channels), 7));
}

TEST(OnnxPicks, AreSlicesWithAGradientAndComeBack) {
  for (const char* mode : {"reflect", "edge", "wrap"}) {
    SCOPED_TRACE(mode);
    onnx::ImportedNetwork network = onnx::import_network(picking_network(mode, {2, 2, -3, 1}), "x.onnx");
    ASSERT_EQ(network.spec.classes, 4);
    const Tensor logits = logits_of(network.spec, network.state, 3);
    onnx::ImportedNetwork again =
        onnx::import_network(onnx::export_network(info_of(network.spec), network.state), "again.onnx");
    EXPECT_LT(difference(logits, logits_of(again.spec, again.state, 3)), 1e-6);
    // A linear function is its gradient times its input.
    Graph graph = forward_graph(network.spec, 3, Mode::inference);
    const Value images = *graph.find("images"), y = *graph.find("logits");
    const auto gradients = differentiate(graph, {{y, {}}}, {images});
    graph.add_output("slope", gradients.at(images));
    const auto program = compile(graph, network.state);
    Tensor x(graph[images].shape);
    Rng rng(7, "images");
    for (float& value : x.data<float>()) value = static_cast<float>(rng.normal());
    program->set_input("images", x);
    program->run();
    double sum = 0, product = 0;
    const Tensor scores = program->output("logits"), slope = program->output("slope");
    for (const float value : scores.data<float>()) sum += static_cast<double>(value);
    for (std::size_t i = 0; i < x.data<float>().size(); ++i)
      product += static_cast<double>(slope.data<float>()[i]) * static_cast<double>(x.data<float>()[i]);
    EXPECT_NEAR(product, sum, 1e-4);
  }
}

TEST(HostileOnnx, PicksOutsideAndWithoutOrderAreRefused) {
  expect_refused(picking_network("reflect", {0, 1, 3}), "index 3 of 3");
  expect_refused(picking_network("reflect", {0, 1, -4}), "index -4 of 3");
  expect_refused(picking_network("reflect", {}), "takes nothing");
  expect_refused(picking_network("magic", {0}), "pads by 'magic'");
  std::vector<int64_t> wild;
  for (int64_t i = 0; i < 4000; ++i) wild.push_back(i * i % 3);
  expect_refused(picking_network("edge", wild), "no regular order");
}

TEST(HostileOnnx, HonestFileIsRead) {
  const std::vector<FakeNode> nodes = {{"GlobalAveragePool", {"x"}, {"p"}}, {"Flatten", {"p"}, {"y"}}};
  EXPECT_EQ(onnx::import_network(onnx_of(nodes, "y"), "file.onnx").spec.classes, 3);
}

TEST(HostileOnnx, CyclesAndDoubleNamesAreRefused) {
  expect_refused(onnx_of({{"Relu", {"b"}, {"a"}}, {"Relu", {"a"}, {"b"}}}, "b"), "before anything computes it");
  expect_refused(onnx_of({{"Add", {"x", "y"}, {"y"}}}, "y"), "before anything computes it");
  expect_refused(onnx_of({{"Relu", {"x"}, {"y"}}, {"Relu", {"x"}, {"y"}}}, "y"), "defined twice");
  expect_refused(onnx_of({{"Relu", {"x"}, {"x"}}}, "x"), "defined twice");
  expect_refused(onnx_of({{"Relu", {"x"}, {"y"}}}, "z"), "computed by no node");
  expect_refused(onnx_of({{"Relu", {"x"}, {}}}, "x"), "");
}

TEST(HostileOnnx, SizesThatLieAreRefused) {
  const std::vector<FakeNode> conv = {{"Conv", {"x", "w"}, {"y"}}};
  expect_refused(onnx_of(conv, "y", initializer("w", {-1, 3, 1, 1}, "")), "negative extent");
  expect_refused(onnx_of(conv, "y", initializer("w", {1 << 30, 1 << 30, 1 << 30, 1 << 30}, "")), "overflows");
  expect_refused(onnx_of(conv, "y", initializer("w", {1 << 30, 3, 1, 1}, "abcd")), "needs");
  expect_refused(onnx_of(conv, "y", initializer("w", {2, 3, 1, 1}, std::string(23, 'x'))), "needs");
  expect_refused(onnx_of(conv, "y", initializer("w", {1, 1, 1, 1, 1, 1, 1}, "abcd")), "rank 7");
  expect_refused(onnx_of(conv, "y", initializer("w", {1}, "abcd", 99)), "type 99");
  expect_refused(onnx_of({{"Relu", {"x"}, {"y"}}}, "y", {}, int64_t{1} << 40), "channels");
  const std::string huge = number_bytes(int64_t{1} << 33);
  expect_refused(
      onnx_of({{"ConstantOfShape", {"s"}, {"c"}}, {"Relu", {"x"}, {"y"}}}, "y", initializer("s", {1}, huge, 7)),
      "too large");
}

TEST(HostileOnnx, WhatIsNotSupportedIsNamed) {
  expect_refused(onnx_of({{"Einsum", {"x"}, {"y"}}}, "y"), "node 'y' (Einsum): the operator is not supported");
  expect_refused(onnx_of({{"Relu", {"x"}, {"y"}}}, "y"), "not one row of class scores");
  const std::string constant = initializer("w", {4, 2}, std::string(32, 'x'));
  for (const char* type : {"Relu", "Softmax", "Identity"})  // of a constant: an output that no image reaches
    expect_refused(onnx_of({{type, {"w"}, {"y"}}}, "y", constant), "not one row of class scores");
  expect_refused(onnx_of({{"Relu", {"x"}, {"y"}}}, "y", {}, 3, 5), "opset 5");
  expect_refused(onnx_of({{"Relu", {"x"}, {"y"}}}, "y", {}, 3, 26), "opset 26");
  expect_refused("", "no ONNX file");
  expect_refused("not protobuf at all", "protobuf");
}

TEST(HostileOnnx, EveryShorterFileIsRefusedAndADamagedOneIsAnError) {
  const ModelSpec spec = find_model("mlp", {.classes = 3, .input = ImageSize{1, 2, 2}, .width = 2, .depth = 2});
  const std::string whole = onnx::export_network(info_of(spec), test::used_state(spec));
  const auto attempt = [](const std::string& bytes) {
    try {
      onnx::import_network(bytes, "file.onnx");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_model) << error.what();
    }
  };
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    attempt(whole.substr(0, at));
    for (const char flipped : {'\x01', '\x80', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flipped);
      attempt(damaged);
    }
  }
}

}  // namespace
}  // namespace resnet
