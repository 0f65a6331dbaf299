// The trainings of study "patterns": a learning rate for each network, then every seed, then a look inside.
#include "study/patterns.hpp"

#include "base/error.hpp"
#include "data/open.hpp"
#include "models/watch.hpp"
#include "study/pca.hpp"
#include "train/inference.hpp"
#include "train/metrics.hpp"
#include "train/training_program.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace resnet {
namespace {

constexpr double rates[] = {0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 3e-4};
constexpr int64_t looked_at = 300, shown_units = 16;

Recipe recipe_of(const LineStudyOptions& options, double rate) {
  Recipe recipe;
  recipe.name = "patterns";
  recipe.epochs = options.epochs;
  recipe.batch = options.batch;
  recipe.schedule = {.kind = ScheduleKind::cosine, .peak = rate};
  recipe.weight_decay = 1e-4;
  return recipe;
}

double accuracy_on(InferenceProgram& program, const DataSplit& data, int64_t batch) {
  Loader loader(data.test, data.preprocessing, {.batch = batch, .training = false});
  int64_t correct = 0;
  for (int64_t step = 0; step < loader.steps_per_epoch(); ++step) {
    const Batch& images = loader.next();
    correct += count_correct(program.logits(images.images), images.labels, images.count);
  }
  return static_cast<double>(correct) / static_cast<double>(data.test->size());
}

/// Weights and the order of the images follow from `seed`.
LineTraining train(const LineStudyOptions& options, const ModelSpec& spec, double rate, uint64_t seed,
                   const DataSplit& data, State& state) {
  const Recipe recipe = recipe_of(options, rate);
  TrainingProgram program(spec, recipe, {}, state, seed, {});
  InferenceProgram inference(spec, state, {});
  Loader loader(data.train, data.preprocessing, {.batch = options.batch, .drop_last = true, .seed = seed});
  const int64_t in_epoch = loader.steps_per_epoch(), steps = options.epochs * in_epoch;
  LineTraining training;
  for (int64_t step = 0; step < steps;) {
    double loss = 0;
    int64_t correct = 0;
    for (int64_t k = 0; k < in_epoch; ++k, ++step) {
      const TrainingProgram::Result result =
          program.run(loader.next(), learning_rate(recipe.schedule, step, steps), step);
      loss += result.loss;
      correct += result.correct;
    }
    training.loss.push_back(loss / static_cast<double>(in_epoch));
    training.train_accuracy.push_back(static_cast<double>(correct) / static_cast<double>(in_epoch * options.batch));
    training.test_accuracy.push_back(accuracy_on(inference, data, options.batch));
  }
  return training;
}

Json to_json(const LineMaps& maps) {
  return {{"count", maps.count}, {"height", maps.height}, {"width", maps.width}, {"values", maps.values}};
}

LineMaps maps_from(const Json& json) {
  LineMaps maps{json["count"].get<int64_t>(), json["height"].get<int64_t>(), json["width"].get<int64_t>(),
                json["values"].get<std::vector<double>>()};
  if (maps.count < 0 || maps.height < 1 || maps.width < 1 ||
      static_cast<int64_t>(maps.values.size()) != maps.count * maps.height * maps.width)
    fail_data("pieces.jsonl: the pictures of a layer do not have the numbers that their sizes ask for");
  return maps;
}

/// The first shown_units squares of values [count, height, width] that begin at `offset`.
LineMaps maps_of(const Tensor& tensor, int64_t offset, int64_t count, int64_t height, int64_t width) {
  LineMaps maps{std::min(count, shown_units), height, width, {}};
  const std::span<const float> values = tensor.data<float>();
  for (int64_t k = 0; k < maps.count * height * width; ++k)
    maps.values.push_back(double{values[static_cast<std::size_t>(offset + k)]});
  return maps;
}

/// A forward pass over the first test images, with the first layer and what enters the last one observed.
Json look_inside(const ModelSpec& spec, State& state, const DataSplit& data) {
  const int64_t count = std::min(looked_at, data.test->size()), size = spec.input.height;
  WatchedGraph watched = watch(forward_graph(spec, count, Mode::inference));
  const WatchedLayer &first = watched.layers.front(), &last = watched.layers.back();
  if (!watched.graph.is_output(first.output)) watched.graph.add_output("first", first.output);
  watched.graph.add_output("representation", last.input);
  const std::string weight = watched.graph[first.weight].name;
  const auto program = compile(watched.graph, state);
  Loader loader(data.test, data.preprocessing, {.batch = count, .training = false});
  const Batch& batch = loader.next();
  program->set_input("images", batch.images);
  program->run();

  const Shape shape = state.at(weight).shape();
  const bool convolution = shape.rank() == 4;
  Json look = {{"weights", to_json(maps_of(state.at(weight), 0, shape[0], convolution ? shape[2] : size,
                                           convolution ? shape[3] : size))},
               {"maps", Json::array()}};
  for (int64_t image = 0; convolution && image < 3; ++image)  // labels take turns: one image of each class
    look["maps"].push_back(
        to_json(maps_of(program->output("first"), image * shape[0] * size * size, shape[0], size, size)));
  const Tensor representation = convert(program->output("representation"), DType::f64);
  const PrincipalComponents found =
      principal_components(representation.data<double>(), count, representation.elements() / count, 2);
  look["scores"] = found.scores;
  look["share"] = found.share;
  const std::span<const int32_t> labels = batch.labels.data<int32_t>();
  look["labels"] = std::vector<int>(labels.begin(), labels.begin() + count);
  return look;
}

LineLook look_from(const Json& json) {
  LineLook look{.weights = maps_from(json["weights"])};
  for (const Json& maps : json["maps"]) look.maps.push_back(maps_from(maps));
  const auto scores = json["scores"].get<std::vector<double>>();
  look.labels = json["labels"].get<std::vector<int>>();
  for (std::size_t k = 0; k < look.labels.size(); ++k) {
    look.x.push_back(scores.at(2 * k));
    look.y.push_back(scores.at(2 * k + 1));
  }
  look.share_x = json["share"].at(0).get<double>();
  look.share_y = json["share"].at(1).get<double>();
  return look;
}

/// A loss that was not finite is null in a piece.
std::vector<double> numbers_of(const Json& json) {
  std::vector<double> numbers;
  for (const Json& value : json)
    numbers.push_back(value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>());
  return numbers;
}

/// The test accuracy of every rate on data and weights that are not used again.
void tune(const LineStudyOptions& options, std::vector<LineNetwork>& networks, StudyRun& run) {
  constexpr std::size_t count = std::size(rates);
  const DataSplit data = line_data(options, stream_key(run.seed(), "patterns/tuning") >> 33, 1);
  std::vector<std::string> keys;
  for (const LineNetwork& network : networks)
    for (const double rate : rates) keys.push_back(text_of("tune/", network.spec.name, "/", rate));
  const std::vector<Json> found =
      run.pieces({.label = "learning rates", .unit = "trainings"}, keys, [&](std::size_t index) {
        State state;
        const uint64_t seed = stream_key(run.seed(), "patterns/tuning");
        return Json(
            train(options, networks[index / count].spec, rates[index % count], seed, data, state).test_accuracy.back());
      });
  for (std::size_t index = 0; index < found.size(); ++index)
    networks[index / count].tried.push_back({rates[index % count], found[index].get<double>()});
  for (LineNetwork& network : networks)
    network.rate = std::ranges::max_element(network.tried, {}, &RateTried::accuracy)->rate;
}

}  // namespace

