// resnet diagnose: its text, its JSON, its exit codes, and the samples that `train` keeps.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace resnet::test {
namespace {

const Words small = {"diagnose", "resnet8", "builtin:patterns?count=400", "--batches", "2", "--batch", "16"};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(DiagnoseVerb, SaysPlainlyWhatItFound) {
  const Workplace here;
  const Outcome healthy = here.run(small);
  EXPECT_EQ(healthy.code, 0) << healthy.err;
  EXPECT_NE(healthy.out.find("Healthy: none of"), std::string::npos) << healthy.out;
  EXPECT_TRUE(fs::exists(here.path() / "runs/diagnose/resnet8-patterns/report.html"));
  const nlohmann::json json = here.run(with(small, {"--lr", "100", "--json"})).json();
  EXPECT_EQ(json["healthy"], false);
  EXPECT_EQ(json["findings"][0]["name"], "rate-too-high");
  EXPECT_TRUE(json["findings"][0]["follows_from"].is_null());
}

TEST(DiagnoseVerb, TakesRunsWhoseTrainingWasSampled) {
  const Workplace here;
  const Outcome trained = here.run({"train", "builtin:patterns?count=400", "--model", "resnet8", "--epochs", "2",
                                    "--batch", "40", "--out", "run", "--diagnose-every", "5"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_TRUE(fs::exists(here.path() / "run/diagnosis.jsonl"));
  const Outcome outcome = here.run({"diagnose", "run", "--out", "d"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(here.path() / "d/report.html"));
  EXPECT_EQ(here.run({"diagnose", "run", "--out", "d"}).code, 1);
  EXPECT_EQ(here.run({"diagnose", "run", "--out", "d", "--force"}).code, 0);
}

TEST(DiagnoseVerb, RefusesWhatIsNotThere) {
  const Workplace here;
  EXPECT_EQ(here.run({"diagnose"}).code, 2);
  EXPECT_EQ(here.run({"diagnose", "resnet9"}).code, 2);
  EXPECT_EQ(here.run({"diagnose", "resnet8", "nowhere"}).code, 3);
  EXPECT_EQ(here.run(with(small, {"--lr", "0"})).code, 2);
}

}  // namespace
}  // namespace resnet::test
