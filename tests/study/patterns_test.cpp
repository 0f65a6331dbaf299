// Study patterns, made small: what it leaves, that stops and threads change nothing, and its pictures.
#include "study/patterns.hpp"
#include "small_study.hpp"

#include <set>

namespace resnet::test {
namespace {

using Patterns = SmallStudy;

const StudyChanges small = {{"--size", "8"},   {"--jitter", "2"}, {"--noise", "0.2"},
                            {"--count", "60"}, {"--layers", "4"}, {"--width", "8"},
                            {"--seeds", "2"},  {"--epochs", "2"}, {"--batch", "20"}};

TEST_F(Patterns, TrainEveryNetwork) {
  const Json results = run("patterns", "run", small);
  std::set<std::string> names;
  for (const Json& network : results["networks"]) {
    names.insert(network["network"].get<std::string>());
    EXPECT_EQ(network["trainings"].size(), 2);
    EXPECT_EQ(network["trainings"][0]["test_accuracy"].size(), 2);
    EXPECT_GE(network["accuracy"]["median"].get<double>(), 0.2);
    EXPECT_LE(network["accuracy"]["median"].get<double>(), 1);
  }
  EXPECT_EQ(names, (std::set<std::string>{"linear", "plain mlp", "residual mlp", "plain8", "resnet8"}));
  for (const std::size_t plain : {1, 3})
    EXPECT_EQ(results["networks"][plain]["parameters"], results["networks"][plain + 1]["parameters"]);
  EXPECT_EQ(results["networks"][0]["parameters"], 3 * 64 + 3);
  const std::string page = bytes("run/report.html");
  EXPECT_NE(page.find("data:image/png;base64,"), std::string::npos);
  EXPECT_NE(page.find("What the last layer is given"), std::string::npos);
}

TEST_F(Patterns, StopsAndThreadsChangeNothing) {
  run("patterns", "whole", small, 1);
  run("patterns", "part", small, 2);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  cut("part", 40);
  run("patterns", "part", small, 2);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  EXPECT_EQ(bytes("part/figures/embedding-4.svg"), bytes("whole/figures/embedding-4.svg"));
}

TEST_F(Patterns, RefuseWhatDoesNotFit) {
  for (const auto& [option, value] :
       {std::pair{"--jitter", "3"}, {"--layers", "5"}, {"--conv-layers", "9"}, {"--batch", "61"}}) {
    StudyChanges wrong = small;
    wrong[option] = value;
    EXPECT_THROW(run("patterns", "wrong", wrong), Error) << option;
    EXPECT_FALSE(fs::exists(folder / "wrong")) << option;
  }
}

TEST(Montage, PutsSquaresSideBySide) {
  const Picture picture = montage({.count = 3, .height = 1, .width = 2, .values = {0, 1, -1, 0, 0.5, 0}}, "t", "c");
  ASSERT_EQ(picture.width, 7);
  ASSERT_EQ(picture.height, 5);
  const auto at = [&](int y, int x) {
    const auto place = static_cast<std::size_t>(y * 7 + x);
    return std::vector<int>{picture.pixels[place], picture.pixels[35 + place], picture.pixels[70 + place]};
  };
  EXPECT_EQ(at(1, 1), (std::vector<int>{255, 255, 255}));
  EXPECT_EQ(at(1, 2), (std::vector<int>{213, 94, 0}));
  EXPECT_EQ(at(1, 4), (std::vector<int>{0, 114, 178}));
  EXPECT_EQ(at(3, 1), (std::vector<int>{234, 175, 128}));
  EXPECT_EQ(at(0, 0), (std::vector<int>{128, 128, 128}));
}

}  // namespace
}  // namespace resnet::test
