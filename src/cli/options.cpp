#include "cli/options.hpp"

#include "base/nearest.hpp"
#include "base/parallel.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <sstream>

namespace resnet::cli {

std::string environment_name(const std::string& option) {
  std::string name = "RESNET_";
  for (const char c : option) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

int64_t whole_number(const std::string& option, const std::string& text, int64_t low, int64_t high) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    const bool bounded = high < std::numeric_limits<int64_t>::max();
    throw CLI::ValidationError(option, text_of("expected a whole number ", bounded ? "between " : "of at least ", low,
                                               bounded ? text_of(" and ", high) : "", ", got '", text, "'"));
  }
  return value;
}

double real_number(const std::string& option, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw CLI::ValidationError(option, text_of("expected a number, got '", text, "'"));
  return value;
}

CLI::Option* add_part(CLI::App& app, const std::string& name, double& target, const std::string& help) {
  const auto store = [&target, name](const std::string& text) {
    const bool percent = text.ends_with('%');
    target = real_number(name, percent ? text.substr(0, text.size() - 1) : text) / (percent ? 100 : 1);
    if (!(target >= 0 && target <= 1))
      throw CLI::ValidationError(name, text_of("expected a part between 0 and 1 (or 0% and 100%), got '", text, "'"));
  };
  return app.add_option_function<std::string>(name, store, help)->type_name("X");
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target, std::vector<std::string> names,
                        const std::string& help) {
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : "|") + known;
  const auto store = [&target, name, names = std::move(names), list](const std::string& text) {
    if (std::ranges::find(names, text) == names.end())
      throw CLI::ValidationError(name, text_of("expected ", list, ", got '", text, "'", did_you_mean(text, names)));
    target = text;
  };
  return app.add_option_function<std::string>(name, store, help)->type_name(list);
}

CLI::Option* add_yes_no(CLI::App& app, const std::string& name, std::optional<bool>& target, const std::string& help) {
  const auto store = [&target, name](const std::string& text) {
    if (text != "yes" && text != "no")
      throw CLI::ValidationError(name, text_of("expected yes or no, got '", text, "'"));
    target = text == "yes";
  };
  return app.add_option_function<std::string>(name, store, help)->type_name("yes|no");
}

CLI::Option* add_json(CLI::App& app, bool& json) {
  return app.add_flag("--json", json, "print the result as one JSON value");
}

CLI::Option* add_threads(CLI::App& app, int& threads) {
  return add_whole(app, "--threads", threads, 0, 1024,
                   "threads; 0: one for each core, of which no more compute. No result depends on it");
}

CLI::Option* add_seed(CLI::App& app, uint64_t& seed) {
  return add_whole(app, "--seed", seed, 0, std::numeric_limits<int64_t>::max(),
                   text_of("seed of everything that is random (", seed, ")"));
}

void add_model_options(CLI::App& app, ModelOptions& options) {
  app.add_option_function<std::string>(
         "--shortcut", [&options](const std::string& text) { options.shortcut = shortcut_from_name(text); },
         "shortcuts of a residual network: A identity and zero channels, B 1x1 convolution where the shape changes, "
         "C everywhere")
      ->type_name("A|B|C");
  app.add_option_function<std::string>(
         "--stride-at", [&options](const std::string& text) { options.stride_at = stride_at_from_name(text); },
         "which convolution of a bottleneck has the stride: conv1x1 as in the paper, conv3x3 as in torchvision")
      ->type_name("conv3x3|conv1x1");
  add_whole(app, "--width", options.width, 1, 1 << 20, "units of a layer (fully connected models)");
  add_whole(app, "--depth", options.depth, 1, 1 << 20, "layers or blocks (fully connected models)");
  add_real(app, "--dropout", options.dropout, "probability inside the blocks of Wide ResNets and DenseNets");
  add_real(app, "--stochastic-depth", options.stochastic_depth,
           "probability of leaving out the last residual block in a step; earlier ones are left out less");
  app.add_flag_function(
      "--zero-gamma", [&options](int64_t count) { options.zero_gamma = count > 0; },
      "each residual block starts as its shortcut");
}

namespace {

/// "0.485,0.456,0.406"
std::vector<float> real_numbers(const std::string& option, const std::string& text) {
  std::vector<float> numbers;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');)
    numbers.push_back(static_cast<float>(real_number(option, part)));
  return numbers;
}

/// "224" or "224x320": height, then width.
ImageSize image_size(const std::string& option, const std::string& text) {
  const std::size_t cross = text.find('x');
  const auto side = [&](const std::string& part) { return static_cast<int>(whole_number(option, part, 1, 1 << 14)); };
  const int height = side(text.substr(0, cross));
  return {0, height, cross == std::string::npos ? height : side(text.substr(cross + 1))};
}

}  // namespace

void add_open_options(CLI::App& app, OpenOptions& options, bool with_model) {
  if (with_model)
    app.add_option(
           "--model", options.model,
           "architecture of a file that holds weights alone: a name that `resnet models` lists, or a file of the "
           "same structure; by default the only one that fits")
        ->type_name("NAME|FILE");
  const auto list = [&app](const char* name, std::vector<float>& target, const char* help) {
    app.add_option_function<std::string>(
           name, [&target, name](const std::string& text) { target = real_numbers(name, text); }, help)
        ->type_name("X,X,X");
  };
  list("--mean", options.mean, "of each channel, pixels from 0 to 1; for files that do not say it");
  list("--std", options.deviation, "deviation of each channel, as --mean");
  app.add_option_function<std::string>(
         "--size", [&options](const std::string& text) { options.size = image_size("--size", text); },
         "height and width of the images, 224 or 224x320; for files that do not say it")
      ->type_name("N|HxW");
}

void add_view_options(CLI::App& app, Views& views) {
  add_whole(app, "--crops", views.crops, 1, 10,
            "1: the centre; 10: four corners and the centre, and the same mirrored, averaged");
  app.add_option_function<std::string>(
         "--scales",
         [&views](const std::string& text) {
           views.scales.clear();
           std::istringstream parts(text);
           for (std::string part; std::getline(parts, part, ',');)
             views.scales.push_back(static_cast<int>(whole_number("--scales", part, 8, 4096)));
         },
         "whole images instead of crops, at these shorter sides, as in 224,256,384,480,640; scores are averaged over "
         "positions and scales")
      ->type_name("N,N,...");
  app.add_flag("--flip", views.flip, "each view mirrored as well, averaged");
}

void add_precision(CLI::App& app, std::string& precision) {
  add_choice(app, "--precision", precision, {"fp32", "bf16", "auto"},
             "of images between layers and their gradients; auto: bf16 where the processor is faster with it (" +
                 precision + ")");
}

void add_memory(CLI::App& app, std::string& memory) {
  add_choice(app, "--memory", memory, {"normal", "low"},
             "low computes batch norms and ReLUs again in the backward pass: less memory, some time, the same bits (" +
                 memory + ")");
}

}  // namespace resnet::cli
