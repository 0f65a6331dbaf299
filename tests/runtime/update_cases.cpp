#include "runtime/op_case.hpp"

namespace resnet {

std::vector<OpCase> update_cases() {
  std::vector<OpCase> cases;
  for (const Shape& shape : {Shape{1}, Shape{17}, Shape{16, 3, 3, 3}, Shape{10, 64}, Shape{64, 64, 3, 3}}) {
    const std::vector<Operand> operands = {state(ValueKind::parameter, shape), data(shape),
                                           state(ValueKind::momentum, shape), data({1}, Draw::positive)};
    const std::string name = to_string(shape);
    cases.push_back({"sgd" + name, Sgd{.momentum = 0}, operands, false});
    cases.push_back({"sgd_momentum" + name, Sgd{}, operands, false});
    cases.push_back({"sgd_decay" + name, Sgd{.weight_decay = 5e-4f, .rate_scale = 2}, operands, false});
    cases.push_back({"sgd_nesterov" + name, Sgd{.weight_decay = 0.1f, .nesterov = true}, operands, false});
  }
  for (const int64_t channels : {1, 7, 16, 100})
    for (const double correction : {1.0, 8.0 / 7.0})
      cases.push_back({"running" + std::to_string(channels),
                       UpdateRunning{.momentum = 0.1f, .correction = correction},
                       {state(ValueKind::statistic, {channels}), data({channels}, Draw::positive)},
                       false});
  return cases;
}

}  // namespace resnet
