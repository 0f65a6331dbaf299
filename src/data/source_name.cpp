#include "data/source_name.hpp"

#include "base/error.hpp"
#include "base/nearest.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace resnet {
namespace {

constexpr std::string_view prefix = "builtin:";

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
      const std::string hint = did_you_mean(option, known_);
      fail_usage(prefix, name_, ": unknown option '", option, "'", hint.empty() ? "; it takes " : hint + " It takes ",
                 list);
    }
}

}  // namespace resnet
