// The state dict inside a pickle: which tensors there are, and where their elements lie.
#include "base/error.hpp"
#include "formats/pytorch.hpp"
#include "models/excerpt.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

namespace resnet {
namespace {

struct StorageType {
  std::string_view name, dtype;  // torch.FloatStorage, torch.float32
  int64_t bytes;
};
constexpr StorageType storage_types[] = {{"Float", "float32", 4},     {"Double", "float64", 8}, {"Half", "float16", 2},
                                         {"BFloat16", "bfloat16", 2}, {"Long", "int64", 8},     {"Int", "int32", 4},
                                         {"Short", "int16", 2},       {"Char", "int8", 1},      {"Byte", "uint8", 1},
                                         {"Bool", "bool", 1}};

/// The callables by which PyTorch rebuilds tensors.
constexpr std::string_view tensor_calls[] = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
                                             "torch._utils._rebuild_tensor_v3"};
constexpr std::string_view parameter_calls[] = {"torch._utils._rebuild_parameter",
                                                "torch._utils._rebuild_parameter_with_state"};

bool is_known(const std::string& global) {
  const auto is = [&](std::string_view name) { return global == name; };
  if (std::ranges::any_of(tensor_calls, is) || std::ranges::any_of(parameter_calls, is)) return true;
  if (is("collections.OrderedDict") || is("torch.Size") || is("torch.storage.UntypedStorage")) return true;
  return std::ranges::any_of(storage_types, [&](const StorageType& type) {
    return global == text_of("torch.", type.name, "Storage") ||
           global == text_of("torch.cuda.", type.name, "Storage") || global == text_of("torch.", type.dtype);
  });
}

/// Where the tensors may be, the best first.
constexpr std::string_view wrappers[] = {"state_dict_ema", "model_ema", "state_dict", "model_state_dict",
                                         "model",          "net",       "params"};

class Finder {
 public:
  Finder(const Pickle& pickle, const ReadLimits& limits) : pickle_(pickle), limits_(limits) {}

  StateDict find() {
    std::set<std::string> foreign;
    for (const PickleValue& value : pickle_.values)
      if (value.kind == PickleKind::global && !is_known(value.text)) foreign.insert(excerpt(value.text));
    for (const std::string& name : foreign) {
      if (result_.foreign.size() == most_listed) break;
      result_.foreign.push_back(name);
    }
    const PickleValue* place = &pickle_[pickle_.root];
    for (int level = 0; level < deepest && descend(place); ++level) {
    }
    collect("", *place, 0);
    if (result_.tensors.empty()) fail_without_tensors(*place);
    return std::move(result_);
  }

 private:
  static constexpr int deepest = 16;
  static constexpr std::size_t most_listed = 100;

  std::string callee(const PickleValue& value) const {
    if (value.kind != PickleKind::call) return {};
    const PickleValue& global = pickle_[value.items[0]];
    return global.kind == PickleKind::global ? global.text : "a computed function";
  }
  const PickleValue* argument(const PickleValue& call, std::size_t index) const {
    return index + 1 < call.items.size() ? &pickle_[call.items[index + 1]] : nullptr;
  }

  bool descend(const PickleValue*& place) {
    for (const std::string_view key : wrappers) {
      const PickleValue* inner = find_key(pickle_, *place, key);
      if (!inner || inner->kind != PickleKind::dict || inner->items.empty()) continue;
      describe_others(*place, key);
      result_.chosen += (result_.chosen.empty() ? "" : ".") + std::string(key);
      place = inner;
      return true;
    }
    return false;
  }

  void describe_others(const PickleValue& dict, std::string_view chosen) {
    for (std::size_t i = 0; i + 1 < dict.items.size() && result_.other.size() < most_listed; i += 2)
      if (const PickleValue& key = pickle_[dict.items[i]]; key.text != chosen)
        result_.other.push_back(text_of(key_text(key), described(pickle_[dict.items[i + 1]])));
  }

  static std::string key_text(const PickleValue& key) {
    return key.kind == PickleKind::integer ? std::to_string(key.integer) : excerpt(key.text);
  }

  std::string described(const PickleValue& value) const {
    switch (value.kind) {
      case PickleKind::none: return " = None";
      case PickleKind::boolean: return value.integer ? " = True" : " = False";
      case PickleKind::integer: return text_of(" = ", value.integer);
      case PickleKind::real: return text_of(" = ", value.real);
      case PickleKind::text: return text_of(" = '", excerpt(value.text), "'");
      case PickleKind::dict: return text_of(": ", value.items.size() / 2, " entries");
      case PickleKind::list:
      case PickleKind::tuple:
      case PickleKind::set: return text_of(": ", value.items.size(), " items");
      case PickleKind::call:
        return is_known(callee(value)) ? ": a tensor" : text_of(": made by ", excerpt(callee(value)), ", skipped");
      default: return ": skipped";
    }
  }

