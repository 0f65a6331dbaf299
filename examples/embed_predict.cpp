// A trained network inside a program of your own: one model file is all it takes, since structure, classes and
// preprocessing are in it.
//   embed_predict MODEL.safetensors IMAGE.ppm     (a binary PPM or PGM of the size the network was trained on)
#include <resnet/resnet.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <sstream>

using namespace resnet;

/// The pixels of a binary PPM ("P6") or PGM ("P5") as planes [C, H, W].
std::vector<uint8_t> read_pnm(const std::string& path, const Preprocessing& expected) {
  std::istringstream file(read_file(path, 1 << 28));
  std::string kind;
  int width = 0, height = 0, most = 0;
  file >> kind >> width >> height >> most;
  file.get();
  const int channels = kind == "P6" ? 3 : kind == "P5" ? 1 : 0;
  if (channels != expected.channels || width != expected.width || height != expected.height || most != 255)
    fail_data(path, ": expected ", expected.width, "x", expected.height, " pixels in ", expected.channels,
              expected.channels == 3 ? " channels (P6)" : " channel (P5)", " of 255 values");
  const std::size_t count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  std::vector<uint8_t> planes(count * static_cast<std::size_t>(channels));
  for (std::size_t pixel = 0; pixel < count; ++pixel)
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels); ++channel)
      planes[channel * count + pixel] = static_cast<uint8_t>(file.get());
  if (!file) fail_data(path, ": is cut short");
  return planes;
}

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "usage: embed_predict MODEL.safetensors IMAGE.ppm\n"), 2;
  try {
    const ModelFile model = load_model(argv[1]);
    const Preprocessing& seen = model.info.preprocessing;
    InferenceProgram network(model.info.spec, model.state,
                             {.threads = std::make_shared<ThreadPool>(available_cores())});

    Tensor image({1, seen.channels, seen.height, seen.width});
    normalise(read_pnm(argv[2], seen), {seen.channels, seen.height, seen.width}, normalisation_table(seen),
              image.data<float>());
    const Tensor logits = network.logits(image);

    const std::span<const float> scores = logits.data<float>();
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, std::greater(), [&](std::size_t k) { return scores[k]; });
    double total = 0;
    for (const float score : scores) total += std::exp(score - scores[order[0]]);
    for (std::size_t rank = 0; rank < std::min<std::size_t>(5, order.size()); ++rank)
      std::printf("%-20s %6.2f%%\n", model.info.classes[order[rank]].c_str(),
                  100 * std::exp(scores[order[rank]] - scores[order[0]]) / total);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
