// What goes wrong in a training: each ends with one clear line, the right exit code, and nothing lost.
#include "formats/model_file.hpp"
#include "support.hpp"
#include "train/checkpoint.hpp"
#include "train/config.hpp"
#include "train/evaluate.hpp"

#include <cerrno>
#include <cmath>

namespace resnet {
namespace {

class Fault : public QuietRun {};

TEST_F(Fault, ARateTooHighNamesTheNodeAndKeepsTheLastGoodCheckpoint) {
  TrainRequest request = small_request(folder / "run");
  request.recipe.schedule = {.kind = ScheduleKind::constant, .peak = 1e30};
  const std::string message = error_of([&] { train(request); });
  EXPECT_EQ(message.find("1: training: the numbers are no longer finite: it first arose in node '"), 0u) << message;
  EXPECT_NE(message.find("' at step "), std::string::npos) << message;
  EXPECT_NE(message.find("try a lower --lr"), std::string::npos) << message;
  const LoadedPosition kept = load_position(RunDirectory(request.out).last());
  EXPECT_EQ(kept.position.step, 0);
  for (const auto& [name, tensor] : kept.state.tensors())
    for (const float value : tensor.data<float>()) ASSERT_TRUE(std::isfinite(value)) << name;
  EXPECT_NE(read_file(RunDirectory(request.out).log(), 1 << 20).find("no longer finite"), std::string::npos);
}

TEST_F(Fault, ANodeIsNamedAfterLaterCheckpointsToo) {
  TrainRequest request = small_request(folder / "run");
  request.recipe.schedule = {.kind = ScheduleKind::constant, .peak = 1e-3};
  set_step_hook([](int64_t step) { set_interrupted(step == 4); });
  EXPECT_THROW(train(request), Error);
  set_step_hook({});
  set_interrupted(false);
  // As if the run had been started with a rate that spoils it only later.
  const RunDirectory run(request.out);
  LoadedPosition last = load_position(run.last());
  RunConfig config = config_from_toml(read_file(run.config(), 1 << 20), "config.toml");
  config.recipe.schedule.peak = last.recipe.schedule.peak = 1e30;
  save_position(run.last(), last.info, last.state, last.position, last.recipe);
  write_file(run.config(), to_toml(config));
  const std::string message = error_of([&] { resume({.run = request.out}); });
  EXPECT_NE(message.find("it first arose in node '"), std::string::npos) << message;
  EXPECT_NE(message.find("the last good checkpoint (step 4)"), std::string::npos) << message;
  EXPECT_NE(read_file(run.report(), 1 << 24).find("no longer finite"), std::string::npos);
}

TEST_F(Fault, ForceRemovesNothingThatIsNotOfTheRun) {
  TrainRequest request = small_request(folder / "run");
  train(request);
  write_file(request.out / "notes.txt", "mine");
  request.force = true;
  const std::string message = error_of([&] { train(request); });
  EXPECT_NE(message.find("notes.txt: is not of the run"), std::string::npos) << message;
  EXPECT_EQ(read_file(request.out / "notes.txt", 100), "mine");
  EXPECT_TRUE(fs::exists(RunDirectory(request.out).best()));
}

TEST_F(Fault, AnEvaluationThatOverflowsIsNeverTheBest) {
  TrainRequest request = small_request(folder / "run");
  request.model = "mlp";
  request.data = "builtin:shapes?train=8&test=1";
  request.recipe.batch = 1;
  request.recipe.iterations = 3;
  request.recipe.schedule.peak = 0.2;
  request.recipe.epochs = 0;
  const TrainResult result = train(request);
  ASSERT_FALSE(std::isfinite(result.evaluation.loss));
  EXPECT_FALSE(fs::exists(RunDirectory(request.out).best()));
  EXPECT_NE(read_file(RunDirectory(request.out).log(), 1 << 20).find("loss is not finite"), std::string::npos);
}

TEST_F(Fault, AnInterruptEndsTheSearchForANode) {
  TrainRequest request = small_request(folder / "run");
  request.recipe.schedule = {.kind = ScheduleKind::constant, .peak = 1e30};
  bool training = false;
  set_step_hook([&](int64_t) { training = true; });
  set_write_fault([&](const fs::path& path) {  // the next line of the log says that the search begins
    if (training && path.filename() == "log.txt") set_interrupted(true);
    return 0;
  });
  const std::string message = error_of([&] { train(request); });
  EXPECT_EQ(message.find("130: interrupted while looking for"), 0u) << message;
  EXPECT_NE(message.find("the last good checkpoint (step 0) is kept"), std::string::npos) << message;
}

TEST_F(Fault, ACrashBetweenLastAndBestIsMadeGood) {
  const TrainResult whole = train(small_request(folder / "whole"));
  TrainRequest request = small_request(folder / "run");
  set_write_fault([](const fs::path& path) { return path.filename() == "best.safetensors" ? ENOSPC : 0; });
  EXPECT_NE(error_of([&] { train(request); }).find("No space left"), std::string::npos);
  EXPECT_FALSE(fs::exists(RunDirectory(request.out).best()));
  EXPECT_EQ(load_position(RunDirectory(request.out).last()).position.best_step, 9);
  set_write_fault({});
  bool there = false;
  set_step_hook([&](int64_t) { there = fs::exists(RunDirectory(request.out).best()); });
  EXPECT_EQ(resume({.run = request.out}).best_top1, whole.best_top1);
  EXPECT_TRUE(there);
  EXPECT_EQ(best_bytes(request.out), best_bytes(folder / "whole"));
  EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "whole"));
}

