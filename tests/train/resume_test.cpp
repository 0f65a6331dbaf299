// An interrupted run ends with the bytes of an uninterrupted one, whatever the moment and the number of threads.
#include "formats/model_file.hpp"
#include "runtime/executable.hpp"
#include "support.hpp"
#include "train/checkpoint.hpp"
#include "train/evaluate.hpp"

#include <sys/wait.h>

#include <csignal>

namespace resnet {
namespace {

class Resume : public QuietRun {};
class ResumeSlow : public QuietRun {};

std::string interrupted_at(int64_t step, const TrainRequest& request) {
  set_step_hook([step](int64_t done) {
    if (done == step) set_interrupted(true);
  });
  const std::string message = error_of([&] { train(request); });
  set_step_hook({});
  set_interrupted(false);
  return message;
}

/// metrics.csv without the time.
std::string metrics_without_time(const fs::path& run) {
  std::string text;
  for (MetricsRow row : RunDirectory(run).read_metrics())
    text += text_of(row.epoch, ' ', row.step, ' ', row.lr, ' ', row.train_loss, ' ', row.val_loss.value_or(-1), ' ',
                    row.top1.value_or(-1), ' ', row.train_top1, '\n');
  return text;
}

TEST_F(Resume, WritesTheWholeRunDirectory) {
  const TrainResult result = train(small_request(folder / "run"));
  const RunDirectory run = open_run(folder / "run");
  for (const fs::path& file : {run.config(), run.command(), run.environment(), run.metrics(), run.classes(), run.last(),
                               run.best(), run.report(), run.log()})
    EXPECT_TRUE(fs::exists(file)) << file;
  EXPECT_EQ(result.epochs, 2);
  EXPECT_EQ(result.run, run.path());
  EXPECT_EQ(run.read_metrics().size(), 2u);
  EXPECT_EQ(read_file(run.command(), 1 << 20), "resnet train small\n");
  EXPECT_EQ(last_bytes(run.path()).find(run.path().string()), std::string::npos);
}

TEST_F(Resume, TheReportHasItAll) {
  train(small_request(folder / "run"));
  const std::string page = read_file(RunDirectory(folder / "run").report(), 1 << 20);
  for (const char* part : {"Loss", "Accuracy", "Learning rate", "Confusion matrix", "truth: ", "layer3.0",
                           "What it is trained on", "resnet train small", "processor", "weight_decay"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
}

TEST_F(Resume, TheReportTellsOfAllPartsOfTheRun) {
  interrupted_at(12, small_request(folder / "run"));
  resume({.run = folder / "run", .command = "resnet resume it"});
  const std::string page = read_file(RunDirectory(folder / "run").report(), 1 << 24);
  EXPECT_NE(page.find("resnet train small\nresnet resume it"), std::string::npos);
}

TEST_F(Resume, TheReportIsThereAfterEachEpoch) {
  bool before = true, after = false;
  set_step_hook([&](int64_t step) {
    const bool there = fs::exists(RunDirectory(folder / "run").report());
    if (step == 9) before = there;
    if (step == 10) after = there;
  });
  train(small_request(folder / "run"));
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
}

TEST_F(Resume, TheRateOfTheLastStepIsKeptWhenTheGentleStartEndsThere) {
  TrainRequest request = small_request(folder / "run");
  request.data = "builtin:patterns?size=8&count=800";  // 100 steps of 8 images: one epoch is one window
  request.recipe.gentle = {.lr = 0.01, .until_error = 1, .from_depth = 0};
  train(request);
  const std::vector<MetricsRow> rows = RunDirectory(request.out).read_metrics();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_DOUBLE_EQ(rows[0].lr, 0.01);
  EXPECT_NE(rows[1].lr, 0.01);
  EXPECT_EQ(load_position(RunDirectory(request.out).last()).position.gentle_end, 100);
  EXPECT_NE(read_file(RunDirectory(request.out).report(), 1 << 24).find("gentle start of 100 steps"),
            std::string::npos);
}

TEST_F(Resume, LeftoversOfACrashAreRemoved) {
  interrupted_at(3, small_request(folder / "run"));
  const fs::path leftover = folder / "run" / "checkpoints" / "last.safetensors.tmp123";
  write_file(leftover, "half");
  resume({.run = folder / "run"});
  EXPECT_FALSE(fs::exists(leftover));
}

TEST_F(Resume, EvaluationSaysTheSameAsTheRun) {
  const TrainRequest request = small_request(folder / "run");
  const TrainResult result = train(request);
  const RunDirectory run = open_run(folder / "run");
  EXPECT_EQ(evaluate({.model = run.last().string(), .data = request.data, .threads = 2}).top1(), result.top1);
  EXPECT_EQ(evaluate({.model = run.best().string(), .data = request.data, .threads = 1}).top1(), result.best_top1);
  EXPECT_EQ(evaluate({.model = run.path().string(), .data = ""}).top1(), result.best_top1);
  EXPECT_EQ(evaluate({.model = run.last().string(), .data = request.data}).loss, result.evaluation.loss);
}

TEST_F(Resume, AugmentedAndMixedRunsEndWithTheSameBytes) {
  const auto request = [&](const std::string& name, int threads) {
    TrainRequest made = small_request(folder / name);
    made.recipe.augmentation = {.pad = 0,
                                .resized_crop = 0.3,
                                .randaugment_count = 1,
                                .jitter = {.brightness = 0.4, .contrast = 0.4},
                                .erasing = 0.5,
                                .mixup = 0.2,
                                .cutmix = 1};
    made.threads = threads;
    made.loader_threads = threads;
    return made;
  };
  const TrainResult whole = train(request("whole", 1));
  EXPECT_EQ(last_bytes(train(request("threads", 3)).run), last_bytes(whole.run));
  interrupted_at(11, request("parts", 2));
  EXPECT_EQ(last_bytes(resume({.run = folder / "parts"}).run), last_bytes(whole.run));
  EXPECT_NE(best_bytes(train(small_request(folder / "plain")).run), best_bytes(whole.run));
}

TEST_F(Resume, InterruptedAtAnyStepEndsWithTheSameBytes) {
  train(small_request(folder / "whole"));
  for (const int64_t step : {1, 4, 9, 10, 17, 18}) {
    const fs::path run = folder / ("at" + std::to_string(step));
    const std::string message = interrupted_at(step, small_request(run));
    EXPECT_EQ(message, text_of("130: interrupted after step ", step, " of 18; saved, continue with: resnet resume ",
                               run.string()));
    EXPECT_TRUE(fs::exists(RunDirectory(run).report()));
    resume({.run = run, .threads = 2});
    EXPECT_EQ(last_bytes(run), last_bytes(folder / "whole")) << step;
    EXPECT_EQ(best_bytes(run), best_bytes(folder / "whole")) << step;
    EXPECT_EQ(metrics_without_time(run), metrics_without_time(folder / "whole")) << step;
  }
}

TEST_F(Resume, InterruptedTwiceAndWithCheckpointsInBetween) {
  train(small_request(folder / "whole"));
  TrainRequest request = small_request(folder / "run");
  request.checkpoint_every = 2;
  interrupted_at(3, request);
  set_step_hook([](int64_t step) { set_interrupted(step == 11); });
  EXPECT_THROW(resume({.run = request.out, .checkpoint_every = 3}), Error);
  set_step_hook({});
  set_interrupted(false);
  resume({.run = request.out});
  EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "whole"));
}

TEST_F(Resume, AFinishedRunIsReportedAgain) {
  const TrainResult first = train(small_request(folder / "run"));
  const std::string bytes = last_bytes(folder / "run");
  const TrainResult again = resume({.run = folder / "run"});
  EXPECT_EQ(again.top1, first.top1);
  EXPECT_EQ(again.best_top1, first.best_top1);
  EXPECT_EQ(last_bytes(folder / "run"), bytes);
}

TEST_F(Resume, OtherLengthsGoOn) {
  train(small_request(folder / "run"));
  EXPECT_EQ(resume({.run = folder / "run", .epochs = 3}).epochs, 3);
  EXPECT_NE(error_of([&] { resume({.run = folder / "run", .epochs = 1}); }).find("2: --epochs"), std::string::npos);
}

TEST_F(Resume, RefusesOtherKernels) {
  interrupted_at(4, small_request(folder / "run"));
  const fs::path config = RunDirectory(folder / "run").config();
  std::string text = read_file(config, 1 << 20);
  const std::size_t at = text.find("plan = \"");
  text.replace(at + 8, 4, "abcd");
  write_file(config, text);
  EXPECT_NE(error_of([&] { resume({.run = folder / "run"}); }).find("resume it where it was started"),
            std::string::npos);
}

TEST_F(Resume, ThreadsChangeNoByte) {
  for (const int threads : {1, 2, 3, 4}) {
    TrainRequest request = small_request(folder / std::to_string(threads));
    request.threads = threads;
    request.recipe.batch = 16;
    train(request);
    EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "1")) << threads;
    EXPECT_EQ(best_bytes(request.out), best_bytes(folder / "1")) << threads;
  }
}

