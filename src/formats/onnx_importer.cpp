// The import of one file: what names stand for, and which operator is whose business.
#include "formats/onnx_importer.hpp"

#include "base/error.hpp"
#include "models/excerpt.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace resnet::onnx {

const std::map<std::string, Importer::Handler, std::less<>>& Importer::handlers() {
  static const std::map<std::string, Handler, std::less<>> table = {
      {"Add", &Importer::add},
      {"AveragePool", &Importer::average_pool},
      {"BatchNormalization", &Importer::batch_normalization},
      {"Cast", &Importer::cast},
      {"Clip", &Importer::clip},
      {"Concat", &Importer::concat},
      {"Constant", &Importer::constant_node},
      {"ConstantOfShape", &Importer::constant_of_shape},
      {"Conv", &Importer::conv},
      {"Div", &Importer::divide},
      {"Dropout", &Importer::dropout},
      {"Expand", &Importer::expand},
      {"Flatten", &Importer::flatten},
      {"Gather", &Importer::gather},
      {"Gemm", &Importer::gemm},
      {"GlobalAveragePool", &Importer::global_average_pool},
      {"GlobalMaxPool", &Importer::global_max_pool},
      {"Identity", &Importer::identity},
      {"LeakyRelu", &Importer::leaky_relu},
      {"LogSoftmax", &Importer::log_softmax},
      {"MatMul", &Importer::matmul},
      {"MaxPool", &Importer::max_pool},
      {"Mul", &Importer::multiply},
      {"Pad", &Importer::pad},
      {"ReduceMean", &Importer::reduce_mean},
      {"ReduceSum", &Importer::reduce_sum},
      {"Relu", &Importer::relu},
      {"Reshape", &Importer::reshape},
      {"Shape", &Importer::shape_node},
      {"Sigmoid", &Importer::sigmoid},
      {"Slice", &Importer::slice},
      {"Softmax", &Importer::softmax},
      {"Squeeze", &Importer::squeeze},
      {"Sub", &Importer::subtract},
      {"Sum", &Importer::sum},
      {"Transpose", &Importer::transpose},
      {"Unsqueeze", &Importer::unsqueeze},
  };
  return table;
}

std::vector<std::string> supported_operators() {
  std::vector<std::string> names;
  for (const auto& [name, handler] : Importer::handlers()) names.push_back(name);
  return names;
}

ImportedGraph Importer::run(const std::map<std::string, Shape>& input_shapes) {
  if (model_.opset < 6 || model_.opset > 25)
    fail_model("opset ", model_.opset, " is not in 6 .. 25; convert the file, or export it again with opset 17");
  for (const auto& [name, tensor] : model_.initializers)
    operands_[name] = {
        .constant = std::shared_ptr<const Tensor>(std::shared_ptr<void>(), &tensor), .value = {}, .name = name};
  for (const Port& port : model_.inputs) {
    const auto found = input_shapes.find(port.name);
    if (found == input_shapes.end()) fail_model("the input '", excerpt(port.name), "' has no shape");
    if (port.element_type != type_float)
      fail_model("the input '", excerpt(port.name),
                 "' is not of type float32; export the network without its "
                 "preprocessing, with float images as input");
    operands_[port.name] = {
        .constant = {},
        .value = result_.graph.add_input(options_.whole_network ? "images" : port.name, found->second),
        .name = port.name};
  }
  for (const Node& node : model_.nodes) with_context(name_of(node), [&] { import(node); });
  for (const Port& port : model_.outputs)
    result_.graph.add_output((options_.whole_network ? "output/" : "") + port.name,
                             value_of(operands_.at(port.name), ValueKind::statistic));
  return std::move(result_);
}

void Importer::import(const Node& node) {
  if (node.outputs.empty() || node.outputs[0].empty()) fail_model("has no output");
  if (!node.domain.empty() && node.domain != "ai.onnx")
    fail_model("operators of the domain '", excerpt(node.domain), "' are not supported; export with the standard ones");
  const auto handler = handlers().find(node.type);
  if (handler == handlers().end())
    fail_model(
        "the operator is not supported; export the network for inference with opset 17, let a simplifier fold "
        "it, or cut it off the network. Supported: ",
        fmt::format("{}", fmt::join(supported_operators(), ", ")));
  try {
    (this->*handler->second)(node);
  } catch (const Error& error) {
    fail_model(error.what());  // what the graph refuses is the file's fault
  }
}

