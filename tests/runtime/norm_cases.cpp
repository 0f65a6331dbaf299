#include "base/error.hpp"
#include "runtime/op_case.hpp"

namespace resnet {

std::vector<OpCase> norm_cases() {
  const struct {
    const char* name;
    Shape x;
    Draw draw = Draw::normal;
    bool small = true;  // few enough values to stay clear of the ReLU's kink
  } rows[] = {
      {"one_value_per_image", {3, 5, 1, 1}},
      {"one_channel", {2, 1, 3, 4}},
      {"batch_1", {1, 3, 4, 4}},
      {"features", {6, 7}},
      {"features_16", {5, 16}},
      {"odd", {3, 7, 3, 3}},
      {"offset", {3, 4, 3, 3}, Draw::offset},
      {"batch_8", {8, 16, 5, 5}, Draw::normal, false},
      {"batch_17", {17, 33, 3, 5}, Draw::normal, false},
      {"large", {16, 24, 20, 20}, Draw::normal, false},
  };
  std::vector<OpCase> cases;
  for (const auto& row : rows)
    for (const bool relu : {false, true}) {
      const Shape c{row.x.c()};
      const std::string name = text_of(row.name, relu ? "_relu" : "");
      const Operand x = data(row.x, row.draw), gamma = parameter(c), beta = parameter(c);
      const Operand mean = state(ValueKind::statistic, c, row.draw);
      const Operand var = state(ValueKind::statistic, c, Draw::positive);
      if (row.small || !relu) {
        cases.push_back({"train_" + name, BatchNorm{.relu = relu}, {x, gamma, beta}});
        cases.push_back({"infer_" + name, BatchNormInference{.relu = relu}, {x, gamma, beta, mean, var}});
      }
      const std::vector<Operand> gradient = {x, data(row.x), gamma, beta, constant(c), constant(c, Draw::positive)};
      if (row.draw == Draw::offset) continue;
      cases.push_back({"train_grad_" + name, BatchNormGrad{.relu = relu}, gradient, false});
      cases.push_back({"infer_grad_" + name, BatchNormInferenceGrad{.relu = relu}, gradient, false});
    }
  cases.push_back({"epsilon", BatchNorm{.epsilon = 0.1f}, {data({3, 2, 2, 2}), parameter({2}), parameter({2})}});
  return cases;
}

}  // namespace resnet
