// A spec as the JSON object that model files hold.
#include "base/error.hpp"
#include "models/excerpt.hpp"
#include "models/names.hpp"
#include "models/written_out_json.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace resnet {
namespace {

using Json = nlohmann::json;

constexpr std::size_t max_json_length = 1 << 22;  // of a network that is written out

/// Calls see(key, member) for each field of the JSON object.
template <class See>
void for_each_field(See see) {
  see("name", &ModelSpec::name);
  see("family", &ModelSpec::family);
  see("input", &ModelSpec::input);
  see("classes", &ModelSpec::classes);
  see("stem", &ModelSpec::stem);
  see("stem_width", &ModelSpec::stem_width);
  see("block", &ModelSpec::block);
  see("blocks", &ModelSpec::blocks);
  see("dropout", &ModelSpec::dropout);
  see("widths", &ModelSpec::widths);
  see("preactivation", &ModelSpec::preactivation);
  see("shortcut", &ModelSpec::shortcut);
  see("projection", &ModelSpec::projection);
  see("stride_at", &ModelSpec::stride_at);
  see("zero_channels", &ModelSpec::zero_channels);
  see("groups", &ModelSpec::groups);
  see("group_width", &ModelSpec::group_width);
  see("squeeze", &ModelSpec::squeeze);
  see("stochastic_depth", &ModelSpec::stochastic_depth);
  see("zero_gamma", &ModelSpec::zero_gamma);
  see("activation", &ModelSpec::activation);
  see("shortcut_scale", &ModelSpec::shortcut_scale);
  see("branch_scale", &ModelSpec::branch_scale);
  see("gate", &ModelSpec::gate);
  see("gate_bias", &ModelSpec::gate_bias);
  see("shortcut_dropout", &ModelSpec::shortcut_dropout);
  see("growth", &ModelSpec::growth);
  see("compression", &ModelSpec::compression);
  see("width", &ModelSpec::width);
  see("depth", &ModelSpec::depth);
  see("relu_output", &ModelSpec::relu_output);
}

Json written(const std::string& text) { return text; }
Json written(int number) { return number; }
Json written(double number) { return number; }
Json written(bool flag) { return flag; }
Json written(const std::vector<int>& numbers) { return numbers; }
Json written(const ImageSize& size) { return {size.channels, size.height, size.width}; }
template <class Enum>
requires std::is_enum_v<Enum> Json written(Enum value) { return name_of(value); }

void read(const Json& json, std::string& text) {
  if (!json.is_string()) fail_model("expected a string, got ", excerpt(json.dump()));
  text = json.get<std::string>();
}
void read(const Json& json, bool& flag) {
  if (!json.is_boolean()) fail_model("expected true or false, got ", excerpt(json.dump()));
  flag = json.get<bool>();
}
void read(const Json& json, int& number) {
  constexpr int64_t limit = 1'000'000'000;
  const bool small = json.is_number_unsigned() ? json.get<uint64_t>() <= uint64_t{limit}
                                               : json.is_number_integer() && json.get<int64_t>() >= -limit;
  if (!small) fail_model("expected a whole number, got ", excerpt(json.dump()));
  number = json.get<int>();
}
void read(const Json& json, double& number) {
  if (!json.is_number()) fail_model("expected a number, got ", excerpt(json.dump()));
  number = json.get<double>();
}
void read(const Json& json, std::vector<int>& numbers) {
  if (!json.is_array()) fail_model("expected a list of whole numbers, got ", excerpt(json.dump()));
  numbers.clear();
  for (const Json& item : json) read(item, numbers.emplace_back());
}
void read(const Json& json, ImageSize& size) {
  std::vector<int> extents;
  read(json, extents);
  if (extents.size() != 3) fail_model("expected channels, height and width, got ", excerpt(json.dump()));
  size = {extents[0], extents[1], extents[2]};
}
template <class Enum>
requires std::is_enum_v<Enum>
void read(const Json& json, Enum& value) {
  std::string name;
  read(json, name);
  const auto& names = names_of(value);
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    fail_model("expected one of ", fmt::format("{}", fmt::join(names, ", ")), ", got ", excerpt(name));
  value = static_cast<Enum>(found - names.begin());
}

/// Files written before the stem was a field of its own call the family of residual networks after it.
void modernise(Json& object) {
  const auto family = object.find("family");
  if (family == object.end()) return;
  const auto rename = [&](const char* old, Stem stem) {
    if (*family != old) return false;
    *family = name_of(Family::resnet);
    object.emplace("stem", name_of(stem));
    return true;
  };
  if (!rename("cifar", Stem::conv3x3)) rename("imagenet", Stem::conv7x7);
}

}  // namespace

std::string to_json_text(const ModelSpec& spec) {
  Json object = Json::object();
  for_each_field([&](const char* key, auto member) { object[key] = written(spec.*member); });
  if (spec.family == Family::written_out) object["layers"] = to_json(spec.written);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ModelSpec spec_from_json(const std::string& text) {
  if (text.size() > max_json_length) fail_model("model structure: longer than ", max_json_length, " bytes");
  Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) fail_model("model structure: expected a JSON object, got ", excerpt(text));
  modernise(object);
  ModelSpec spec;
  for_each_field([&](const char* key, auto member) {
    const auto found = object.find(key);
    if (found == object.end()) return;
    with_context(text_of("model structure: ", key), [&] { read(*found, spec.*member); });
    object.erase(found);
  });
  if (const auto layers = object.find("layers"); layers != object.end()) {
    with_context("model structure", [&] { spec.written = written_out_from(*layers); });
    object.erase(layers);
  }
  if (!object.empty())
    fail_model("model structure: unknown field '", excerpt(object.begin().key()), "'; written by a newer version?");
  check(spec);
  return spec;
}

}  // namespace resnet
