#include "train/health/samples.hpp"

#include "base/error.hpp"
#include "data/loader.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <tuple>

namespace resnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t file_limit = uint64_t{1} << 30;

/// Images for which the forward pass has about 32 million values (128 MiB).
int64_t batch_for(const ModelSpec& spec, int64_t available) {
  const Graph forward = forward_graph(spec, 1, Mode::inference);
  int64_t elements = 1;
  for (const ValueInfo& value : forward.values())
    if (value.kind == ValueKind::computed) elements += value.shape.elements();
  return std::min<int64_t>(std::clamp<int64_t>((int64_t{1} << 25) / elements, 2, 32), available);
}

/// JSON has no infinity and no "not a number": null.
Json numbers(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(std::isfinite(value) ? Json(value) : Json(nullptr));
  return json;
}

std::vector<double> numbers_from(const Json& json) {
  std::vector<double> values;
  for (const Json& value : json) values.push_back(value.is_null() ? not_measured : value.get<double>());
  return values;
}

HealthSample sample_from(const Json& json) {
  const Json& layers = json.at("layers");
  const Json& blocks = json.at("blocks");
  HealthSample sample{.step = json.at("step").get<int64_t>(),
                      .rate = json.at("rate").get<double>(),
                      .loss = json.at("loss").is_null() ? not_measured : json.at("loss").get<double>(),
                      .layers = layers.at("name").get<std::vector<std::string>>(),
                      .blocks = blocks.at("name").get<std::vector<std::string>>(),
                      .mean = numbers_from(layers.at("mean")),
                      .variance = numbers_from(layers.at("variance")),
                      .dead = numbers_from(layers.at("dead")),
                      .dx = numbers_from(layers.at("dx")),
                      .dw = numbers_from(layers.at("dw")),
                      .update = numbers_from(layers.at("update")),
                      .correlation = numbers_from(layers.at("correlation")),
                      .ratio = numbers_from(blocks.at("ratio"))};
  for (const auto* figures :
       {&sample.mean, &sample.variance, &sample.dead, &sample.dx, &sample.dw, &sample.update, &sample.correlation})
    if (figures->size() != sample.layers.size()) fail_data("expected a number for each layer");
  if (sample.ratio.size() != sample.blocks.size()) fail_data("expected a number for each block");
  return sample;
}

/// The images that all samples look at.
std::pair<Tensor, Tensor> probe_images(const ModelInfo& info, const std::shared_ptr<const Dataset>& data,
                                       int64_t batch) {
  std::vector<int64_t> chosen = epoch_order(data->size(), 0, 0);
  chosen.resize(static_cast<std::size_t>(batch));
  Loader loader(subset(data, chosen), info.preprocessing, {.batch = batch, .training = false, .prefetch = 1});
  const Batch& images = loader.next();
  return {images.images, images.labels};
}

}  // namespace

HealthSample sample_of(const NetworkHealth& health, int64_t step) {
  HealthSample sample{.step = step,
                      .rate = health.rate,
                      .loss = health.output.loss,
                      .layers = {},
                      .blocks = {},
                      .mean = {},
                      .variance = {},
                      .dead = {},
                      .dx = {},
                      .dw = {},
                      .update = {},
                      .correlation = {},
                      .ratio = {}};
  for (const LayerHealth& layer : health.layers) {
    sample.layers.push_back(layer.name);
    sample.mean.push_back(layer.activation_mean);
    sample.variance.push_back(layer.activation_variance);
    sample.dead.push_back(layer.dead);
    sample.dx.push_back(layer.dx);
    sample.dw.push_back(layer.dw);
    sample.update.push_back(layer.update);
    sample.correlation.push_back(layer.correlation);
  }
  for (const BlockHealth& block : health.blocks) {
    sample.blocks.push_back(block.name);
    sample.ratio.push_back(block.ratio());
  }
  return sample;
}

std::string to_line(const HealthSample& sample) {
  const Json json{{"step", sample.step},
                  {"rate", sample.rate},
                  {"loss", std::isfinite(sample.loss) ? Json(sample.loss) : Json(nullptr)},
                  {"layers",
                   {{"name", sample.layers},
                    {"mean", numbers(sample.mean)},
                    {"variance", numbers(sample.variance)},
                    {"dead", numbers(sample.dead)},
                    {"dx", numbers(sample.dx)},
                    {"dw", numbers(sample.dw)},
                    {"update", numbers(sample.update)},
                    {"correlation", numbers(sample.correlation)}}},
                  {"blocks", {{"name", sample.blocks}, {"ratio", numbers(sample.ratio)}}}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<HealthSample> truncate_samples(const fs::path& path, int64_t step) {
  std::vector<HealthSample> samples;
  if (!path_exists(path)) return samples;
  const std::string text = read_file(path, file_limit);
  std::istringstream lines(text);
  std::string line, kept;
  for (int64_t number = 1; std::getline(lines, line) && !lines.eof(); ++number) {
    try {
      HealthSample sample = sample_from(Json::parse(line));
      if (sample.step > step) break;
      samples.push_back(std::move(sample));
    } catch (const Json::exception&) {
      fail_data(path.string(), ": line ", number, " is damaged; remove the line");
    }
    kept += line + "\n";
  }
  if (kept != text) write_file(path, kept);
  return samples;
}

HealthSampler::HealthSampler(const ModelInfo& info, const Recipe& recipe, State& state, uint64_t seed,
                             const std::shared_ptr<const Dataset>& data, const CompileOptions& options)
    : probe_(info.spec, recipe, state, seed, batch_for(info.spec, data->size()), options) {
  std::tie(images_, labels_) = probe_images(info, data, probe_.batch());
}

HealthSample HealthSampler::sample(int64_t step, double rate) {
  probe_.clear();
  probe_.add(images_, labels_);
  if (probe_.batch() > 1) probe_.add_path(images_, labels_);
  return sample_of(probe_.health(rate), step);
}

}  // namespace resnet
