#include "base/error.hpp"
#include "runtime/op_case.hpp"

#include <algorithm>

namespace resnet {
namespace {

struct ConvRow {
  std::string name;
  Shape x;  // [N, C, H, W]
  int64_t outputs = 1;
  Window window = {};
  int groups = 1;
  bool bias = false, add = false, relu = false;
};

Shape weight_shape(const ConvRow& row) {
  return {row.outputs, row.x.c() / row.groups, row.window.kernel_h, row.window.kernel_w};
}

Shape output_shape(const ConvRow& row) {
  const Window& v = row.window;
  return {row.x.n(), row.outputs,
          window_positions(row.x.h(), v.kernel_h, v.stride_h, v.pad_top, v.pad_bottom, v.dilation_h),
          window_positions(row.x.w(), v.kernel_w, v.stride_w, v.pad_left, v.pad_right, v.dilation_w)};
}

OpCase conv_case(const ConvRow& row) {
  const Conv op{.window = row.window, .groups = row.groups, .bias = row.bias, .add = row.add, .relu = row.relu};
  std::vector<Operand> operands = {data(row.x), parameter(weight_shape(row))};
  if (row.bias) operands.push_back(parameter({row.outputs}));
  if (row.add) operands.push_back(data(output_shape(row)));
  return {row.name, op, operands};
}

OpCase input_gradient_case(const ConvRow& row) {
  const ConvGradInput op{.window = row.window, .groups = row.groups, .input = row.x};
  return {row.name, op, {parameter(weight_shape(row)), data(output_shape(row))}, false};
}

OpCase weight_gradient_case(const ConvRow& row) {
  return {row.name,
          ConvGradWeight{.window = row.window, .groups = row.groups},
          {data(row.x), data(output_shape(row))},
          false};
}

constexpr Window asymmetric(int kernel, int stride, int top, int left, int bottom, int right) {
  return {kernel, kernel, stride, stride, top, left, bottom, right};
}

}  // namespace

std::vector<OpCase> conv_cases() {
  const ConvRow rows[] = {
      {"1x1_image", {2, 3, 1, 1}, 4},
      {"1x1_image_3x3_kernel", {3, 5, 1, 1}, 7, square_window(3, 1, 1)},
      {"stride_3_kernel_1", {2, 3, 7, 8}, 4, square_window(1, 3)},
      {"stride_4_kernel_2", {2, 3, 9, 11}, 5, square_window(2, 4, 1)},
      {"pad_right_bottom", {2, 3, 6, 5}, 4, asymmetric(2, 1, 0, 0, 1, 1)},
      {"pad_left_top", {2, 3, 6, 5}, 4, asymmetric(3, 2, 1, 1, 0, 0)},
      {"pad_all_different", {1, 2, 5, 6}, 3, asymmetric(5, 2, 1, 2, 3, 4)},
      {"pad_wider_than_image", {2, 2, 2, 2}, 3, asymmetric(3, 1, 2, 0, 2, 3)},
      {"tall_kernel", {2, 3, 8, 6}, 4, {3, 1, 1, 1, 1, 0, 1, 0}},
      {"wide_kernel", {2, 3, 6, 8}, 4, {1, 5, 1, 2, 0, 2, 0, 2}},
      {"strides_differ", {2, 3, 9, 9}, 4, {3, 3, 3, 1, 1, 1, 1, 1}},
      {"dilation_2x3", {2, 3, 9, 11}, 4, {3, 3, 1, 1, 2, 3, 2, 3, 2, 3}},
      {"dilation_reaches_only_padding", {1, 2, 3, 3}, 2, square_window(3, 1, 4, 4)},
      {"whole_image", {3, 4, 5, 5}, 6, square_window(5)},
      {"groups_2", {2, 6, 5, 5}, 4, square_window(3, 1, 1), 2},
      {"groups_3_odd_channels", {2, 9, 5, 4}, 15, square_window(3, 2, 1), 3},
      {"groups_4_1x1", {3, 32, 4, 4}, 64, square_window(1), 4, true},
      {"groups_32", {1, 64, 6, 6}, 64, square_window(3, 1, 1), 32},
      {"depthwise", {2, 5, 6, 6}, 5, square_window(3, 1, 1), 5},
      {"depthwise_16", {3, 16, 7, 7}, 16, square_window(3, 2, 1), 16, true},
      {"depthwise_multiplier_2", {2, 3, 6, 5}, 6, square_window(3, 1, 1), 3},
      {"depthwise_asymmetric", {2, 4, 5, 5}, 4, asymmetric(3, 2, 0, 1, 1, 0), 4},
      {"depthwise_dilated", {1, 8, 7, 7}, 8, square_window(3, 1, 2, 2), 8},
      {"bias", {2, 3, 4, 4}, 5, square_window(3, 1, 1), 1, true},
      {"relu", {2, 3, 3, 3}, 3, square_window(3, 1, 1), 1, false, false, true},
      {"bias_relu", {1, 3, 3, 3}, 5, square_window(3, 1, 1), 1, true, false, true},
      {"add", {2, 3, 4, 4}, 8, square_window(3, 2, 1), 1, false, true},
      {"bias_add_relu", {2, 4, 3, 3}, 4, square_window(1), 1, true, true, true},
      {"add_relu_groups", {2, 4, 3, 3}, 6, square_window(3, 1, 1), 2, false, true, true},
      {"depthwise_bias_relu", {1, 5, 3, 3}, 5, square_window(3, 1, 1), 5, true, false, true},
  };
  std::vector<OpCase> cases;
  for (const ConvRow& row : rows) {
    cases.push_back(conv_case(row));
    if (row.bias || row.add || row.relu) continue;
    cases.push_back(input_gradient_case(row));
    cases.push_back(weight_gradient_case(row));
  }
  return cases;
}

// Every kernel, stride, padding, dilation and image size that fit together; channels, batch and bias take turns.
std::vector<OpCase> generated_conv_cases() {
  const std::pair<int64_t, int64_t> channels[] = {{1, 1}, {3, 4}, {5, 7}, {8, 16}, {16, 8}, {17, 3}, {16, 16}, {4, 33}};
  const int64_t batches[] = {1, 3, 8, 2, 17};
  std::vector<OpCase> cases;
  for (int kernel : {1, 2, 3, 5})
    for (int stride : {1, 2, 3})
      for (int padding = 0; padding < std::min(kernel, 3); ++padding)
        for (int dilation : {1, 2})
          for (int64_t size : {1, 4, 7, 10}) {
            const std::size_t turn = cases.size();
            const auto [inputs, outputs] = channels[turn % std::size(channels)];
            const int64_t width = size > 1 ? size + static_cast<int64_t>(turn % 2) : 1;
            const Window window = square_window(kernel, stride, padding, dilation);
            if ((kernel == 1 && dilation > 1) || window_positions(size, kernel, 1, padding, padding, dilation) < 1) {
              continue;
            }
            const std::string name =
                text_of("k", kernel, "_s", stride, "_p", padding, "_d", dilation, "_", size, "x", width);
            cases.push_back(conv_case(
                {name, {batches[turn % std::size(batches)], inputs, size, width}, outputs, window, 1, turn % 3 == 0}));
          }
  return cases;
}

// Large enough that backends pick their fast kernels and use every thread.
std::vector<OpCase> large_conv_cases() {
  return {
      conv_case({"cifar_stage1", {8, 16, 32, 32}, 16, square_window(3, 1, 1)}),
      conv_case({"cifar_downsample", {8, 16, 32, 32}, 32, square_window(3, 2, 1)}),
      conv_case({"cifar_stage3", {17, 64, 8, 8}, 64, square_window(3, 1, 1)}),
      conv_case({"imagenet_stem", {2, 3, 64, 64}, 64, square_window(7, 2, 3)}),
      conv_case({"bottleneck_1x1", {4, 64, 14, 14}, 128, square_window(1)}),
      conv_case({"projection", {4, 64, 14, 14}, 128, square_window(1, 2)}),
      conv_case({"stage4_3x3", {2, 128, 7, 7}, 128, square_window(3, 1, 1)}),
      conv_case({"stage4_residual", {1, 96, 7, 7}, 80, square_window(3, 1, 1), 1, true, true, true}),
      conv_case({"stage1_residual", {1, 16, 12, 12}, 16, square_window(3, 1, 1), 1, true, true, true}),
      conv_case({"residual_1x1", {3, 32, 5, 5}, 48, square_window(1), 1, true, true, true}),
      conv_case({"many_pixels_1x1", {1, 48, 23, 29}, 80, square_window(1), 1, true, true}),
      conv_case({"many_channels_1x1", {2, 528, 7, 7}, 272, square_window(1), 1, false, true}),
      conv_case({"many_images_1x1", {9, 80, 7, 9}, 112, square_window(1), 1, true}),
      conv_case({"one_block_1x1", {5, 16, 3, 5}, 16, square_window(1)}),
      conv_case({"one_pixel_1x1", {3, 32, 1, 1}, 48, square_window(1), 1, true}),
      conv_case({"strided_1x1", {3, 48, 29, 31}, 112, square_window(1, 2), 1, true, true}),
      conv_case({"strided_residual_1x1", {1, 48, 5, 7}, 48, square_window(1, 2), 1, true, true, true}),
      conv_case({"strided_rows_1x1", {2, 32, 9, 17}, 32, {1, 1, 3, 1}}),
      conv_case({"rows_of_14_3x3", {1, 208, 3, 14}, 160, square_window(3, 1, 1), 1, true, true}),
      conv_case({"rows_in_pieces_3x3", {1, 16, 9, 31}, 32, square_window(3, 1, 1), 1, false, true}),
      conv_case({"many_images_3x3", {9, 16, 6, 9}, 32, square_window(3, 1, 1), 1, true}),
      conv_case({"narrow_3x3", {1, 144, 5, 7}, 128, square_window(3, 1, 1), 1, true, true}),
      conv_case({"one_column_3x3", {3, 16, 4, 1}, 64, square_window(3, 1, 1), 1, true, false, true}),
      conv_case({"one_row_3x3", {3, 16, 1, 4}, 64, square_window(3, 1, 1)}),
      conv_case({"one_pixel_3x3", {3, 208, 1, 1}, 64, square_window(3, 1, 1), 1, true}),
      conv_case({"strided_3x3", {2, 48, 13, 29}, 64, square_window(3, 2, 1), 1, true, true}),
      conv_case({"strided_even_3x3", {1, 32, 12, 32}, 96, square_window(3, 2, 1), 1, false, true}),
      conv_case({"strided_narrow_3x3", {2, 80, 14, 13}, 64, square_window(3, 2, 1), 1, true, true}),
      conv_case({"strided_residual_3x3", {1, 48, 5, 6}, 64, square_window(3, 2, 1), 1, true, true, true}),
      conv_case({"strided_to_pixel_3x3", {3, 32, 2, 1}, 64, square_window(3, 2, 1), 1, true}),
      conv_case({"many_weights_3x3", {1, 96, 9, 7}, 48, square_window(3, 1, 1), 1, true, false, true}),
      conv_case({"many_weights_strided", {1, 80, 9, 11}, 80, square_window(3, 2, 1), 1, true}),
      conv_case({"many_weights_1x1", {1, 160, 7, 7}, 336, square_window(1), 1, true, true}),
      conv_case({"many_weights_few_pixels", {1, 320, 3, 7}, 208, square_window(1), 1, true}),
      conv_case({"uneven_channels", {1, 40, 9, 11}, 24, square_window(3, 1, 1), 1, true, false, true}),
      conv_case({"narrow_groups", {1, 64, 8, 8}, 64, square_window(3, 2, 1), 16, true}),
      conv_case({"stride_past_the_edge", {2, 32, 3, 1}, 32, square_window(3, 3, 1)}),
  };
}

}  // namespace resnet
