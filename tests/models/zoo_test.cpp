// Finding models by name, their options, and specs as text.
#include "base/error.hpp"
#include "models/model.hpp"
#include "models/outline.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace resnet {
namespace {

/// The error that `action` throws; a failure if there is none.
template <class Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error;
  }
  ADD_FAILURE() << "expected an error";
  return {ExitCode::ok, ""};
}

bool mentions(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

TEST(Zoo, FindsEveryRowByItsName) {
  for (const ModelSpec& row : models()) EXPECT_EQ(find_model(row.name), row);
}

TEST(Zoo, OtherDepthsOfThePaperRuleAreKnown) {
  EXPECT_EQ(find_model("resnet8").blocks, (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(find_model("plain26").blocks, (std::vector<int>{4, 4, 4}));
  EXPECT_EQ(find_model("plain26").shortcut, Shortcut::none);
  EXPECT_EQ(find_model("resnet50").stem, Stem::conv7x7);
}

TEST(Zoo, UnknownNamesSuggestTheNearest) {
  const Error error = error_of([] { find_model("resnet5"); });
  EXPECT_EQ(error.code(), ExitCode::usage);
  EXPECT_TRUE(mentions(error, "unknown model 'resnet5'; did you mean resnet56?")) << error.what();
  for (const char* name : {"", "resnet", "resnet21", "resnet020", "resnet20x", "resnet-20", "plain50", "plain152",
                           "resnet2", "resnet99999999999999999999", "RESNET20", "resnet\n20"})
    EXPECT_EQ(error_of([&] { find_model(name); }).code(), ExitCode::usage) << name;
  for (const char* path : {"runs/nothing", "model.onnx", "model.safetensors"})
    EXPECT_TRUE(mentions(error_of([&] { find_model(path); }), "no such file or run")) << path;
}

TEST(Zoo, OptionsChangeACopyOfTheRow) {
  const ModelSpec spec = find_model(
      "resnet50",
      {.classes = 7, .input = ImageSize{1, 64, 48}, .shortcut = Shortcut::option_c, .stride_at = StrideAt::conv1x1});
  EXPECT_EQ(spec.classes, 7);
  EXPECT_EQ(spec.input, (ImageSize{1, 64, 48}));
  EXPECT_EQ(spec.shortcut, Shortcut::option_c);
  EXPECT_EQ(spec.stride_at, StrideAt::conv1x1);
  EXPECT_EQ(find_model("resnet50").classes, 1000);
}

TEST(Zoo, OptionsAModelDoesNotHaveAreRefused) {
  const std::pair<const char*, ModelOptions> cases[] = {
      {"resnet20", {.width = 32}},
      {"resnet20", {.depth = 5}},
      {"resnet20", {.stride_at = StrideAt::conv1x1}},
      {"resnet20", {.shortcut = Shortcut::none}},
      {"resnet20", {.shortcut = Shortcut::option_b, .zero_channels = ZeroChannels::after}},
      {"plain20", {.shortcut = Shortcut::option_a}},
      {"residual_mlp", {.shortcut = Shortcut::option_b}},
      {"resnet20", {.classes = 0}},
      {"resnet20", {.classes = -3}},
      {"resnet20", {.input = ImageSize{3, 0, 32}}},
      {"resnet20", {.input = ImageSize{3, 1 << 20, 32}}},
      {"mlp", {.width = 0}},
      {"mlp", {.zero_gamma = true}},
      {"densenet121", {.shortcut = Shortcut::option_b}},
      {"densenet121", {.stride_at = StrideAt::conv1x1}},
      {"densenet121", {.stochastic_depth = 0.5}},
      {"resnet50", {.dropout = 0.5}},
      {"preact_resnet164", {.dropout = 0.5}},
      {"plain20", {.stochastic_depth = 0.5}},
      {"plain20", {.zero_gamma = true}},
      {"wrn16_4", {.dropout = 1}},
      {"wrn16_4", {.dropout = -0.1}},
      {"resnet20", {.stochastic_depth = 1}},
      {"mlp", {.depth = 1'000'000}},
  };
  for (const auto& [name, options] : cases)
    EXPECT_EQ(error_of([&, &model = name, &chosen = options] { find_model(model, chosen); }).code(), ExitCode::usage)
        << name;
}

TEST(Zoo, NamesOfOptions) {
  EXPECT_EQ(shortcut_from_name("b"), Shortcut::option_b);
  EXPECT_EQ(shortcut_from_name("none"), Shortcut::none);
  EXPECT_EQ(stride_at_from_name("conv1x1"), StrideAt::conv1x1);
  EXPECT_EQ(error_of([] { shortcut_from_name("D"); }).code(), ExitCode::usage);
}

TEST(Spec, TextRoundTrip) {
  for (ModelSpec spec : models()) {
    spec.name = "my \"network\"\n";
    spec.stride_at = StrideAt::conv1x1;
    spec.zero_channels = ZeroChannels::after;
    spec.input = {1, 28, 30};
    EXPECT_EQ(spec_from_json(to_json_text(spec)), spec);
    EXPECT_EQ(to_json_text(spec_from_json(to_json_text(spec))), to_json_text(spec));
  }
}

// As it stands in files written before the stem was a field of its own.
TEST(Spec, TextOfEarlierVersionsIsUnderstood) {
  const auto old = [](const char* name, const char* family, const char* rest) {
    return spec_from_json(text_of(R"({"name":")", name, R"(","family":")", family, R"(","relu_output":false,)", rest,
                                  R"(,"stride_at":"conv3x3","zero_channels":"around","width":0,"depth":0})"));
  };
  EXPECT_EQ(
      old("resnet20", "cifar",
          R"("block":"basic","blocks":[3,3,3],"widths":[16,32,64],"shortcut":"A","input":[3,32,32],"classes":10)"),
      find_model("resnet20"));
  EXPECT_EQ(old("resnet50", "imagenet",
                R"("block":"bottleneck","blocks":[3,4,6,3],"widths":[64,128,256,512],"shortcut":"B",
                   "input":[3,224,224],"classes":1000)"),
            find_model("resnet50"));
}

TEST(Spec, HostileTextIsRefused) {
  const auto changed = [](const char* model, const std::string& from, const std::string& to) {
    std::string text = to_json_text(find_model(model));
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  };
  const auto with = [&](const std::string& from, const std::string& to) { return changed("resnet20", from, to); };
  const auto dense = [&](const std::string& from, const std::string& to) { return changed("densenet40_12", from, to); };
  const std::string cases[] = {
      "",
      "null",
      "[]",
      "{",
      std::string(200'000, '['),
      "{\"name\":\"" + std::string(100'000, 'x') + "\"}",
      with("\"classes\":10", "\"classes\":\"ten\""),
      with("\"classes\":10", "\"classes\":0"),
      with("\"classes\":10", "\"classes\":-1"),
      with("\"classes\":10", "\"classes\":1e300"),
      with("\"classes\":10", "\"classes\":10.5"),
      with("\"classes\":10", "\"classes\":18446744073709551615"),
      with("\"classes\":10", "\"classes\":-9223372036854775808"),
      with("\"classes\":10", "\"clases\":10"),
      with("[3,3,3]", "[3,3]"),
      with("[3,3,3]", "[]"),
      with("[3,3,3]", "[3,0,3]"),
      with("[3,3,3]", "[3,100000,3]"),
      with("[3,3,3]", "[[3],3,3]"),
      with("[16,32,64]", "[16,32,2000000000]"),
      with("[16,32,64]", "[64,32,16]"),
      with("[3,32,32]", "[3,32]"),
      with("[3,32,32]", "[3,1000000,32]"),
      with("\"A\"", "\"Z\""),
      with("\"A\"", "1"),
      with("\"family\":\"resnet\"", "\"family\":\"transformer\""),
      with("\"family\":\"resnet\"", "\"family\":\"fully_connected\""),
      with("\"family\":\"resnet\"", "\"family\":\"densenet\""),
      with("\"family\":\"resnet\"", "\"family\":7"),
      with("\"stem_width\":0", "\"stem_width\":65"),
      with("\"stem_width\":0", "\"stem_width\":-1"),
      with("\"dropout\":0.0", "\"dropout\":0.5"),
      with("\"dropout\":0.0", "\"dropout\":1e400"),
      with("\"stochastic_depth\":0.0", "\"stochastic_depth\":1.5"),
      with("\"stochastic_depth\":0.0", "\"stochastic_depth\":\"half\""),
      with("\"groups\":1", "\"groups\":2"),
      with("\"groups\":1", "\"groups\":0"),
      with("\"group_width\":64", "\"group_width\":1000000000"),
      with("\"squeeze\":0", "\"squeeze\":-1"),
      dense("\"growth\":12", "\"growth\":0"),
      dense("\"growth\":12", "\"growth\":65536"),
      dense("\"stem_width\":16", "\"stem_width\":0"),
      dense("\"compression\":1.0", "\"compression\":0"),
      dense("\"compression\":1.0", "\"compression\":2"),
      with("\"resnet20\"", "\"" + std::string(300, 'x') + "\""),
  };
  for (const std::string& text : cases) {
    const Error error = error_of([&] { spec_from_json(text); });
    EXPECT_EQ(error.code(), ExitCode::bad_model) << text.substr(0, 200);
    EXPECT_LT(std::string(error.what()).size(), 400u) << error.what();
  }
}

TEST(Spec, ErrorsSayWhereAndWhat) {
  const Error error = error_of([] { spec_from_json(R"({"blocks": [3, 3, 3], "widths": [16, 32, "x"]})"); });
  EXPECT_STREQ(error.what(), "model structure: widths: expected a whole number, got \"x\"");
}

TEST(Spec, DescribesItselfInOneLine) {
  EXPECT_EQ(describe(find_model("resnet20")),
            "residual, basic blocks 3-3-3 of 16-32-64 channels, shortcut A, input 3x32x32, 10 classes");
  EXPECT_EQ(describe(find_model("plain34")),
            "plain, basic blocks 3-4-6-3 of 64-128-256-512 channels, input 3x224x224, 1000 classes");
  EXPECT_EQ(describe_structure(find_model("resnet50d")),
            "residual, bottleneck blocks 3-4-6-3 of 64-128-256-512 channels, deep stem, shortcut B after average "
            "pooling, zero gamma");
  EXPECT_EQ(describe_structure(find_model("wrn28_10", {.dropout = 0.3})),
            "pre-activation residual, basic blocks 4-4-4 of 160-320-640 channels, shortcut B, dropout 0.3");
  EXPECT_EQ(describe_structure(find_model("densenet121")),
            "dense, bottleneck layers 6-12-24-16 of growth 32, stem of 64, compression 0.5");
  EXPECT_EQ(describe(find_model("residual_mlp", {.width = 16})),
            "residual, fully connected, 10 blocks of two layers of width 16, input 3x32x32, 10 classes");
}

TEST(Spec, WeightLayersAreTheNumberInTheName) {
  for (const auto& [name, layers] : {std::pair("preact_resnet164", 164),
                                     {"preact_resnet1001", 1001},
                                     {"resnet152d", 152},
                                     {"resnext29_8x64d", 29},
                                     {"densenet121", 121},
                                     {"densenet201", 201},
                                     {"densenet40_12", 40},
                                     {"densenet_bc100_12", 100},
                                     {"resnetv2_101", 101}})
    EXPECT_EQ(weight_layers(find_model(name)), layers) << name;
}

TEST(Outline, SaysHowEachShortcutPasses) {
  const auto paths = [](const ModelSpec& spec) {
    std::string text;
    for (const StageOutline& stage : outline(spec))
      for (const BlockOutline& block : stage.blocks) text += "-izp"[static_cast<int>(block.shortcut)];
    return text;
  };
  EXPECT_EQ(paths(find_model("resnet20")), "-iiiziizii--");
  EXPECT_EQ(paths(find_model("plain20")), "------------");
  EXPECT_EQ(paths(find_model("resnet20", {.shortcut = Shortcut::option_c})), "-ppppppppp--");
  EXPECT_EQ(paths(find_model("resnet18")), "--iipipipi--");
  EXPECT_EQ(paths(find_model("resnet50")), "--piipiiipiiiiipii--");
  EXPECT_EQ(paths(find_model("residual_mlp", {.depth = 3})), "-iii-");
}

}  // namespace
}  // namespace resnet
