// Every verb does its work and prints what scripts rely on.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <set>

namespace resnet::test {
namespace {

std::set<std::string> keys(const nlohmann::json& object) {
  std::set<std::string> names;
  for (const auto& [name, value] : object.items()) names.insert(name);
  return names;
}

TEST(Program, ShowsVersion) {
  const Workplace here;
  for (const char* word : {"--version", "-V", "version"}) {
    const Outcome outcome = here.run({word});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_TRUE(outcome.out.starts_with("resnet " RESNET_VERSION)) << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Program, HelpListsVerbsAndOptions) {
  const Workplace here;
  for (const Words& words : {Words{"--help"}, Words{"help"}, Words{"-h"}}) {
    const Outcome outcome = here.run(words);
    EXPECT_EQ(outcome.code, 0);
    for (const char* verb : {"train", "resume", "eval", "inspect", "models", "bench"})
      EXPECT_NE(outcome.out.find(std::string("\n  ") + verb + " "), std::string::npos) << verb;
  }
  const Outcome train = here.run({"train", "--help"});
  EXPECT_EQ(train.code, 0);
  for (const char* option :
       {"--model", "--recipe", "--epochs", "--batch", "--lr", "--weights", "--precision", "--shortcut", "--stride-at",
        "--loader-threads", "--checkpoint-every", "--seed", "--threads", "--out", "--force", "--json"})
    EXPECT_NE(train.out.find(option), std::string::npos) << option;
  EXPECT_EQ(here.run({"help", "train"}).out, train.out);
  const Outcome nothing = here.run({});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_EQ(nothing.out, "");
}

TEST(Models, AreListedWithTheirCosts) {
  const Workplace here;
  const nlohmann::json list = here.run({"models", "--json"}).json();
  ASSERT_TRUE(list.is_array());
  for (const auto& row : list) {
    EXPECT_EQ(keys(row), (std::set<std::string>{"name", "parameters", "macs", "input", "classes", "group"}));
    if (row["name"] != "resnet50") continue;
    EXPECT_EQ(row["parameters"], 25'557'032);
    EXPECT_EQ(row["input"], (nlohmann::json{3, 224, 224}));
  }
  const Outcome table = here.run({"models"});
  EXPECT_EQ(table.code, 0);
  EXPECT_NE(table.out.find("resnet20"), std::string::npos);
}

TEST(Inspect, ShowsLayersMemoryAndPlan) {
  const Workplace here;
  const nlohmann::json network = here.run({"inspect", "resnet20", "--json"}).json();
  EXPECT_EQ(network["parameters"], 269'722);
  EXPECT_EQ(network["macs"], 40'551'040);
  ASSERT_TRUE(network["layers"].is_array());
  EXPECT_EQ(network["layers"][0]["name"], "conv1");
  EXPECT_EQ(network["layers"][0]["output"], (nlohmann::json{1, 16, 32, 32}));
  EXPECT_GT(network["memory"]["state"], 1'000'000);
  EXPECT_EQ(here.run({"inspect", "resnet20", "--shortcut", "c", "--json"}).json()["parameters"], 283'962);

  const nlohmann::json other =
      here.run({"inspect", "wrn28_10", "--classes", "100", "--channels", "1", "--size", "28x30", "--json"}).json();
  EXPECT_EQ(other["parameters"], 36'536'884 - 2 * 16 * 9);
  EXPECT_EQ(other["layers"][0]["output"], (nlohmann::json{1, 16, 28, 30}));
  EXPECT_EQ(here.run({"inspect", "resnet20", "--mean", "0.5,0.5,0.5"}).code, 2);  // a name has no preprocessing

  const Outcome plan = here.run({"inspect", "resnet8", "--plan", "--mode", "train", "--batch", "4", "--json"});
  const nlohmann::json steps = plan.json()["plan"];
  ASSERT_TRUE(steps.is_array());
  EXPECT_EQ(keys(steps[0]), (std::set<std::string>{"node", "implementation", "macs"}));
  EXPECT_EQ(here.run({"inspect", "resnet8", "--plan"}).code, 0);
}

// What would not fit is what one asks about, so a plan takes no memory for values.
TEST(Inspect, TellsWhatALargeBatchWouldNeed) {
  if (with_sanitizer) GTEST_SKIP() << "the sanitizer takes more address space than the limit";
  const Outcome plan = Workplace().run({"inspect", "resnet50", "--mode", "train", "--batch", "1024", "--json"},
                                       {.memory_bytes = std::size_t{4} << 30});
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_GT(plan.json()["memory"]["arena"].get<double>(), 40e9);
}

TEST(Train, EvalResumeAndInspectAgree) {
  const Workplace here;
  const Outcome outcome = here.run(quick_training({"--json"}));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json trained = outcome.json();
  EXPECT_EQ(keys(trained), (std::set<std::string>{"run", "model", "epochs", "top1", "best_top1", "images_per_second"}));
  EXPECT_EQ(trained["run"], "runs/train/resnet8-patterns");
  EXPECT_EQ(trained["model"], "resnet8");
  EXPECT_EQ(trained["epochs"], 1);
  const fs::path run = "runs/train/resnet8-patterns";
  for (const char* file : {"config.toml", "command.txt", "environment.json", "metrics.csv", "classes.txt", "log.txt",
                           "report.html", "checkpoints/last.safetensors", "checkpoints/best.safetensors"})
    EXPECT_TRUE(fs::exists(here.path() / run / file)) << file;
  EXPECT_EQ(
      here.bytes(run / "command.txt"),
      "RESNET_THREADS=2 resnet train 'builtin:patterns?count=400' --model resnet8 --epochs 1 --batch 32 --json\n");

  const nlohmann::json evaluated = here.run({"eval", run, "--json"}).json();
  EXPECT_EQ(keys(evaluated), (std::set<std::string>{"top1", "top5", "loss", "count", "part", "data", "macs_per_image",
                                                    "networks", "views"}));
  EXPECT_EQ(evaluated["top1"], trained["best_top1"]);
  EXPECT_TRUE(evaluated["top5"].is_null());
  EXPECT_EQ(evaluated["count"], 100);
  const std::string last = run / "checkpoints/last.safetensors";
  EXPECT_EQ(here.run({"eval", last, "builtin:patterns?count=400", "--json"}).json()["top1"], trained["top1"]);
  EXPECT_EQ(here.run({"eval", run}).code, 0);

  const Outcome resumed = here.run({"resume", run, "--json"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(resumed.json()["top1"], trained["top1"]);
  EXPECT_EQ(here.run({"inspect", run, "--json"}).json()["file"]["classes"].size(), 3);
  EXPECT_EQ(here.run({"inspect", last}).code, 0);
  EXPECT_EQ(here.run({"inspect", last, "--size", "64"}).code, 2);
  EXPECT_EQ(here.run({"inspect", run, "--classes", "5"}).code, 2);

  const Outcome second = here.run(quick_training({"--weights", last}));
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_NE(second.out.find("runs/train/resnet8-patterns-2/report.html"), std::string::npos) << second.out;
}

TEST(Train, TakesOptionsFromTheEnvironment) {
  const Workplace here;
  const Surroundings around{.environment = {{"RESNET_MODEL", "mlp"},
                                            {"RESNET_WIDTH", "8"},
                                            {"RESNET_DEPTH", "3"},
                                            {"RESNET_OUT", "here"},
                                            {"RESNET_JSON", "1"},
                                            {"RESNET_EPOCHS", "7"}}};
  const Outcome outcome = here.run({"train", "builtin:patterns?count=200", "--batch", "16", "--epochs", "2"}, around);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.json()["model"], "mlp");
  EXPECT_EQ(outcome.json()["epochs"], 2);  // what is typed counts more
  EXPECT_TRUE(fs::exists(here.path() / "here/config.toml"));
  const Outcome wrong = here.run({"train"}, {.environment = {{"RESNET_BATCH", "many"}}});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.err.find("(from RESNET_BATCH)"), std::string::npos) << wrong.err;
}

TEST(Bench, MeasuresEachRowInItsOwnProcess) {
  const Workplace here;
  const Outcome outcome =
      here.run({"bench", "--model", "resnet8", "--batch", "1,4", "--threads", "1", "--seconds", "0.05", "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const nlohmann::json result = outcome.json();
  EXPECT_TRUE(result["machine"].is_object());
  ASSERT_EQ(result["results"].size(), 4);
  for (const auto& row : result["results"]) {
    for (const char* key :
         {"model", "mode", "batch", "precision", "threads", "images_per_second", "latency_ms", "peak_rss_mib"})
      EXPECT_TRUE(row.contains(key)) << key;
    EXPECT_GT(row["images_per_second"], 0);
    EXPECT_GT(row["peak_rss_mib"], 1);
  }
  EXPECT_EQ(here.run({"bench", "--model", "resnet8", "--mode", "infer", "--batch", "1", "--seconds", "0.05"}).code, 0);
}

TEST(Train, ShortensTheDefaultRecipeForShapesOnly) {
  const Workplace here;
  const auto epochs = [&](Words words) {
    words.insert(words.begin(), "train");
    for (const char* word : {"--model", "resnet8", "--batch", "16", "--out", "run", "--force", "--json"})
      words.emplace_back(word);
    return here.run(words).json()["epochs"];
  };
  const std::string shapes = "builtin:shapes?train=32&test=10";
  EXPECT_EQ(epochs({shapes}), 8);
  EXPECT_EQ(epochs({shapes, "--recipe", "short"}), 10);
  EXPECT_EQ(epochs({shapes, "--epochs", "2"}), 2);
}

}  // namespace
}  // namespace resnet::test
