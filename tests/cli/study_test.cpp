// resnet study on the command line: the list, the options, the run directory, and wrong input.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace resnet::test {
namespace {

void expect_error(const Outcome& outcome, int code, const std::string& said) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  const std::size_t error = outcome.err.find("error: ");
  ASSERT_NE(error, std::string::npos) << outcome.err;
  EXPECT_TRUE(is_one_line(outcome.err.substr(error))) << outcome.err;
  EXPECT_NE(outcome.err.find(said), std::string::npos) << "expected '" << said << "' in: " << outcome.err;
}

TEST(Study, AloneListsAll) {
  const Workplace here;
  for (const Words& words : {Words{"study"}, Words{"study", "--help"}, Words{"help", "study"}}) {
    const Outcome outcome = here.run(words);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("\n  notebook "), std::string::npos) << outcome.out;
  }
  const Outcome help = here.run({"study", "notebook", "--help"});
  EXPECT_EQ(help.code, 0);
  for (const char* option : {"--depths", "--seed", "--threads", "--out", "--force", "--json"})
    EXPECT_NE(help.out.find(option), std::string::npos) << option;
  EXPECT_EQ(here.run({"help", "study", "notebook"}).out, help.out);
}

TEST(Study, NamesTheFault) {
  const Workplace here;
  expect_error(here.run({"study", "notebok"}), 2, "did you mean notebook?");
  expect_error(here.run({"study", "--seed", "1"}), 2, "write `resnet study NAME --seed`");
  expect_error(here.run({"study", "notebook", "--pattern-size", "3"}), 2, "--pattern-size: expected a whole number");
  expect_error(here.run({"study", "notebook", "--depths", "5,ten"}), 2, "--depths: expected a whole number");
  expect_error(here.run({"study", "notebook", "--depths", "5,1"}), 2, "got '1'");
  expect_error(here.run({"study", "notebook", "--patern", "5"}), 2, "did you mean --patterns?");
  expect_error(here.run({"study", "notebook", "more"}), 2, "unexpected argument 'more'");
  expect_error(here.run({"study", "notebook"}, {.environment = {{"RESNET_NOISE", "loud"}}}), 2, "(from RESNET_NOISE)");
  expect_error(here.run({"study", "identity", "--depths", "4,5"}), 2, "even number of layers");
  expect_error(here.run({"study", "identity", "--depths", "4,4"}), 2, "--depths: 4 comes twice");
  expect_error(here.run({"study", "identity", "--count", "layer"}), 2, "did you mean layers?");
  expect_error(here.run({"study", "patterns", "--jitter", "5"}), 2, "--jitter: expected 0 to 4");
  expect_error(here.run({"study", "patterns", "--conv-layers", "9"}), 2, "6n + 2, got 9");
  EXPECT_FALSE(fs::exists(here.path() / "runs"));
}

