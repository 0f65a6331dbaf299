// Two files side by side: what was exported is compared with its source layer by layer, and a change is found where it
// was made.
#include "train/compare_models.hpp"

#include "formats/model_file.hpp"
#include "formats/onnx_export.hpp"
#include "formats/safetensors.hpp"
#include "formats/used_state.hpp"
#include "models/model.hpp"
#include "train/support.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace resnet {
namespace {

class CompareModels : public QuietRun {
 protected:
  ModelInfo info_of(const std::string& name, const ModelOptions& options = {}) const {
    ModelInfo info{find_model(name, options), {}, {}};
    for (int k = 0; k < info.spec.classes; ++k) info.classes.push_back(std::to_string(k));
    const ImageSize& input = info.spec.input;
    info.preprocessing = {.channels = input.channels,
                          .height = input.height,
                          .width = input.width,
                          .mean = std::vector<float>(static_cast<std::size_t>(input.channels), 0.5f),
                          .deviation = std::vector<float>(static_cast<std::size_t>(input.channels), 0.25f)};
    return info;
  }
  std::string saved(const std::string& file, const ModelInfo& info, const State& state) const {
    save_model(folder / file, info, state, 0);
    return folder / file;
  }
  std::string exported(const std::string& file, const ModelInfo& info, const State& state, bool fold = true) const {
    write_file(folder / file, onnx::export_network(info, state, {.fold = fold}));
    return folder / file;
  }
  static Comparison compare(const std::string& a, const std::string& b, const std::string& data = {}) {
    return compare_models({.a = a, .b = b, .data = data, .images = 4, .threads = 1});
  }
};

class CompareExported : public CompareModels, public testing::WithParamInterface<const char*> {
 protected:
  void expect_same_layers() {
    const bool large = find_model(GetParam()).input.height > 32;
    const ModelInfo info =
        info_of(GetParam(), {.classes = 7, .input = large ? std::optional(ImageSize{3, 64, 64}) : std::nullopt});
    const State state = test::used_state(info.spec);
    const std::string file = saved("x.safetensors", info, state);
    for (const bool fold : {true, false}) {
      const Comparison result = compare(file, exported("x.onnx", info, state, fold));
      EXPECT_TRUE(result.same_structure) << fold;
      EXPECT_FALSE(result.parts_at) << *result.parts_at;
      EXPECT_LT(result.relative(), 1e-5);
      EXPECT_EQ(result.agreement, 1);
      EXPECT_EQ(result.images, 4);
    }
  }
};
class CompareExportedSlow : public CompareExported {};

TEST_P(CompareExported, EveryLayerFindsItsCounterpart) { expect_same_layers(); }
TEST_P(CompareExportedSlow, EveryLayerFindsItsCounterpart) { expect_same_layers(); }

INSTANTIATE_TEST_SUITE_P(Networks, CompareExported,
                         testing::Values("resnet8", "plain8", "preact_resnet110", "densenet121", "mlp"),
                         [](const auto& test) { return std::string(test.param); });
INSTANTIATE_TEST_SUITE_P(Networks, CompareExportedSlow,
                         testing::Values("wrn16_4", "resnet18", "resnet50d", "seresnet50", "resnetv2_50",
                                         "resnext50_32x4d"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(CompareModels, NamesTheFirstLayerThatDiffers) {
  const ModelInfo info = info_of("resnet8");
  const State state = test::used_state(info.spec);
  State changed = state;
  changed.at("layer2.0.conv2.weight").data<float>()[0] += 1;
  const Comparison result = compare(saved("a.safetensors", info, state), exported("b.onnx", info, changed));
  EXPECT_TRUE(result.same_structure);
  EXPECT_EQ(result.parts_at, "layer2.0.conv2");
  EXPECT_GT(result.layer_difference, 1e-4);
  EXPECT_GT(result.max_difference, result.mean_difference);
  EXPECT_GT(result.mean_difference, 0);
}

TEST_F(CompareModels, TakesImagesOfADataSet) {
  const ModelInfo info = info_of("resnet8");
  const State state = test::used_state(info.spec);
  const Comparison result =
      compare(saved("a.safetensors", info, state), exported("b.onnx", info, state), "builtin:shapes?train=10&test=3");
  EXPECT_EQ(result.images, 3);  // all there are
  EXPECT_LT(result.relative(), 1e-5);
}

TEST_F(CompareModels, WeightsAloneTakeTheOtherFilesStructure) {
  const ModelInfo info = info_of("resnet8");  // no row of the zoo
  const State state = test::used_state(info.spec);
  TensorReferences tensors;
  for (const auto& [name, tensor] : state.tensors()) tensors[name] = &tensor;
  write_safetensors(folder / "weights.safetensors", tensors);
  const std::string weights = folder / "weights.safetensors", model = saved("a.safetensors", info, state);
  for (const Comparison& result : {compare(weights, model), compare(exported("b.onnx", info, state, false), weights)}) {
    EXPECT_TRUE(result.same_structure);
    EXPECT_LT(result.relative(), 1e-5);
  }
  EXPECT_THROW(compare(weights, weights), Error);
}

TEST_F(CompareModels, OtherStructuresAreComparedByTheirLogitsAlone) {
  const ModelInfo residual = info_of("resnet8"), plain = info_of("plain8");
  const State state = test::used_state(residual.spec);
  const Comparison result = compare(saved("a.safetensors", residual, state), saved("b.safetensors", plain, state));
  EXPECT_FALSE(result.same_structure);
  EXPECT_FALSE(result.parts_at);
  EXPECT_GT(result.relative(), 0.01);
}

TEST_F(CompareModels, RefusesOtherClassesAndImages) {
  const ModelInfo info = info_of("resnet8"), classes = info_of("resnet8", {.classes = 3}),
                  grey = info_of("resnet8", {.input = ImageSize{1, 32, 32}});
  const std::string a = saved("a.safetensors", info, test::used_state(info.spec));
  const std::string fewer = saved("b.safetensors", classes, test::used_state(classes.spec));
  const std::string other = saved("c.safetensors", grey, test::used_state(grey.spec));
  EXPECT_EQ(error_of([&] { compare(a, fewer); }), "4: " + fewer + ": has 3 classes, " + a + " 10");
  EXPECT_EQ(error_of([&] { compare(a, other); }), "4: " + other + ": takes images of 1x32x32, " + a + " of 3x32x32");
}

}  // namespace
}  // namespace resnet