const Operand& Importer::operand(const Node& node, std::size_t index) const {
  if (!has(node, index)) fail_model("has no input ", index);
  const auto found = operands_.find(node.inputs[index]);
  if (found == operands_.end())
    fail_model("reads '", excerpt(node.inputs[index]), "', a second output, which is not kept");
  return found->second;
}

Shape Importer::shape_of(const Operand& operand) const {
  return operand.constant ? operand.constant->shape() : shape(operand.value);
}

/// Free of the names that graphs and files give a meaning to.
std::string Importer::state_name(const std::string& name) {
  constexpr std::string_view taken[] = {"images",     "labels", "targets",       "learning_rate",
                                        "random_key", "loss",   "probabilities", "logits"};
  std::string fresh = name;
  for (char& c : fresh)
    if (c == '/') c = '.';
  while (std::ranges::count(taken, fresh) || names_.contains(fresh) || fresh.ends_with(".num_batches_tracked") ||
         result_.graph.find(fresh))
    fresh += "_";
  names_.insert(fresh);
  return fresh;
}

Value Importer::value_of(const Operand& operand, ValueKind kind) {
  if (!operand.constant) return operand.value;
  if (!is_floating(operand.constant->dtype()))
    fail_model("'", excerpt(operand.name), "' holds integers where the network computes; only float32 is supported");
  return changed_parameter(
      operand, "", operand.constant->shape(), [&] { return *operand.constant; }, kind);
}

Value Importer::changed_parameter(const Operand& operand, const std::string& change, const Shape& shape,
                                  const std::function<Tensor()>& make, ValueKind kind) {
  const std::string key = text_of(operand.name, change, shape, static_cast<int>(kind));
  if (const auto known = states_.find(key); known != states_.end()) return known->second;
  const std::string name = state_name(operand.name);
  const Value state = result_.graph.add_state(kind, name, shape);
  result_.state.set(name, convert(make(), DType::f32));
  return states_[key] = state;
}

const Tensor& Importer::constant(const Node& node, std::size_t index, const char* what) const {
  const Operand& found = operand(node, index);
  if (!found.constant)
    fail_model(what, " is computed from the images; only constant ones are supported (fold them with a simplifier)");
  return *found.constant;
}

std::vector<int64_t> Importer::integers(const Node& node, std::size_t index, const char* what) const {
  return integers_of(constant(node, index, what), what);
}

const Attribute* Importer::find(const Node& node, std::string_view name) {
  const auto found = std::ranges::find(node.attributes, name, &Attribute::name);
  return found == node.attributes.end() ? nullptr : &*found;
}
int64_t Importer::integer(const Node& node, std::string_view name, int64_t otherwise) {
  const Attribute* attribute = find(node, name);
  return attribute ? attribute->integer : otherwise;
}
float Importer::real(const Node& node, std::string_view name, float otherwise) {
  const Attribute* attribute = find(node, name);
  return attribute ? attribute->real : otherwise;
}
std::string Importer::text(const Node& node, std::string_view name, const std::string& otherwise) {
  const Attribute* attribute = find(node, name);
  return attribute ? attribute->text : otherwise;
}
std::vector<int64_t> Importer::list(const Node& node, std::string_view name, std::vector<int64_t> otherwise) {
  const Attribute* attribute = find(node, name);
  return attribute ? attribute->integers : otherwise;
}

std::optional<std::vector<int64_t>> Importer::axes(const Node& node, int64_t since, std::size_t input) const {
  if (model_.opset < since) {
    if (const Attribute* attribute = find(node, "axes")) return attribute->integers;
    return std::nullopt;
  }
  if (!has(node, input)) return std::nullopt;
  return integers(node, input, "the list of axes");
}

