// Directions have the norms of the network's filters, and the middle of the plane is the network.
#include "report/landscape_charts.hpp"
#include "study/landscape/directions.hpp"
#include "study/landscape/measure.hpp"
#include "study/landscape/report.hpp"
#include "train/evaluate.hpp"

#include "study/small_models.hpp"
#include "study/small_study.hpp"

#include <cmath>

namespace resnet::test {
namespace {

double norm_of(std::span<const float> x) {
  double sum = 0;
  for (const float value : x) sum += double{value} * double{value};
  return std::sqrt(sum);
}

TEST(Landscape, DirectionsHaveTheFiltersNorms) {
  const ModelSpec spec = find_model("resnet8", {.shortcut = Shortcut::option_b});
  const State state = state_of(spec, 1);
  const Direction direction = filter_normalised_direction(spec, state, 7, 1);
  std::size_t filters = 0;
  for (const auto& [name, tensor] : state.tensors()) {
    const bool moves = tensor.shape().rank() > 1;
    ASSERT_EQ(direction.contains(name), moves) << name;
    if (!moves) continue;
    const auto count = static_cast<std::size_t>(tensor.shape()[0]);
    const std::size_t size = tensor.data<float>().size() / count;
    for (std::size_t filter = 0; filter < count; ++filter, ++filters) {
      const double own = norm_of(tensor.data<float>().subspan(filter * size, size));
      EXPECT_NEAR(norm_of(direction.at(name).data<float>().subspan(filter * size, size)), own, 1e-5 * own) << name;
    }
  }
  EXPECT_EQ(filters, 16 + 2 * 16 + 2 * 32 + 2 * 64 + 32 + 64 + 10);  // stem, blocks, projections, classes
  const Direction again = filter_normalised_direction(spec, state, 7, 1),
                  other = filter_normalised_direction(spec, state, 7, 2);
  const auto numbers = [](const Direction& one) {
    const auto data = one.at("fc.weight").data<float>();
    return std::vector<float>(data.begin(), data.end());
  };
  EXPECT_EQ(numbers(again), numbers(direction));
  EXPECT_NE(numbers(other), numbers(direction));
}

TEST(Landscape, MovesWeights) {
  const ModelSpec spec = find_model("resnet8");
  const State a = state_of(spec, 1), b = state_of(spec, 2);
  State moved = a;
  const Direction x = filter_normalised_direction(spec, a, 7, 1), y = filter_normalised_direction(spec, a, 7, 2);
  move(moved, a, x, 0.5, y, -2);
  const auto at = [](const Tensor& tensor) { return double{tensor.data<float>()[3]}; };
  const std::string name = "layer2.0.conv1.weight";
  EXPECT_NEAR(at(moved.at(name)), at(a.at(name)) + 0.5 * at(x.at(name)) - 2 * at(y.at(name)), 1e-6);
  move(moved, a, x, 0, y, 0);
  for (const auto& [key, tensor] : a.tensors())
    EXPECT_TRUE(std::ranges::equal(tensor.bytes(), moved.at(key).bytes())) << key;

  move_between(moved, a, b, 0.25);
  EXPECT_NEAR(at(moved.at(name)), 0.75 * at(a.at(name)) + 0.25 * at(b.at(name)), 1e-6);
  for (const auto& [t, end] : {std::pair{0.0, &a}, {1.0, &b}}) {
    move_between(moved, a, b, t);
    for (const auto& [key, tensor] : end->tensors())
      EXPECT_TRUE(std::ranges::equal(tensor.bytes(), moved.at(key).bytes())) << key;
  }
  State wide = b;
  for (float& variance : wide.at("bn1.running_var").data<float>()) variance = 9;
  move_between(moved, a, wide, -0.5);
  EXPECT_EQ(at(moved.at("bn1.running_var")), 0) << "1.5 - 4.5 would be no variance";
}

LossPlane plane_of(std::size_t side, const std::function<double(double, double)>& f) {
  LossPlane plane;
  for (std::size_t k = 0; k < side; ++k)
    plane.steps.push_back(-1 + 2 * static_cast<double>(k) / static_cast<double>(side - 1));
  for (const double y : plane.steps)
    for (const double x : plane.steps) plane.values.push_back({f(x, y), 0});
  return plane;
}

TEST(Landscape, TellsABowlFromASaddle) {
  const PlaneSummary bowl = summary_of(plane_of(9, [](double x, double y) { return 1 + x * x + 3 * y * y; }), 10);
  EXPECT_EQ(bowl.inner, 49);
  EXPECT_EQ(bowl.bent_down, 0);
  EXPECT_EQ(bowl.minima, 1);
  EXPECT_NEAR(bowl.low_part, 37.0 / 81, 1e-12);  // below log 10: rows of 9 at 0 and 0.25, of 5 at 0.5
  const PlaneSummary saddle = summary_of(plane_of(9, [](double x, double y) { return 3 + x * y; }), 10);
  EXPECT_EQ(saddle.bent_down, 1);
  EXPECT_EQ(saddle.minima, 0);
  const PlaneSummary waves =
      summary_of(plane_of(17, [](double x, double y) { return 3 + std::cos(8 * x) * std::cos(8 * y); }), 10);
  EXPECT_GT(waves.minima, 3);
  EXPECT_GT(waves.bent_down, 0.3);
  const PlaneSummary holes = summary_of(plane_of(9, [](double x, double) { return x > 0.9 ? INFINITY : 1.0; }), 10);
  EXPECT_EQ(holes.inner, 42);
}

TEST(Landscape, Barrier) {
  const std::vector<double> steps = {-0.5, 0, 0.5, 1, 1.5};
  EXPECT_NEAR(*barrier_of(steps, {{9, 0}, {1, 0}, {4, 0}, {2, 0}, {9, 0}}), 2.5, 1e-12);
  EXPECT_EQ(*barrier_of(steps, {{9, 0}, {1, 0}, {1.2, 0}, {2, 0}, {9, 0}}), 0);
  EXPECT_FALSE(barrier_of(steps, {{9, 0}, {INFINITY, 0}, {4, 0}, {2, 0}, {9, 0}}));
}

TEST(Contours, CrossWhereTheLevelIs) {
  // Height is the column: the line of 0.25 is a quarter into the first cells.
  const std::vector<ContourPiece> pieces = contour_pieces({0, 1, 2, 0, 1, 2, 0, 1, 2}, 3, 0.25);
  ASSERT_EQ(pieces.size(), 2);
  for (const ContourPiece& piece : pieces) {
    EXPECT_EQ(piece.x1, 0.25);
    EXPECT_EQ(piece.x2, 0.25);
    EXPECT_EQ(std::abs(piece.y1 - piece.y2), 1);
  }
  EXPECT_TRUE(contour_pieces({0, 1, 0, 1}, 2, 3).empty());
  EXPECT_EQ(contour_pieces({1, 0, 0, 1}, 2, 0.5).size(), 2) << "a saddle has two lines";
  EXPECT_TRUE(contour_pieces({NAN, NAN, NAN, NAN}, 2, 1).empty());
}

TEST(Contours, DrawsAnyHeights) {
  Landscape landscape{.title = "a <b>", .x = {0, 1, 2}, .y = {0, 1}, .values = {1, 2, INFINITY, 4, NAN, 100}};
  for (const std::string& svg : {draw_contours(landscape), draw_surface(landscape)}) {
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
    EXPECT_NE(svg.find("a &lt;b&gt;"), std::string::npos);
  }
  landscape.values.pop_back();
  EXPECT_THROW(draw_contours(landscape), Error);
  EXPECT_THROW(draw_surface(landscape), Error);
}

/// A network with the given loss in the middle of a plane of [3, 3], of which `low` points are below guessing.
SurroundedNetwork surrounded(const std::string& name, bool residual, std::size_t layers, double loss, double low_part) {
  SurroundedNetwork network{.name = name,
                            .source = name,
                            .residual = residual,
                            .layers = layers,
                            .classes = 10,
                            .plane = plane_of(3, [&](double x, double y) { return loss + x * x + y * y; }),
                            .summary = {}};
  network.summary.low_part = low_part;
  return network;
}

TEST(Landscape, DecidesAboutShortcutsOnlyBetweenSolutionsOfDeepNetworks) {
  const auto finding = [](std::size_t layers, double plain_loss) {
    LandscapeResult result;
    result.networks.push_back(surrounded("plain", false, layers, plain_loss, 0.1));
    result.networks.push_back(surrounded("residual", true, layers, 0.01, 0.5));
    const StudyReport report = landscape_report(result, {}, "images");
    return report.claims().at(1);  // that of wider minima
  };
  EXPECT_EQ(finding(56, 0.05).finding, Finding::holds);
  EXPECT_EQ(finding(20, 0.05).finding, Finding::undecided);
  const Claim unsolved = finding(56, 1.4);
  EXPECT_EQ(unsolved.finding, Finding::undecided);
  EXPECT_NE(unsolved.found.find("plain is no solution"), std::string::npos) << unsolved.found;
}

using LandscapeStudy = SmallStudy;

TEST_F(LandscapeStudy, ItsMiddleIsTheLossThatEvalSays) {
  const std::string first = save_small_model(folder / "1.safetensors", "resnet8", 1);
  const std::string second = save_small_model(folder / "2.safetensors", "resnet8", 2);
  const StudyChanges changes = {{"--models", first + "," + second},
                                {"--data", small_data},
                                {"--part", "test"},
                                {"--images", "0"},
                                {"--points", "3"},
                                {"--line-points", "5"}};
  const Json found = run("landscape", "run", changes, 1);
  const EvaluationResult whole = evaluate({.model = first, .data = small_data, .threads = 1});
  const EvaluationResult other = evaluate({.model = second, .data = small_data, .threads = 1});
  EXPECT_EQ(found["networks"][0]["centre"]["loss"].get<double>(), whole.loss);
  EXPECT_EQ(found["networks"][0]["plane"]["loss"][4].get<double>(), whole.loss);
  EXPECT_EQ(found["networks"][1]["centre"]["loss"].get<double>(), other.loss);
  ASSERT_EQ(found["lines"].size(), 1);
  EXPECT_EQ(found["lines"][0]["interpolated"]["loss"][1].get<double>(), whole.loss);
  EXPECT_EQ(found["lines"][0]["interpolated"]["loss"][3].get<double>(), other.loss);
  run("landscape", "again", changes, 2);
  cut("again", 3);
  run("landscape", "again", changes, 2);
  EXPECT_EQ(bytes("again/results.json"), bytes("run/results.json"));
  StudyChanges wrong = changes;
  wrong["--points"] = "4";
  EXPECT_THROW(run("landscape", "wrong", wrong), Error);
  EXPECT_FALSE(fs::exists(folder / "wrong"));
}

}  // namespace
}  // namespace resnet::test
