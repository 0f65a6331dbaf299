// Study "responses": its options, what it looks at, and its results as JSON.
#include "study/responses/responses.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "study/declare.hpp"
#include "study/model_list.hpp"
#include "train/config.hpp"
#include "train/open_network.hpp"
#include "train/run.hpp"
#include "train/unchanged.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace resnet {
namespace {

constexpr uint64_t largest_file = uint64_t{16} << 30;

/// The test part of the data; without --data that of the first run.
DataSplit open_images(const ResponseOptions& options) {
  if (!options.data.empty()) return open_data(resolved_data(options.data));
  const std::string first = models_in(options.models, "--models").front();
  if (!is_folder(first)) fail_usage("--data: say which images; ", first, " is no run whose data could be taken");
  const RunDirectory run = open_run(first);
  const RunConfig config = config_from_toml(read_file(run.config(), 1 << 20), run.config().string());
  DataSplit data = open_data(resolved_data(config.data), {.validation = config.validation, .split = run.saved_split()});
  if (data.train) expect_same_images(config, data, run);
  return data;
}

void expect_fitting(const ResponseOptions& options, const DataSplit& data) {
  for (const std::string& path : models_in(options.models, "--models")) {
    const ImageSize& input = open_network(path).info.spec.input;
    if (input.channels != data.preprocessing.channels)
      fail_data(path, ": expects images of ", input.channels, " channels, ", data.name, " has ",
                data.preprocessing.channels);
  }
}

Json to_json(const std::vector<LayerResponse>& layers) {
  Json json = Json::array();
  for (const LayerResponse& layer : layers)
    json.push_back({{"layer", layer.name}, {"normed", layer.normed}, {"deviation", layer.deviation}});
  return json;
}

/// The pieces: one for each model, under its name and hash.
std::vector<std::vector<LayerResponse>> measure(StudyRun& run, const ResponseOptions& options, const DataSplit& data,
                                                const std::vector<std::string>& models) {
  const auto hash = [](const std::string& model) {
    return fmt::format("{:016x}", stream_key(0, read_file(model_file_of(model), largest_file)));
  };
  for (const std::string& model : models) run.pin("weights " + model, hash(model));
  run.pin("images of " + data.name, identity_of(*data.test).hash);
  run.pin_kernels();
  const PieceKind kind{.label = "responses", .unit = "networks", .one_by_one = true};
  std::vector<std::vector<LayerResponse>> responses;
  for (const Json& piece : run.pieces(kind, models, [&](std::size_t index) {
         OpenedModel model = open_network(models[index]);
         return to_json(layer_responses(model, data.test, options.images, run.pool()));
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
std::vector<ResponseNetwork> networks_of(const std::vector<std::string>& models,
                                         const std::vector<std::vector<LayerResponse>>& responses) {
  std::vector<ResponseNetwork> networks;
  for (std::size_t index = 0; index < models.size(); ++index) {
    const ModelSpec spec = open_network(models[index]).info.spec;
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
    known->models.push_back(models[index]);
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
  const auto chosen = std::make_shared<ResponseOptions>();
  const auto data = std::make_shared<DataSplit>();
  options.text("--models", chosen->models, "RUN,FILE,...",
               "trained networks: run directories, model files, or a study whose trainings are taken");
  options.text("--data", chosen->data, "DATA", "whose test images are shown; those of the first run if it is empty");
  options.whole("--images", chosen->images, 1, 1'000'000, "the first so many of them");
  options.require([chosen, data] {
    models_in(chosen->models, "--models");
    *data = open_images(*chosen);
    expect_fitting(*chosen, *data);
  });
  return [chosen, data](StudyRun& run) {
    const std::vector<std::string> models = models_in(chosen->models, "--models");
    const std::vector<ResponseNetwork> networks = networks_of(models, measure(run, *chosen, *data, models));
    StudyReport report = response_report(*chosen, data->name, networks);
    std::string text;
    for (const ResponseNetwork& network : networks)
      text += fmt::format("{:<14} mean over {} layers {}\n", network.name, network.layers.size(),
                          text_of_spread(spread_of(network.means()), 3));
    for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
    return StudyOutcome{results_of(networks), std::move(text), std::move(report)};
  };
}

}  // namespace resnet
