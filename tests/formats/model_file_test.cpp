// Model files and checkpoints: complete, strict, and refused with one clear line when they do not fit.
#include "formats/model_file.hpp"

#include "formats/format_test.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace resnet {
namespace {

ModelInfo small_info() {
  return {find_model("resnet8", {.classes = 3, .input = ImageSize{1, 12, 10}}),
          {"cat", "dog \"x\"", "\xc3\xa4hre"},
          {.channels = 1, .height = 12, .width = 10, .mean = {0.1307f}, .deviation = {0.3081f}}};
}

Checkpoint small_checkpoint() {
  Checkpoint checkpoint{small_info(), {}, 41, {{"trainer", "{\"epoch\": 3}"}, {"recipe", "short"}}};
  initialise(checkpoint.state, loss_graph(checkpoint.info.spec, 2, Mode::training), 7);
  for (const auto& [name, tensor] : std::map(checkpoint.state.tensors()))
    if (name.starts_with("layer1")) checkpoint.state.set("optimizer/" + name, tensor);
  return checkpoint;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::ranges::equal(a.bytes(), b.bytes());
}

void expect_equal(const State& a, const State& b) {
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const auto& [name, tensor] : a.tensors()) EXPECT_TRUE(equal(tensor, b.at(name))) << name;
}

bool mentions(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

TEST(ModelFile, RoundTrip) {
  const TemporaryFolder folder;
  const ModelInfo info = small_info();
  State state;
  initialise(state, forward_graph(info.spec, 1, Mode::inference), 3);
  save_model(folder / "m.safetensors", info, state, 1234);
  const ModelFile model = load_model(folder / "m.safetensors");
  EXPECT_EQ(model.info.spec, info.spec);
  EXPECT_EQ(model.info.classes, info.classes);
  EXPECT_EQ(model.info.preprocessing, info.preprocessing);
  EXPECT_EQ(model.num_batches_tracked, 1234);
  expect_equal(model.state, state);
  save_model(folder / "again.safetensors", model.info, model.state, model.num_batches_tracked);
  EXPECT_EQ(read_file(folder / "m.safetensors", 1 << 30), read_file(folder / "again.safetensors", 1 << 30));
}

// What load_state_dict(strict=True) asks for: torchvision's keys, a counter of shape [] beside each batch norm, no
// more.
TEST(ModelFile, HoldsWhatPyTorchExpects) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = small_checkpoint();
  save_model(folder / "m", checkpoint.info, checkpoint.state, 41);
  const TensorFile file = read_safetensors(folder / "m");
  EXPECT_EQ(file.metadata.at("format"), "pt");
  int counters = 0;
  for (const auto& [name, tensor] : file.tensors) {
    EXPECT_FALSE(name.starts_with("optimizer/")) << name;
    if (!name.ends_with("num_batches_tracked")) continue;
    ++counters;
    EXPECT_TRUE(file.tensors.contains(name.substr(0, name.rfind('.')) + ".running_var"));
    EXPECT_EQ(tensor.shape(), Shape());
    EXPECT_EQ(tensor.data<int64_t>()[0], 41);
  }
  EXPECT_EQ(counters, 7);
  EXPECT_EQ(file.tensors.size(), 7u + 7 * 5 + 2);
  EXPECT_TRUE(file.tensors.contains("layer3.0.bn2.num_batches_tracked"));
}

TEST(ModelFile, DoubleStatesBecomeSingle) {
  const TemporaryFolder folder;
  const ModelInfo info = small_info();
  State state;
  initialise(state, forward_graph(info.spec, 1, Mode::inference), 3, DType::f64);
  save_model(folder / "m", info, state, 0);
  EXPECT_EQ(load_model(folder / "m").state.at("fc.weight").dtype(), DType::f32);
}

TEST(Checkpoint, RoundTripWithEveryByte) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = small_checkpoint();
  save_checkpoint(folder / "c", checkpoint);
  const Checkpoint loaded = load_checkpoint(folder / "c");
  EXPECT_EQ(loaded.info.spec, checkpoint.info.spec);
  EXPECT_EQ(loaded.num_batches_tracked, 41);
  EXPECT_EQ(loaded.extra, checkpoint.extra);
  expect_equal(loaded.state, checkpoint.state);
  save_checkpoint(folder / "d", loaded);
  EXPECT_EQ(read_file(folder / "c", 1 << 30), read_file(folder / "d", 1 << 30));
}

TEST(Checkpoint, IsAModelFileToo) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = small_checkpoint();
  save_checkpoint(folder / "c", checkpoint);
  save_model(folder / "m", checkpoint.info, checkpoint.state, 41);
  const ModelFile model = load_model(folder / "c");
  expect_equal(model.state, load_model(folder / "m").state);
  EXPECT_EQ(model.num_batches_tracked, 41);
}

TEST(Checkpoint, KeepsTheTypesOfItsTensors) {
  const TemporaryFolder folder;
  Checkpoint checkpoint{small_info(), {}, 0, {}};
  initialise(checkpoint.state, forward_graph(checkpoint.info.spec, 1, Mode::inference), 3, DType::f64);
  save_checkpoint(folder / "c", checkpoint);
  expect_equal(load_checkpoint(folder / "c").state, checkpoint.state);
}

TEST(Checkpoint, OwnKeysAreNotForOthers) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = small_checkpoint();
  checkpoint.extra["spec"] = "x";
  EXPECT_TRUE(mentions(error_of([&] { save_checkpoint(folder / "c", checkpoint); }), "'spec'"));
  EXPECT_EQ(folder.entries(), 0);
}

