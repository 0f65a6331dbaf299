// Batches of 16 images and more, which in bf16 lie batch-inner where the processor has AMX: every op with kernels for
// that layout, in shapes that reach each of their paths (1, 2, 3 and 4 groups of images, odd numbers of channel blocks,
// tiles that reach past the last pixel, strides, edges).
#include "base/error.hpp"
#include "runtime/op_case.hpp"

namespace resnet {
namespace {

void add_convolution(std::vector<OpCase>& cases, const char* name, const Shape& x, int64_t outputs, const Window& v,
                     bool bias = false, bool add = false) {
  const Shape y{x.n(), outputs, window_positions(x.h(), v.kernel_h, v.stride_h, v.pad_top, v.pad_bottom, v.dilation_h),
                window_positions(x.w(), v.kernel_w, v.stride_w, v.pad_left, v.pad_right, v.dilation_w)};
  const Operand w = parameter({outputs, x.c(), v.kernel_h, v.kernel_w});
  std::vector<Operand> operands = {data(x), w};
  if (bias) operands.push_back(parameter({outputs}));
  if (add) operands.push_back(data(y));
  cases.push_back({text_of("conv_", name), Conv{.window = v, .bias = bias, .add = add}, operands});
  if (bias || add) return;
  cases.push_back({text_of("by_input_", name), ConvGradInput{.window = v, .input = x}, {w, data(y)}, false});
  cases.push_back({text_of("by_weight_", name), ConvGradWeight{.window = v}, {data(x), data(y)}, false});
}

void add_convolutions(std::vector<OpCase>& cases) {
  add_convolution(cases, "one_group", {16, 16, 5, 6}, 16, square_window(3, 1, 1));
  add_convolution(cases, "four_groups", {64, 16, 4, 3}, 16, square_window(3, 1, 1));
  add_convolution(cases, "three_groups", {48, 32, 4, 5}, 48, square_window(3, 1, 1));
  add_convolution(cases, "stride_2", {32, 32, 9, 8}, 64, square_window(3, 2, 1));
  add_convolution(cases, "stride_3", {16, 16, 11, 10}, 16, square_window(5, 3, 2));
  add_convolution(cases, "1x1", {32, 64, 5, 3}, 48, square_window(1));
  add_convolution(cases, "1x1_stride_2", {32, 32, 7, 6}, 64, square_window(1, 2));
  add_convolution(cases, "no_padding", {16, 16, 6, 5}, 32, square_window(3));
  add_convolution(cases, "48_channels", {16, 48, 4, 4}, 32, square_window(3, 1, 1));
  add_convolution(cases, "one_pixel", {16, 32, 1, 1}, 32, square_window(3, 1, 1));
  add_convolution(cases, "one_column", {16, 32, 3, 1}, 32, square_window(3, 3, 1));
  add_convolution(cases, "narrow_kernel", {32, 16, 8, 7}, 16, square_window(2, 3));
  add_convolution(cases, "five_groups", {80, 16, 3, 3}, 16, square_window(3, 1, 1));
  add_convolution(cases, "five_blocks", {48, 48, 5, 4}, 80, square_window(5, 2, 2));
  add_convolution(cases, "wide_kernel", {16, 16, 4, 7}, 16, {1, 5, 1, 1, 0, 2, 0, 2});
  add_convolution(cases, "asymmetric", {32, 16, 5, 5}, 16, {3, 3, 2, 1, 1, 0, 0, 2});
  add_convolution(cases, "rgb_7x7", {32, 3, 17, 15}, 32, square_window(7, 2, 3));
  add_convolution(cases, "rgb_3x3", {16, 3, 6, 8}, 16, square_window(3, 1, 1));
  add_convolution(cases, "many_channels", {32, 256, 3, 4}, 256, square_window(3, 1, 1));
  add_convolution(cases, "wide_1x1", {16, 512, 4, 4}, 1024, square_window(1));
  add_convolution(cases, "bias", {32, 16, 4, 4}, 32, square_window(3, 1, 1), true);
  add_convolution(cases, "bias_add", {16, 16, 4, 4}, 16, square_window(1), true, true);
}

void add_norms(std::vector<OpCase>& cases) {
  const std::pair<Shape, Draw> images[] = {{{16, 6, 5, 5}, Draw::normal},
                                           {{48, 2, 3, 3}, Draw::normal},
                                           {{16, 4, 3, 3}, Draw::offset},
                                           {{32, 40, 20, 20}, Draw::normal}};
  for (const auto& [x, draw] : images)
    for (const bool relu : {false, true}) {
      const Shape c{x.c()};
      const std::string name = text_of(x, relu ? "_relu" : "");
      const Operand mean = state(ValueKind::statistic, c, draw), var = state(ValueKind::statistic, c, Draw::positive);
      if (!relu) {
        cases.push_back({"train" + name, BatchNorm{}, {data(x, draw), parameter(c), parameter(c)}});
        cases.push_back({"infer" + name, BatchNormInference{}, {data(x, draw), parameter(c), parameter(c), mean, var}});
      }
      const std::vector<Operand> gradient = {data(x),      data(x),     parameter(c),
                                             parameter(c), constant(c), constant(c, Draw::positive)};
      cases.push_back({"train_grad" + name, BatchNormGrad{.relu = relu}, gradient, false});
      cases.push_back({"infer_grad" + name, BatchNormInferenceGrad{.relu = relu}, gradient, false});
    }
}

void add_pools(std::vector<OpCase>& cases) {
  for (const Shape& x : {Shape{16, 4, 7, 6}, Shape{32, 16, 5, 5}}) {
    const Window window = square_window(3, 2, 1);
    const Shape y{x.n(), x.c(), window_positions(x.h(), 3, 2, 1, 1, 1), window_positions(x.w(), 3, 2, 1, 1, 1)};
    const std::string name = to_string(x);
    cases.push_back({"max" + name, MaxPool{window}, {data(x, Draw::spaced)}});
    cases.push_back({"average" + name, AveragePool{window, false, false}, {data(x)}});
    cases.push_back({"average_grad" + name, AveragePoolGrad{window, true, x}, {data(y)}, false});
    cases.push_back({"global" + name, GlobalAveragePool{}, {data(x)}});
    cases.push_back({"global_grad" + name, GlobalAveragePoolGrad{x}, {data({x.n(), x.c(), 1, 1})}, false});
    cases.push_back({"scale" + name, ScaleChannels{}, {data(x), data({x.n(), x.c()})}});
    cases.push_back({"dot" + name, ChannelDot{}, {data(x), data(x)}, false});
  }
}

void add_moves(std::vector<OpCase>& cases) {
  const Shape x{32, 16, 5, 6}, half{32, 16, 3, 3};
  cases.push_back({"subsample", Subsample{.stride = 2, .before = 8, .after = 8}, {data(x)}});
  cases.push_back({"subsample_odd", Subsample{.stride = 2, .before = 3, .after = 1}, {data(x)}});
  cases.push_back(
      {"subsample_grad", SubsampleGrad{.stride = 2, .before = 8, .input = x}, {data({32, 32, 3, 3})}, false});
  cases.push_back({"concat", Concat{}, {data(half), data({32, 4, 3, 3})}});
  cases.push_back({"concat_odd", Concat{}, {data(half), data({32, 3, 3, 3})}});
  cases.push_back({"slice", Slice{2, 10}, {data(half)}});
  cases.push_back({"slice_odd", Slice{3, 10}, {data(half)}});
}

}  // namespace

std::vector<OpCase> batch_inner_cases() {
  std::vector<OpCase> cases;
  add_convolutions(cases);
  add_norms(cases);
  add_pools(cases);
  add_moves(cases);
  return cases;
}

}  // namespace resnet
