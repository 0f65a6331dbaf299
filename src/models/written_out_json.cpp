#include "models/written_out_json.hpp"

#include "base/error.hpp"
#include "graph/op_functions.hpp"
#include "models/excerpt.hpp"

#include <cmath>
#include <limits>

namespace resnet {
namespace {

using Json = nlohmann::json;

/// The op `Known` itself, or a constant one.
template <class O, class Known>
concept Is = std::is_same_v<std::remove_const_t<O>, Known>;

// --- the attributes of each op: see(key, member) ---
template <Is<Conv> O, class See>
void fields(O& op, See see) {
  see("window", op.window), see("groups", op.groups), see("bias", op.bias);
}
template <Is<BatchNormInference> O, class See>
void fields(O& op, See see) {
  see("epsilon", op.epsilon);
}
template <Is<Unary> O, class See>
void fields(O& op, See see) {
  see("kind", op.kind), see("a", op.a), see("b", op.b);
}
template <Is<Binary> O, class See>
void fields(O& op, See see) {
  see("kind", op.kind);
}
template <Is<Dropout> O, class See>
void fields(O& op, See see) {
  see("probability", op.probability), see("per_image", op.per_image), see("rescale", op.rescale);
}
template <Is<Reshape> O, class See>
void fields(O& op, See see) {
  see("shape", op.shape);
}
template <Is<Broadcast> O, class See>
void fields(O& op, See see) {
  see("shape", op.shape);
}
template <Is<Slice> O, class See>
void fields(O& op, See see) {
  see("begin", op.begin), see("end", op.end);
}
template <Is<Subsample> O, class See>
void fields(O& op, See see) {
  see("stride", op.stride), see("before", op.before), see("after", op.after);
}
template <Is<Transpose> O, class See>
void fields(O& op, See see) {
  see("order", op.order);
}
template <Is<Reduce> O, class See>
void fields(O& op, See see) {
  see("shape", op.shape), see("mean", op.mean);
}
template <Is<StridedSlice> O, class See>
void fields(O& op, See see) {
  see("begin", op.begin), see("step", op.step), see("shape", op.shape);
}
template <Is<Pad> O, class See>
void fields(O& op, See see) {
  see("begin", op.begin), see("step", op.step), see("shape", op.shape), see("value", op.value);
}
template <Is<MaxPool> O, class See>
void fields(O& op, See see) {
  see("window", op.window), see("ceil_mode", op.ceil_mode);
}
template <Is<AveragePool> O, class See>
void fields(O& op, See see) {
  see("window", op.window), see("ceil_mode", op.ceil_mode), see("count_include_pad", op.count_include_pad);
}
template <Is<Linear> O, class See>
void fields(O& op, See see) {
  see("bias", op.bias);
}
template <Is<Softmax> O, class See>
void fields(O& op, See see) {
  see("log", op.log);
}

/// The ops without attributes.
template <class O>
constexpr bool is_bare = std::is_same_v<O, ScaleChannels> || std::is_same_v<O, Concat> || std::is_same_v<O, MatMul> ||
                         std::is_same_v<O, GlobalAveragePool> || std::is_same_v<O, StopGradient>;
template <class O, class See>
requires is_bare<std::remove_const_t<O>>
void fields(O&, See) {}

template <class O>
concept Writable = requires(O& op) {
  fields(op, [](const char*, auto&) {});
};

/// One of each op that a list may hold.
const std::vector<Op>& writable_ops() {
  static const std::vector<Op> ops = {Conv{},          BatchNormInference{},
                                      Unary{},         Binary{},
                                      ScaleChannels{}, Dropout{},
                                      Reshape{},       Broadcast{},
                                      Concat{},        Slice{},
                                      Subsample{},     Transpose{},
                                      Reduce{},        StridedSlice{},
                                      Pad{},           MaxPool{},
                                      AveragePool{},   GlobalAveragePool{},
                                      Linear{},        MatMul{},
                                      Softmax{},       StopGradient{}};
  return ops;
}

// --- values ---
Json written(int64_t number) { return number; }
Json written(int number) { return number; }
Json written(bool flag) { return flag; }
Json written(double number) { return number; }
Json written(float number) { return static_cast<double>(number); }
Json written(UnaryKind kind) { return static_cast<int>(kind); }
Json written(BinaryKind kind) { return static_cast<int>(kind); }
Json written(const Shape& shape) { return std::vector<int64_t>(shape.begin(), shape.end()); }
Json written(const Window& v) {
  return std::vector<int>{v.kernel_h, v.kernel_w,   v.stride_h,  v.stride_w,   v.pad_top,
                          v.pad_left, v.pad_bottom, v.pad_right, v.dilation_h, v.dilation_w};
}

int64_t whole(const Json& json, int64_t least, int64_t most) {
  const bool integer = json.is_number_integer() && (!json.is_number_unsigned() || json.get<uint64_t>() <= 1ull << 62);
  const int64_t number = integer ? json.get<int64_t>() : least - 1;
  if (number < least || number > most)
    fail_model("expected a whole number between ", least, " and ", most, ", got ", excerpt(json.dump()));
  return number;
}
constexpr int64_t most_extent = int64_t{1} << 31;

void read(const Json& json, int64_t& number) { number = whole(json, -most_extent, most_extent); }
void read(const Json& json, int& number) { number = static_cast<int>(whole(json, -(1 << 20), 1 << 20)); }
void read(const Json& json, bool& flag) {
  if (!json.is_boolean()) fail_model("expected true or false, got ", excerpt(json.dump()));
  flag = json.get<bool>();
}
void read(const Json& json, double& number) {
  if (!json.is_number() || !std::isfinite(json.get<double>()))
    fail_model("expected a number, got ", excerpt(json.dump()));
  number = json.get<double>();
}
void read(const Json& json, float& number) {
  double wide = 0;
  read(json, wide);
  if (std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max()))
    fail_model("a number beyond float, ", wide);
  number = static_cast<float>(wide);
}
void read(const Json& json, UnaryKind& kind) { kind = static_cast<UnaryKind>(whole(json, 0, 4)); }
void read(const Json& json, BinaryKind& kind) { kind = static_cast<BinaryKind>(whole(json, 0, 3)); }
void read(const Json& json, Shape& shape) {
  if (!json.is_array() || json.size() > Shape::max_rank)
    fail_model("expected a short list, got ", excerpt(json.dump()));
  shape = {};
  for (const Json& item : json) shape.append(whole(item, -most_extent, most_extent));
}
void read(const Json& json, Window& v) {
  int* const members[] = {&v.kernel_h, &v.kernel_w,   &v.stride_h,  &v.stride_w,   &v.pad_top,
                          &v.pad_left, &v.pad_bottom, &v.pad_right, &v.dilation_h, &v.dilation_w};
  if (!json.is_array() || json.size() != std::size(members))
    fail_model("expected a window, got ", excerpt(json.dump()));
  for (std::size_t i = 0; i < std::size(members); ++i) *members[i] = static_cast<int>(whole(json[i], 0, 1 << 20));
}
std::string text(const Json& json) {
  if (!json.is_string()) fail_model("expected a text, got ", excerpt(json.dump()));
  return json.get<std::string>();
}

const Json& list(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) fail_model("'", key, "' is not a list");
  return *found;
}

}  // namespace

