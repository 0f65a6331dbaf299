#include "base/error.hpp"
#include "runtime/op_case.hpp"

#include <string>

namespace resnet {
namespace {

void add_unary(std::vector<OpCase>& cases) {
  const std::pair<const char*, Unary> kinds[] = {
      {"relu", {.kind = UnaryKind::relu}},
      {"leaky_relu", {.kind = UnaryKind::leaky_relu, .a = 0.1f}},
      {"relu6", {.kind = UnaryKind::clip, .a = 0, .b = 0.5f}},
      {"clip", {.kind = UnaryKind::clip, .a = -0.3f, .b = 0.4f}},
      {"sigmoid", {.kind = UnaryKind::sigmoid}},
      {"affine", {.kind = UnaryKind::affine, .a = -1.5f, .b = 0.25f}},
  };
  const Shape shapes[] = {{1, 1, 1, 1}, {3, 5, 3, 7}, {2, 17}, {8, 16, 4, 4}, {16, 8, 24, 24}};
  for (const auto& [name, op] : kinds)
    for (const Shape& shape : shapes) {
      const std::string row = text_of(name, shape);
      cases.push_back({row, op, {data(shape, Draw::spaced)}});
      cases.push_back({row + "_grad",
                       UnaryGrad{op.kind, op.a, op.b},
                       {data(shape, op.kind == UnaryKind::sigmoid ? Draw::positive : Draw::spaced), data(shape)},
                       false});
    }
}

void add_binary(std::vector<OpCase>& cases) {
  const std::pair<const char*, BinaryKind> kinds[] = {{"add", BinaryKind::add},
                                                      {"subtract", BinaryKind::subtract},
                                                      {"multiply", BinaryKind::multiply},
                                                      {"divide", BinaryKind::divide}};
  const Shape shapes[] = {{1}, {3, 5, 3, 7}, {2, 17}, {8, 16, 4, 4}, {16, 8, 24, 24}};
  for (const auto& [name, kind] : kinds)
    for (const Shape& shape : shapes) {
      const bool sum = kind == BinaryKind::add || kind == BinaryKind::subtract;
      const std::vector<Operand> operands = {data(shape, Draw::spaced), data(shape, sum ? Draw::even : Draw::positive)};
      cases.push_back({text_of(name, shape), Binary{.kind = kind}, operands});
      if (sum) cases.push_back({text_of(name, shape) + "_relu", Binary{.kind = kind, .relu = true}, operands});
    }
}

void add_dropout(std::vector<OpCase>& cases) {
  for (const Shape& shape : {Shape{1, 3, 4, 4}, Shape{17, 5}, Shape{8, 16, 3, 3}})
    for (const float probability : {0.1f, 0.5f})
      for (const bool per_image : {false, true})
        for (const bool rescale : {false, true}) {
          const Dropout op{probability, per_image, rescale, 7};
          const std::string name = text_of("dropout", shape, cases.size());
          cases.push_back({name, op, {data(shape), random_key()}});
        }
}

}  // namespace

std::vector<OpCase> pointwise_cases() {
  std::vector<OpCase> cases;
  add_unary(cases);
  add_binary(cases);
  add_dropout(cases);
  for (const Shape& x : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 4}, Shape{3, 17, 7, 7}, Shape{8, 16, 4, 4}}) {
    const Shape s{x.n(), x.c()};
    cases.push_back({"scale_channels" + to_string(x), ScaleChannels{}, {data(x), data(s)}});
    cases.push_back({"channel_dot" + to_string(x), ChannelDot{}, {data(x), data(x)}, false});
  }
  cases.push_back({"cast", Cast{DType::f32}, {data({2, 3, 4, 4})}});
  cases.push_back({"stop_gradient", StopGradient{}, {data({2, 3, 4, 4})}, false});
  cases.push_back({"fill", Fill{.shape = {2, 3}, .value = 1.5}, {}, false});
  return cases;
}

}  // namespace resnet