TEST_F(Resume, LowPrecisionRunsKeepTheirBytes) {
  if (!cpu_backend_info().bf16) GTEST_SKIP() << "this processor has no AVX-512, which bf16 needs";
  const auto request = [&](const std::string& name) {
    TrainRequest low = small_request(folder / name);
    low.step.precision = Precision::bf16;
    return low;
  };
  train(request("whole"));
  interrupted_at(11, request("parts"));
  resume({.run = folder / "parts", .threads = 3});
  EXPECT_EQ(last_bytes(folder / "parts"), last_bytes(folder / "whole"));
  train(small_request(folder / "fp32"));
  EXPECT_NE(last_bytes(folder / "fp32"), last_bytes(folder / "whole"));
}

TEST_F(Resume, LowMemoryChangesNoByte) {
  TrainRequest low = small_request(folder / "low");
  low.step.low_memory = true;
  train(low);
  train(small_request(folder / "normal"));
  EXPECT_EQ(best_bytes(folder / "low"), best_bytes(folder / "normal"));
}

TEST_F(Resume, StepLengthsAndTheGentleStartSurvive) {
  const auto request = [&](const std::string& name) {
    TrainRequest small = small_request(folder / name);
    small.recipe.epochs = 0;
    small.recipe.iterations = 103;  // not a whole number of epochs, beyond one window of the gentle start
    small.recipe.gentle = {.lr = 0.01, .until_error = 1, .from_depth = 0};
    return small;
  };
  const TrainResult whole = train(request("whole"));
  EXPECT_EQ(whole.epochs, 12);
  interrupted_at(99, request("run"));
  resume({.run = folder / "run"});
  EXPECT_EQ(last_bytes(folder / "run"), last_bytes(folder / "whole"));
  const std::vector<MetricsRow> rows = RunDirectory(folder / "whole").read_metrics();
  EXPECT_DOUBLE_EQ(rows.front().lr, 0.01);
  EXPECT_NE(rows.back().lr, 0.01);
}

