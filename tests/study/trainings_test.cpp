// The queue of a study's trainings: what is there is taken, what is not is trained, and stops change no byte.
#include "study/trainings.hpp"

#include "../train/support.hpp"
#include "study/spread.hpp"

#include <cmath>
#include <limits>

namespace resnet::test {
namespace {

class Trainings : public QuietRun {
 protected:
  Trainings() { options.seeds = 2; }

  std::vector<Training> queue() const { return trainings_of(options, "resnet8", 5); }
  TrainedRuns train_in(const std::string& study, const std::vector<Training>& trainings) {
    steps = 0;
    set_step_hook([this](int64_t) {
      if (++steps == stop_at) set_interrupted(true);
    });
    make_directory(folder / study);
    StudyRun run(StudyDirectory(folder / study), 0, 1, "resnet study again");
    return train_all(run, options, trainings);
  }
  std::string error_of(const std::string& study, const std::vector<Training>& trainings) {
    try {
      train_in(study, trainings);
    } catch (const Error& error) {
      return text_of(static_cast<int>(error.code()), ": ", error.what());
    }
    return "no error";
  }
  std::string last(const std::string& study, const std::string& name) const {
    return read_file(RunDirectory(folder / (study + "/runs/" + name)).last(), 1 << 24);
  }

  TrainingOptions options{.data = "builtin:patterns?size=8&count=78", .precision = "fp32", .epochs = 2, .batch = 8};
  int64_t steps = 0, stop_at = 0;
};

TEST_F(Trainings, AreOrdinaryRunsAndReadWhereTheyLie) {
  const TrainedRuns trained = train_in("study", queue());
  EXPECT_EQ(steps, 2 * 18);
  ASSERT_EQ(trained.runs.size(), 2);
  EXPECT_EQ(trained.data_name, "patterns");
  EXPECT_EQ(trained.runs[1].name, "resnet8-seed6");
  EXPECT_EQ(trained.runs[1].config.seed, 6);
  ASSERT_EQ(trained.runs[0].rows.size(), 2);
  EXPECT_EQ(trained.runs[0].rows[1].step, 18);
  EXPECT_NE(last("study", "resnet8-seed5"), last("study", "resnet8-seed6"));
  TrainRequest alone = queue()[1].request;
  alone.out = folder / "alone";
  train(alone);
  EXPECT_EQ(read_file(RunDirectory(folder / "alone").last(), 1 << 24), last("study", "resnet8-seed6"));
  EXPECT_EQ(train_in("study", queue()).runs[0].rows.size(), 2);
  EXPECT_EQ(steps, 0);
}

TEST_F(Trainings, GoOnWhereTheyWereStopped) {
  train_in("whole", queue());
  stop_at = 23;  // within the second one
  EXPECT_EQ(error_of("part", queue()), "130: interrupted; what is done is kept, continue with: resnet study again");
  EXPECT_EQ(steps, 23);
  set_interrupted(false);
  stop_at = 0;
  train_in("part", queue());
  EXPECT_EQ(steps, 36 - 23);
  for (const char* name : {"resnet8-seed5", "resnet8-seed6"}) EXPECT_EQ(last("part", name), last("whole", name));
}

TEST_F(Trainings, TakeARunMadeByHandIfItIsTheSame) {
  options.runs = (folder / "shared").string();
  TrainRequest by_hand = queue()[0].request;
  by_hand.out = folder / "shared/resnet8-seed5";
  by_hand.step.low_memory = true;  // changes no number
  train(by_hand);
  EXPECT_EQ(train_in("study", queue()).runs.size(), 2);
  EXPECT_EQ(steps, 18);
  options.epochs = 3;
  const std::string message = error_of("other", queue());
  EXPECT_EQ(message.find("3: " + by_hand.out.string() + ": is another training than the one wanted (recipe"), 0)
      << message;
  EXPECT_NE(message.find("'epochs = 2' there, 'epochs = 3' wanted"), std::string::npos) << message;
}

TEST_F(Trainings, RefuseOtherImagesNetworksAndPrecisions) {
  train_in("study", queue());
  const auto refused = [&](const std::vector<Training>& trainings, const char* what) {
    const std::string message = error_of("study", trainings);
    EXPECT_NE(message.find("is another training than the one wanted (" + std::string(what)), std::string::npos)
        << message;
  };
  std::vector<Training> other = queue();
  other[0].request.model = "plain8";
  refused(other, "network");
  other = queue();
  other[0].request.seed = 9;
  refused(other, "seed");
  options.data = "builtin:patterns?size=8&count=78&noise=0.2";
  refused(queue(), "data for training");
}

TEST_F(Trainings, GoOnBehindOneWhoseNumbersAreNotFinite) {
  std::vector<Training> trainings = queue();
  trainings[0].request.recipe.schedule.peak = 1e30;
  const TrainedRuns trained = train_in("study", trainings);
  EXPECT_NE(trained.runs[0].failure.find("no longer finite"), std::string::npos) << trained.runs[0].failure;
  EXPECT_EQ(trained.runs[1].failure, "");
  EXPECT_EQ(trained.runs[1].rows.size(), 2);
}

TEST(Spread, IsThatOfTheSample) {
  const Spread spread = spread_of(std::vector<double>{1, 2, 6, std::numeric_limits<double>::infinity()});
  EXPECT_EQ(spread.count, 3);
  EXPECT_DOUBLE_EQ(spread.mean, 3);
  EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt(7.0));
  EXPECT_EQ(text_of_spread(spread), "3.00 ± 2.65");
  EXPECT_EQ(text_of_spread(spread_of(std::vector<double>{1.5})), "1.50");
  EXPECT_EQ(text_of_spread(spread_of({})), "none");
}

TEST(Spread, SaysWhichIsLargerOnlyWhereChanceIsUnlikely) {
  using Values = std::vector<double>;
  EXPECT_EQ(larger(Values{4, 5, 6}, Values{1, 2, 3}), Finding::holds);
  EXPECT_EQ(larger(Values{1, 2, 3}, Values{4, 5, 6}), Finding::fails);
  EXPECT_EQ(larger(Values{3, 5, 6}, Values{1, 2, 4}), Finding::undecided);
  EXPECT_EQ(larger(Values{5, 6}, Values{1, 2, 3}), Finding::undecided);  // one order of ten
  EXPECT_EQ(larger(Values{5, 6}, Values{1, 2, 3, 4, 4}), Finding::holds);
  EXPECT_EQ(larger(Values{5}, Values{}), Finding::undecided);
}

}  // namespace
}  // namespace resnet::test
