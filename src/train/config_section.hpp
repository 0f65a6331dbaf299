// A table of config.toml, read key by key: what is missing, of another type or unknown is named.
#pragma once

#include "base/error.hpp"

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet {

/// A table of which every key must be asked for.
class Section {
 public:
  Section(const toml::table& root, std::string name) : name_(std::move(name)), table_(root[name_].as_table()) {
    if (!table_) fail_data("expected a table [", name_, "]");
  }

  template <class T>
  T get(const std::string& key, std::string_view expected) {
    asked_.insert(key);
    const toml::node* node = table_->get(key);
    if (!node) fail_data("[", name_, "] has no '", key, "'");
    const std::optional<T> value = node->value<T>();
    if (!value) fail_data("[", name_, "] ", key, ": expected ", expected);
    return *value;
  }
  std::string text(const std::string& key) { return get<std::string>(key, "a string"); }
  int64_t integer(const std::string& key) { return get<int64_t>(key, "an integer"); }
  int small(const std::string& key) {
    const int64_t value = integer(key);
    if (value < 0 || value > 1'000'000) fail_data("[", name_, "] ", key, ": expected 0 to 1000000, got ", value);
    return static_cast<int>(value);
  }
  double number(const std::string& key) { return get<double>(key, "a number"); }
  bool flag(const std::string& key) { return get<bool>(key, "true or false"); }
  bool has(const std::string& key) const { return table_->contains(key); }
  std::vector<double> numbers(const std::string& key, std::size_t count) {
    std::vector<double> values = numbers(key);
    if (values.size() != count) fail_data("[", name_, "] ", key, ": expected ", count, " numbers, got ", values.size());
    return values;
  }
  std::vector<double> numbers(const std::string& key) { return list<double>(key, "a list of numbers"); }
  std::vector<std::string> texts(const std::string& key) { return list<std::string>(key, "a list of texts"); }

  void expect_no_more() const {
    for (const auto& [key, value] : *table_)
      if (!asked_.contains(std::string(key.str()))) fail_data("[", name_, "] has the unknown key '", key.str(), "'");
  }

 private:
  template <class T>
  std::vector<T> list(const std::string& key, std::string_view expected) {
    asked_.insert(key);
    const toml::node* node = table_->get(key);
    if (!node || !node->is_array()) fail_data("[", name_, "] ", key, ": expected ", expected);
    std::vector<T> values;
    for (const toml::node& item : *node->as_array()) {
      const std::optional<T> value = item.value<T>();
      if (!value) fail_data("[", name_, "] ", key, ": expected ", expected);
      values.push_back(*value);
    }
    return values;
  }

  std::string name_;
  const toml::table* table_;
  std::set<std::string> asked_;
};

}  // namespace resnet