/// Trains in a child that kills itself: after step `step`, or, if `inside`, in the middle of the next write of `last`.
void train_and_kill(const TrainRequest& request, int64_t step, bool inside) {
  const pid_t child = fork();
  if (child == 0) {
    set_step_hook([=](int64_t done) {
      if (done != step) return;
      if (!inside) std::raise(SIGKILL);
      set_write_fault([writes = 0](const fs::path& path) mutable {
        if (path.filename() == "last.safetensors" && ++writes == 2) std::raise(SIGKILL);
        return 0;
      });
    });
    train(request);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(ResumeSlow, KilledAtTenRandomStepsEndsWithTheSameBytes) {
  TrainRequest request = small_request(folder / "whole");
  request.recipe.epochs = 4;
  request.checkpoint_every = 2;
  train(request);
  Rng random(1, "moments");
  for (int kill = 0; kill < 10; ++kill) {
    request.out = folder / ("killed" + std::to_string(kill));
    const bool inside = kill % 3 == 0;
    // 9 steps an epoch, a checkpoint after each even step: never the last step of an epoch, and inside a checkpoint
    // only where one is written.
    const int64_t in_epoch = inside ? 2 : 1 + static_cast<int64_t>(random.below(8));
    const int64_t epoch = static_cast<int64_t>(random.below(4));
    const int64_t step = 9 * epoch + (inside && epoch % 2 == 1 ? in_epoch + 1 : in_epoch);
    train_and_kill(request, step, inside);
    const TrainingPosition kept = load_position(RunDirectory(request.out).last()).position;
    EXPECT_LT(kept.step, step + 1);
    EXPECT_NE(step % 9, 0);
    EXPECT_EQ(fs::exists(RunDirectory(request.out).best()), step > 9);
    resume({.run = request.out});
    EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "whole")) << "killed after step " << step;
    EXPECT_EQ(best_bytes(request.out), best_bytes(folder / "whole")) << "killed after step " << step;
    EXPECT_EQ(metrics_without_time(request.out), metrics_without_time(folder / "whole")) << "after step " << step;
  }
}

void expect_same_bytes_for_all_threads(TrainRequest request, const TemporaryFolder& folder) {
  for (const int threads : {1, 2, 3, 4}) {
    request.out = folder / std::to_string(threads);
    request.threads = threads;
    train(request);
    EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "1")) << threads;
  }
}

/// Large enough for Winograd and for several lanes.
TEST_F(ResumeSlow, ThreadsChangeNoByteOfResnet20) {
  TrainRequest request = small_request({});
  request.model = "resnet20";
  request.data = "builtin:shapes?train=256&test=20";
  request.recipe = changed(find_recipe("short"), {.iterations = 3, .batch = 64});
  expect_same_bytes_for_all_threads(request, folder);
}

TEST_F(ResumeSlow, ThreadsChangeNoByteOfResnet20InLowPrecision) {
  if (!cpu_backend_info().bf16) GTEST_SKIP() << "this processor has no AVX-512, which bf16 needs";
  TrainRequest request = small_request({});
  request.model = "resnet20";
  request.data = "builtin:shapes?train=256&test=20";
  request.step.precision = Precision::bf16;
  request.recipe = changed(find_recipe("short"), {.iterations = 3, .batch = 64});
  expect_same_bytes_for_all_threads(request, folder);
}

TEST_F(ResumeSlow, ThreadsChangeNoByteOfABottleneckNetwork) {
  TrainRequest request = small_request({});
  request.model = "resnet50";
  request.data = "builtin:patterns?size=64&count=40";
  request.recipe = changed(find_recipe("short"), {.iterations = 2, .batch = 16});
  expect_same_bytes_for_all_threads(request, folder);
}

}  // namespace
}  // namespace resnet
