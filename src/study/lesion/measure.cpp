#include "study/lesion/measure.hpp"

#include "base/error.hpp"
#include "base/random.hpp"
#include "data/loader.hpp"
#include "models/watch.hpp"
#include "study/lesion/paths.hpp"
#include "study/statistics.hpp"
#include "train/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet {
namespace {

/// One of the network's evaluations.
struct Edit {
  std::string key;
  Lesion lesion;
};

double number(const Json& json) { return json.is_null() ? INFINITY : json.get<double>(); }

Json evaluated(const StudyRun& run, const TrainedNetwork& network, const std::shared_ptr<const Dataset>& images,
               const Lesion& lesion) {
  ModelInfo info = network.info;
  if (!lesion.deleted.empty() || !lesion.order.empty()) info.spec = lesioned(info.spec, lesion);
  InferenceProgram program(info.spec, network.state, {.threads = run.pool()});
  const auto result = evaluate(program, images, info, nullptr, default_loader_threads(run.pool()->threads()));
  if (!result) run.stop_if_interrupted();
  return {{"top1", result->top1()}, {"loss", result->loss}};
}

/// Numbers of units to delete: about these shares of all, and at least two.
std::vector<int64_t> counts_of(std::size_t units) {
  std::vector<int64_t> counts;
  for (const double share : {0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0}) {
    const auto count = static_cast<int64_t>(std::lround(share * static_cast<double>(units)));
    if (count >= 2 && (counts.empty() || counts.back() < count)) counts.push_back(count);
  }
  return counts;
}

Rng stream(const StudyRun& run, const char* what, const TrainedNetwork& network, int64_t count, int64_t draw) {
  return Rng(run.seed(), fmt::format("lesion.{}.{}", what, network.name),
             {static_cast<uint64_t>(count), static_cast<uint64_t>(draw)});
}

std::vector<std::size_t> drawn(std::size_t of, std::size_t count, Rng rng) {
  std::vector<std::size_t> all(of);
  std::iota(all.begin(), all.end(), std::size_t{0});
  rng.shuffle(std::span(all));
  all.resize(count);
  return all;
}

class Measurement {
 public:
  Measurement(StudyRun& run, const TrainedNetwork& network, const std::shared_ptr<const Dataset>& images,
              const LesionSetting& setting)
      : run_(run),
        network_(network),
        images_(images),
        setting_(setting),
        units_(find_units(forward_graph(network.info.spec, 2, Mode::inference))) {}

  LesionedNetwork measure() {
    result_ = {.name = network_.name,
               .source = network_.source,
               .residual = units_.residual,
               .layers = watch(forward_graph(network_.info.spec, 2, Mode::inference)).layers.size(),
               .units = units_.units.size(),
               .classes = network_.info.classes.size(),
               .untouched = units_.untouched};
    plan_single();
    plan_several();
    plan_exchanges();
    evaluate_all();
    if (units_.residual) measure_paths();
    return std::move(result_);
  }

 private:
  void plan_single() {
    edits_.push_back({"whole", {}});
    for (std::size_t unit = 0; unit < units_.units.size(); ++unit) {
      const LesionUnit& part = units_.units[unit];
      edits_.push_back({"without " + part.name, {.deleted = {unit}}});
      result_.single.push_back({part.name, part.layer, part.resamples, {}});
    }
  }

  void plan_several() {
    const std::size_t all = units_.units.size();
    for (const int64_t count : counts_of(all))
      for (int64_t draw = 0; draw < (count == std::ssize(units_.units) ? 1 : setting_.draws); ++draw) {
        Lesion lesion;
        DrawnLesion row{.count = count, .score = {}};
        for (const std::size_t unit :
             drawn(all, static_cast<std::size_t>(count), stream(run_, "delete", network_, count, draw))) {
          lesion.deleted.insert(unit);
          row.layers += static_cast<int64_t>(units_.units[unit].layers);
        }
        edits_.push_back({fmt::format("without {}, draw {}", count, draw), std::move(lesion)});
        result_.several.push_back(row);
      }
  }

  void plan_exchanges() {
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t a = 0; a < units_.units.size(); ++a)
      for (std::size_t b = a + 1; b < units_.units.size(); ++b)
        if (interchangeable(units_, a, b)) pairs.emplace_back(a, b);
    if (pairs.empty()) return;
    for (const int64_t count : {1, 2, 4, 8, 16, 32}) {
      if (count > std::ssize(units_.units)) break;
      for (int64_t draw = 0; draw < setting_.draws; ++draw) {
        Rng rng = stream(run_, "exchange", network_, count, draw);
        Lesion lesion{.deleted = {}, .order = std::vector<std::size_t>(units_.units.size())};
        std::iota(lesion.order.begin(), lesion.order.end(), std::size_t{0});
        for (int64_t k = 0; k < count; ++k) {
          const auto& [a, b] = pairs[static_cast<std::size_t>(rng.below(std::ssize(pairs)))];
          std::swap(lesion.order[a], lesion.order[b]);
        }
        result_.exchanged.push_back({.count = count, .tau = kendall_tau(lesion.order), .score = {}});
        edits_.push_back({fmt::format("exchange {}, draw {}", count, draw), std::move(lesion)});
      }
    }
  }

  void evaluate_all() {
    std::vector<std::string> keys;
    for (const Edit& edit : edits_) keys.push_back(network_.name + "/" + edit.key);
    const PieceKind kind{.label = network_.name, .unit = "lesions", .one_by_one = true};
    const std::vector<Json> found = run_.pieces(
        kind, keys, [&](std::size_t index) { return evaluated(run_, network_, images_, edits_[index].lesion); });
    auto next = found.begin();
    const auto score = [&] {
      const Json& json = *next++;
      return LesionScore{1 - number(json.at("top1")), number(json.at("loss"))};
    };
    result_.whole = score();
    for (SingleLesion& row : result_.single) row.score = score();
    for (DrawnLesion& row : result_.several) row.score = score();
    for (DrawnLesion& row : result_.exchanged) row.score = score();
  }

