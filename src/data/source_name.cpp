#include "data/source_name.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string_view>
#include <utility>

namespace resnet {
namespace {

constexpr std::string_view prefix = "builtin:";

// Levenshtein's distance, one row at a time.
std::size_t changes_between(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

SourceName::SourceName(const std::string& spec) {
  const std::size_t question = std::min(spec.find('?'), spec.size());
  name_ = spec.substr(prefix.size(), question - prefix.size());
  for (std::size_t at = question + 1; at < spec.size();) {
    const std::size_t end = std::min(spec.find('&', at), spec.size());
    const std::string option = spec.substr(at, end - at);
    const std::size_t equals = option.find('=');
    if (equals == std::string::npos || equals + 1 == option.size())
      fail_usage(spec, ": option '", option, "' has no value, expected for example ", prefix, name_, "?seed=1");
    if (!options_.emplace(option.substr(0, equals), option.substr(equals + 1)).second)
      fail_usage(spec, ": option '", option.substr(0, equals), "' is given twice");
    at = end + 1;
  }
}

template <class T>
void SourceName::take_number(const std::string& option, const char* kind, T& value) {
  known_.push_back(option);
  const auto found = options_.find(option);
  if (found == options_.end()) return;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    fail_usage(prefix, name_, ": ", option, " is '", text, "', expected ", kind);
}

void SourceName::take(const std::string& option, int& value) { take_number(option, "a whole number", value); }
void SourceName::take(const std::string& option, int64_t& value) { take_number(option, "a whole number", value); }
void SourceName::take(const std::string& option, uint64_t& value) {
  take_number(option, "a whole number from 0", value);
}
void SourceName::take(const std::string& option, double& value) { take_number(option, "a number", value); }

void SourceName::finish() const {
  for (const auto& [option, value] : options_)
    if (std::find(known_.begin(), known_.end(), option) == known_.end()) {
      std::string list;
      for (const std::string& known : known_) list += (list.empty() ? "" : ", ") + known;
      fail_usage(prefix, name_, ": unknown option '", option, "'; did you mean '", nearest(option, known_),
                 "'? It takes ", list);
    }
}

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  return *std::min_element(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return changes_between(word, a) < changes_between(word, b);
  });
}

}  // namespace resnet
