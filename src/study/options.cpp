#include "study/options.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace resnet {
namespace {

template <class T>
bool read_number(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

int64_t whole_number(const std::string& text, int64_t low, int64_t high) {
  int64_t value = 0;
  if (!read_number(text, value) || value < low || value > high)
    fail_usage("expected a whole number between ", low, " and ", high, ", got '", text, "'");
  return value;
}

double real_number(const std::string& text, double low, double high) {
  double value = 0;
  if (!read_number(text, value) || !(value >= low && value <= high))
    fail_usage("expected a number between ", low, " and ", high, ", got '", text, "'");
  return value;
}

std::vector<int64_t> whole_numbers(const std::string& text, int64_t low, int64_t high) {
  std::vector<int64_t> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    values.push_back(whole_number(text.substr(begin, end - begin), low, high));
    begin = end + 1;
  }
  return values;
}

std::string toml_text(const std::string& text) {
  try {
    return nlohmann::json(text).dump();  // a JSON string is a TOML string
  } catch (const nlohmann::json::exception&) {
    fail_usage("'", text, "' is not UTF-8 text and cannot be stored in config.toml; rename it");
  }
}

std::string shell_quoted(const std::string& text) {
  if (!text.empty() && text.find_first_of(" \t\n'\"\\$&|;<>()*?[]#~!`{}") == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

void StudyOptions::add(StudyOption option) {
  option.initial = option.text();
  list_.push_back(std::move(option));
}

void StudyOptions::whole(const std::string& name, int64_t& target, int64_t low, int64_t high, const std::string& help) {
  add({.name = name,
       .type = "N",
       .help = help,
       .set = [&target, low, high](const std::string& text) { target = whole_number(text, low, high); },
       .text = [&target] { return fmt::format("{}", target); },
       .number = true,
       .initial = {}});
}

void StudyOptions::real(const std::string& name, double& target, double low, double high, const std::string& help) {
  add({.name = name,
       .type = "X",
       .help = help,
       .set = [&target, low, high](const std::string& text) { target = real_number(text, low, high); },
       .text = [&target] { return fmt::format("{}", target); },
       .number = true,
       .initial = {}});
}

void StudyOptions::wholes(const std::string& name, std::vector<int64_t>& target, int64_t low, int64_t high,
                          const std::string& help) {
  add({.name = name,
       .type = "N,N,...",
       .help = help,
       .set = [&target, low, high](const std::string& text) { target = whole_numbers(text, low, high); },
       .text = [&target] { return fmt::format("{}", fmt::join(target, ",")); },
       .number = false,
       .initial = {}});
}

void StudyOptions::text(const std::string& name, std::string& target, const std::string& type,
                        const std::string& help) {
  add({.name = name,
       .type = type,
       .help = help,
       .set = [&target](const std::string& text) { target = text; },
       .text = [&target] { return target; },
       .number = false,
       .initial = {}});
}

void StudyOptions::choice(const std::string& name, std::string& target, std::vector<std::string> words,
                          const std::string& help) {
  const std::string all = fmt::format("{}", fmt::join(words, "|"));
  const auto set = [&target, words = std::move(words), all](const std::string& text) {
    if (std::ranges::find(words, text) == words.end())
      fail_usage("expected ", all, ", got '", text, "'", did_you_mean(text, words));
    target = text;
  };
  add({.name = name,
       .type = all,
       .help = help,
       .set = set,
       .text = [&target] { return target; },
       .number = false,
       .initial = {}});
}

void StudyOptions::expect_consistent() const {
  for (const auto& check : checks_) check();
}

std::string StudyOptions::to_toml(std::string_view study) const {
  std::string toml = fmt::format("format = 1\nstudy = \"{}\"\nseed = {}\n\n[options]\n", study, seed);
  for (const StudyOption& option : list_)
    toml += fmt::format("{} = {}\n", option.name.substr(2), option.number ? option.text() : toml_text(option.text()));
  return toml;
}

std::string StudyOptions::changes(uint64_t first_seed) const {
  std::string words = seed == first_seed ? "" : fmt::format(" --seed {}", seed);
  for (const StudyOption& option : list_)
    if (option.text() != option.initial) words += " " + option.name + " " + shell_quoted(option.text());
  return words.empty() ? words : words.substr(1);
}

std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream lines_a(a), lines_b(b);
  for (;;) {
    std::string line_a, line_b;
    const bool more_a = bool(std::getline(lines_a, line_a)), more_b = bool(std::getline(lines_b, line_b));
    if (line_a != line_b || more_a != more_b) return {line_a, line_b};
    if (!more_a) return {};
  }
}

}  // namespace resnet
