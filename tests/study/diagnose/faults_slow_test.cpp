// Faults planted as users make them, and healthy networks: how many are named, and how often the diagnosis cries wolf.
// The table is printed.
#include "patients.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace resnet::test {
namespace {

struct Row {
  std::string name;
  std::string expected;  // the rule that names it; empty for a healthy one
  std::function<Patient()> make;
};

/// Changes a patient in place, as a step of a row.
template <class Change>
Patient with(Patient patient, Change&& change) {
  change(patient);
  return patient;
}

/// A copy of a network that is trained once.
Patient trained(const std::string& model, const std::string& data) {
  static std::map<std::string, Patient> cache;
  const std::string key = model + data;
  if (!cache.contains(key)) cache[key] = after(data == "moving" ? 300 : 120, fresh(model, data, 0.05));
  return cache.at(key);
}

// --- networks that a program writes down ---

Value conv(Builder& net, const std::string& name, Value x, int channels, int stride = 1) {
  return net.conv(name, x, {.channels = channels, .kernel = 3, .stride = stride, .padding = 1, .bias = true});
}

Value head(Builder& net, Value x, int classes) {
  return net.linear("fc", net.flatten(net.global_average_pool(x)), {.units = classes});
}

/// Plain, without batch norm: He et al.'s start, or multiplied by `gain` by the caller.
std::function<Value(Builder&, Value)> plain_chain(int depth, int channels, int classes, bool norm = false) {
  return [=](Builder& net, Value x) {
    for (int layer = 0; layer < depth; ++layer) {
      x = conv(net, fmt::format("conv{}", layer), x, channels, layer == depth / 2 ? 2 : 1);
      if (norm) x = net.batch_norm(fmt::format("norm{}", layer), x);
      x = net.relu(x);
    }
    return head(net, x, classes);
  };
}

std::function<Value(Builder&, Value)> sigmoid_chain(int depth, int channels, int classes) {
  return [=](Builder& net, Value x) {
    for (int layer = 0; layer < depth; ++layer)
      x = net.unary(conv(net, fmt::format("conv{}", layer), x, channels, layer == depth / 2 ? 2 : 1),
                    {.kind = UnaryKind::sigmoid});
    return head(net, x, classes);
  };
}

std::function<Value(Builder&, Value)> residual_chain(int blocks, int channels, int classes) {
  return [=](Builder& net, Value x) {
    x = net.relu(net.batch_norm("norm", conv(net, "conv", x, channels)));
    for (int block = 0; block < blocks; ++block) {
      const auto scope = net.scope(fmt::format("block{}", block));
      Value h = net.relu(net.batch_norm("norm1", conv(net, "conv1", x, channels)));
      h = net.batch_norm("norm2", conv(net, "conv2", h, channels));
      x = net.relu(net.add(h, x));
    }
    return head(net, x, classes);
  };
}

std::function<Value(Builder&, Value)> behind(const std::function<Value(Builder&, Value)>& build,
                                             const std::function<Value(Builder&, Value)>& last) {
  return [=](Builder& net, Value x) { return last(net, build(net, x)); };
}

/// `build` whose trunk is cut: nothing before the head gets a gradient.
std::function<Value(Builder&, Value)> cut_chain(int depth, int channels, int classes) {
  return [=](Builder& net, Value x) {
    for (int layer = 0; layer < depth; ++layer) {
      x = net.relu(net.batch_norm(fmt::format("norm{}", layer), conv(net, fmt::format("conv{}", layer), x, channels)));
      if (layer == depth / 2) x = net.stop_gradient(x);
    }
    return head(net, x, classes);
  };
}

/// A side branch whose output counts nothing.
std::function<Value(Builder&, Value)> idle_branch(int channels, int classes) {
  return [=](Builder& net, Value x) {
    x = net.relu(net.batch_norm("norm", conv(net, "conv", x, channels)));
    const Value side = net.unary(conv(net, "side", x, channels), {.kind = UnaryKind::affine, .a = 0, .b = 0});
    return head(net, net.relu(net.batch_norm("norm2", conv(net, "conv2", net.add(x, side), channels))), classes);
  };
}

// --- faults ---

void normalise(Patient& patient, float mean, float deviation) {
  std::ranges::fill(patient.info.preprocessing.mean, mean);
  std::ranges::fill(patient.info.preprocessing.deviation, deviation);
}

void data_faults(std::vector<Row>& rows, const std::string& model, const std::string& data) {
  const std::string where = model + " on " + data + ": ";
  const auto plant = [&](const std::string& name, const std::string& expected, auto change) {
    rows.push_back({where + name, expected, [=] { return with(fresh(model, data), change); }});
  };
  plant("pixels of 0 .. 255", "input-scale", [](Patient& p) { normalise(p, 0, 1.0f / 255); });
  plant("divided by 255 twice", "input-scale", [](Patient& p) { normalise(p, 0, 255); });
  plant("mean and deviation of 0 .. 255 on pixels of 0 .. 1", "input-scale", [](Patient& p) { normalise(p, 120, 63); });
  plant("one image again and again", "constant-input", [](Patient& p) {
    std::vector<uint8_t> first;
    change_data(p,
                [&](int64_t, std::vector<uint8_t>& pixels, int&) { first.empty() ? first = pixels : pixels = first; });
  });
  plant("black images", "constant-input", [](Patient& p) {
    change_data(p, [](int64_t, std::vector<uint8_t>& pixels, int&) { std::ranges::fill(pixels, uint8_t{0}); });
  });
  plant("each image one colour", "constant-input", [](Patient& p) {
    change_data(p, [](int64_t index, std::vector<uint8_t>& pixels, int&) {
      std::ranges::fill(pixels, static_cast<uint8_t>(index * 37 % 256));
    });
  });
  plant("all labels 0", "one-label",
        [](Patient& p) { change_data(p, [](int64_t, std::vector<uint8_t>&, int& label) { label = 0; }); });
  plant("18 of 19 labels 0", "rare-classes", [](Patient& p) {
    change_data(p, [](int64_t index, std::vector<uint8_t>&, int& label) { label = index % 19 == 0 ? label : 0; });
  });
}

void trained_faults(std::vector<Row>& rows, const std::string& model, const std::string& data) {
  const std::string where = model + " trained on " + data + ": ";
  const auto plant = [&](const std::string& name, const std::string& expected, auto change) {
    rows.push_back({where + name, expected, [=] { return with(trained(model, data), change); }});
  };
  plant("classes in another order", "permuted-labels", [](Patient& p) {
    const int classes = static_cast<int>(p.info.classes.size());
    change_data(p, [&](int64_t, std::vector<uint8_t>&, int& label) { label = (label + 1) % classes; });
  });
  plant("two classes exchanged", "permuted-labels", [](Patient& p) {
    change_data(p, [](int64_t, std::vector<uint8_t>&, int& label) { label = label < 2 ? 1 - label : label; });
  });
  plant("labels shuffled", "unrelated-labels", [](Patient& p) {
    const int64_t classes = std::ssize(p.info.classes);
    Rng rng(7, "labels");
    change_data(p, [&](int64_t, std::vector<uint8_t>&, int& label) { label = static_cast<int>(rng.below(classes)); });
  });
  plant("used with pixels of 0 .. 255", "input-scale", [](Patient& p) { normalise(p, 0, 1.0f / 255); });
  plant("used with three times the deviation", "statistics-other-input", [](Patient& p) {
    for (float& x : p.info.preprocessing.deviation) x *= 3;
  });
  plant("statistics as they began", "statistics-untouched", [](Patient& p) {
    fill(p, "running_mean", 0);
    fill(p, "running_var", 1);
  });
  plant("a momentum of 0.0002", "statistics-untouched", [](Patient& p) {
    scale(p, "running_mean", 0.05f);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : p.state.tensors())
      if (name.ends_with("running_var")) names.push_back(name);
    for (const std::string& name : names)
      for (float& x : p.state.at(name).data<float>()) x = 0.05f * x + 0.95f;
  });
  plant("statistics of other weights", "statistics-stale", [](Patient& p) { scale(p, "running_var", 20); });
  plant("variances stored as deviations", "statistics-stale", [](Patient& p) { power(p, "running_var", 0.5f); });
  plant("variances stored as their inverses", "statistics-stale", [](Patient& p) { power(p, "running_var", -1); });
  plant("convolutions of 1e-5", "norm-collapsed", [](Patient& p) { scale(p, "conv1.weight", 1e-5f); });
  plant("gamma 0 in the first layer", "gamma-zero", [](Patient& p) { fill(p, "bn1.weight", 0); });
  plant("beta -10", "norm-saturated", [](Patient& p) { fill(p, "bn1.bias", -10); });
  plant("a weight is NaN", "not-finite",
        [](Patient& p) { fill(p, "conv1.weight", std::numeric_limits<float>::quiet_NaN()); });
  plant("a convolution lost", "equal-weights", [](Patient& p) { fill(p, "conv2.weight", 0); });
}

