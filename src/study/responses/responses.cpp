// Study "responses": its options, what it looks at, and its results as JSON.
#include "study/responses/responses.hpp"

#include "study/declare.hpp"
#include "study/network_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace resnet {
namespace {

struct Options {
  NetworkChoice networks;
  int64_t images = 500;
};

Json to_json(const std::vector<LayerResponse>& layers) {
  Json json = Json::array();
  for (const LayerResponse& layer : layers)
    json.push_back({{"layer", layer.name}, {"normed", layer.normed}, {"deviation", layer.deviation}});
  return json;
}

/// The pieces: one for each network, under its source.
std::vector<std::vector<LayerResponse>> measure(StudyRun& run, const TrainedNetworks& networks,
                                                const std::shared_ptr<const Dataset>& images) {
  std::vector<std::string> keys;
  for (const TrainedNetwork& network : networks.list()) keys.push_back(network.source);
  const PieceKind kind{.label = "responses", .unit = "networks", .one_by_one = true};
  std::vector<std::vector<LayerResponse>> responses;
  for (const Json& piece : run.pieces(kind, keys, [&](std::size_t index) {
         return to_json(layer_responses(networks.list()[index], images, run.pool()));
       })) {
    responses.emplace_back();
    for (const Json& layer : piece)
      responses.back().push_back({.name = layer.at("layer").get<std::string>(),
                                  .normed = layer.at("normed").get<bool>(),
                                  .deviation = layer.at("deviation").get<double>()});
  }
  return responses;
}

/// Several trainings of one network become one entry; residual and plain ones by depth.
std::vector<ResponseNetwork> grouped(const std::vector<TrainedNetwork>& models,
                                     const std::vector<std::vector<LayerResponse>>& responses) {
  std::vector<ResponseNetwork> networks;
  for (std::size_t index = 0; index < models.size(); ++index) {
    const ModelSpec& spec = models[index].info.spec;
    const auto same = [&](const ResponseNetwork& known) {
      return known.name == spec.name && known.layers.size() == responses[index].size();
    };
    auto known = std::ranges::find_if(networks, same);
    if (known == networks.end()) {
      networks.push_back({.name = spec.name,
                          .residual = spec.residual(),
                          .depth = weight_layers(spec),
                          .models = {},
                          .layers = responses[index],
                          .deviations = {}});
      known = networks.end() - 1;
    }
    known->models.push_back(models[index].source);
    std::vector<double> deviations;
    for (const LayerResponse& layer : responses[index]) deviations.push_back(layer.deviation);
    known->deviations.push_back(std::move(deviations));
  }
  std::ranges::stable_sort(networks, [](const ResponseNetwork& a, const ResponseNetwork& b) {
    return std::pair(a.residual, a.depth) < std::pair(b.residual, b.depth);
  });
  return networks;
}

Json results_of(const std::vector<ResponseNetwork>& networks) {
  Json results = Json::array();
  for (const ResponseNetwork& network : networks) {
    Json layers = Json::array();
    const std::vector<Spread> spreads = network.spreads();
    for (std::size_t index = 0; index < spreads.size(); ++index)
      layers.push_back({{"layer", network.layers[index].name},
                        {"behind_batch_norm", network.layers[index].normed},
                        {"deviation", to_json(spreads[index])}});
    results.push_back({{"network", network.name},
                       {"residual", network.residual},
                       {"models", network.models.size()},
                       {"mean_of_layers", to_json(spread_of(network.means()))},
                       {"layers", std::move(layers)}});
  }
  return {{"networks", std::move(results)}};
}

}  // namespace

std::vector<Spread> ResponseNetwork::spreads() const {
  std::vector<Spread> spreads;
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    std::vector<double> values;
    for (const std::vector<double>& model : deviations) values.push_back(model[layer]);
    spreads.push_back(spread_of(values));
  }
  return spreads;
}

std::vector<double> ResponseNetwork::means() const {
  std::vector<double> means;
  for (const std::vector<double>& model : deviations) means.push_back(spread_of(model).mean);
  return means;
}

StudyAction declare_responses(StudyOptions& options) {
  const auto chosen = std::make_shared<Options>();
  declare_network_choice(options, chosen->networks);
  options.whole("--images", chosen->images, 0, 1'000'000'000, "of the test part; 0: all");
  return [chosen](StudyRun& run) {
    const std::shared_ptr<const TrainedNetworks> trained = networks_of(run, chosen->networks);
    const auto images = TrainedNetworks::some(trained->data().test, chosen->images);
    const std::vector<ResponseNetwork> networks = grouped(trained->list(), measure(run, *trained, images));
    const std::string what = fmt::format("{} images of {} ({})", with_thousands(images->size()), trained->data_name(),
                                         trained->data().test_name);
    StudyReport report = response_report(what, networks);
    report.method(origin_text(chosen->networks));
    std::string text;
    for (const ResponseNetwork& network : networks)
      text += fmt::format("{:<14} mean over {} layers {}\n", network.name, network.layers.size(),
                          text_of_spread(spread_of(network.means()), 3));
    for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
    return StudyOutcome{results_of(networks), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
