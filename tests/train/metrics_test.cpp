// Counting, and the files of a run directory.
#include "train/metrics.hpp"
#include "support.hpp"
#include "train/checkpoint.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace resnet {
namespace {

Tensor matrix(int64_t rows, int64_t columns, std::initializer_list<float> values) {
  Tensor tensor(Shape{rows, columns});
  std::copy(values.begin(), values.end(), tensor.data<float>().begin());
  return tensor;
}
Tensor labels(std::initializer_list<int32_t> values) {
  Tensor tensor(Shape{static_cast<int64_t>(values.size())}, DType::i32);
  std::copy(values.begin(), values.end(), tensor.data<int32_t>().begin());
  return tensor;
}

TEST(Metrics, CountsAndConfusion) {
  EvaluationSums sums({"a", "b"});
  sums.add(matrix(3, 2, {0, 0, 1, 3, 100, 0}), labels({1, 1, 0}), 3, std::vector<int64_t>{0, 2});
  sums.add(matrix(2, 2, {5, 0, 9, 9}), labels({0, 0}), 1);  // the second row is padding
  const EvaluationResult result = sums.result();
  EXPECT_EQ(result.count, 4);
  EXPECT_EQ(result.correct, 3);  // equal scores go to the first class
  EXPECT_FALSE(result.top5().has_value());
  EXPECT_EQ(result.confusion, (std::vector<int64_t>{2, 0, 1, 1}));
  EXPECT_EQ(result.predicted, (std::vector<int>{0, 0}));
  EXPECT_EQ(result.confidence, (std::vector<double>{0.5, 1}));
  EXPECT_NEAR(result.loss, (std::log(2.0) + std::log1p(std::exp(-2.0)) + 0 + std::log1p(std::exp(-5.0))) / 4, 1e-12);
  EXPECT_DOUBLE_EQ(*result.class_accuracy(1), 0.5);
}

TEST(Metrics, Top5FromSixClasses) {
  EvaluationSums sums({"a", "b", "c", "d", "e", "f"});
  sums.add(matrix(2, 6, {6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1}), labels({4, 5}), 2);
  EXPECT_DOUBLE_EQ(*sums.result().top5(), 0.5);
  EXPECT_DOUBLE_EQ(sums.result().top1(), 0);
}

TEST(Metrics, NaNIsNeverRight) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(argmax(std::vector<float>{nan, 1, 2}), 2);
  EvaluationSums sums({"a", "b"});
  sums.add(matrix(1, 2, {nan, nan}), labels({0}), 1);
  EXPECT_EQ(sums.result().correct, 0);
}

TEST(Position, IsReadBackExactly) {
  TrainingPosition position{.epoch = 3, .step_in_epoch = 7, .step = 1007, .seed = ~uint64_t{0}};
  position.running = {.loss_sum = 0.1 + 0.2, .images = 56, .correct = 12};
  position.best_top1 = 1.0 / 3;
  position.best_step = 1000;
  position.gentle_end = 400;
  position.rate = 0.1;
  EXPECT_TRUE(position_from_json(to_json_text(position)) == position);
  EXPECT_THROW(position_from_json("{}"), Error);
  EXPECT_THROW(position_from_json("{"), Error);
  std::string text = to_json_text(position);
  text.replace(text.find("1007"), 4, "1e60");
  EXPECT_THROW(position_from_json(text), Error);
}

TEST(Run, MetricsAreCutBackToACheckpoint) {
  const TemporaryFolder folder;
  const NewRun created("train", "x", folder / "run", false);
  const RunDirectory& run = created.directory();
  run.truncate_metrics(-1);
  run.append({.epoch = 1, .step = 10, .time = 1.5, .lr = 0.1, .train_loss = 2, .val_loss = 3, .top1 = 0.5});
  run.append({.epoch = 2, .step = 20, .time = 3, .lr = 0.1, .train_loss = 1, .val_loss = 2, .top1 = 0.75});
  EXPECT_EQ(run.read_metrics().size(), 2u);
  const std::string whole = read_file(run.metrics(), 1 << 20);
  write_file(run.metrics(), whole + "3,30,4");  // a crash while writing a line
  EXPECT_EQ(run.truncate_metrics(20).size(), 2u);
  EXPECT_EQ(read_file(run.metrics(), 1 << 20), whole);
  const std::vector<MetricsRow> rows = run.truncate_metrics(15);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_DOUBLE_EQ(*rows[0].top1, 0.5);
  EXPECT_EQ(whole.substr(0, whole.find('\n')),
            "epoch,step,time,lr,train/loss,val/loss,metrics/accuracy_top1,metrics/accuracy_top5,train/accuracy_top1");
}

TEST(Run, DirectoriesAreNotOverwritten) {
  const TemporaryFolder folder;
  const fs::path out = folder / "run";
  const auto create = [](const fs::path& path, bool force) { NewRun("train", "x", path, force).keep(); };
  create(out, false);
  EXPECT_EQ(error_of([&] { create(out, false); }),
            "1: " + out.string() + ": exists already; choose another --out, or replace the run there with --force");
  write_file(out / "note.txt", "keep me");
  EXPECT_NE(error_of([&] { create(out, true); }).find("something other than a run"), std::string::npos);
  EXPECT_TRUE(fs::exists(out / "note.txt"));
  write_file(out / "config.toml", "");
  EXPECT_NE(error_of([&] { create(out, true); }).find("note.txt: is not of the run"), std::string::npos);
  EXPECT_TRUE(fs::exists(out / "note.txt"));
  fs::rename(out / "note.txt", out / "log.txt");
  create(out, true);
  EXPECT_FALSE(fs::exists(out / "log.txt"));
  EXPECT_NE(error_of([&] { open_run(folder / "none"); }).find("3: "), std::string::npos);
  write_file(folder / "file", "");
  EXPECT_NE(error_of([&] { create(folder / "file" / "run", false); }).find("1: "), std::string::npos);
}

TEST(Run, NamesAreNumbered) {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder / "");
  const NewRun first("train", "a-b", {}, false), second("train", "a-b", {}, false);
  EXPECT_EQ(first.directory().path(), fs::path("runs/train/a-b"));
  EXPECT_EQ(second.directory().path(), fs::path("runs/train/a-b-2"));
  fs::current_path(before);
}

}  // namespace
}  // namespace resnet