void rate_faults(std::vector<Row>& rows, const std::string& model, const std::string& data, double rate) {
  const std::string where = model + " on " + data + ": ";
  rows.push_back(
      {where + fmt::format("rate {:g}", 100 * rate), "rate-too-high", [=] { return fresh(model, data, 100 * rate); }});
  rows.push_back(
      {where + fmt::format("rate {:g}", rate / 1000), "rate-too-low", [=] { return fresh(model, data, rate / 1000); }});
}

void start_faults(std::vector<Row>& rows, const std::string& model, const std::string& data) {
  const std::string where = model + " on " + data + ": ";
  const auto plant = [&](const std::string& name, const std::string& expected, auto change) {
    rows.push_back({where + name, expected, [=] { return with(fresh(model, data), change); }});
  };
  plant("all weights 0", "equal-weights", [](Patient& p) { fill(p, "conv1.weight", 0), fill(p, "conv2.weight", 0); });
  plant("all weights 0.01", "equal-weights",
        [](Patient& p) { fill(p, "conv1.weight", 0.01f), fill(p, "conv2.weight", 0.01f); });
  plant("a last layer 100 times too large", "large-logits", [](Patient& p) { scale(p, "fc.weight", 100); });
  plant("weights so small that batch norm's epsilon counts", "norm-collapsed",
        [](Patient& p) { scale(p, "conv1.weight", 1e-4f); });
  plant("frozen backbone", "frozen-parameters", [](Patient& p) { p.recipe.freeze = {"backbone"}; });
}

