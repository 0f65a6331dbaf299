// From a spec to a graph.
#include "base/error.hpp"
#include "models/blocks.hpp"

namespace resnet {
namespace {

Value images_input(Builder& net, const ModelSpec& spec, int64_t batch) {
  return net.input("images", {batch, spec.input.channels, spec.input.height, spec.input.width});
}

}  // namespace

Value build_network(Builder& net, const ModelSpec& spec, Value images) {
  check(spec);
  const Shape& got = net.shape(images);
  const ImageSize& input = spec.input;
  const bool flat = spec.family == Family::fully_connected && got.rank() == 2 && got.c() == input.elements();
  if (!flat && got != Shape{got.n(), input.channels, input.height, input.width})
    fail("model '", spec.name, "' expects images [Nx", input.channels, "x", input.height, "x", input.width, "], got ",
         got);
  switch (spec.family) {
    case Family::resnet: return build_resnet(net, spec, images);
    case Family::densenet: return build_densenet(net, spec, images);
    case Family::fully_connected: return build_fully_connected(net, spec, images);
    case Family::written_out: return build_written_out(net, spec, images);
  }
  return {};
}

Graph forward_graph(const ModelSpec& spec, int64_t batch, Mode mode) {
  Builder net(mode);
  const Value logits = build_network(net, spec, images_input(net, spec, batch));
  net.observe("logits", logits);
  net.observe("probabilities", net.softmax(logits));
  return net.take();
}

Graph loss_graph(const ModelSpec& spec, int64_t batch, Mode mode, float smoothing, bool soft_targets) {
  Builder net(mode);
  const Value logits = build_network(net, spec, images_input(net, spec, batch));
  net.observe("logits", logits);
  net.cross_entropy(logits, smoothing, soft_targets);
  return net.take();
}

}  // namespace resnet
