// What makes a spec valid, its words, and its JSON form.
#include "base/error.hpp"
#include "models/excerpt.hpp"
#include "models/model.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace resnet {
namespace {

constexpr std::array<std::string_view, 3> family_names = {"cifar", "imagenet", "fully_connected"};
constexpr std::array<std::string_view, 2> block_names = {"basic", "bottleneck"};
constexpr std::array<std::string_view, 4> shortcut_names = {"none", "A", "B", "C"};
constexpr std::array<std::string_view, 2> stride_names = {"conv3x3", "conv1x1"};
constexpr std::array<std::string_view, 2> zero_names = {"around", "after"};

constexpr const auto& names_of(Family) { return family_names; }
constexpr const auto& names_of(BlockKind) { return block_names; }
constexpr const auto& names_of(Shortcut) { return shortcut_names; }
constexpr const auto& names_of(StrideAt) { return stride_names; }
constexpr const auto& names_of(ZeroChannels) { return zero_names; }

// Far above any network in use, far below what makes sizes overflow. A file may claim anything within them: building
// the graph takes memory by the number of blocks only.
constexpr int max_name_length = 200, max_classes = 1'000'000, max_channels = 1 << 16, max_image_size = 1 << 14;
constexpr int max_stages = 8, max_blocks_per_stage = 1000, max_depth = 10'000;
constexpr std::size_t max_json_length = 1 << 16;

/// Calls see(key, member) for each field of the spec's JSON object.
template <class Spec, class See>
void for_each_field(Spec& spec, See see) {
  see("name", spec.name);
  see("family", spec.family);
  see("input", spec.input);
  see("classes", spec.classes);
  see("shortcut", spec.shortcut);
  see("block", spec.block);
  see("blocks", spec.blocks);
  see("widths", spec.widths);
  see("stride_at", spec.stride_at);
  see("zero_channels", spec.zero_channels);
  see("width", spec.width);
  see("depth", spec.depth);
  see("relu_output", spec.relu_output);
}

nlohmann::json written(const std::string& text) { return text; }
nlohmann::json written(int number) { return number; }
nlohmann::json written(bool flag) { return flag; }
nlohmann::json written(const std::vector<int>& numbers) { return numbers; }
nlohmann::json written(const ImageSize& size) { return {size.channels, size.height, size.width}; }
template <class Enum>
requires std::is_enum_v<Enum> nlohmann::json written(Enum value) { return name_of(value); }

void read(const nlohmann::json& json, std::string& text) {
  if (!json.is_string()) fail_model("expected a string, got ", excerpt(json.dump()));
  text = json.get<std::string>();
}
void read(const nlohmann::json& json, bool& flag) {
  if (!json.is_boolean()) fail_model("expected true or false, got ", excerpt(json.dump()));
  flag = json.get<bool>();
}
void read(const nlohmann::json& json, int& number) {
  constexpr int64_t limit = 1'000'000'000;
  const bool small = json.is_number_unsigned() ? json.get<uint64_t>() <= uint64_t{limit}
                                               : json.is_number_integer() && json.get<int64_t>() >= -limit;
  if (!small) fail_model("expected a whole number, got ", excerpt(json.dump()));
  number = json.get<int>();
}
void read(const nlohmann::json& json, std::vector<int>& numbers) {
  if (!json.is_array()) fail_model("expected a list of whole numbers, got ", excerpt(json.dump()));
  numbers.clear();
  for (const nlohmann::json& item : json) read(item, numbers.emplace_back());
}
void read(const nlohmann::json& json, ImageSize& size) {
  std::vector<int> extents;
  read(json, extents);
  if (extents.size() != 3) fail_model("expected channels, height and width, got ", excerpt(json.dump()));
  size = {extents[0], extents[1], extents[2]};
}
template <class Enum>
requires std::is_enum_v<Enum>
void read(const nlohmann::json& json, Enum& value) {
  std::string name;
  read(json, name);
  const auto& names = names_of(value);
  const auto found = std::ranges::find(names, name);
  if (found == names.end())
    fail_model("expected one of ", fmt::format("{}", fmt::join(names, ", ")), ", got ", excerpt(name));
  value = static_cast<Enum>(found - names.begin());
}

template <class Enum>
Enum from_option(std::string_view name, std::string_view what) {
  const auto& names = names_of(Enum{});
  const auto equal = [&](std::string_view other) {
    return std::ranges::equal(
        name, other, {}, [](unsigned char c) { return std::tolower(c); },
        [](unsigned char c) { return std::tolower(c); });
  };
  const auto found = std::ranges::find_if(names, equal);
  if (found == names.end())
    fail_usage("unknown ", what, " '", name, "': expected one of ", fmt::format("{}", fmt::join(names, ", ")));
  return static_cast<Enum>(found - names.begin());
}

bool within(int value, int low, int high) { return value >= low && value <= high; }

std::string problem_of_layers(const ModelSpec& spec) {
  if (!within(spec.width, 1, max_channels)) return text_of("width ", spec.width, " is not in 1 .. ", max_channels);
  if (!within(spec.depth, 1, max_depth)) return text_of("depth ", spec.depth, " is not in 1 .. ", max_depth);
  if (spec.shortcut == Shortcut::option_b || spec.shortcut == Shortcut::option_c)
    return "a fully connected network has no projection shortcuts: use none or A";
  return {};
}

std::string problem_of_stages(const ModelSpec& spec) {
  if (spec.blocks.empty() || spec.blocks.size() > max_stages || spec.blocks.size() != spec.widths.size())
    return text_of("expected 1 to ", max_stages, " stages with blocks and widths each, got ", spec.blocks.size(),
                   " and ", spec.widths.size());
  for (const int blocks : spec.blocks)
    if (!within(blocks, 1, max_blocks_per_stage))
      return text_of(blocks, " blocks in a stage are not in 1 .. ", max_blocks_per_stage);
  for (const int width : spec.widths)
    if (!within(width, 1, max_channels)) return text_of("width ", width, " is not in 1 .. ", max_channels);
  if (spec.shortcut == Shortcut::option_a && !std::ranges::is_sorted(spec.widths))
    return "shortcut A can only add channels, but the widths fall";
  return {};
}

/// Why the spec cannot be built; empty if it can.
std::string problem_of(const ModelSpec& spec) {
  const ImageSize& input = spec.input;
  if (spec.name.size() > max_name_length) return text_of("the name is longer than ", max_name_length, " bytes");
  if (!within(spec.classes, 1, max_classes)) return text_of(spec.classes, " classes are not in 1 .. ", max_classes);
  if (!within(input.channels, 1, max_channels) || !within(input.height, 1, max_image_size) ||
      !within(input.width, 1, max_image_size))
    return text_of("an input of ", input.channels, "x", input.height, "x", input.width, " is not in 1x1x1 .. ",
                   max_channels, "x", max_image_size, "x", max_image_size);
  return spec.family == Family::fully_connected ? problem_of_layers(spec) : problem_of_stages(spec);
}

}  // namespace

