// The front door of a diagnosis: what it says of a fault and of a healthy network, what it leaves, what it refuses; and
// single figures against numbers worked out by hand.
#include "study/diagnose/diagnose.hpp"

#include "../small_study.hpp"
#include "base/random.hpp"
#include "patients.hpp"
#include "support/pictures.hpp"
#include "train/health/tensor_figures.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace resnet::test {
namespace {

using Diagnose = SmallStudy;

DiagnoseRequest small(const fs::path& out) {
  return {.model = "resnet8",
          .data = "builtin:patterns?count=400",
          .measure = {.batches = 2, .batch = 16},
          .threads = 1,
          .out = out};
}

TEST_F(Diagnose, SaysThatAHealthyNetworkIsHealthy) {
  const DiagnoseResult result = diagnose(small(folder / "run"));
  EXPECT_FALSE(has_fault(result.findings));
  EXPECT_NE(to_text(result).find("Healthy: none of"), std::string::npos);
  EXPECT_NE(bytes("run/report.html").find("What was looked for"), std::string::npos);
  const Json json = Json::parse(bytes("run/results.json"));
  EXPECT_EQ(json["healthy"], true);
  EXPECT_EQ(json["layers"].size(), 8);
  EXPECT_EQ(json["blocks"].size(), 3);
  EXPECT_EQ(json["images"], 32);
  EXPECT_DOUBLE_EQ(json["step"]["rate"].get<double>(), 0.1 * json["rate"].get<double>()) << "the recipe warms up";
  EXPECT_TRUE(path_exists(folder / "run" / "figures" / "gradient.svg"));
}

TEST_F(Diagnose, SaysWhatIsWrongAndWhatToChange) {
  DiagnoseRequest request = small(folder / "run");
  request.open.mean = {0};
  request.open.deviation = {1.0f / 255};
  const DiagnoseResult result = diagnose(request);
  ASSERT_FALSE(result.findings.empty());
  EXPECT_EQ(result.findings.front().rule->name, "input-scale");
  const std::string text = to_text(result);
  for (const char* part : {"seen ", "likely ", "change ", "--mean"}) EXPECT_NE(text.find(part), std::string::npos);
  EXPECT_EQ(Json::parse(bytes("run/results.json"))["healthy"], false);
}

TEST_F(Diagnose, ANameIsTheNetworkAtItsStartThoughItsWeightsCanBeFetched) {
  put_photos(folder / "photos", 24);
  DiagnoseRequest request = small(folder / "run");
  request.model = "resnet18";
  request.data = (folder / "photos").string();
  request.open.size = ImageSize{.channels = 0, .height = 32, .width = 32};
  request.measure = {.batches = 1, .batch = 4};
  const DiagnoseResult result = diagnose(request);
  EXPECT_EQ(result.model, "resnet18");
  EXPECT_EQ(result.measured.steps, 0);
}

TEST_F(Diagnose, ThreadsChangeNothing) {
  diagnose(small(folder / "one"));
  DiagnoseRequest request = small(folder / "three");
  request.threads = 3;
  diagnose(request);
  Json one = Json::parse(bytes("one/results.json")), three = Json::parse(bytes("three/results.json"));
  one.erase("report"), three.erase("report");
  EXPECT_EQ(one, three);
}

TEST_F(Diagnose, LeavesNothingWhereItFails) {
  DiagnoseRequest request = small(folder / "run");
  request.model = "resnet9";
  EXPECT_THROW(diagnose(request), Error);
  request = small(folder / "run");
  request.data = "nowhere";
  EXPECT_THROW(diagnose(request), Error);
  EXPECT_FALSE(path_exists(folder / "run"));
}

TEST(HealthRules, HaveNamesOfTheirOwnAndExplainKnownOnes) {
  std::set<std::string_view> names;
  for (const HealthRule& rule : health_rules()) EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
  for (const HealthRule& rule : health_rules())
    for (std::size_t at = 0; at < rule.explains.size();) {
      const std::size_t end = std::min(rule.explains.find(' ', at), rule.explains.size());
      EXPECT_TRUE(names.contains(rule.explains.substr(at, end - at))) << rule.name << " explains " << rule.explains;
      at = end + 1;
    }
}

TEST(HealthRules, KnowPermutedLabelsThoughOneClassIsRare) {
  Measurements measured;
  measured.steps = 500;
  measured.classes = {"a", "b", "c"};
  measured.inference.confusion = {0, 9, 1, 1, 0, 9, 3, 0, 0};  // three images of c are too few to tell
  EXPECT_TRUE(rules::permuted_labels(measured));
  measured.inference.confusion = {0, 9, 1, 0, 9, 1, 0, 9, 1};  // all are taken for b
  EXPECT_FALSE(rules::permuted_labels(measured));
}

TEST(HealthRules, KnowThatForwardNothingActsBackwards) {
  const auto collapsed_at = [](int64_t place) {
    Measurements measured;
    measured.classes = {"a", "b"};
    measured.inference.confusion = {0, 0, 0, 0};
    measured.health.input = {.mean = {0}, .deviation = {1}, .between = 0.5};
    LayerHealth layer;
    layer.name = "conv", layer.dead = 1, layer.relu_place = 5;
    NormHealth norm;
    norm.name = "bn", norm.collapsed = 1, norm.running = false, norm.place = place;
    measured.health.layers = {layer};
    measured.health.norms = {norm};
    return findings_of(measured).front().rule->name;
  };
  EXPECT_EQ(collapsed_at(4), "norm-collapsed");
  EXPECT_EQ(collapsed_at(6), "dead-relu");
}

TEST(HealthRules, TellWhatAFileStoresInPlaceOfVariances) {
  Measurements measured;
  measured.steps = 500;
  measured.classes = {"a", "b"};
  NormHealth norm;
  norm.name = "bn", norm.spread = 2;
  for (const double x : {-3.0, -1.0, 0.5, 2.0}) {
    norm.log_running.push_back(x);
    norm.log_variance.push_back(2 * x + 0.1);
  }
  measured.health.norms = {norm};
  const std::optional<Evidence> evidence = rules::statistics_stale(measured);
  ASSERT_TRUE(evidence);
  EXPECT_NE(evidence->text.find("it stores standard deviations"), std::string::npos) << evidence->text;
  measured.health.norms.front().log_variance = norm.log_running;
  EXPECT_FALSE(rules::statistics_stale(measured));
}

TEST(HealthRules, NameTheFormInWhichANetworkKnowsTheImages) {
  Measurements measured;
  measured.steps = 500;
  measured.classes = {"a", "b", "c"};
  measured.health.images = 256;
  measured.inference.top1 = 0.4;
  measured.other_forms = {{.name = "with left and right exchanged", .top1 = 0.5}, {.name = "inverted", .top1 = 0.8}};
  EXPECT_TRUE(rules::other_form(measured));
  measured.other_forms.back().top1 = 0.6;  // most errors remain
  EXPECT_FALSE(rules::other_form(measured));
  measured.other_forms.back().top1 = 0.8;
  measured.steps = 40;  // the running statistics may be those of the start
  EXPECT_FALSE(rules::other_form(measured));
  measured.run = RunFigures{.epochs = 4, .steps = 40, .top1 = 0.95};  // they are not
  EXPECT_TRUE(rules::other_form(measured));
}

TEST(HealthRules, SeeARateThatThrewARunOffAfterwards) {
  Measurements measured;
  measured.steps = 40;
  measured.classes = {"a", "b", "c"};
  measured.run = RunFigures{.epochs = 4, .steps = 40, .train_loss = 1.5};
  EXPECT_FALSE(rules::rate_too_high(measured));
  measured.run->train_loss = 60;
  EXPECT_TRUE(rules::rate_too_high(measured));
}

TEST(HealthRules, NameSomeFaultsQuickly) {
  Patient patient = fresh("mlp", "patterns");
  EXPECT_TRUE(found_in(patient).empty());
  patient.recipe.schedule.peak = 10;
  EXPECT_EQ(found_in(patient), std::vector<std::string>{"rate-too-high"});
  patient.recipe.schedule.peak = 1e-4;
  EXPECT_EQ(found_in(patient), std::vector<std::string>{"rate-too-low"});
  patient = fresh("mlp", "patterns");
  change_data(patient, [](int64_t, std::vector<uint8_t>&, int& label) { label = 1; });
  EXPECT_EQ(found_in(patient).front(), "one-label");
  patient = fresh("resnet8", "patterns");
  fill(patient, "bn1.running_var", std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(found_in(patient).front(), "not-finite") << "though a ReLU makes 0 of NaN";
}

TEST(TensorFigures, TellDrawnWeightsFromOthers) {
  Tensor weight(Shape{32, 16, 3, 3});
  Rng rng(1, "weights");
  for (float& x : weight.data<float>()) x = static_cast<float>(rng.normal());
  EXPECT_LT(draw_departure(weight), 4);
  for (float& x : weight.data<float>().first(16 * 9)) x *= 2;  // one of 32 units has grown
  EXPECT_GT(draw_departure(weight), 6);
}

TEST(TensorFigures, AreWhatTheirNamesSay) {
  Tensor x(Shape{2, 2, 1, 2});
  std::ranges::copy(std::vector<float>{1, 3, 0, 0, 5, 7, 0, -2}, x.data<float>().begin());
  const ChannelMoments moments = channel_moments(x);
  EXPECT_EQ(moments.sum, (std::vector<double>{16, -2}));
  EXPECT_EQ(moments.squares, (std::vector<double>{84, 4}));
  EXPECT_EQ(moments.mean(), 1.75);
  Passed passed;
  passed.add(x);
  EXPECT_EQ(passed.dead(), 0.5);
  EXPECT_EQ(passed.zero_part(), 0.5);
  Tensor rows(Shape{3, 2});
  std::ranges::copy(std::vector<float>{1, 0, 1, 1, 0, 2}, rows.data<float>().begin());
  EXPECT_NEAR(neighbour_cosine(rows), std::sqrt(0.5), 1e-12);
}

}  // namespace
}  // namespace resnet::test
