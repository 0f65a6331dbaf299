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
  expect_error(here.run({"study", "notebook", "--seed", "4294967296", "--out", "run"}), 2, "takes 0 to 4294967295");
  EXPECT_FALSE(fs::exists(here.path() / "run"));
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

Words small_study(const char* name, const char* out) {
  return {"study", name, "--trials", "120", "--batch", "4", "--threads", "2", "--out", out, "--depths", "5,10,20"};
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

TEST(Study, StoppedAndContinuedGivesTheSameResults) {
  const Workplace here;
  ASSERT_EQ(here.run(small_study("depth", "whole")).code, 0);
  const pid_t process = here.start(small_study("depth", "part"));
  wait_until([&] { return fs::exists(here.path() / "part/pieces.jsonl"); }, "the first piece");
  ::kill(process, SIGINT);
  const Outcome stopped = here.end(process);
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("continue with: resnet study depth --depths 5,10,20 --trials 120 --batch 4 --out part"),
            std::string::npos)
      << stopped.err;
  EXPECT_FALSE(fs::exists(here.path() / "part/results.json"));
  Words again = small_study("depth", "part");
  again[7] = "1";  // threads
  const Outcome continued = here.run(again);
  ASSERT_EQ(continued.code, 0) << continued.err;
  EXPECT_EQ(here.bytes("part/results.json"), here.bytes("whole/results.json"));
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
  expect_error(here.run({"study", "depth", "--model", "resnet21"}), 2, "unknown model 'resnet21'");
  expect_error(here.run({"study", "depth", "--weights", "nowhere"}), 4, "nowhere");
  expect_error(here.run({"study", "depth", "--weights", "trained"}), 3, "was trained on other classes");
  expect_error(here.run({"study", "depth", "--model", "resnet8", "--data", data, "--batch", "401"}), 2,
               "401 images are more than the 400");
  EXPECT_FALSE(fs::exists(here.path() / "runs/study/depth")) << "nothing there to go on from";
}

}  // namespace
}  // namespace resnet::test
