#include "runtime/op_case.hpp"

namespace resnet {

std::vector<OpCase> loss_cases() {
  std::vector<OpCase> cases;
  for (const Shape& x : {Shape{1, 2}, Shape{3, 10}, Shape{8, 16}, Shape{17, 101}}) {
    const std::string name = to_string(x);
    const Operand logits = data(x), p = data(x, Draw::probabilities), q = constant(x, Draw::probabilities);
    cases.push_back({"softmax" + name, Softmax{}, {logits}});
    cases.push_back({"softmax_grad" + name, SoftmaxGrad{}, {p, data(x)}, false});
    cases.push_back({"log_softmax" + name, Softmax{.log = true}, {logits}});
    cases.push_back({"log_softmax_grad" + name, SoftmaxGrad{.log = true}, {data(x), data(x)}, false});
    for (const float smoothing : {0.0f, 0.1f}) {
      const std::string smooth = name + (smoothing > 0 ? "_smooth" : "");
      const CrossEntropy loss{smoothing};
      const CrossEntropyGrad gradient{smoothing};
      cases.push_back({"labels" + smooth, loss, {logits, labels(x.n(), x.c())}});
      cases.push_back({"soft" + smooth, loss, {logits, q}});
      cases.push_back({"soft_any_sum" + smooth, loss, {logits, constant(x, Draw::positive)}});
      cases.push_back({"labels_grad" + smooth, gradient, {p, labels(x.n(), x.c()), data({1})}, false});
      cases.push_back({"soft_grad" + smooth, gradient, {p, q, data({1})}, false});
    }
  }
  cases.push_back({"large_logits", CrossEntropy{}, {data({3, 5}, Draw::offset), labels(3, 5)}});
  return cases;
}

}  // namespace resnet
