// The optimizer's step.
#include "runtime/reference/lowering.hpp"

namespace resnet::reference {

// g = dw + weight_decay w; v' = momentum v + g; w' = w - rate (nesterov ? g + momentum v' : v').
// w' may be w itself, and v' v.
void lower(const Sgd& op, const Node& node, Lowering& to) {
  const int64_t count = to.shape(node.inputs[0]).elements();
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    const T momentum = static_cast<T>(op.momentum), decay = static_cast<T>(op.weight_decay);
    const T rate = at.in(3)[0] * static_cast<T>(op.rate_scale);
    const T *w = at.in(0), *dw = at.in(1), *v = at.in(2);
    T *w_next = at.out(0), *v_next = at.out(1);
    for (int64_t i = 0; i < count; ++i) {
      const T g = dw[i] + decay * w[i];
      const T velocity = momentum * v[i] + g;
      v_next[i] = velocity;
      w_next[i] = w[i] - rate * (op.nesterov ? g + momentum * velocity : velocity);
    }
  });
}

}  // namespace resnet::reference