  void collect(const std::string& name, const PickleValue& value, int depth) {
    if (++visited_ > 16 * limits_.tensors) fail_model("its containers hold more entries than the limit allows");
    if (depth > deepest) fail_model("containers are nested too deeply, or hold themselves");
    const auto inside = [&](const std::string& key) { return name.empty() ? key : name + "." + key; };
    if (value.kind == PickleKind::dict) {
      for (std::size_t i = 0; i + 1 < value.items.size(); i += 2)
        collect(inside(key_text(pickle_[value.items[i]])), pickle_[value.items[i + 1]], depth + 1);
    } else if (value.kind == PickleKind::list || value.kind == PickleKind::tuple) {
      for (std::size_t i = 0; i < value.items.size(); ++i)
        collect(inside(std::to_string(i)), pickle_[value.items[i]], depth + 1);
    } else if (value.kind == PickleKind::call) {
      collect_call(name, value);
    } else if (result_.other.size() < most_listed) {
      result_.other.push_back(name + described(value));
    }
  }

  void collect_call(const std::string& name, const PickleValue& call) {
    const std::string global = callee(call);
    const auto is = [&](std::string_view known) { return global == known; };
    if (std::ranges::any_of(parameter_calls, is)) {
      const PickleValue* tensor = argument(call, 0);
      if (!tensor || tensor->kind != PickleKind::call || std::ranges::count(parameter_calls, callee(*tensor)))
        fail_model("'", excerpt(name), "': a parameter without a tensor");
      return collect_call(name, *tensor);
    }
    if (!std::ranges::any_of(tensor_calls, is)) return skip_foreign(name, call);
    if (result_.tensors.size() >= limits_.tensors) fail_model("more tensors than the limit of ", limits_.tensors);
    result_.tensors.push_back(with_context("tensor '" + excerpt(name) + "'", [&] { return recipe(name, call); }));
  }

  /// A bystander is skipped; what a tensor went into is not.
  void skip_foreign(const std::string& name, const PickleValue& call) {
    visited_ += 1;
    if (holds_storage(call, 0))
      fail_model("'", excerpt(name), "' depends on the foreign object ", excerpt(callee(call)),
                 ", which is not run here; save the plain tensors: torch.save(model.state_dict(), ...)");
    if (result_.other.size() < most_listed) result_.other.push_back(name + described(call));
  }

  bool holds_storage(const PickleValue& value, int depth) {
    if (++visited_ > 16 * limits_.tensors || depth > deepest) return true;
    if (value.kind == PickleKind::id) return true;
    return std::ranges::any_of(value.items, [&](PickleRef item) { return holds_storage(pickle_[item], depth + 1); });
  }

  [[noreturn]] void fail_without_tensors(const PickleValue& place) const {
    const std::string maker = callee(place);
    if (!maker.empty() && !is_known(maker))
      fail_model("holds no tensors: its content is made by the foreign object ", excerpt(maker),
                 ", which is not run here; save the plain tensors: torch.save(model.state_dict(), ...)");
    fail_model("holds no tensors", result_.foreign.empty() ? "" : ", but foreign objects such as ",
               result_.foreign.empty() ? "" : result_.foreign.front());
  }

  // --- one tensor ---

  static int64_t whole(const PickleValue* value, const char* what) {
    if (!value || value->kind != PickleKind::integer || value->integer < 0)
      fail_model(what, " is not a whole number of at least 0");
    return value->integer;
  }

  std::vector<int64_t> wholes(const PickleValue* value, const char* what) const {
    if (value && callee(*value) == "torch.Size") value = argument(*value, 0);
    if (!value || (value->kind != PickleKind::tuple && value->kind != PickleKind::list))
      fail_model(what, " is not a tuple of whole numbers");
    std::vector<int64_t> numbers;
    for (const PickleRef item : value->items) numbers.push_back(whole(&pickle_[item], what));
    return numbers;
  }

