// A run goes on only with what it was started with; each difference is named.
#include "train/unchanged.hpp"
#include "support.hpp"
#include "train/evaluate.hpp"

#include <utility>

namespace resnet {
namespace {

class Unchanged : public QuietRun {
 protected:
  /// A run that was interrupted after step 4 of 18, in its first epoch of 9.
  RunDirectory interrupted_run() {
    set_step_hook([](int64_t step) { set_interrupted(step == 4); });
    EXPECT_THROW(train(small_request(folder / "run")), Error);
    set_step_hook({});
    set_interrupted(false);
    return RunDirectory(folder / "run");
  }
  std::string resume_error() {
    return error_of([&] { resume({.run = folder / "run"}); });
  }
};

void replace_in(const fs::path& file, const std::string& old, const std::string& now) {
  std::string text = read_file(file, 1 << 20);
  ASSERT_NE(text.find(old), std::string::npos) << old;
  write_file(file, text.replace(text.find(old), old.size(), now));
}

template <class Change>
void change_checkpoint(const RunDirectory& run, Change&& change) {
  LoadedPosition last = load_position(run.last());
  change(last);
  save_position(run.last(), last.info, last.state, last.position, last.recipe);
}

std::shared_ptr<const Dataset> images(std::vector<uint8_t> pixels, std::vector<int> labels) {
  return memory_dataset({"a", "b"}, Shape{1, 1, 2}, std::move(pixels), std::move(labels));
}

TEST(Identity, TellsPixelsLabelsAndOrderApart) {
  const ImagesIdentity one = identity_of(*images({1, 2, 3, 4}, {0, 1}));
  EXPECT_EQ(one.count, 2);
  EXPECT_TRUE(one == identity_of(*images({1, 2, 3, 4}, {0, 1})));
  EXPECT_FALSE(one == identity_of(*images({1, 2, 3, 5}, {0, 1})));
  EXPECT_FALSE(one == identity_of(*images({1, 2, 3, 4}, {1, 1})));
  EXPECT_FALSE(one == identity_of(*images({3, 4, 1, 2}, {1, 0})));
}

TEST_F(Unchanged, OtherImagesAreRefused) {
  const RunDirectory run = interrupted_run();
  const std::string config = read_file(run.config(), 1 << 20);
  replace_in(run.config(), "count=78", "count=80");
  EXPECT_EQ(resume_error(),
            "3: builtin:patterns?size=8&count=80: has 80 images for training, the run was started with 78; "
            "restore the data");
  write_file(run.config(), config);
  replace_in(run.config(), "count=78", "count=78&seed=5");
  EXPECT_NE(resume_error().find("the images for training are not those that the run was started with"),
            std::string::npos);
}

TEST_F(Unchanged, EditsOfTheConfigurationAreRefused) {
  const RunDirectory run = interrupted_run();
  const std::string config = read_file(run.config(), 1 << 20), last = last_bytes(run.path());
  for (const auto& [old, now] : {std::pair{"lr = 0.05", "lr = 0.5"},
                                 {"seed = 0\n", "seed = 1\n"},
                                 {"epochs = 2", "epochs = 3"},
                                 {"flip = true", "flip = false"}}) {
    std::string text = config;
    const std::size_t at = text.rfind(old);
    write_file(run.config(), text.replace(at, std::string(old).size(), now));
    const std::string message = resume_error();
    EXPECT_EQ(message.substr(0, 2), "1:") << message;
    EXPECT_NE(message.find(text_of("says '", std::string(now).substr(0, 6))), std::string::npos) << message;
  }
  EXPECT_EQ(last_bytes(run.path()), last);
  write_file(run.config(), config);
  EXPECT_EQ(resume({.run = run.path(), .epochs = 3}).epochs, 3);
  EXPECT_EQ(resume({.run = run.path()}).epochs, 3);
}

TEST_F(Unchanged, ACheckpointWithoutMomentaIsRefused) {
  const RunDirectory run = interrupted_run();
  change_checkpoint(run, [](LoadedPosition& last) {
    State state;
    for (const auto& [name, tensor] : last.state.tensors())
      if (!name.starts_with("optimizer/")) state.set(name, tensor);
    last.state = std::move(state);
  });
  const std::string message = resume_error();
  EXPECT_EQ(message.substr(0, 2), "4:") << message;
  EXPECT_NE(message.find("missing"), std::string::npos) << message;
}

TEST_F(Unchanged, CountersThatContradictEachOtherAreRefused) {
  const RunDirectory run = interrupted_run();
  const TrainingPosition good = load_position(run.last()).position;
  const auto error = [&](int64_t epoch, int64_t in_epoch, int64_t step) {
    change_checkpoint(run, [&](LoadedPosition& last) {
      last.position.epoch = epoch;
      last.position.step_in_epoch = in_epoch;
      last.position.step = step;
    });
    return resume_error();
  };
  EXPECT_NE(error(0, 4, 19).find("more steps than the training has"), std::string::npos);
  EXPECT_NE(error(0, 10, 10).find("more steps in the epoch than it has"), std::string::npos);
  EXPECT_NE(error(0, 5, 4).find("more steps in the epoch than it has"), std::string::npos);
  EXPECT_NE(error(1, 4, 4).find("the epoch does not follow from the steps"), std::string::npos);
  EXPECT_NE(error(0, -4, 4).find("negative"), std::string::npos);
  EXPECT_TRUE(continued(good, 18, 9) == good);
}

TEST_F(Unchanged, ARunThatEndedWithinAnEpochGoesOnWithinIt) {
  const TrainingPosition ended{.epoch = 12, .step = 103};
  EXPECT_TRUE(continued(ended, 103, 9) == ended);
  const TrainingPosition extended = continued(ended, 180, 9);
  EXPECT_EQ(extended.epoch, 11);
  EXPECT_EQ(extended.step_in_epoch, 4);

  TrainRequest request = small_request(folder / "run");
  request.recipe = changed(request.recipe, {.iterations = 13});
  EXPECT_EQ(train(request).epochs, 2);
  EXPECT_EQ(resume({.run = request.out, .epochs = 3}).epochs, 3);
  std::vector<int64_t> steps;
  for (const MetricsRow& row : RunDirectory(request.out).read_metrics()) steps.push_back(row.step);
  EXPECT_EQ(steps, (std::vector<int64_t>{9, 13, 18, 27}));
}

TEST_F(Unchanged, OnlyOneProcessTrainsInARun) {
  std::string resumed, replaced;
  set_step_hook([&](int64_t step) {
    if (step != 2) return;
    resumed = resume_error();
    TrainRequest again = small_request(folder / "run");
    again.force = true;
    replaced = error_of([&] { train(again); });
  });
  train(small_request(folder / "run"));
  EXPECT_NE(resumed.find("another process is at work on this run"), std::string::npos) << resumed;
  EXPECT_NE(replaced.find("another process is at work on this run"), std::string::npos) << replaced;
  set_step_hook({});
  EXPECT_EQ(resume({.run = folder / "run"}).epochs, 2);
}

TEST_F(Unchanged, TheIntervalOfCheckpointsIsKept) {
  TrainRequest request = small_request(folder / "run");
  request.checkpoint_every = 2;
  const RunDirectory run(request.out);
  set_step_hook([](int64_t step) { set_interrupted(step == 3); });
  EXPECT_THROW(train(request), Error);
  set_interrupted(false);
  int64_t saved = 0;
  set_step_hook([&](int64_t step) {
    if (step == 7) saved = load_position(run.last()).position.step;
  });
  resume({.run = request.out});
  EXPECT_EQ(saved, 6);
}

TEST_F(Unchanged, AnEarlierRunStaysUntilTheNewOneHasBegun) {
  train(small_request(folder / "run"));
  const std::string before = last_bytes(folder / "run");
  TrainRequest request = small_request(folder / "run");
  request.force = true;
  request.seed = 7;
  set_write_fault([](const fs::path& path) { return path.extension() == ".safetensors" ? ENOSPC : 0; });
  EXPECT_NE(error_of([&] { train(request); }).find("No space left"), std::string::npos);
  set_write_fault({});
  EXPECT_EQ(last_bytes(folder / "run"), before);
  train(request);
  EXPECT_NE(last_bytes(folder / "run"), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / ""), fs::directory_iterator()), 1);
}

/// 100 records of a class and 3x32x32 pixels each, and no test images.
void write_cifar(const fs::path& folder) {
  Rng random(3, "pixels");
  std::string records;
  for (int record = 0; record < 100; ++record) {
    records += static_cast<char>(record % 10);
    for (int pixel = 0; pixel < 3072; ++pixel) records += static_cast<char>(random.below(256));
  }
  make_directory(folder);
  write_file(folder / "data_batch_1.bin", records);
}

TEST_F(Unchanged, EvaluationKeepsTheRunsShareForValidation) {
  write_cifar(folder / "data");
  TrainRequest request = small_request(folder / "run");
  request.data = (folder / "data").string();
  request.validation = 0.3;
  request.recipe = changed(request.recipe, {.iterations = 1});
  train(request);
  const auto count = [&](const std::string& data, std::optional<double> validation) {
    return evaluate({.model = request.out.string(), .data = data, .validation = validation}).count;
  };
  EXPECT_EQ(count("", {}), 30);
  EXPECT_EQ(count(request.data, {}), 30);
  EXPECT_EQ(count(request.data, 0.2), 20);
}

}  // namespace
}  // namespace resnet