  void measure_paths() {
    const std::size_t blocks = units_.units.size();
    std::vector<std::string> keys;
    for (std::size_t length = 0; length <= blocks; ++length)
      keys.push_back(fmt::format("{}/paths of {}", network_.name, length));
    State weights = network_.state;
    const int64_t batch = std::min({setting_.paths, images_->size(), evaluation_batch(network_.info.spec.input)});
    std::optional<PathGradients> gradients;  // compiled only if there is something left to do
    const PieceKind kind{.label = network_.name + ", paths", .unit = "lengths", .one_by_one = true};
    for (const Json& json : run_.pieces(kind, keys, [&](std::size_t length) {
           if (!gradients)
             gradients.emplace(network_.info.spec, weights, batch, CompileOptions{.threads = run_.pool()});
           return sampled(*gradients, length, batch);
         }))
      result_.paths.push_back({.length = std::ssize(result_.paths),
                               .log10_paths = log_paths(blocks, result_.paths.size()) / std::log(10.0),
                               .mean = number(json.at("mean")),
                               .q1 = number(json.at("q1")),
                               .median = number(json.at("median")),
                               .q3 = number(json.at("q3")),
                               .vanished = json.at("vanished").get<int64_t>()});
  }

  /// The same images for each length, so that lengths differ by their paths alone.
  Json sampled(PathGradients& gradients, std::size_t length, int64_t batch) {
    Loader loader(images_, network_.info.preprocessing, {.batch = batch, .training = false, .prefetch = 1});
    std::vector<double> norms;
    while (std::ssize(norms) < setting_.paths) {
      const Batch& images = loader.next();
      if (!images.bad.empty()) fail_data(images.bad.front().file, ": ", images.bad.front().reason);
      std::vector<std::vector<bool>> through;
      for (int64_t image = 0; image < images.count; ++image) {
        Rng rng = stream(run_, "path", network_, static_cast<int64_t>(length), std::ssize(norms) + image);
        through.emplace_back(gradients.blocks());
        for (const std::size_t block : drawn(gradients.blocks(), length, rng)) through.back()[block] = true;
      }
      const std::vector<int32_t> classes = matched_classes(images_->classes(), network_.info.classes);
      Tensor labels = images.labels;
      for (int32_t& label : labels.data<int32_t>()) label = classes[static_cast<std::size_t>(label)];
      std::vector<double> found = gradients.run(images.images, labels, through);
      found.resize(static_cast<std::size_t>(std::min(images.count, setting_.paths - std::ssize(norms))));
      norms.insert(norms.end(), found.begin(), found.end());
    }
    const Summary summary = quartiles(norms);
    const double mean = std::accumulate(norms.begin(), norms.end(), 0.0) / static_cast<double>(norms.size());
    return {{"mean", mean},
            {"q1", summary.q1},
            {"median", summary.median},
            {"q3", summary.q3},
            {"vanished", std::ranges::count(norms, 0.0)}};
  }

  StudyRun& run_;
  const TrainedNetwork& network_;
  std::shared_ptr<const Dataset> images_;
  LesionSetting setting_;
  LesionUnits units_;
  std::vector<Edit> edits_;
  LesionedNetwork result_;
};

Json json_of(const LesionScore& score) { return {{"error", score.error}, {"loss", score.loss}}; }

}  // namespace

double LesionedNetwork::kept(const LesionScore& score) const {
  const double chance = 1 - 1 / static_cast<double>(classes);
  return (chance - score.error) / (chance - whole.error);
}

bool LesionedNetwork::learnt() const {
  const double accuracy = 1 - whole.error;
  return accuracy >= 2 / static_cast<double>(classes) || (classes == 2 && accuracy >= 0.75);
}

LesionedNetwork measure_lesions(StudyRun& run, const TrainedNetwork& network,
                                const std::shared_ptr<const Dataset>& images, const LesionSetting& setting) {
  return Measurement(run, network, images, setting).measure();
}

Json to_json(const LesionedNetwork& network) {
  Json single = Json::array(), several = Json::array(), exchanged = Json::array(), paths = Json::array();
  for (const SingleLesion& row : network.single) {
    Json json{{"unit", row.name}, {"layer", row.layer}, {"resamples", row.resamples}};
    json.update(json_of(row.score));
    single.push_back(std::move(json));
  }
  for (const DrawnLesion& row : network.several) {
    Json json{{"units", row.count}, {"layers", row.layers}};
    json.update(json_of(row.score));
    several.push_back(std::move(json));
  }
  for (const DrawnLesion& row : network.exchanged) {
    Json json{{"pairs", row.count}, {"kendall_tau", row.tau}};
    json.update(json_of(row.score));
    exchanged.push_back(std::move(json));
  }
  for (const PathLength& row : network.paths)
    paths.push_back({{"length", row.length},
                     {"log10_paths", row.log10_paths},
                     {"mean", row.mean},
                     {"q1", row.q1},
                     {"median", row.median},
                     {"q3", row.q3},
                     {"vanished", row.vanished}});
  return {{"network", network.name},  {"source", network.source},      {"residual", network.residual},
          {"layers", network.layers}, {"units", network.units},        {"whole", json_of(network.whole)},
          {"deleted", single},        {"several_deleted", several},    {"exchanged", exchanged},
          {"paths", paths},           {"untouched", network.untouched}};
}

}  // namespace resnet
