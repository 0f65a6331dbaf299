#include "runtime/cpu/absorb.hpp"

#include "runtime/cpu/amx/kernels.hpp"

#include <variant>

namespace resnet::cpu {
namespace {

struct Sum {
  const Node* node = nullptr;
  Value other = {};
  bool relu = false;
};

/// Only AMX's kernels take what would change bits: a sum in bf16 is rounded once there, and not twice. Of a row-major
/// value it is not known whether it is there already.
bool may_absorb(Value value, Layout layout, const Lowering& to) {
  return layout == Layout::batch_inner || (layout == Layout::blocked && to[value].dtype == DType::f32);
}

/// The addition that alone reads `value`, if its other summand lies in `layout`.
Sum sole_sum(Value value, Layout layout, const Lowering& to) {
  const Node* reader = to.sole_reader(value);
  const Binary* sum = reader ? std::get_if<Binary>(&reader->op) : nullptr;
  if (!sum || sum->kind != BinaryKind::add) return {};
  const Value other = reader->inputs[reader->inputs[0] == value ? 1 : 0];
  if (to.layout(other) != layout) return {};
  return {reader, other, sum->relu};
}

}  // namespace

NormTarget absorb_residual(Value y, bool relu, Layout layout, Lowering& to) {
  if (relu || !may_absorb(y, layout, to)) return {y, {}, relu};
  const Sum sum = sole_sum(y, layout, to);
  if (!sum.node) return {y};
  to.absorb(*sum.node);
  return {sum.node->outputs[0], to.read(sum.other, layout), sum.relu};
}

std::optional<PooledResult> absorb_max_pool(Value y, bool relu, Layout layout, Lowering& to) {
  const Node* reader = to.sole_reader(y);
  const MaxPool* pooling = reader ? std::get_if<MaxPool>(&reader->op) : nullptr;
  if (!pooling) return std::nullopt;
  const Value pooled = reader->outputs[0];
  const PoolSizes sizes = pool_sizes(to.shape(y), to.shape(pooled), pooling->window, to.planes(y, layout).pixel);
  if (layout == Layout::batch_inner && !(relu && amx::can_normalise_and_pool(sizes))) return std::nullopt;
  to.absorb(*reader);
  return PooledResult{sizes, to.write(pooled, layout), to.write(reader->outputs[1], layout)};
}

GradientTarget absorb_gradient(Value dx, Layout layout, Lowering& to) {
  GradientTarget target{dx};
  if (!may_absorb(dx, layout, to)) return target;
  if (const Sum sum = sole_sum(dx, layout, to); sum.node && !sum.relu) {
    target = {sum.node->outputs[0], to.read(sum.other, layout)};
    to.absorb(*sum.node);
  }
  const Node* reader = to.sole_reader(target.dx);
  const UnaryGrad* gradient = reader ? std::get_if<UnaryGrad>(&reader->op) : nullptr;
  if (gradient && gradient->kind == UnaryKind::relu && reader->inputs[1] == target.dx &&
      to.layout(reader->inputs[0]) == layout) {
    target.dx = reader->outputs[0];
    target.mask = to.read(reader->inputs[0], layout);
    to.absorb(*reader);
  }
  return target;
}

}  // namespace resnet::cpu
