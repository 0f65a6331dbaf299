// Fills the images of a generated data set on several threads.
#pragma once

#include "base/parallel.hpp"
#include "base/shape.hpp"
#include "data/dataset.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace resnet {

/// A data set of `count` images; image i has label i % classes and is drawn by draw(i, label, pixels). Each image
/// must depend on its index alone, so that the number of threads changes nothing. threads = 0: all available cores.
inline std::shared_ptr<const Dataset> generate_images(
    std::vector<std::string> classes, const Shape& image, int64_t count, int threads,
    const std::function<void(int64_t index, int label, std::span<uint8_t> pixels)>& draw) {
  const auto bytes = static_cast<std::size_t>(image.elements());
  std::vector<uint8_t> pixels(static_cast<std::size_t>(count) * bytes);
  std::vector<int> labels(static_cast<std::size_t>(count));
  constexpr int64_t chunk = 64;
  const auto fill_chunk = [&](int task, int) {
    for (int64_t index = task * chunk; index < std::min(count, (task + 1) * chunk); ++index) {
      const auto at = static_cast<std::size_t>(index);
      labels[at] = static_cast<int>(index % static_cast<int64_t>(classes.size()));
      draw(index, labels[at], std::span(pixels).subspan(at * bytes, bytes));
    }
  };
  ThreadPool pool(threads > 0 ? threads : available_cores());
  pool.run(static_cast<int>((count + chunk - 1) / chunk), fill_chunk);
  return memory_dataset(std::move(classes), image, std::move(pixels), std::move(labels));
}

}  // namespace resnet