int Importer::axis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) fail_model("axis ", axis, " of a value with ", rank, " axes");
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Value Importer::emit(const Node& node, Op op, std::vector<Value> inputs, const char* part) {
  const std::string name = node.name.empty() ? node.outputs.at(0) : node.name;
  const Value y = result_.graph.add_node(name + part, std::move(op), std::move(inputs))[0];
  double elements = 1;
  constexpr double most = 1u << 31;  // far above any network's; a hostile file may ask for more than the memory
  for (const int64_t extent : shape(y)) elements *= static_cast<double>(extent);
  if (elements > most) fail_model("a value of ", shape(y), " is too large");
  return y;
}

void Importer::define(const Node& node, Value value) {
  operands_[node.outputs.at(0)] = {.constant = {}, .value = value, .name = node.outputs.at(0)};
}
void Importer::define(const Node& node, Tensor tensor) {
  constexpr uint64_t most = uint64_t{1} << 28;  // far above any chain of shapes
  folded_bytes_ += tensor.bytes().size();
  if (folded_bytes_ > most) fail_model("its constants need more than ", most, " bytes");
  operands_[node.outputs.at(0)] = {
      .constant = std::make_shared<const Tensor>(std::move(tensor)), .value = {}, .name = node.outputs.at(0)};
}

Value Importer::reshaped(const Node& node, Value x, const Shape& shape_wanted, const char* part) {
  if (shape(x) == shape_wanted) return x;
  if (const int producer = result_.graph[x].producer; producer >= 0) {
    const resnet::Node& before = result_.graph.nodes()[static_cast<std::size_t>(producer)];
    if (std::holds_alternative<Reshape>(before.op) && shape(before.inputs[0]) == shape_wanted) return before.inputs[0];
  }
  return emit(node, Reshape{shape_wanted}, {x}, part);
}

Value Importer::transposed(const Node& node, Value x, const std::vector<int>& order, const char* part) {
  Shape axes;
  for (const int axis : order) axes.append(axis);
  return std::ranges::is_sorted(order) ? x : emit(node, Transpose{axes}, {x}, part);
}

Value Importer::broadcast(const Node& node, Value x, const Shape& wanted, const char* part) {
  Shape same_rank;
  for (int missing = wanted.rank() - shape(x).rank(); missing > 0; --missing) same_rank.append(1);
  for (const int64_t extent : shape(x)) same_rank.append(extent);
  const std::string reshape = std::string(part) + ".reshape";
  const Value y = reshaped(node, x, same_rank, reshape.c_str());
  return shape(y) == wanted ? y : emit(node, Broadcast{wanted}, {y}, part);
}

std::vector<int64_t> integers_of(const Tensor& tensor, const char* what) {
  if (is_floating(tensor.dtype()) || tensor.dtype() == DType::u8) fail_model(what, " are not integers");
  const Tensor wide = tensor.dtype() == DType::i64 ? tensor : convert(tensor, DType::i64);
  const std::span<const int64_t> numbers = wide.data<int64_t>();
  return {numbers.begin(), numbers.end()};
}

Tensor tensor_of(const std::vector<int64_t>& numbers) {
  Tensor tensor(Shape{static_cast<int64_t>(numbers.size())}, DType::i64);
  std::ranges::copy(numbers, tensor.data<int64_t>().begin());
  return tensor;
}

Shape broadcast_shape(const Shape& a, const Shape& b) {
  const Shape &longer = a.rank() >= b.rank() ? a : b, &shorter = a.rank() >= b.rank() ? b : a;
  Shape result = longer;
  const int missing = longer.rank() - shorter.rank();
  for (int axis = missing; axis < longer.rank(); ++axis) {
    const int64_t extent = shorter[axis - missing];
    if (result[axis] == 1)
      result[axis] = extent;
    else if (extent != 1 && extent != result[axis])
      fail_model(a, " and ", b, " cannot be combined element by element");
  }
  return result;
}

ImportedGraph import_graph(const Model& model, const std::map<std::string, Shape>& inputs,
                           const ImportOptions& options) {
  return Importer(model, options).run(inputs);
}

}  // namespace resnet::onnx
