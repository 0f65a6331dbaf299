#include "patients.hpp"

#include "data/loader.hpp"
#include "data/open.hpp"
#include "train/training_program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace resnet::test {
namespace {

const DataSplit& opened(const std::string& name) {
  static std::map<std::string, DataSplit> cache;
  const std::map<std::string, std::string> sources = {
      {"shapes", "builtin:shapes?train=2000&test=400"},
      {"patterns", "builtin:patterns?count=1200"},
      {"moving", "builtin:patterns?size=16&jitter=4&noise=0.2&count=1200"}};
  if (!cache.contains(name)) cache[name] = open_data(sources.at(name));
  return cache[name];
}

Recipe recipe_at(double rate) {
  Recipe recipe = recipes().front();
  recipe.batch = 32;
  recipe.schedule.peak = rate;
  return recipe;
}

/// The start is drawn now, so that faults can be planted in it.
Patient started(Patient patient) {
  initialise(patient.state, loss_graph(patient.info.spec, 2, Mode::training), patient.seed);
  return patient;
}

template <class Change>
void each_state(Patient& patient, const std::string& ending, Change&& change) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : patient.state.tensors())
    if (name.ends_with(ending) && tensor.dtype() == DType::f32) names.push_back(name);
  ASSERT_FALSE(names.empty()) << ending;
  for (const std::string& name : names)
    for (float& x : patient.state.at(name).data<float>()) x = change(x);
  patient.state.touch();
}

}  // namespace

Patient fresh(const std::string& model, const std::string& data, double rate, uint64_t seed) {
  const DataSplit& split = opened(data);
  const Preprocessing& p = split.preprocessing;
  const ModelOptions options{.classes = static_cast<int>(split.test->classes().size()),
                             .input = ImageSize{p.channels, p.height, p.width}};
  return started({.info = {find_model(model, options), split.test->classes(), p},
                  .recipe = recipe_at(rate),
                  .data = split.test,
                  .steps = 0,
                  .seed = seed});
}

Patient fresh(const std::string& model, const std::string& data, const std::function<void(ModelSpec&)>& change) {
  Patient patient = fresh(model, data);
  change(patient.info.spec);
  patient.state = {};
  return started(std::move(patient));
}

Patient after(int64_t steps, Patient patient, const std::function<int(int64_t, int)>& relabel) {
  const ImageSize& input = patient.info.spec.input;
  const DataSplit& split = opened(input.channels == 3 ? "shapes" : input.height == 8 ? "patterns" : "moving");
  Patient learning = patient;
  learning.data = split.train;
  if (relabel)
    change_data(learning, [&](int64_t index, std::vector<uint8_t>&, int& label) { label = relabel(index, label); });
  const auto pool = std::make_shared<ThreadPool>(2);
  Recipe recipe = patient.recipe;
  recipe.augmentation = {};
  TrainingProgram program(patient.info.spec, recipe, {}, patient.state, patient.seed, {.threads = pool});
  Loader loader(learning.data, patient.info.preprocessing, {.batch = recipe.batch, .drop_last = true});
  for (int64_t step = 0; step < steps; ++step) {
    const double warm = std::min(1.0, static_cast<double>(step + 1) / 10), rest = static_cast<double>(steps - step);
    program.run(loader.next(), recipe.schedule.peak * std::min(warm, rest / (0.5 * static_cast<double>(steps))), step);
  }
  patient.state.touch();
  patient.steps = steps;
  return patient;
}

Patient written(const std::string& data, const std::function<Value(Builder&, Value)>& build, double rate,
                uint64_t seed) {
  const DataSplit& split = opened(data);
  const Preprocessing& p = split.preprocessing;
  const auto graph = [&](int64_t batch) {
    Builder net(Mode::inference);
    net.observe("logits", build(net, net.input("images", {batch, p.channels, p.height, p.width})));
    return net.take();
  };
  ModelSpec spec{.name = "written",
                 .family = Family::written_out,
                 .input = {p.channels, p.height, p.width},
                 .classes = static_cast<int>(split.test->classes().size())};
  spec.written = write_out(graph);
  return started({.info = {std::move(spec), split.test->classes(), p},
                  .recipe = recipe_at(rate),
                  .data = split.test,
                  .steps = 0,
                  .seed = seed});
}

void change_data(Patient& patient, const Change& change) {
  const Dataset& data = *patient.data;
  const auto size = static_cast<std::size_t>(data.image_shape().elements());
  std::vector<uint8_t> all, pixels(size);
  std::vector<int> labels;
  for (int64_t index = 0; index < data.size(); ++index) {
    data.read(index, pixels);
    int label = data.label(index);
    change(index, pixels, label);
    all.insert(all.end(), pixels.begin(), pixels.end());
    labels.push_back(label);
  }
  patient.data = memory_dataset(data.classes(), data.image_shape(), std::move(all), std::move(labels));
}

void fill(Patient& patient, const std::string& ending, float value) {
  each_state(patient, ending, [&](float) { return value; });
}

void scale(Patient& patient, const std::string& ending, float factor) {
  each_state(patient, ending, [&](float x) { return factor * x; });
}

void power(Patient& patient, const std::string& ending, float exponent) {
  each_state(patient, ending, [&](float x) { return std::pow(x, exponent); });
}

std::vector<std::string> found_in(const Patient& patient, bool notes) {
  static const auto pool = std::make_shared<ThreadPool>(2);
  std::vector<std::string> names;
  for (const HealthFinding& finding : findings_of(measure(patient, {.batches = 4, .batch = 32, .threads = pool})))
    if (finding.rule->fault || notes) names.emplace_back(finding.rule->name);
  return names;
}

}  // namespace resnet::test
