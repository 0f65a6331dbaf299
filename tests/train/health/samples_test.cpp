// Samples of a network's health: they change nothing, survive interruptions, and show in the report.
#include "train/health/samples.hpp"

#include "../support.hpp"

#include <algorithm>
#include <fstream>

namespace resnet {
namespace {

using Samples = QuietRun;

TrainRequest sampled(const fs::path& out) {
  TrainRequest request = small_request(out);
  request.diagnose_every = 4;
  return request;
}

std::string sample_bytes(const fs::path& run) { return read_file(RunDirectory(run).diagnosis(), 1 << 24); }

TEST_F(Samples, ChangeNothingOfTheTraining) {
  train(small_request(folder / "without"));
  train(sampled(folder / "with"));
  EXPECT_EQ(last_bytes(folder / "with"), last_bytes(folder / "without"));
  EXPECT_EQ(best_bytes(folder / "with"), best_bytes(folder / "without"));
  EXPECT_FALSE(path_exists(RunDirectory(folder / "without").diagnosis()));
}

TEST_F(Samples, AreTakenEverySoManySteps) {
  const RunDirectory run(train(sampled(folder / "run")).run);
  const std::vector<HealthSample> samples = truncate_samples(run.diagnosis(), 18);
  ASSERT_EQ(samples.size(), 5);  // steps 0, 4, 8, 12, 16
  for (std::size_t k = 0; k < samples.size(); ++k) {
    EXPECT_EQ(samples[k].step, static_cast<int64_t>(4 * k));
    EXPECT_EQ(samples[k].layers.size(), 8);
    EXPECT_EQ(samples[k].blocks.size(), 3);
    for (const double dx : samples[k].dx) EXPECT_GT(dx, 0);
  }
  EXPECT_NE(samples[0].dw, samples[4].dw);
  const std::string page = read_file(run.report(), 1 << 24);
  EXPECT_NE(page.find("Health over depth and time"), std::string::npos);
  EXPECT_NE(page.find("Branch against shortcut"), std::string::npos);
}

TEST_F(Samples, AreTheSameAfterInterruptions) {
  train(sampled(folder / "whole"));
  for (const int64_t step : {3, 4, 9, 13}) {
    const fs::path run = folder / ("at" + std::to_string(step));
    set_step_hook([&](int64_t done) { set_interrupted(done == step); });
    EXPECT_THROW(train(sampled(run)), Error);
    set_step_hook({});
    set_interrupted(false);
    resume({.run = run, .threads = 3});
    EXPECT_EQ(sample_bytes(run), sample_bytes(folder / "whole")) << step;
    EXPECT_EQ(last_bytes(run), last_bytes(folder / "whole")) << step;
  }
}

TEST_F(Samples, BehindTheCheckpointAreCutOff) {
  train(sampled(folder / "run"));
  const fs::path file = RunDirectory(folder / "run").diagnosis();
  const std::string whole = sample_bytes(folder / "run");
  EXPECT_EQ(truncate_samples(file, 11).size(), 3);
  const std::string cut = sample_bytes(folder / "run");
  EXPECT_EQ(cut, whole.substr(0, cut.size()));
  EXPECT_EQ(std::ranges::count(cut, '\n'), 3);
  std::ofstream(file, std::ios::app) << R"({"step":12,"ra)";
  EXPECT_EQ(truncate_samples(file, 18).size(), 3);
  EXPECT_EQ(sample_bytes(folder / "run"), cut);
  std::ofstream(file, std::ios::app) << "{}\n";
  EXPECT_NE(error_of([&] { truncate_samples(file, 18); }).find("line 4 is damaged"), std::string::npos);
  EXPECT_TRUE(truncate_samples(folder / "none.jsonl", 18).empty());
}

}  // namespace
}  // namespace resnet