TEST(Checkpoint, AFullDiskLeavesTheOldOne) {
  const TemporaryFolder folder;
  Checkpoint checkpoint = small_checkpoint();
  save_checkpoint(folder / "c", checkpoint);
  const std::string before = read_file(folder / "c", 1 << 30);
  checkpoint.extra["trainer"] = "later";
  set_write_fault([](const fs::path&) { return ENOSPC; });
  const Error error = error_of([&] { save_checkpoint(folder / "c", checkpoint); });
  set_write_fault({});
  EXPECT_EQ(error.code(), ExitCode::failed);
  EXPECT_EQ(read_file(folder / "c", 1 << 30), before);
  EXPECT_EQ(folder.entries(), 1);
}

/// A good model file, changed by `change` and written again; the error of loading it.
template <class Change>
Error error_of_changed(Change change) {
  const TemporaryFolder folder;
  const ModelInfo info = small_info();
  State state;
  initialise(state, forward_graph(info.spec, 1, Mode::inference), 3);
  save_model(folder / "m", info, state, 5);
  TensorFile file = read_safetensors(folder / "m");
  change(file);
  TensorReferences tensors;
  for (const auto& [name, tensor] : file.tensors) tensors[name] = &tensor;
  write_safetensors(folder / "m", tensors, file.metadata);
  const Error error = error_of([&] { load_model(folder / "m"); });
  EXPECT_EQ(error.code(), ExitCode::bad_model) << error.what();
  EXPECT_TRUE(std::string(error.what()).starts_with((folder / "m").string() + ": ")) << error.what();
  return error;
}

TEST(ModelFile, BadMetadataAreRefused) {
  for (const char* key : {"spec", "classes", "preprocessing"}) {
    EXPECT_TRUE(mentions(error_of_changed([&](TensorFile& file) { file.metadata.erase(key); }), key));
    for (const char* text : {"", "{", "null", "3", "[1, 2, 3]", "{\"channels\": \"x\", \"blocks\": 3}"})
      error_of_changed([&](TensorFile& file) { file.metadata[key] = text; });
    error_of_changed([&](TensorFile& file) { file.metadata[key] = std::string(1 << 20, '['); });
    error_of_changed([&](TensorFile& file) { file.metadata[key] = std::string(1 << 20, '\n'); });
  }
}

TEST(ModelFile, NumbersThatFitNoTypeAreRefused) {
  for (const char* text : {R"({"channels":1e300,"height":12,"width":10,"mean":[0],"std":[1]})",
                           R"({"channels":-1,"height":12,"width":10,"mean":[0],"std":[1]})",
                           R"({"channels":1,"height":12,"width":18446744073709551615,"mean":[0],"std":[1]})"})
    error_of_changed([&](TensorFile& file) { file.metadata["preprocessing"] = text; });
}

TEST(ModelFile, PartsThatContradictEachOtherAreRefused) {
  EXPECT_TRUE(mentions(error_of_changed([](TensorFile& file) { file.metadata["classes"] = R"(["a", "b"])"; }),
                       "3 classes with 2 class names"));
  EXPECT_TRUE(mentions(error_of_changed([](TensorFile& file) {
                         file.metadata["preprocessing"] = to_json_text(Preprocessing{.mean = {0, 0, 0}});
                       }),
                       "preprocessing for 3x32x32"));
  ModelInfo info = small_info();
  info.classes.pop_back();
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { save_model(folder / "m", info, {}, 0); }).code(), ExitCode::bad_model);
}

TEST(ModelFile, TensorsThatDoNotFitAreListed) {
  const Error missing = error_of_changed([](TensorFile& file) {
    std::erase_if(file.tensors, [](const auto& item) { return item.first.starts_with("layer2"); });
  });
  EXPECT_TRUE(mentions(missing, "10 missing: layer2.0.conv1.weight, layer2.0.bn1.weight, layer2.0.bn1.bias, ..."))
      << missing.what();
  const Error unexpected = error_of_changed([](TensorFile& file) { file.tensors.emplace("extra", Tensor({2})); });
  EXPECT_TRUE(mentions(unexpected, "do not fit the network; 1 unexpected: extra")) << unexpected.what();
  const Error reshaped = error_of_changed([](TensorFile& file) { file.tensors["fc.weight"] = Tensor({10, 64}); });
  EXPECT_TRUE(mentions(reshaped, "1 of another shape: fc.weight: expected [3x64], got [10x64]")) << reshaped.what();
  const Error counter =
      error_of_changed([](TensorFile& file) { file.tensors["bn1.num_batches_tracked"] = Tensor({2}, DType::i64); });
  EXPECT_TRUE(mentions(counter, "bn1.num_batches_tracked")) << counter.what();
}

TEST(ModelFile, AHugeSpecIsRefusedWithoutItsMemory) {
  error_of_changed([](TensorFile& file) {
    ModelSpec spec = find_model("resnet1202", {.classes = 3, .input = ImageSize{1, 12, 10}});
    spec.blocks = std::vector<int>(8, 1000);
    spec.widths = std::vector<int>(8, 65536);
    file.metadata["spec"] = to_json_text(spec);
  });
}

TEST(ModelFile, MatchSeesMomentaOnlyWhereTheGraphHasThem) {
  const Checkpoint checkpoint = small_checkpoint();
  EXPECT_TRUE(match(forward_graph(checkpoint.info.spec, 1, Mode::inference), checkpoint.state).exact());
  Graph training = loss_graph(checkpoint.info.spec, 2, Mode::training);
  training.add_state(ValueKind::momentum, "optimizer/fc.bias", {3});
  const StateMatch found = match(training, checkpoint.state);
  EXPECT_EQ(found.missing, std::vector<std::string>{"optimizer/fc.bias"});
  EXPECT_FALSE(found.unexpected.empty());
}

}  // namespace
}  // namespace resnet
