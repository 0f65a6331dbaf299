#include "study/representation/measure.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "data/loader.hpp"
#include "study/pca.hpp"
#include "study/representation/cka.hpp"
#include "study/representation/features.hpp"
#include "study/representation/probe.hpp"
#include "train/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <list>

namespace resnet {
namespace {

double number(const Json& json) { return json.is_null() ? NAN : json.get<double>(); }

std::vector<double> numbers(const Json& json) {
  std::vector<double> values;
  for (const Json& value : json) values.push_back(number(value));
  return values;
}

class Measurement {
 public:
  Measurement(StudyRun& run, const TrainedNetworks& networks, const RepresentationSetting& setting)
      : run_(run), networks_(networks), setting_(setting) {
    test_ = shuffled(TrainedNetworks::some(networks.data().test, setting.images));
    if (test_->size() < setting_.batch)
      fail_usage("--batch: ", setting_.batch, " images are more than the ", test_->size(), " of the test part");
    result_.test_images = test_->size();
    train_ = TrainedNetworks::some(networks.data().train, setting.probe_images);
  }

  RepresentationResult measure() {
    for (const TrainedNetwork& network : networks_.list()) describe(network);
    measure_similarity();
    for (std::size_t index = 0; index < networks_.list().size(); ++index) {
      measure_probes(networks_.list()[index], result_.networks[index]);
      embed(networks_.list()[index], result_.networks[index]);
    }
    return std::move(result_);
  }

 private:
  /// A batch should be a draw from all classes, whatever the order of the data set.
  std::shared_ptr<const Dataset> shuffled(const std::shared_ptr<const Dataset>& images) const {
    return subset(images, epoch_order(images->size(), stream_key(run_.seed(), "representation"), 0));
  }

  void describe(const TrainedNetwork& network) {
    const FeatureNetwork features(network, 2, run_.pool());
    RepresentedNetwork found{
        .name = network.name, .source = network.source, .classes = network.info.classes, .layers = {}, .embedding = {}};
    for (const LayerFeatures& layer : features.layers()) {
      found.residual = found.residual || layer.ends_block;
      found.layers.push_back({.name = layer.name, .ends_block = layer.ends_block, .height = layer.shape.h()});
    }
    result_.networks.push_back(std::move(found));
  }

  void measure_similarity() {
    result_.batches = test_->size() / setting_.batch;
    std::vector<std::string> keys;
    for (int64_t batch = 0; batch < result_.batches; ++batch) keys.push_back(fmt::format("cka/{}", batch));
    std::list<FeatureNetwork> programs;  // compiled only if there is something left to do
    std::size_t layers = 0;
    for (const RepresentedNetwork& network : result_.networks) layers += network.layers.size();
    std::vector<double> sums(layers * layers);
    const PieceKind kind{.label = "similarity", .unit = "batches", .one_by_one = true};
    for (const Json& piece : run_.pieces(kind, keys, [&](std::size_t index) {
           if (programs.empty())
             for (const TrainedNetwork& network : networks_.list())
               programs.emplace_back(network, setting_.batch, run_.pool());
           return Json(similarity_of_batch(programs, static_cast<int64_t>(index)));
         }))
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += number(piece.at(k));
    result_.cka = cka_of(sums, layers);
  }

  std::vector<double> similarity_of_batch(std::list<FeatureNetwork>& programs, int64_t index) {
    std::vector<int64_t> images(static_cast<std::size_t>(setting_.batch));
    for (std::size_t k = 0; k < images.size(); ++k) images[k] = index * setting_.batch + static_cast<int64_t>(k);
    const auto rows = static_cast<std::size_t>(setting_.batch);
    std::vector<std::vector<double>> grams;
    auto program = programs.begin();
    for (const TrainedNetwork& network : networks_.list()) {
      for_each_batch(network, subset(test_, images), setting_.batch,
                     [&](const Tensor& batch, std::span<const int32_t>) { program->run(batch); });
      for (std::size_t layer = 0; layer < program->layers().size(); ++layer)
        grams.push_back(gram_without_diagonal(program->features(layer).data<float>(), rows, *run_.pool()));
      ++program;
    }
    return hsic_of_pairs(grams, rows);
  }

  /// The pooled features of every layer on all `images`.
  std::vector<LabelledPoints> points_of(const TrainedNetwork& network, const std::shared_ptr<const Dataset>& images) {
    FeatureNetwork features(network, setting_.batch, run_.pool());
    std::vector<LabelledPoints> points(features.layers().size());
    for_each_batch(network, images, setting_.batch, [&](const Tensor& batch, std::span<const int32_t> labels) {
      run_.stop_if_interrupted();
      features.run(batch);
      for (std::size_t layer = 0; layer < points.size(); ++layer) {
        const std::vector<float> pooled = pooled_features(features.features(layer), setting_.cells);
        points[layer].columns = pooled.size() / static_cast<std::size_t>(setting_.batch);
        points[layer].values.insert(
            points[layer].values.end(), pooled.begin(),
            pooled.begin() + static_cast<std::ptrdiff_t>(points[layer].columns * labels.size()));
        points[layer].labels.insert(points[layer].labels.end(), labels.begin(), labels.end());
      }
    });
    return points;
  }

