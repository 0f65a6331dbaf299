// The order of the images in an epoch: pure functions of the data set, the seed and the epoch.
#include "base/random.hpp"
#include "data/loader.hpp"

#include <numeric>
#include <span>

namespace resnet {

std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng rng(seed, "order", {static_cast<uint64_t>(epoch)});
  rng.shuffle(std::span(order));
  return order;
}

std::vector<int64_t> balanced_order(const Dataset& dataset, uint64_t seed, int64_t epoch) {
  std::vector<std::vector<int64_t>> images(dataset.classes().size());
  for (int64_t index = 0; index < dataset.size(); ++index)
    images[static_cast<std::size_t>(dataset.label(index))].push_back(index);
  std::erase_if(images, [](const std::vector<int64_t>& of_class) { return of_class.empty(); });
  std::vector<int64_t> order;
  for (std::size_t c = 0; c < images.size(); ++c) {
    Rng rng(seed, "balanced", {static_cast<uint64_t>(epoch), c});
    const auto size = static_cast<std::size_t>(dataset.size()), classes = images.size();
    const std::size_t share = size / classes + (c < size % classes ? 1 : 0);
    for (std::size_t k = 0; k < share; ++k) {
      if (k % images[c].size() == 0) rng.shuffle(std::span(images[c]));
      order.push_back(images[c][k % images[c].size()]);
    }
  }
  Rng rng(seed, "order", {static_cast<uint64_t>(epoch)});
  rng.shuffle(std::span(order));
  return order;
}

}  // namespace resnet
