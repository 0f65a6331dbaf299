// `resnet bench` beyond its table: precisions, layers, formats, and the comparison with an earlier measurement.
#include "cli/bench_against.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "program.hpp"

#include <gtest/gtest.h>

namespace resnet::test {
namespace {

using cli::Json;

Json row(const char* model, double rate, double deviation) {
  return {{"model", model},
          {"mode", "train"},
          {"batch", 8},
          {"precision", "fp32"},
          {"memory", "normal"},
          {"threads", 1},
          {"images_per_second", rate},
          {"images_per_second_sd", deviation}};
}

TEST(BenchAgainst, OnlyMoreThanChanceCounts) {
  const Json before = {row("a", 100, 1), row("b", 100, 20), row("c", 100, 1), row("gone", 100, 1)};
  const Json now = {row("a", 96, 1), row("b", 70, 20), row("c", 90, 1), row("new", 1, 0)};
  const std::vector<cli::Comparison> found = cli::compare_results(before, now);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_FALSE(found[0].slower());  // 5% are always allowed
  EXPECT_FALSE(found[1].slower());  // both measurements were noisy
  EXPECT_TRUE(found[2].slower());
  try {
    cli::judge(found, "old.json", false);
    FAIL() << "c has become slower";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failed);
    EXPECT_NE(std::string(error.what()).find("c train, batch 8, fp32, 1 threads: 90.0 images/s against 100.0"),
              std::string::npos)
        << error.what();
  }
  EXPECT_NO_THROW(cli::judge({found[0]}, "old.json", false));
}

TEST(BenchAgainst, ComparesWithAnEarlierFile) {
  const Workplace here;
  const Words words = {"bench", "--model",   "resnet8", "--mode",    "infer", "--batch",
                       "1",     "--threads", "1",       "--seconds", "0.05"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), words.begin(), words.end());
    return here.run(more);
  };
  Json slow = Json::parse(with({"--json"}).out);
  slow["results"][0]["images_per_second"] = 1e-3;
  write_file(here.path() / "slow.json", slow.dump());
  const Outcome faster = with({"--against", "slow.json"});
  EXPECT_EQ(faster.code, 0) << faster.err;
  EXPECT_NE(faster.out.find("faster"), std::string::npos) << faster.out;
  slow["results"][0]["images_per_second"] = 1e12;
  write_file(here.path() / "fast.json", slow.dump());
  EXPECT_EQ(with({"--against", "fast.json"}).code, 1);
  write_file(here.path() / "other.json", "{\"results\": [3]}");
  const Outcome other = with({"--against", "other.json"});
  EXPECT_EQ(other.code, 3);
  EXPECT_NE(other.err.find("other.json: expected what `resnet bench --json` prints"), std::string::npos) << other.err;
}

TEST(BenchCharts, AreDrawnOverWhatVaries) {
  const Workplace here;
  const Words words = {"bench",     "--model", "resnet8,resnet14", "--mode",  "infer",  "--threads", "1",
                       "--seconds", "0.01",    "--charts",         "figures", "--batch"};
  const auto with = [&](const char* batch) {
    Words all = words;
    all.push_back(batch);
    return here.run(all);
  };
  EXPECT_EQ(with("1,2").code, 0);
  for (const char* axis : {"depth", "batch"})
    for (const char* what : {"images-by-", "memory-by-"})
      EXPECT_TRUE(fs::exists(here.path() / "figures" / (std::string(what) + axis + ".svg"))) << what << axis;
  EXPECT_FALSE(fs::exists(here.path() / "figures/images-by-threads.svg"));
  const Outcome alike = here.run({"bench", "--model", "resnet8", "--mode", "infer", "--threads", "1", "--batch", "1",
                                  "--seconds", "0.01", "--charts", "none"});
  EXPECT_EQ(alike.code, 2);
  EXPECT_NE(alike.err.find("rows that differ"), std::string::npos) << alike.err;
}

TEST(BenchLayers, CandidatesStandBesideTheShippedTable) {
  const Workplace here;
  const Outcome shown = here.run({"bench", "--model", "resnet8", "--mode", "train", "--threads", "1", "--batch", "16",
                                  "--seconds", "0.05", "--layers", "--candidates", "--json"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  const Json rows = Json::parse(shown.out)["convolutions"];
  int convolutions = 0;
  for (const Json& row : rows) {
    convolutions += row["count"].get<int>();
    EXPECT_EQ(row["candidates"].size(), 3U) << row;
    EXPECT_GT(row["candidates"]["direct"]["ms"].get<double>(), 0) << row;
    bool known = false;
    for (const auto& [name, candidate] : row["candidates"].items())
      known = known || candidate["implementation"] == row["would_ship"];
    EXPECT_TRUE(known) << row;
  }
  EXPECT_EQ(convolutions, 7 + 6 + 7) << "7 convolutions, all but the first with both gradients";
  EXPECT_EQ(here.run({"bench", "--candidates"}).code, 2);
  EXPECT_EQ(here.run({"bench", "--mode", "infer", "--layers", "--candidates", "--roofline", "x.svg"}).code, 2);
  EXPECT_EQ(here.run({"bench", "--mode", "infer", "--layers", "--charts", "figures"}).code, 2);
}

TEST(BenchLayers, AreShownBelowTheCeilings) {
  const Workplace here;
  const Words words = {"bench",   "--layers", "--model",   "resnet8", "--mode",    "train",
                       "--batch", "4",        "--threads", "1",       "--seconds", "0.05"};
  const auto with = [&](Words more) {
    more.insert(more.begin(), words.begin(), words.end());
    return here.run(more);
  };
  const Outcome outcome = with({"--json", "--roofline", "roofline.svg"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Json found = Json::parse(outcome.out);
  EXPECT_GT(found.at("ceilings").at("fp32_gflop_per_second").get<double>(), 0.1);
  double sum = 0;
  for (const Json& layer : found.at("layers")) sum += layer.at("ms").get<double>();
  EXPECT_NEAR(sum, found.at("all").at("ms").get<double>(), 1e-6 * sum);
  EXPECT_EQ(found.at("ops").size() > 5, true);
  EXPECT_NE(read_file(here.path() / "roofline.svg", 1 << 20).find("conv_grad_weight"), std::string::npos);
  EXPECT_NE(with({"--format", "markdown"}).out.find("| all |"), std::string::npos);
  EXPECT_EQ(with({"--format", "csv"}).out.substr(0, 20), "node,implementation,");
  const Outcome several = with({"--batch", "1,2"});
  EXPECT_EQ(several.code, 2);
  EXPECT_NE(several.err.find("name one --batch"), std::string::npos) << several.err;
  EXPECT_EQ(here.run({"bench", "--roofline", "x.svg"}).code, 2);
}

}  // namespace
}  // namespace resnet::test
