#include "base/error.hpp"
#include "runtime/op_case.hpp"

namespace resnet {

std::vector<OpCase> linear_cases() {
  std::vector<OpCase> cases;
  for (const int64_t batch : {1, 3, 8, 17})
    for (const auto& [inputs, units] : {std::pair{1, 1}, {16, 16}, {5, 7}, {64, 10}, {33, 1}, {128, 100}}) {
      const std::string name = text_of(batch, "x", inputs, "x", units);
      const Operand x = data({batch, inputs}), w = parameter({units, inputs}), dy = data({batch, units});
      cases.push_back({"linear" + name, Linear{.bias = false}, {x, w}});
      cases.push_back({"linear_bias" + name, Linear{.bias = true}, {x, w, parameter({units})}});
      cases.push_back({"linear_grad_input" + name, LinearGradInput{}, {w, dy}, false});
      cases.push_back({"linear_grad_weight" + name, LinearGradWeight{}, {x, dy}, false});
    }
  for (const auto& [a, b] : {std::pair{Shape{3, 4}, Shape{4, 5}},
                             {{2, 7, 3}, {2, 3, 1}},
                             {{2, 3, 5, 16}, {2, 3, 16, 9}},
                             {{64, 48}, {48, 80}}})
    cases.push_back({text_of("matmul", a, b), MatMul{}, {data(a), data(b)}});
  for (const Shape& x : {Shape{1, 3}, Shape{17, 5}, Shape{2, 3, 1, 1}, Shape{3, 17, 5, 4}, Shape{8, 16, 16, 16}})
    cases.push_back({"sum_channels" + to_string(x), SumChannels{}, {data(x)}, false});
  return cases;
}

}  // namespace resnet
