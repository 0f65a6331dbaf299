#include "targets.hpp"

#include "data_sets.hpp"
#include "images.hpp"
#include "readers.hpp"
#include "run_files.hpp"

namespace resnet::fuzz {

std::span<const Target> targets() {
  static constexpr Target table[] = {
      {"jpeg", fuzz_jpeg},       {"png", fuzz_png},
      {"webp", fuzz_webp},       {"bmp", fuzz_bmp},
      {"pnm", fuzz_pnm},         {"exif", fuzz_exif},
      {"cifar", fuzz_cifar},     {"safetensors", fuzz_safetensors},
      {"idx", fuzz_idx},         {"tar", fuzz_tar},
      {"cache", fuzz_cache},     {"csv", fuzz_csv},
      {"config", fuzz_config},   {"metadata", fuzz_metadata},
      {"pytorch", fuzz_pytorch}, {"onnx", fuzz_onnx},
  };
  return table;
}

}  // namespace resnet::fuzz
