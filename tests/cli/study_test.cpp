// resnet study on the command line: the list, the options, the run directory, and wrong input.
#include "cli/program.hpp"

#include <gtest/gtest.h>

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
  EXPECT_FALSE(fs::exists(here.path() / "runs"));
  expect_error(here.run({"study", "notebook", "--seed", "4294967296"}), 2, "RandomState takes 0 to 4294967295");
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

}  // namespace
}  // namespace resnet::test
