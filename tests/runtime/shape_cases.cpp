#include "base/error.hpp"
#include "runtime/op_case.hpp"

namespace resnet {

namespace {

void add_rearranged(std::vector<OpCase>& cases) {
  const std::vector<OpCase> rows = {
      {"transpose_2d", Transpose{{1, 0}}, {data({3, 5})}},
      {"transpose_nhwc", Transpose{{0, 2, 3, 1}}, {data({2, 3, 5, 4})}},
      {"transpose_3d", Transpose{{2, 0, 1}}, {data({4, 3, 17})}},
      {"transpose_same", Transpose{{0, 1, 2, 3}}, {data({2, 8, 3, 3})}},
      {"broadcast_channels", Broadcast{{2, 3, 4, 5}}, {data({1, 3, 1, 1})}},
      {"broadcast_rows", Broadcast{{4, 7}}, {data({4, 1})}},
      {"broadcast_scalar", Broadcast{{2, 2, 2, 2, 2}}, {data({1, 1, 1, 1, 1})}},
      {"reduce_sum", Reduce{.shape = {2, 1, 4, 1}}, {data({2, 3, 4, 5})}},
      {"reduce_mean", Reduce{.shape = {2, 17, 1, 1}, .mean = true}, {data({2, 17, 6, 7})}},
      {"reduce_all", Reduce{.shape = {1, 1}, .mean = true}, {data({9, 11})}},
      {"strided_slice", StridedSlice{{0, 1, 0, 2}, {1, 1, 2, 1}, {2, 2, 3, 3}}, {data({2, 3, 5, 7})}},
      {"strided_slice_backwards", StridedSlice{{3, 4}, {-1, -2}, {3, 2}}, {data({4, 5})}},
      {"pad_image", Pad{{0, 0, 1, 2}, {1, 1, 1, 1}, {2, 3, 6, 9}, 0.5}, {data({2, 3, 4, 5})}},
      {"pad_spread", Pad{{0, 1}, {1, 3}, {2, 9}, 0}, {data({2, 3})}},
  };
  cases.insert(cases.end(), rows.begin(), rows.end());
}

}  // namespace

std::vector<OpCase> shape_cases() {
  std::vector<OpCase> cases = {
      {"reshape_flatten", Reshape{{3, 60}}, {data({3, 5, 3, 4})}},
      {"reshape_unflatten", Reshape{{2, 6, 1, 1}}, {data({2, 6})}},
      {"concat_one", Concat{}, {data({2, 3, 2, 2})}},
      {"concat_odd", Concat{}, {data({2, 3, 4, 5}), data({2, 5, 4, 5}), data({2, 1, 4, 5})}},
      {"concat_16", Concat{}, {data({3, 16, 7, 7}), data({3, 8, 7, 7})}},
      {"concat_features", Concat{}, {data({4, 3}), data({4, 17})}},
      {"concat_1x1_image", Concat{}, {data({1, 33, 1, 1}), data({1, 7, 1, 1})}},
      {"slice_all", Slice{0, 3}, {data({2, 3, 2, 2})}},
      {"slice_first", Slice{0, 1}, {data({2, 5, 3, 4})}},
      {"slice_middle", Slice{3, 10}, {data({3, 17, 5, 5})}},
      {"slice_16", Slice{16, 32}, {data({2, 48, 4, 4})}},
      {"slice_features", Slice{2, 5}, {data({4, 6})}},
      {"slice_grad_middle", SliceGrad{.begin = 3, .channels = 17}, {data({3, 7, 5, 5})}},
      {"slice_grad_features", SliceGrad{.begin = 0, .channels = 9}, {data({4, 6})}},
  };
  add_rearranged(cases);
  for (const int stride : {1, 2, 3})
    for (const auto& [before, after] : {std::pair{0, 0}, {1, 2}, {8, 8}, {0, 5}})
      for (const Shape& x : {Shape{2, 3, 1, 1}, Shape{1, 5, 4, 7}, Shape{3, 16, 8, 8}, Shape{8, 16, 5, 6}}) {
        const std::string name = text_of(x, "_", stride, "_", before, "_", after);
        const Shape y{x.n(), x.c() + before + after, (x.h() + stride - 1) / stride, (x.w() + stride - 1) / stride};
        cases.push_back({"subsample" + name, Subsample{.stride = stride, .before = before, .after = after}, {data(x)}});
        cases.push_back(
            {"subsample_grad" + name, SubsampleGrad{.stride = stride, .before = before, .input = x}, {data(y)}, false});
      }
  return cases;
}

}  // namespace resnet