void written_faults(std::vector<Row>& rows) {
  const auto softmax = [](Builder& net, Value x) { return net.softmax(x); };
  const auto relu = [](Builder& net, Value x) { return net.relu(x); };
  for (const std::string data : {"patterns", "shapes"}) {
    const int classes = data == "patterns" ? 3 : 10;
    const auto plant = [&](const std::string& name, const std::string& expected, const auto& build, auto change) {
      rows.push_back({name + " on " + data, expected, [=] { return with(written(data, build), change); }});
    };
    const auto nothing = [](Patient&) {};
    plant("residual chain with a softmax at the end", "double-softmax", behind(residual_chain(3, 8, classes), softmax),
          nothing);
    plant("plain chain with a softmax at the end", "double-softmax", behind(plain_chain(4, 8, classes), softmax),
          nothing);
    plant("residual chain with a ReLU at the end", "relu-on-logits", behind(residual_chain(3, 8, classes), relu),
          nothing);
    plant("a chain that is cut in the middle", "unused-parameters", cut_chain(6, 8, classes), nothing);
    plant("a branch times 0", "unused-parameters", idle_branch(8, classes), nothing);
    plant("biases of -10 without batch norm", "dead-relu", plain_chain(8, 8, classes),
          [](Patient& p) { fill(p, "conv3.bias", -10); });
    plant("40 plain layers, weights at 0.6", "vanishing-gradient", plain_chain(40, 8, classes),
          [](Patient& p) { scale(p, ".weight", 0.6f); });
    plant("80 plain layers, weights at 0.8", "vanishing-gradient", plain_chain(80, 8, classes),
          [](Patient& p) { scale(p, ".weight", 0.8f); });
    plant("20 plain layers, weights at 3", "exploding-gradient", plain_chain(20, 8, classes),
          [](Patient& p) { scale(p, ".weight", 3); });
    plant("8 layers of sigmoids, weights at 20", "saturated-units", sigmoid_chain(8, 8, classes),
          [](Patient& p) { scale(p, ".weight", 20); });
    plant("100 plain layers with batch norm", "exploding-gradient", plain_chain(100, 8, classes, true), nothing);
  }
}

