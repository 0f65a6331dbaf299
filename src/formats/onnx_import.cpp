// Whole networks: from a file to a structure that is written out, with its weights, classes and preprocessing.
#include "formats/onnx_import.hpp"

#include "base/error.hpp"
#include "models/excerpt.hpp"
#include "models/written_out.hpp"

#include <algorithm>
#include <utility>

namespace resnet::onnx {
namespace {

/// The one input for images, with its extents; open ones are filled in.
struct ImageInput {
  std::string name;
  ImageSize size;
  int64_t batch = 0;  // that the file was made for; 0: any
};

ImageInput image_input(const Model& model, const std::optional<ImageSize>& given) {
  if (model.inputs.size() != 1)
    fail_model("has ", model.inputs.size(), " inputs besides its weights; a network of one image input is expected");
  const Port& port = model.inputs.front();
  if (port.element_type == type_uint8)
    fail_model("takes uint8 images and so has its preprocessing inside; export it without, with float images as input");
  if (port.extents.size() != 4 || port.extents[1] < 1)
    fail_model("its input '", excerpt(port.name), "' is not of shape [N,C,H,W] with a known number of channels");
  ImageInput input{port.name, {}, std::max<int64_t>(port.extents[0], 0)};
  const auto extent = [&](int64_t stored, int chosen) -> int {
    if (stored < 0 && chosen <= 0) fail_model("leaves the size of its images open; give it with --size");
    if (stored >= 0 && chosen > 0 && stored != chosen)
      fail_usage("--size: the network is made for images of ", port.extents[2], "x", port.extents[3]);
    constexpr int64_t most = 1 << 14;
    const int64_t found = stored >= 0 ? stored : chosen;
    if (found < 1 || found > most) fail_model("images of ", found, " pixels are not in 1 .. ", most);
    return static_cast<int>(found);
  };
  constexpr int64_t most_channels = 1 << 16;
  if (port.extents[1] > most_channels) fail_model(port.extents[1], " channels are too many");
  input.size = {static_cast<int>(port.extents[1]), extent(port.extents[2], given ? given->height : 0),
                extent(port.extents[3], given ? given->width : 0)};
  return input;
}

/// The logits: the first output without the softmax that computes it.
Value logits_of(Graph& graph, const std::string& output, bool& softmax) {
  Value value = *graph.find("output/" + output);
  const auto producer = [&]() -> const resnet::Node* {
    return graph[value].producer < 0 ? nullptr : &graph.nodes()[static_cast<std::size_t>(graph[value].producer)];
  };
  if (const resnet::Node* node = producer(); node && std::holds_alternative<Softmax>(node->op)) {
    softmax = true;
    value = node->inputs[0];
  }
  const Shape shape = graph[value].shape;
  if (shape.rank() == 4 && shape.h() == 1 && shape.w() == 1)
    value = graph.add_node("logits", Reshape{{shape.n(), shape.c()}}, {value})[0];
  const Shape images = graph[*graph.find("images")].shape;
  if (graph[value].shape.rank() != 2 || graph[value].shape[0] != images.n())
    fail_model("its output '", excerpt(output), "' ", shape, " is not one row of class scores for each image");
  return value;
}

class NetworkImport {
 public:
  NetworkImport(const Model& model, const std::optional<ImageSize>& size)
      : model_(model), input_(image_input(model, size)) {
    if (model.outputs.empty()) fail_model("has no outputs");
    output_ = model.outputs.front().name;
    for (const Port& port : model.outputs)
      if (port.name == "logits") output_ = port.name;
  }

  ImportedNetwork run(const std::string& name) {
    ImportedNetwork network{.spec = {}, .state = {}, .metadata = model_.metadata, .notes = {}};
    // Batches that the file does not have built in, so that comparing the two finds what depends on the batch.
    const bool plain = input_.batch != 2 && input_.batch != 3;
    network.spec.family = Family::written_out;
    network.spec.name = name;
    network.spec.input = input_.size;
    network.spec.written =
        write_out([&](int64_t batch) { return build(batch, network); }, plain ? 2 : 5, plain ? 3 : 7);
    std::map<std::string, Tensor> used;
    for (const WrittenOut::State& state : network.spec.written.states)
      used.emplace(state.name, network.state.at(state.name));
    network.state = {};
    for (auto& [state, tensor] : used) network.state.set(state, std::move(tensor));
    check(network.spec);
    network.notes.push_back(text_of("ONNX, opset ", model_.opset, ", ", model_.nodes.size(), " nodes as ",
                                    network.spec.written.layers.size(), " layers",
                                    softmax_ ? ", without the softmax at the end" : ""));
    if (input_.batch > 1)
      network.notes.push_back(text_of("made for batches of ", input_.batch, ", read as any number of images"));
    return network;
  }

 private:
  /// With the input "images" and the output "logits".
  Graph build(int64_t batch, ImportedNetwork& network) {
    const ImageSize& size = input_.size;
    const ImportOptions options{
        .whole_network = true, .keep_dropout = true, .declared_batch = input_.batch, .batch = batch};
    ImportedGraph imported =
        import_graph(model_, {{input_.name, {batch, size.channels, size.height, size.width}}}, options);
    const Value logits = logits_of(imported.graph, output_, softmax_);
    network.spec.classes = static_cast<int>(std::min<int64_t>(imported.graph[logits].shape[1], 1 << 30));
    network.state = std::move(imported.state);
    imported.graph.add_output("logits", logits);
    return std::move(imported.graph);
  }

  const Model& model_;
  ImageInput input_;
  std::string output_;
  bool softmax_ = false;
};

}  // namespace

ImportedNetwork import_network(std::string_view bytes, const std::string& name, const std::optional<ImageSize>& size) {
  return with_context(name, [&] {
    const Model model = parse(bytes);
    return NetworkImport(model, size).run(fs::path(name).stem().string());
  });
}

ImportedNetwork import_network(const fs::path& path, const std::optional<ImageSize>& size) {
  std::string bytes;
  try {
    bytes = read_file(path, Limits{}.bytes);
  } catch (const Error& error) {
    fail_model(error.what());
  }
  return import_network(bytes, path.string(), size);
}

}  // namespace resnet::onnx
