// Trainings on folders of photos: what is chosen, bad images, kill and resume, evaluation and prediction of the same
// file.
#include "base/csv.hpp"
#include "data/open.hpp"
#include "support.hpp"
#include "support/pictures.hpp"
#include "train/bad_images.hpp"
#include "train/checkpoint.hpp"
#include "train/evaluate.hpp"
#include "train/plan.hpp"
#include "train/predict.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <map>
#include <ranges>

namespace resnet {
namespace {

class Photos : public QuietRun {
 protected:
  void SetUp() override {
    QuietRun::SetUp();
    test::put_photos(folder / "photos", 24);
  }
  /// 2 epochs of a resnet8 at 16x16 on some 40 photos in batches of 8.
  TrainRequest request(const std::string& run) {
    TrainRequest request = small_request(folder / run);
    request.data = (folder / "photos").string();
    request.preprocessing = {.size = 16, .resize = 18};
    request.recipe.augmentation = {.pad = 0, .resized_crop = 0.3};
    return request;
  }
  void damage(const std::string& file) {
    const std::string bytes = read_file(folder / "photos" / file, 1 << 20);
    test::put(folder / "photos" / file, bytes.substr(0, bytes.size() - 9));
  }
  DataSplit data() { return open_data((folder / "photos").string()); }
};

TEST_F(Photos, ATrainingLeavesItsSplitAndItsPreprocessing) {
  const TrainResult result = train(request("run"));
  const RunDirectory run(result.run);
  const auto rows = csv_rows(read_file(run.split(), 1 << 20));
  EXPECT_EQ(rows.size(), 48u);
  const Preprocessing stored = load_model(run.best()).info.preprocessing;
  EXPECT_EQ(stored.resize, 18);
  EXPECT_EQ(stored.height, 16);
  EXPECT_FALSE(path_exists(run.bad_files()));
  const EvaluationResult again = evaluate({.model = run.last().string(), .data = request("run").data});
  EXPECT_EQ(again.top1(), result.top1);
  EXPECT_EQ(again.loss, result.evaluation.loss);
}

TEST_F(Photos, OtherDataThanTheRunsOwnAreScoredWhole) {
  train(request("run"));
  const std::string run = (folder / "run").string(), photos = request("run").data;
  const EvaluationResult own = evaluate({.model = run, .data = photos});
  EXPECT_EQ(own.part, "validation");
  EXPECT_LT(own.count, 24);
  test::put_photos(folder / "other", 5, 100);
  const EvaluationResult other = evaluate({.model = run, .data = (folder / "other").string()});
  EXPECT_EQ(other.part, "all");
  EXPECT_EQ(other.count, 10);
  EXPECT_EQ(evaluate({.model = run, .data = photos, .validation = 1}).count, 48);
  fs::copy_file(folder / "run/checkpoints/best.safetensors", folder / "model.safetensors");
  EXPECT_EQ(evaluate({.model = (folder / "model.safetensors").string(), .data = photos}).count, 48);
}

std::map<std::string, std::string> parts_in(const fs::path& file) {
  std::map<std::string, std::string> parts;
  for (const std::vector<std::string>& row : csv_rows(read_file(file, 1 << 20))) parts[row[2]] = row[0];
  return parts;
}

TEST_F(Photos, AnEarlierSplitIsTakenOver) {
  TrainRequest first = request("first");
  first.validation = 0.4;
  train(first);
  test::put_photos(folder / "photos", 12, 24);
  TrainRequest second = request("second");
  second.split = folder / "first";  // and the share of another run
  train(second);
  const auto before = parts_in(folder / "first/split.csv"), after = parts_in(folder / "second/split.csv");
  EXPECT_EQ(after.size(), 72u);
  for (const auto& [file, part] : before) EXPECT_EQ(after.at(file), part) << file;
  // The second run goes on, and is evaluated, with the split that it has and not with that of its share.
  const EvaluationResult own = evaluate({.model = (folder / "second").string(), .data = {}});
  EXPECT_EQ(own.count, std::ranges::count(std::views::values(after), "validation"));
  EXPECT_EQ(resume({.run = folder / "second"}).evaluation.count, own.count);
}

TEST_F(Photos, ASplitOfDataWithPartsIsRefused) {
  train(request("first"));
  fs::rename(folder / "photos", folder / "train");
  fs::create_directory(folder / "photos");
  fs::rename(folder / "train", folder / "photos/train");
  test::put_photos(folder / "photos/val", 3, 50);
  TrainRequest second = request("second");
  second.split = folder / "first/split.csv";
  EXPECT_NE(error_of([&] { train(second); }).find("leave out --split"), std::string::npos);
}

TEST_F(Photos, ShownImagesAreOfAllClasses) {
  test::put_photos(folder / "photos/test", 20, 100);
  test::put_photos(folder / "photos/train", 12);
  fs::remove_all(folder / "photos/bright");
  fs::remove_all(folder / "photos/dark");
  const EvaluationResult result = train(request("run")).evaluation;
  ASSERT_EQ(std::ssize(result.shown), shown_images);
  int bright = 0;
  for (const int64_t index : result.shown) bright += data().test->label(index) == 0 ? 1 : 0;
  EXPECT_EQ(bright, shown_images / 2);
}

TEST_F(Photos, PredictionReadsTarFiles) {
  train(request("run"));
  const std::string run = (folder / "run").string(), shard = (folder / "some.tar").string();
  ASSERT_EQ(std::system(("tar cf '" + shard + "' -C '" + request("run").data + "' dark/1.ppm bright/2.ppm").c_str()),
            0);
  const Predictions predictions = predict({.model = run, .images = {shard}});
  ASSERT_EQ(predictions.images.size(), 2u);
  EXPECT_EQ(predictions.images[1].file, shard + "/bright/2.ppm");
  const Predictions same = predict({.model = run, .images = {(folder / "photos/dark/1.ppm").string()}});
  EXPECT_EQ(predictions.images[0].classes[0].probability, same.images[0].classes[0].probability);
}

TEST_F(Photos, PredictionTakesTheSamePathAsEvaluation) {
  const TrainResult result = train(request("run"));
  const DataSplit split = data();
  PredictRequest wanted{.model = result.run.string(), .images = {}, .top_k = 1};
  for (int64_t index = 0; index < split.test->size(); ++index)
    wanted.images.push_back((folder / "photos" / split.test->name_of(index)).string());
  const Predictions predictions = predict(wanted);
  const EvaluationResult evaluation = evaluate({.model = result.run.string(), .data = {}});
  int64_t right = 0;
  for (std::size_t k = 0; k < predictions.images.size(); ++k) {
    const Prediction& image = predictions.images[k];
    EXPECT_EQ(image.file, wanted.images[k]);
    right += image.classes.at(0).label ==
             split.test->classes()[static_cast<std::size_t>(split.test->label(static_cast<int64_t>(k)))];
    if (k < evaluation.confidence.size()) {
      EXPECT_NEAR(image.classes[0].probability, evaluation.confidence[k], 1e-6);
    }
  }
  EXPECT_EQ(right, evaluation.correct);
}

TEST_F(Photos, PredictionPassesOverWhatItCannotRead) {
  train(request("run"));
  damage("dark/1.ppm");
  const std::string photos = (folder / "photos").string();
  const Predictions predictions =
      predict({.model = (folder / "run").string(),
               .images = {photos + "/dark", photos + "/none.jpg", photos + "/bright/0.ppm"}});
  EXPECT_EQ(predictions.images.size(), 24u);
  ASSERT_EQ(predictions.bad.size(), 2u);
  EXPECT_EQ(predictions.bad[0].file, photos + "/dark/1.ppm");
  EXPECT_EQ(predictions.bad[1].file, photos + "/none.jpg");
  EXPECT_NE(predictions.bad[1].reason.find("No such file"), std::string::npos);
  double sum = 0;
  for (const ClassProbability& guess : predictions.images.back().classes) sum += guess.probability;
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST_F(Photos, BadImagesAreNamedCountedAndLeftOut) {
  for (const char* file : {"dark/1.ppm", "bright/5.ppm"}) damage(file);
  test::put(folder / "photos" / "dark" / "empty.jpg", "");
  TrainRequest wanted = request("run");
  wanted.max_bad = 0.05;  // 3 of 49
  train(wanted);
  const auto rows = csv_rows(read_file(RunDirectory(folder / "run").bad_files(), 1 << 20));
  std::vector<std::string> files;
  for (const auto& row : rows) files.push_back(row.at(0));
  std::sort(files.begin(), files.end());
  EXPECT_EQ(files, (std::vector<std::string>{"bright/5.ppm", "dark/1.ppm", "dark/empty.jpg"}));

  wanted.out = folder / "strict";
  wanted.max_bad = 0.02;  // 1 of 49
  const std::string message = error_of([&] { train(wanted); });
  EXPECT_TRUE(message.starts_with("3: ")) << message;
  EXPECT_NE(message.find("2 images cannot be used, more than the 1 that --max-bad 0.02 allows"), std::string::npos)
      << message;
  wanted.out = folder / "none";
  wanted.max_bad = 0;
  EXPECT_NE(error_of([&] { train(wanted); }).find("dark/empty.jpg"), std::string::npos);
  EXPECT_FALSE(path_exists(folder / "none"));
}

TEST_F(Photos, AnInterruptedRunWithBadImagesEndsWithTheSameBytes) {
  for (const char* file : {"dark/1.ppm", "bright/5.ppm"}) damage(file);
  TrainRequest wanted = request("whole");
  wanted.max_bad = 0.1;
  train(wanted);
  for (const int64_t step : {1, 4, 7}) {
    wanted.out = folder / ("stopped" + std::to_string(step));
    set_step_hook([step](int64_t done) { set_interrupted(done == step); });
    EXPECT_THROW(train(wanted), Error);
    set_step_hook({});
    set_interrupted(false);
    resume({.run = wanted.out});
    EXPECT_EQ(last_bytes(wanted.out), last_bytes(folder / "whole")) << step;
    EXPECT_EQ(best_bytes(wanted.out), best_bytes(folder / "whole")) << step;
    EXPECT_EQ(csv_rows(read_file(RunDirectory(wanted.out).bad_files(), 1 << 20)).size(), 2u);
  }
}

TEST_F(Photos, AKilledRunEndsWithTheSameBytes) {
  TrainRequest wanted = request("whole");
  wanted.checkpoint_every = 2;
  train(wanted);
  wanted.out = folder / "killed";
  if (fork() == 0) {
    set_step_hook([](int64_t done) {
      if (done == 7) std::raise(SIGKILL);
    });
    train(wanted);
    _exit(0);
  }
  int status = 0;
  wait(&status);
  ASSERT_TRUE(WIFSIGNALED(status));
  resume({.run = wanted.out});
  EXPECT_EQ(last_bytes(wanted.out), last_bytes(folder / "whole"));
}

TEST_F(Photos, ThreadsChangeNoByte) {
  TrainRequest wanted = request("1");
  for (const int threads : {1, 2, 3, 4}) {
    wanted.out = folder / std::to_string(threads);
    wanted.threads = wanted.loader_threads = threads;
    train(wanted);
    EXPECT_EQ(last_bytes(wanted.out), last_bytes(folder / "1")) << threads;
  }
}

TEST_F(Photos, AChangedPhotoIsNamedWhenTheRunGoesOn) {
  set_step_hook([](int64_t step) { set_interrupted(step == 3); });
  EXPECT_THROW(train(request("run")), Error);
  set_interrupted(false);
  const std::string before = read_file(folder / "photos" / "dark" / "4.ppm", 1 << 20);
  std::string after = before;
  after.back() = static_cast<char>(after.back() + 1);
  test::put(folder / "photos" / "dark" / "4.ppm", after);
  const std::string message = error_of([&] { resume({.run = folder / "run"}); });
  EXPECT_TRUE(message.starts_with("3: ")) << message;
  EXPECT_NE(message.find("dark/4.ppm"), std::string::npos) << message;
  test::put(folder / "photos" / "dark" / "4.ppm", before);
  set_step_hook({});
  EXPECT_EQ(resume({.run = folder / "run"}).epochs, 2);
}

TEST_F(Photos, WeightsBringTheirNetworkAndPreprocessing) {
  train(request("first"));
  TrainRequest wanted = request("second");
  wanted.model.clear();
  wanted.preprocessing = {};
  wanted.weights = folder / "first" / "checkpoints" / "best.safetensors";
  const ModelFile weights = load_model(wanted.weights);
  const TrainingPlan plan = plan_training(wanted, data(), &weights.info);
  EXPECT_EQ(plan.info.spec.name, "resnet8");
  EXPECT_EQ(plan.info.preprocessing.resize, 18);
}

TEST_F(Photos, ChoicesFollowTheSizesAndCanBeOverridden) {
  TrainRequest open;
  open.model.clear();
  open.choose_recipe = RecipeChanges{};
  const TrainingPlan small = plan_training(open, data(), nullptr);
  EXPECT_EQ(small.info.spec.name, "resnet20");
  EXPECT_EQ(small.info.preprocessing.height, 32);
  EXPECT_EQ(small.recipe.batch, 8);
  EXPECT_GT(small.recipe.augmentation.pad, 0);
  for (const char* part : {"2 classes", "resnet20 at 32x32", "--model", "--batch", "--epochs"})
    EXPECT_NE(small.reason.find(part), std::string::npos) << small.reason;

  DataSplit large = data();
  large.sizes =
      PhotoSizes{.smallest = 200, .median = 375, .largest = 2000, .equal = false, .height = 375, .width = 500};
  const TrainingPlan photos = plan_training(open, large, nullptr);
  EXPECT_EQ(photos.info.spec.name, "resnet18");
  EXPECT_EQ(photos.info.preprocessing.height, 128);
  EXPECT_EQ(photos.info.preprocessing.resize, 146);
  EXPECT_GT(photos.recipe.augmentation.resized_crop, 0);
  EXPECT_TRUE(photos.recipe.augmentation.flip);

  open.model = "resnet34";
  open.preprocessing = {.size = 64, .filter = Filter::bicubic};
  open.choose_recipe = RecipeChanges{.epochs = 3, .batch = 5};
  const TrainingPlan own = plan_training(open, large, nullptr);
  EXPECT_EQ(own.info.spec.name, "resnet34");
  EXPECT_EQ(own.info.preprocessing.height, 64);
  EXPECT_EQ(own.info.preprocessing.filter, Filter::bicubic);
  EXPECT_EQ(own.recipe.epochs, 3);
  EXPECT_EQ(own.recipe.batch, 5);
  for (const char* given : {"resnet34", "--model", "--size", "epoch", "batches of"})
    EXPECT_EQ(own.reason.find(given), std::string::npos) << own.reason;
  EXPECT_NE(own.reason.find("--lr"), std::string::npos) << own.reason;
  open.choose_recipe = RecipeChanges{.iterations = 7, .batch = 5, .lr = 0.1, .augmentation = {.flip = false}};
  EXPECT_EQ(plan_training(open, large, nullptr).reason, "");
  open.preprocessing.resize = 32;
  EXPECT_NE(error_of([&] { plan_training(open, large, nullptr); }).find("--resize"), std::string::npos);
}

TEST(BadImagesFile, ALineThatWasCutShortIsDroppedAndNothingIsNamedTwice) {
  TemporaryFolder folder;
  set_log_level(LogLevel::error);
  BadImages first("photos", 1, 10);
  first.keep_in(folder / "bad_files.csv");
  first.add(std::vector<BadImage>{{"a,b\".jpg", "why"}, {"c.jpg", "why, then"}});
  write_file(folder / "bad_files.csv", read_file(folder / "bad_files.csv", 1000) + "d.jpg,\"cut");
  BadImages second("photos", 1, 10);
  second.keep_in(folder / "bad_files.csv");
  EXPECT_EQ(second.count(), 2);
  second.add(std::vector<BadImage>{{"c.jpg", "why"}, {"d.jpg", "why"}});
  set_log_level(LogLevel::info);
  const auto rows = csv_rows(read_file(folder / "bad_files.csv", 1000));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0][0], "a,b\".jpg");
  EXPECT_EQ(rows[2][0], "d.jpg");
}

}  // namespace
}  // namespace resnet