std::vector<Row> planted() {
  std::vector<Row> rows;
  data_faults(rows, "resnet8", "shapes");
  data_faults(rows, "plain14", "patterns");
  data_faults(rows, "mlp", "patterns");
  trained_faults(rows, "resnet8", "patterns");
  trained_faults(rows, "plain14", "moving");
  for (const char* model : {"resnet8", "resnet20", "plain8"}) rate_faults(rows, model, "patterns", 0.1);
  rate_faults(rows, "resnet14", "shapes", 0.1);
  rate_faults(rows, "mlp", "patterns", 0.1);
  for (const char* data : {"shapes", "patterns"})
    rows.push_back({fmt::format("residual_mlp on {}: blocks without batch norm", data), "large-logits",
                    [=] { return fresh("residual_mlp", data); }});
  start_faults(rows, "resnet8", "shapes");
  start_faults(rows, "plain14", "patterns");
  written_faults(rows);
  rows.push_back({"plain14 trained on moving: pixels inverted", "other-form", [] {
                    Patient patient = trained("plain14", "moving");
                    change_data(patient, [](int64_t, std::vector<uint8_t>& pixels, int&) {
                      for (uint8_t& x : pixels) x = static_cast<uint8_t>(255 - x);
                    });
                    return patient;
                  }});
  rows.push_back({"mlp trained on patterns with shuffled labels", "unrelated-labels", [] {
                    const auto shuffled = [](int64_t index) {
                      return static_cast<int>(Rng(3, "label", {static_cast<uint64_t>(index)}).below(3));
                    };
                    Patient patient = after(1500, fresh("mlp", "patterns", 0.02),
                                            [&](int64_t index, int) { return shuffled(index); });
                    change_data(patient, [&](int64_t index, std::vector<uint8_t>&, int& label) {
                      label = shuffled(5000 + index);
                    });
                    return patient;
                  }});
  return rows;
}

void variants(std::vector<Row>& rows, const std::string& data) {
  const auto add = [&](const std::string& name, const std::function<void(ModelSpec&)>& change) {
    rows.push_back({fmt::format("resnet14, {}, on {}, at its start", name, data), "",
                    [=] { return fresh("resnet14", data, change); }});
  };
  add("pre-activation", [](ModelSpec& spec) { spec.preactivation = true; });
  add("gamma of the branches 0", [](ModelSpec& spec) { spec.zero_gamma = true; });
  add("shortcut C", [](ModelSpec& spec) { spec.shortcut = Shortcut::option_c; });
  add("squeeze-and-excitation", [](ModelSpec& spec) { spec.squeeze = 4; });
  add("stochastic depth", [](ModelSpec& spec) { spec.stochastic_depth = 0.3; });
  add("bottlenecks", [](ModelSpec& spec) { spec.block = BlockKind::bottleneck; });
  add("twice as wide", [](ModelSpec& spec) {
    for (int& width : spec.widths) width *= 2;
  });
}

/// As a file of another program: nobody says whether, and how long, they were trained.
void untold(std::vector<Row>& rows) {
  const auto add = [&](const std::string& name, const std::function<Patient()>& make) {
    rows.push_back({name + ", steps unknown", "", [=] { return with(make(), [](Patient& p) { p.steps = -1; }); }});
  };
  for (const std::string data : {"patterns", "shapes"}) {
    const int classes = data == "patterns" ? 3 : 10;
    add("sigmoid chain on " + data, [=] { return written(data, sigmoid_chain(3, 8, classes)); });
    add("plain chain on " + data, [=] { return written(data, plain_chain(8, 8, classes)); });
    add("plain chain with batch norm on " + data, [=] { return written(data, plain_chain(8, 8, classes, true)); });
    add("residual chain on " + data, [=] { return written(data, residual_chain(3, 8, classes)); });
    for (const char* model : {"resnet8", "plain14", "mlp"})
      add(fmt::format("{} on {}, at its start", model, data), [=] { return fresh(model, data); });
  }
  for (const char* model : {"resnet8", "mlp"})
    add(fmt::format("{} on patterns after 120 steps", model), [=] { return trained(model, "patterns"); });
  for (const char* model : {"cifar_resnet18", "resnet110", "plain56"})
    rows.push_back({fmt::format("{} on patterns at the default rate", model), "",
                    [=] { return fresh(model, "patterns", recipes().front().schedule.peak); }});
}