  Json probes_of(const TrainedNetwork& network) {
    const std::vector<LabelledPoints> train = points_of(network, train_), test = points_of(network, test_);
    std::vector<ProbeResult> probes(train.size());
    run_.pool()->run(static_cast<int>(train.size()), [&](int task, int) {
      const auto layer = static_cast<std::size_t>(task);
      if (!interrupted())
        probes[layer] = fit_probe(train[layer], test[layer], network.info.classes.size(), {.decay = setting_.decay});
    });
    run_.stop_if_interrupted();
    Json layers = Json::array();
    for (std::size_t layer = 0; layer < probes.size(); ++layer)
      layers.push_back({{"features", train[layer].columns},
                        {"train_accuracy", probes[layer].train_accuracy},
                        {"test_accuracy", probes[layer].test_accuracy},
                        {"iterations", probes[layer].iterations}});
    InferenceProgram program(network.info.spec, network.state, {.threads = run_.pool()});
    const auto whole = evaluate(program, test_, network.info, nullptr, default_loader_threads(run_.pool()->threads()));
    if (!whole) run_.stop_if_interrupted();
    return {{"accuracy", whole->top1()}, {"layers", layers}};
  }

  void measure_probes(const TrainedNetwork& network, RepresentedNetwork& found) {
    const PieceKind kind{.label = network.name + ", probes", .unit = "networks", .one_by_one = true};
    const Json json =
        run_.pieces(kind, {network.name + "/probes"}, [&](std::size_t) { return probes_of(network); }).front();
    found.accuracy = json.at("accuracy").get<double>();
    for (std::size_t layer = 0; layer < found.layers.size(); ++layer) {
      const Json& probe = json.at("layers").at(layer);
      ProbedLayer& row = found.layers[layer];
      row.features = probe.at("features").get<int64_t>();
      row.train_accuracy = probe.at("train_accuracy").get<double>();
      row.test_accuracy = probe.at("test_accuracy").get<double>();
      row.iterations = probe.at("iterations").get<int64_t>();
    }
  }

  Json embedding_of(const TrainedNetwork& network) {
    FeatureNetwork features(network, setting_.batch, run_.pool());
    std::vector<double> values;
    std::vector<int32_t> labels;
    const auto images = TrainedNetworks::some(test_, setting_.points);
    for_each_batch(network, images, setting_.batch, [&](const Tensor& batch, std::span<const int32_t> truth) {
      features.run(batch);
      const Tensor read = features.penultimate();
      const auto width = static_cast<std::ptrdiff_t>(read.elements() / setting_.batch);
      const auto begin = read.data<float>().begin();
      values.insert(values.end(), begin, begin + width * std::ssize(truth));
      labels.insert(labels.end(), truth.begin(), truth.end());
    });
    const int64_t rows = std::ssize(labels), columns = std::ssize(values) / rows;
    const int64_t kept = std::min({rows, columns, std::max<int64_t>(2, std::ssize(network.info.classes))});
    const PrincipalComponents components = principal_components(values, rows, columns, kept);
    std::vector<double> first, second;
    for (int64_t row = 0; row < rows; ++row) {
      first.push_back(components.scores[static_cast<std::size_t>(row * kept)]);
      second.push_back(kept > 1 ? components.scores[static_cast<std::size_t>(row * kept + 1)] : 0);
    }
    return {{"first", first}, {"second", second}, {"labels", labels}, {"share", components.share}};
  }

  void embed(const TrainedNetwork& network, RepresentedNetwork& found) {
    const Json json = run_.piece(network.name + "/embedding", [&] { return embedding_of(network); });
    found.embedding = {.first = numbers(json.at("first")),
                       .second = numbers(json.at("second")),
                       .labels = json.at("labels").get<std::vector<int32_t>>(),
                       .share = numbers(json.at("share"))};
  }

  StudyRun& run_;
  const TrainedNetworks& networks_;
  RepresentationSetting setting_;
  std::shared_ptr<const Dataset> test_, train_;
  RepresentationResult result_;
};

}  // namespace

double RepresentationResult::similarity(std::size_t a, std::size_t i, std::size_t b, std::size_t j) const {
  std::size_t layers = 0, row = i, column = j;
  for (std::size_t network = 0; network < networks.size(); ++network) {
    if (network < a) row += networks[network].layers.size();
    if (network < b) column += networks[network].layers.size();
    layers += networks[network].layers.size();
  }
  return cka[row * layers + column];
}

RepresentationResult measure_representations(StudyRun& run, const TrainedNetworks& networks,
                                             const RepresentationSetting& setting) {
  return Measurement(run, networks, setting).measure();
}

Json to_json(const RepresentationResult& result) {
  Json networks = Json::array();
  for (const RepresentedNetwork& network : result.networks) {
    Json layers = Json::array();
    for (const ProbedLayer& layer : network.layers)
      layers.push_back({{"layer", layer.name},
                        {"ends_block", layer.ends_block},
                        {"features", layer.features},
                        {"probe_train_accuracy", layer.train_accuracy},
                        {"probe_test_accuracy", layer.test_accuracy},
                        {"iterations", layer.iterations}});
    networks.push_back({{"network", network.name},
                        {"source", network.source},
                        {"residual", network.residual},
                        {"accuracy", network.accuracy},
                        {"layers", layers},
                        {"penultimate_variance_share", network.embedding.share}});
  }
  return {{"networks", networks}, {"cka_batches", result.batches}, {"cka", result.cka}};
}

}  // namespace resnet