TEST_F(Fault, AFullDiskLeavesThePreviousCheckpoint) {
  TrainRequest request = small_request(folder / "run");
  set_step_hook([&](int64_t step) {
    if (step == 12)
      set_write_fault([](const fs::path& path) { return path.extension() == ".safetensors" ? ENOSPC : 0; });
  });
  const std::string message = error_of([&] { train(request); });
  EXPECT_NE(message.find("No space left on device; free some space; then continue with: resnet resume"),
            std::string::npos)
      << message;
  EXPECT_EQ(message.substr(0, 2), "1:");
  set_step_hook({});
  set_write_fault({});
  EXPECT_EQ(load_position(RunDirectory(request.out).last()).position.step, 9);
  resume({.run = request.out});
  train(small_request(folder / "whole"));
  EXPECT_EQ(last_bytes(request.out), last_bytes(folder / "whole"));
}

TEST_F(Fault, NothingIsLeftOfARunThatCouldNotStart) {
  set_write_fault([](const fs::path& path) { return path.extension() == ".safetensors" ? ENOSPC : 0; });
  EXPECT_NE(error_of([&] { train(small_request(folder / "run")); }).find("No space left"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "run"));
}

TEST_F(Fault, WrongRequestsAreRefusedBeforeAnythingIsWritten) {
  const auto error = [&](auto&& change) {
    TrainRequest request = small_request(folder / "run");
    change(request);
    const std::string message = error_of([&] { train(request); });
    EXPECT_FALSE(fs::exists(folder / "run")) << message;
    return message;
  };
  EXPECT_EQ(error([](TrainRequest& r) { r.recipe.batch = 100; }),
            "2: --batch: 100 images are more than the 78 for training; choose a smaller one");
  EXPECT_EQ(error([](TrainRequest& r) { r.model = "resnet21"; }).substr(0, 2), "2:");
  EXPECT_EQ(error([&](TrainRequest& r) { r.data = (folder / "none").string(); }).substr(0, 2), "3:");
  EXPECT_EQ(error([&](TrainRequest& r) { r.weights = folder / "none.safetensors"; }).substr(0, 2), "4:");
  EXPECT_EQ(error([](TrainRequest& r) { r.seed = ~uint64_t{0}; }).substr(0, 2), "2:");
}

TEST_F(Fault, ADamagedCheckpointIsRefused) {
  train(small_request(folder / "run"));
  const fs::path last = RunDirectory(folder / "run").last();
  const std::string bytes = read_file(last, 1 << 30);
  write_file(last, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(error_of([&] { resume({.run = folder / "run"}); }).substr(0, 2), "4:");
  write_file(last, best_bytes(folder / "run"));
  EXPECT_NE(error_of([&] { resume({.run = folder / "run"}); }).find("without the counters"), std::string::npos);
}

TEST_F(Fault, EvaluationRefusesOtherClassesAndSizes) {
  train(small_request(folder / "run"));
  const auto error = [&](const std::string& data) {
    return error_of([&] { evaluate({.model = (folder / "run").string(), .data = data}); });
  };
  EXPECT_EQ(error("builtin:patterns?size=16&count=40"),
            "3: evaluation: the model expects images [1x8x8], the data set has [1x16x16]");
  EXPECT_EQ(error("builtin:shapes?train=40&test=10").substr(0, 2), "3:");
  EXPECT_EQ(error_of([&] { evaluate({.model = (folder / "none").string(), .data = "builtin:patterns"}); }).substr(0, 2),
            "4:");
}

TEST_F(Fault, WeightsOfAnotherRunAreAStart) {
  train(small_request(folder / "first"));
  TrainRequest request = small_request(folder / "second");
  request.weights = RunDirectory(folder / "first").best();
  request.recipe.schedule = {.kind = ScheduleKind::constant, .peak = 1e-12};
  train(request);
  const State start = load_model(request.weights).state;
  const State end = load_model(RunDirectory(request.out).best()).state;
  const float* before = start.at("conv1.weight").data<float>().data();
  const float* after = end.at("conv1.weight").data<float>().data();
  EXPECT_NEAR(before[0], after[0], 1e-6);
}

}  // namespace
}  // namespace resnet