TEST(Study, RefusesInOneFormAndBeforeItWritesAnything) {
  const Workplace here;
  const struct {
    Words words;
    int code;
    const char* error;
  } rows[] = {
      {{"notebook", "--seed", "4294967296"}, 2, "notebook: --seed: NumPy's RandomState takes 0 to 4294967295"},
      {{"patterns", "--layers", "x"}, 2, "patterns: --layers: expected a whole number"},
      {{"patterns", "--layers", "5"}, 2, "patterns: --layers: a residual network has an even number"},
      {{"depth", "--model", "resnet21"}, 2, "depth: --model: unknown model 'resnet21'; did you mean resnet20?"},
      {{"depth", "--model", "resnet8", "--data", "builtin:shape"}, 2, "depth: --data: there is no data set"},
      {{"depth", "--model", "resnet8", "--data", "builtin:patterns?count=40", "--batch", "41"},
       2,
       "depth: --batch: 41 images are more than the 40"},
      {{"gradient-flow", "--data", "builtin:patterns"}, 2, "gradient-flow: --data: the drawn networks read no images"},
      {{"depth", "--model", "resnet8", "--data", "nowhere"}, 3, "error: nowhere: no such folder"},
      {{"depth", "--weights", "nowhere"}, 4, "error: nowhere: no such file"}};
  for (const auto& [words, code, error] : rows) {
    Words all{"study"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome outcome = here.run(all);
    expect_error(outcome, code, code == 2 ? std::string("error: resnet study ") + error : error);
    EXPECT_TRUE(outcome.err.starts_with("error: ")) << "said more than the error: " << outcome.err;
  }
  EXPECT_FALSE(fs::exists(here.path() / "runs"));
}

TEST(Study, HelpShowsTheSeedAndAnOptionOfItsOwn) {
  const Workplace here;
  const std::string help = here.run({"study", "notebook", "--help"}).out;
  EXPECT_NE(help.find("seed of everything that is random (42)"), std::string::npos) << help;
  EXPECT_NE(help.find("--input-width from RESNET_INPUT_WIDTH"), std::string::npos) << help;
}

TEST(Study, AFewSamplesGiveNoIntervalAndNoClaim) {
  const Workplace here;
  const Words flow{"study", "gradient-flow", "--trials", "2", "--depth", "4"};
  const Outcome text = here.run(flow);
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("2 trials are too few for a 95 % interval (at least 6)"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("the gradient is not judged by 2 trials (first / last "), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("vanishes below 0.001, explodes above 1000"), std::string::npos) << text.out;
  const nlohmann::json results = nlohmann::json::parse(here.bytes("runs/study/gradient-flow/results.json"));
  for (const nlohmann::json& network : results["networks"]) {
    EXPECT_TRUE(network["dx_ratio"]["median"].is_number());
    EXPECT_TRUE(network["dx_ratio"]["median_low"].is_null());
    EXPECT_TRUE(network["trend"].is_null());
  }
  const Outcome patterns = here.run({"study", "patterns", "--seeds", "1", "--epochs", "1", "--size", "8", "--jitter",
                                     "1", "--count", "60", "--batch", "20", "--layers", "4", "--width", "4"});
  ASSERT_EQ(patterns.code, 0) << patterns.err;
  EXPECT_NE(patterns.out.find("1 seed is too few for a 95 % interval"), std::string::npos) << patterns.out;
  EXPECT_EQ(patterns.out.find("95 % interval -"), std::string::npos) << patterns.out;
  EXPECT_EQ(patterns.out.find("95 % interval +"), std::string::npos) << patterns.out;
}

TEST(Study, NotebookLeavesItsFiles) {
  const Workplace here;
  const Outcome outcome = here.run({"study", "notebook", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json result = outcome.json();
  for (const char* key : {"gradient_flow", "patterns", "identity", "depth"}) EXPECT_TRUE(result.contains(key)) << key;
  EXPECT_EQ(result["depth"].size(), 5);
  const fs::path run = "runs/study/notebook";
  EXPECT_EQ(nlohmann::json::parse(here.bytes(run / "results.json")), result);
  for (const char* file :
       {"config.toml", "command.txt", "environment.json", "log.txt", "report.html", "figures/gradient-flow.svg",
        "figures/pattern-2.svg", "figures/identity.svg", "figures/residual.svg", "figures/depth.svg"})
    EXPECT_TRUE(fs::exists(here.path() / run / file)) << file;

  const Outcome text = here.run({"study", "notebook", "--depths", "3,3"});
  EXPECT_NE(text.out.find("Depth  3: Plain="), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("report  runs/study/notebook-2/report.html"), std::string::npos) << text.out;
}

TEST(Study, ExistingDirectoriesAreKept) {
  const Workplace here;
  ASSERT_EQ(here.run({"study", "notebook", "--out", "run", "--depths", "3"}).code, 0);
  expect_error(here.run({"study", "notebook", "--out", "run", "--depths", "3"}), 1, "finished: see run/report.html");
  expect_error(here.run({"study", "notebook", "--out", "run", "--depths", "4"}), 2, "there 'depths = \"3\"'");
  EXPECT_EQ(here.run({"study", "notebook", "--out", "run", "--depths", "4", "--force"}).code, 0);
  ASSERT_EQ(here.run(quick_training({"--out", "trained"})).code, 0);
  expect_error(here.run({"study", "notebook", "--out", "trained", "--force"}), 1,
               "something other than a run of this kind");
  EXPECT_TRUE(fs::exists(here.path() / "trained/checkpoints/last.safetensors"));
}

TEST(Study, GradientFlowAndDepthLeaveTheirFiles) {
  const Workplace here;
  const Outcome flow = here.run({"study", "gradient-flow", "--trials", "20", "--depth", "4", "--json"});
  ASSERT_EQ(flow.code, 0) << flow.err;
  ASSERT_EQ(flow.json()["networks"].size(), 6);
  for (const auto& network : flow.json()["networks"]) {
    EXPECT_EQ(network["trials"], 20);
    EXPECT_EQ(network["dw"].size(), network["layers"]);
    EXPECT_GT(network["dw_ratio"]["median"], 0);
  }
  EXPECT_LT(flow.json()["jacobian"]["largest_difference"], 1e-6);
  for (const char* file : {"dw-1", "dx-1", "dw-2", "dx-2", "distribution", "shortcut-share", "activations"})
    EXPECT_TRUE(fs::exists(here.path() / "runs/study/gradient-flow/figures" / (std::string(file) + ".svg"))) << file;
  const Outcome depth = here.run({"study", "depth", "--trials", "10", "--depths", "4,2,4"});
  ASSERT_EQ(depth.code, 0) << depth.err;
  EXPECT_NE(depth.out.find("plain + BN, 10 layers"), std::string::npos) << depth.out;
  for (const char* file : {"ratio-dw", "ratio-dx", "first-dw", "first-dx", "dead", "improvement", "notebook"})
    EXPECT_TRUE(fs::exists(here.path() / "runs/study/depth/figures" / (std::string(file) + ".svg"))) << file;
}

TEST(Study, MeasuresModelsAtInitialisationAndFromACheckpoint) {
  const Workplace here;
  ASSERT_EQ(here.run(quick_training({"--out", "trained"})).code, 0);
  const std::string data = "builtin:patterns?count=400";
  const Words words{"study", "gradient-flow", "--weights", "trained", "--model", "plain8", "--data",
                    data,    "--trials",      "2",         "--batch", "8"};
  Words json = words;
  json.emplace_back("--json");
  const Outcome outcome = here.run(json);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json networks = outcome.json()["networks"];
  ASSERT_EQ(networks.size(), 3);
  EXPECT_EQ(networks[0]["name"], "plain8 at initialisation");
  EXPECT_EQ(networks[1]["name"], "resnet8 at initialisation");
  EXPECT_EQ(networks[2]["name"], "resnet8 from trained");
  EXPECT_EQ(networks[2]["shortcut_share"].size(), 3);
  EXPECT_NE(networks[1]["dw"], networks[2]["dw"]);
  Words one_thread = json;
  for (const char* word : {"--threads", "1"}) one_thread.emplace_back(word);
  EXPECT_EQ(here.run(one_thread).json(), outcome.json());
  expect_error(here.run({"study", "depth", "--weights", "trained"}), 3, "was trained on other classes");
  EXPECT_FALSE(fs::exists(here.path() / "runs/study/depth"));
}

}  // namespace
}  // namespace resnet::test