std::vector<ModelSpec> line_networks(const LineStudyOptions& options) {
  const ImageSize input{1, static_cast<int>(options.size), static_cast<int>(options.size)};
  const auto layers = [&](const char* name, const char* model, int64_t depth) {
    ModelSpec spec = find_model(
        model,
        {.classes = 3, .input = input, .width = static_cast<int>(options.width), .depth = static_cast<int>(depth)});
    spec.name = name;
    return spec;
  };
  const auto convolutions = [&](const char* name) {
    return find_model(text_of(name, options.conv_layers), {.classes = 3, .input = input});
  };
  return {layers("linear", "mlp", 1), layers("plain mlp", "mlp", options.layers),
          layers("residual mlp", "residual_mlp", (options.layers - 2) / 2), convolutions("plain"),
          convolutions("resnet")};
}

DataSplit line_data(const LineStudyOptions& options, uint64_t data_seed, int threads) {
  return open_data(text_of("builtin:patterns?size=", options.size, "&noise=", options.noise, "&count=", options.count,
                           "&jitter=", options.jitter, "&seed=", data_seed),
                   {.threads = threads});
}

std::vector<double> LineNetwork::finals() const {
  std::vector<double> values;
  for (const LineTraining& training : trainings) values.push_back(training.test_accuracy.back());
  return values;
}

std::vector<double> LineNetwork::final_losses() const {
  std::vector<double> values;
  for (const LineTraining& training : trainings) values.push_back(training.loss.back());
  return values;
}

std::vector<LineNetwork> train_on_lines(const LineStudyOptions& options, StudyRun& run) {
  run.pin_kernels();
  std::vector<LineNetwork> networks;
  for (const ModelSpec& spec : line_networks(options))
    networks.push_back({.spec = spec,
                        .layers = weight_layers(spec),
                        .parameters = forward_graph(spec, 1, Mode::inference).parameter_count()});
  tune(options, networks, run);
  const DataSplit data = line_data(options, 0, 1);
  const auto seeds = static_cast<std::size_t>(options.seeds);
  std::vector<std::string> keys;
  for (const LineNetwork& network : networks)
    for (std::size_t seed = 0; seed < seeds; ++seed) keys.push_back(text_of("train/", network.spec.name, "/", seed));
  const std::vector<Json> found = run.pieces({.label = "trainings", .unit = "trainings"}, keys, [&](std::size_t index) {
    const LineNetwork& network = networks[index / seeds];
    State state;
    const uint64_t seed = stream_key(run.seed(), "patterns/training", {index % seeds});
    const LineTraining training = train(options, network.spec, network.rate, seed, data, state);
    Json piece = {{"loss", training.loss}, {"train", training.train_accuracy}, {"test", training.test_accuracy}};
    if (index % seeds == 0) piece["look"] = look_inside(network.spec, state, data);
    return piece;
  });
  for (std::size_t index = 0; index < found.size(); ++index) {
    LineNetwork& network = networks[index / seeds];
    const Json& piece = found[index];
    network.trainings.push_back({numbers_of(piece["loss"]), numbers_of(piece["train"]), numbers_of(piece["test"])});
    if (index % seeds == 0) network.look = look_from(piece["look"]);
  }
  return networks;
}

}  // namespace resnet
