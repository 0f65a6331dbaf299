// DenseNets: Huang et al. 2017, "Densely connected convolutional networks". Names are torchvision's; networks for small
// images have the same ones.
#include "base/error.hpp"
#include "models/blocks.hpp"

namespace resnet {
namespace {

/// He's variance by the inputs, as torchvision starts its DenseNets.
Value conv(Builder& net, const std::string& name, Value x, int64_t channels, int kernel, int stride = 1) {
  return net.conv(name, x,
                  {.channels = static_cast<int>(channels),
                   .kernel = kernel,
                   .stride = stride,
                   .padding = kernel / 2,
                   .init = Init::he_normal_fan_in});
}

Value norm_relu(Builder& net, const std::string& name, Value x) { return net.relu(net.batch_norm(name, x)); }

Value dropped(Builder& net, const ModelSpec& spec, Value x) {
  return spec.dropout > 0 ? net.dropout(x, {.probability = static_cast<float>(spec.dropout)}) : x;
}

Value stem(Builder& net, const ModelSpec& spec, Value images) {
  if (spec.stem == Stem::conv3x3) return conv(net, "conv0", images, spec.stem_width, 3);
  return stem_pool(net, norm_relu(net, "norm0", conv(net, "conv0", images, spec.stem_width, 7, 2)));
}

/// The new channels only.
Value dense_layer(Builder& net, const ModelSpec& spec, Value x) {
  Value h = norm_relu(net, "norm1", x);
  if (spec.block == BlockKind::basic) return dropped(net, spec, conv(net, "conv1", h, spec.growth, 3));
  h = dropped(net, spec, conv(net, "conv1", h, dense_expansion * spec.growth, 1));
  return dropped(net, spec, conv(net, "conv2", norm_relu(net, "norm2", h), spec.growth, 3));
}

Value transition(Builder& net, const ModelSpec& spec, Value x) {
  const int64_t channels = compressed(spec, net.shape(x).c());
  const Value h = dropped(net, spec, conv(net, "conv", norm_relu(net, "norm", x), channels, 1));
  return net.average_pool(h, {.kernel = 2, .stride = 2});
}

Value features(Builder& net, const ModelSpec& spec, Value images) {
  Value x = [&] {
    const auto scope = net.scope("features");
    return stem(net, spec, images);
  }();
  for (std::size_t stage = 0; stage < spec.blocks.size(); ++stage) {
    for (int layer = 0; layer < spec.blocks[stage]; ++layer) {
      const auto scope = net.scope(block_path(spec, stage, layer));
      x = net.concat({x, dense_layer(net, spec, x)});
    }
    if (stage + 1 == spec.blocks.size()) break;
    const auto scope = net.scope(text_of("features.transition", stage + 1));
    x = transition(net, spec, x);
  }
  return norm_relu(net, "features.norm5", x);
}

}  // namespace

Value build_densenet(Builder& net, const ModelSpec& spec, Value images) {
  const Value means = net.global_average_pool(features(net, spec, images));
  return net.linear("classifier", net.flatten(means), {.units = spec.classes, .bias_init = Init::zeros});
}

}  // namespace resnet