Json attributes_of(const Op& op) {
  return std::visit(
      []<class O>(const O& known) -> Json {
        if constexpr (Writable<const O>) {
          Json object = Json::object();
          fields(known, [&](const char* key, const auto& member) { object[key] = written(member); });
          return object;
        } else {
          fail_model("the op ", name_of(known), " cannot be written as a layer");
        }
      },
      op);
}

Op op_from(const std::string& name, const Json& attributes) {
  for (Op op : writable_ops()) {
    if (name_of(op) != name) continue;
    std::visit(
        [&]<class O>(O& known) {
          if constexpr (Writable<O>)
            fields(known, [&](const char* key, auto& member) {
              const auto found = attributes.find(key);
              if (found != attributes.end()) with_context(key, [&] { read(*found, member); });
            });
        },
        op);
    return op;
  }
  fail_model("unknown op '", excerpt(name), "'; written by a newer version?");
}

Json to_json(const WrittenOut& network) {
  Json states = Json::array(), layers = Json::array();
  for (const WrittenOut::State& state : network.states)
    states.push_back({state.name, written(state.shape), state.trained});
  for (const WrittenOut::Layer& layer : network.layers)
    layers.push_back({layer.name, name_of(layer.op), layer.inputs, attributes_of(layer.op)});
  return {{"states", states}, {"layers", layers}, {"logits", network.logits}};
}

WrittenOut written_out_from(const Json& json) {
  if (!json.is_object()) fail_model("expected an object, got ", excerpt(json.dump()));
  WrittenOut network;
  for (const Json& item : list(json, "states")) {
    if (!item.is_array() || item.size() != 3) fail_model("a state is not [name, shape, trained]");
    WrittenOut::State& state = network.states.emplace_back();
    state.name = text(item[0]);
    read(item[1], state.shape);
    read(item[2], state.trained);
  }
  for (const Json& item : list(json, "layers")) {
    if (!item.is_array() || item.size() != 4 || !item[2].is_array() || !item[3].is_object())
      fail_model("a layer is not [name, op, inputs, attributes]");
    WrittenOut::Layer& layer = network.layers.emplace_back();
    layer.name = text(item[0]);
    with_context("layer '" + excerpt(layer.name) + "'", [&] {
      layer.op = op_from(text(item[1]), item[3]);
      for (const Json& input : item[2]) layer.inputs.push_back(static_cast<int>(whole(input, 0, 1 << 24)));
    });
  }
  if (json.contains("logits")) network.logits = static_cast<int>(whole(json["logits"], 0, 1 << 24));
  return network;
}

bool operator==(const WrittenOut& a, const WrittenOut& b) {
  return (a.empty() && b.empty()) || to_json(a) == to_json(b);
}

}  // namespace resnet