std::string_view name_of(Family family) { return family_names[static_cast<std::size_t>(family)]; }
std::string_view name_of(BlockKind block) { return block_names[static_cast<std::size_t>(block)]; }
std::string_view name_of(Shortcut shortcut) { return shortcut_names[static_cast<std::size_t>(shortcut)]; }
std::string_view name_of(StrideAt stride_at) { return stride_names[static_cast<std::size_t>(stride_at)]; }
std::string_view name_of(ZeroChannels zero) { return zero_names[static_cast<std::size_t>(zero)]; }

Shortcut shortcut_from_name(std::string_view name) { return from_option<Shortcut>(name, "shortcut"); }
StrideAt stride_at_from_name(std::string_view name) { return from_option<StrideAt>(name, "place of the stride"); }

void check(const ModelSpec& spec) {
  if (const std::string problem = problem_of(spec); !problem.empty())
    fail_model("model '", excerpt(spec.name), "': ", problem);
}

std::string describe(const ModelSpec& spec) {
  const std::string input = text_of("input ", spec.input.channels, "x", spec.input.height, "x", spec.input.width);
  const std::string ends = text_of(input, ", ", spec.classes, " classes");
  if (spec.family == Family::fully_connected)
    return text_of(spec.residual() ? "residual" : "plain", ", fully connected, ", spec.depth,
                   spec.residual() ? " blocks of two layers" : " layers", " of width ", spec.width, ", ", ends);
  const std::string shortcut = spec.residual() ? text_of("shortcut ", name_of(spec.shortcut), ", ") : "";
  const bool early = spec.block == BlockKind::bottleneck && spec.stride_at == StrideAt::conv1x1;
  return fmt::format("{}, {} blocks {} of {} channels, {}{}{}", spec.residual() ? "residual" : "plain",
                     name_of(spec.block), fmt::join(spec.blocks, "-"), fmt::join(spec.widths, "-"), shortcut,
                     early ? "stride on the first 1x1, " : "", ends);
}

std::string to_json_text(const ModelSpec& spec) {
  nlohmann::json object = nlohmann::json::object();
  for_each_field(spec, [&](const char* key, const auto& member) { object[key] = written(member); });
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

ModelSpec spec_from_json(const std::string& text) {
  if (text.size() > max_json_length) fail_model("model structure: longer than ", max_json_length, " bytes");
  nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) fail_model("model structure: expected a JSON object, got ", excerpt(text));
  ModelSpec spec;
  for_each_field(spec, [&](const char* key, auto& member) {
    const auto found = object.find(key);
    if (found == object.end()) return;
    with_context(text_of("model structure: ", key), [&] { read(*found, member); });
    object.erase(found);
  });
  if (!object.empty())
    fail_model("model structure: unknown field '", excerpt(object.begin().key()), "'; written by a newer version?");
  check(spec);
  return spec;
}

}  // namespace resnet