std::vector<Row> healthy() {
  std::vector<Row> rows;
  for (const std::string data : {"shapes", "patterns", "moving"}) {
    for (const char* model : {"resnet8", "resnet14", "resnet20", "resnet32", "plain8", "plain14", "plain20", "mlp"})
      rows.push_back({fmt::format("{} on {}, at its start", model, data), "", [=] { return fresh(model, data); }});
    variants(rows, data);
  }
  // Deep networks bear the recipe's rate behind its warm-up only.
  for (const char* model : {"resnet56", "plain56", "resnet110"})
    rows.push_back(
        {fmt::format("{} on patterns, at its start", model), "", [=] { return fresh(model, "patterns", 0.2); }});
  for (uint64_t seed = 1; seed <= 4; ++seed)
    for (const char* model : {"resnet8", "plain8", "mlp"})
      rows.push_back({fmt::format("{} on patterns, at its start, seed {}", model, seed), "",
                      [=] { return fresh(model, "patterns", 0.1, seed); }});
  for (const std::string data : {"patterns", "shapes"}) {
    const int classes = data == "patterns" ? 3 : 10;
    rows.push_back(
        {"residual chain on " + data, "", [=] { return written(data, residual_chain(4, 8, classes), 0.1); }});
    rows.push_back(
        {"plain chain without batch norm on " + data, "", [=] { return written(data, plain_chain(8, 16, classes)); }});
    rows.push_back({"plain chain of 20 with batch norm on " + data, "",
                    [=] { return written(data, plain_chain(20, 8, classes, true), 0.1); }});
  }
  untold(rows);
  for (const char* model : {"resnet8", "resnet14", "plain8", "mlp"})
    for (const int64_t steps : {20, 60, 150})
      rows.push_back({fmt::format("{} on patterns after {} steps", model, steps), "",
                      [=] { return after(steps, fresh(model, "patterns", 0.05)); }});
  for (const char* model : {"resnet8", "plain8"})
    for (const int64_t steps : {30, 300})
      rows.push_back({fmt::format("{} on shapes after {} steps", model, steps), "",
                      [=] { return after(steps, fresh(model, "shapes")); }});
  return rows;
}

TEST(DiagnoseSlow, NamesPlantedFaults) {
  std::size_t named = 0, first = 0;
  const std::vector<Row> rows = planted();
  for (const Row& row : rows) {
    const std::vector<std::string> found = found_in(row.make(), row.expected == "frozen-parameters");
    const auto at = std::ranges::find(found, row.expected);
    named += at != found.end();
    first += at == found.begin() && !found.empty();
    fmt::print("{} {:<75} {:<24} {}\n",
               at == found.end()     ? "MISSED"
               : at == found.begin() ? "named "
                                     : "also  ",
               row.name, row.expected, fmt::join(found, " "));
  }
  fmt::print("{} of {} faults named, {} as the first finding\n", named, rows.size(), first);
  EXPECT_GE(rows.size(), 30);
  EXPECT_GE(10 * named, 9 * rows.size());
  EXPECT_GE(10 * first, 9 * rows.size());
}

TEST(DiagnoseSlow, LeavesHealthyNetworksAlone) {
  std::size_t alarms = 0;
  const std::vector<Row> rows = healthy();
  for (const Row& row : rows) {
    const std::vector<std::string> found = found_in(row.make());
    alarms += !found.empty();
    fmt::print("{} {:<75} {}\n", found.empty() ? "healthy" : "ALARM  ", row.name, fmt::join(found, " "));
  }
  fmt::print("{} alarms on {} healthy networks\n", alarms, rows.size());
  EXPECT_GE(rows.size(), 50);
  EXPECT_LE(50 * alarms, rows.size());
}

}  // namespace
}  // namespace resnet::test
