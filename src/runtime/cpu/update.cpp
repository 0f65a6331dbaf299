// The optimizer's step, in place on the state.
#include "runtime/cpu/lowering.hpp"

namespace resnet::cpu {

void lower(const Sgd& op, const Node& node, Lowering& to) {
  const Buffer w = to.read(node.inputs[0]), dw = to.read(node.inputs[1]), v = to.read(node.inputs[2]);
  const Buffer rate = to.read(node.inputs[3]);
  const Buffer next_w = to.write_next(node.outputs[0]), next_v = to.write_next(node.outputs[1]);
  const int64_t count = to.shape(node.inputs[0]).elements();
  const int tasks = tasks_for(count, count);
  to.add(node, "own", {w, dw, v, rate}, {next_w, next_v}, tasks,
         [=, kernels = &to.kernels](const Memory& memory, int task, int) {
           const Range range = part_of(count, tasks, task);
           const float scaled = memory.at<float>(rate)[0] * op.rate_scale;
           kernels->sgd(op, scaled, memory.at<float>(w) + range.begin, memory.at<float>(dw) + range.begin,
                        memory.at<float>(v) + range.begin, memory.at<float>(next_w) + range.begin,
                        memory.at<float>(next_v) + range.begin, range.size());
         });
}

}  // namespace resnet::cpu