  TensorRecipe recipe(const std::string& name, const PickleValue& call) const {
    TensorRecipe recipe{.name = name, .type = {}, .storage = {}};
    const PickleValue* storage = argument(call, 0);
    if (!storage || storage->kind != PickleKind::id) {
      const std::string maker = storage ? callee(*storage) : "";
      fail_model(maker.empty() ? "has no storage" : "depends on the foreign object ", excerpt(maker),
                 maker.empty() ? "" : ", which is not run here");
    }
    recipe.offset = whole(argument(call, 1), "its offset");
    const std::vector<int64_t> extents = wholes(argument(call, 2), "its shape");
    recipe.strides = wholes(argument(call, 3), "its strides");
    if (extents.size() > Shape::max_rank || extents.size() != recipe.strides.size())
      fail_model("has ", extents.size(), " extents and ", recipe.strides.size(), " strides; at most ",
                 int{Shape::max_rank}, " of each, and equally many, are supported");
    for (const int64_t extent : extents) recipe.shape.append(extent);
    read_storage(recipe, pickle_[storage->items[0]], argument(call, 6));
    expect_inside(recipe);
    return recipe;
  }

  /// ('storage', torch.FloatStorage, key, device, elements[, view]); `dtype` is of _rebuild_tensor_v3.
  void read_storage(TensorRecipe& recipe, const PickleValue& id, const PickleValue* dtype) const {
    if (id.kind != PickleKind::tuple || id.items.size() < 5 || pickle_[id.items[0]].text != "storage")
      fail_model("has a storage of an unknown form");
    const auto item = [&](std::size_t index) -> const PickleValue& { return pickle_[id.items[index]]; };
    recipe.type = storage_name(item(1), dtype);
    recipe.storage = key_text(item(2));
    recipe.storage_elements = whole(&item(4), "the size of its storage");
    if (item(1).text == "torch.storage.UntypedStorage")
      recipe.storage_elements /= element_bytes(recipe.type, recipe.name);
    if (id.items.size() == 5 || item(5).kind == PickleKind::none) return;
    const PickleValue& view = item(5);  // (key, offset, elements): a storage that is a part of another one
    if (view.kind != PickleKind::tuple || view.items.size() != 3) fail_model("has a storage view of an unknown form");
    const int64_t begin = whole(&pickle_[view.items[1]], "the offset of its storage view");
    if (begin > recipe.storage_elements) fail_model("has a storage view outside its storage");
    if (recipe.offset > recipe.storage_elements - begin) fail_model("lies outside its storage");
    recipe.offset += begin;
  }

  static std::string storage_name(const PickleValue& global, const PickleValue* dtype) {
    std::string_view name = global.text;
    if (global.kind != PickleKind::global) fail_model("has a storage without a type");
    if (name == "torch.storage.UntypedStorage" && dtype && dtype->kind == PickleKind::global)
      for (const StorageType& type : storage_types)
        if (dtype->text == text_of("torch.", type.dtype)) return std::string(type.name);
    for (const std::string_view prefix : {"torch.cuda.", "torch."})
      if (name.starts_with(prefix) && name.ends_with("Storage"))
        return std::string(name.substr(prefix.size(), name.size() - prefix.size() - 7));
    fail_model("depends on the foreign object ", excerpt(name), ", which is not run here");
  }

  static void expect_inside(const TensorRecipe& recipe) {
    constexpr int64_t most = std::numeric_limits<int64_t>::max();
    int64_t elements = 1, last = recipe.offset;
    for (const int64_t extent : recipe.shape) {
      if (extent > 0 && elements > most / extent) fail_model("its shape ", recipe.shape, " overflows");
      elements *= extent;
    }
    if (elements == 0) return;
    for (int axis = 0; axis < recipe.shape.rank(); ++axis) {
      const int64_t steps = recipe.shape[axis] - 1, stride = recipe.strides[static_cast<std::size_t>(axis)];
      if (steps > 0 && stride > (most - last) / steps) fail_model("its strides overflow");
      last += steps * stride;
    }
    if (last >= recipe.storage_elements)
      fail_model("of shape ", recipe.shape, " reaches element ", last, " of a storage of ", recipe.storage_elements);
  }

  const Pickle& pickle_;
  const ReadLimits& limits_;
  StateDict result_;
  uint64_t visited_ = 0;
};

}  // namespace

StateDict find_state_dict(const Pickle& pickle, const ReadLimits& limits) { return Finder(pickle, limits).find(); }

int64_t element_bytes(const std::string& type, const std::string& tensor) {
  for (const StorageType& known : storage_types)
    if (known.name == type) return known.bytes;
  fail_model("tensor '", excerpt(tensor), "' has elements of type ", excerpt(type), ", which is not supported");
}

}  // namespace resnet
