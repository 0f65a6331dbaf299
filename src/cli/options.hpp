// How verbs declare their options, so that all of them check values, word their errors and read the environment alike.
#pragma once

#include "base/error.hpp"
#include "data/views.hpp"
#include "formats/open_model.hpp"
#include "graph/passes.hpp"
#include "models/model.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet::cli {

/// "loader-threads" -> "RESNET_LOADER_THREADS", the variable that stands for --loader-threads.
std::string environment_name(const std::string& option);

/// `text` as a number in [low, high]. Error (CLI::ValidationError): names the option and what was expected.
int64_t whole_number(const std::string& option, const std::string& text, int64_t low, int64_t high);
double real_number(const std::string& option, const std::string& text);

/// A whole number in [low, high]. T: an integer or an optional one.
template <class T>
CLI::Option* add_whole(CLI::App& app, const std::string& name, T& target, int64_t low, int64_t high,
                       const std::string& help) {
  const auto store = [&target, name, low, high](const std::string& text) {
    if constexpr (std::is_arithmetic_v<T>)
      target = static_cast<T>(whole_number(name, text, low, high));
    else
      target = static_cast<typename T::value_type>(whole_number(name, text, low, high));
  };
  return app.add_option_function<std::string>(name, store, help)->type_name("N");
}

/// T: double or an optional one.
template <class T>
CLI::Option* add_real(CLI::App& app, const std::string& name, T& target, const std::string& help) {
  const auto store = [&target, name](const std::string& text) { target = real_number(name, text); };
  return app.add_option_function<std::string>(name, store, help)->type_name("X");
}

/// A part of a whole: 0.01 or 1%, between 0 and 1.
CLI::Option* add_part(CLI::App& app, const std::string& name, double& target, const std::string& help);

/// One of `names`; another word is answered with the nearest.
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::string& target, std::vector<std::string> names,
                        const std::string& help);

CLI::Option* add_yes_no(CLI::App& app, const std::string& name, std::optional<bool>& target, const std::string& help);

// Options that several verbs share.
CLI::Option* add_json(CLI::App& app, bool& json);
CLI::Option* add_threads(CLI::App& app, int& threads);
CLI::Option* add_seed(CLI::App& app, uint64_t& seed);
/// --shortcut, --stride-at, --width, --depth, --dropout, ...: variants of a model of the zoo.
void add_model_options(CLI::App& app, ModelOptions& options);

/// --mean, --std and --size, and --model unless the verb has its own: what a foreign file does not say.
void add_open_options(CLI::App& app, OpenOptions& options, bool with_model = true);

/// --crops, --scales and --flip.
void add_view_options(CLI::App& app, Views& views);

/// --precision fp32|bf16|auto
void add_precision(CLI::App& app, std::string& precision);
/// --memory normal|low
void add_memory(CLI::App& app, std::string& memory);

}  // namespace resnet::cli
