// Ops that move elements without computing: channels joined, cut out and put back, and the option A shortcut.
#include "runtime/reference/loops.hpp"
#include "runtime/reference/lowering.hpp"

namespace resnet::reference {
namespace {

/// Channels [begin, begin + count) of every image, of a value with `channels` channels of `area` elements each.
struct ChannelBlock {
  int64_t images, channels, begin, count, area;

  ChannelBlock(const Shape& whole, int64_t begin_, int64_t count_)
      : images(whole.n()),
        channels(whole.c()),
        begin(begin_),
        count(count_),
        area(whole.elements() / (whole.n() * whole.c())) {}
  int64_t whole_at(int64_t n) const { return (n * channels + begin) * area; }
  int64_t part_at(int64_t n) const { return n * part_size(); }
  int64_t part_size() const { return count * area; }
};

template <class T>
void copy_into_whole(const ChannelBlock& block, const T* part, T* whole) {
  for (int64_t n = 0; n < block.images; ++n)
    std::copy_n(part + block.part_at(n), block.part_size(), whole + block.whole_at(n));
}

template <class T>
void copy_out_of_whole(const ChannelBlock& block, const T* whole, T* part) {
  for (int64_t n = 0; n < block.images; ++n)
    std::copy_n(whole + block.whole_at(n), block.part_size(), part + block.part_at(n));
}

/// body(small, large) with the indices of each pixel of x that the shortcut takes: x [N, C, H, W], y [N, C', H', W'].
template <class Body>
void for_each_taken_pixel(const Shape& x, const Shape& y, int64_t stride, int64_t before, const Body& body) {
  for (int64_t n = 0; n < x.n(); ++n)
    for (int64_t c = 0; c < x.c(); ++c)
      for (int64_t h = 0; h < y.h(); ++h)
        for (int64_t w = 0; w < y.w(); ++w)
          body(((n * y.c() + before + c) * y.h() + h) * y.w() + w,
               ((n * x.c() + c) * x.h() + h * stride) * x.w() + w * stride);
}

}  // namespace

void lower(const Reshape&, const Node& node, Lowering& to) { to.share(node); }

void lower(const Concat&, const Node& node, Lowering& to) {
  std::vector<ChannelBlock> blocks;
  int64_t begin = 0;
  for (Value part : node.inputs) {
    blocks.emplace_back(to.shape(node.outputs[0]), begin, to.shape(part).c());
    begin += to.shape(part).c();
  }
  to.step(node, [blocks]<class T>(const Arguments<T>& at) {
    for (std::size_t part = 0; part < blocks.size(); ++part) copy_into_whole(blocks[part], at.in(part), at.out(0));
  });
}

void lower(const Slice& op, const Node& node, Lowering& to) {
  const ChannelBlock block(to.shape(node.inputs[0]), op.begin, op.end - op.begin);
  to.step(node, [=]<class T>(const Arguments<T>& at) { copy_out_of_whole(block, at.in(0), at.out(0)); });
}

void lower(const SliceGrad& op, const Node& node, Lowering& to) {
  const Shape dx = to.shape(node.outputs[0]);
  const ChannelBlock block(dx, op.begin, to.shape(node.inputs[0]).c());
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    std::fill_n(at.out(0), dx.elements(), T{0});
    copy_into_whole(block, at.in(0), at.out(0));
  });
}

void lower(const Subsample& op, const Node& node, Lowering& to) {
  const Shape x = to.shape(node.inputs[0]), y = to.shape(node.outputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    std::fill_n(at.out(0), y.elements(), T{0});
    for_each_taken_pixel(x, y, op.stride, op.before,
                         [&](int64_t y_at, int64_t x_at) { at.out(0)[y_at] = at.in(0)[x_at]; });
  });
}

void lower(const SubsampleGrad& op, const Node& node, Lowering& to) {
  const Shape x = op.input, y = to.shape(node.inputs[0]);
  to.step(node, [=]<class T>(const Arguments<T>& at) {
    std::fill_n(at.out(0), x.elements(), T{0});
    for_each_taken_pixel(x, y, op.stride, op.before,
                         [&](int64_t y_at, int64_t x_at) { at.out(0)[x_at] = at.in(0)[y_at]; });
  });
}

}  // namespace resnet::reference
