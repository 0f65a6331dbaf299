// libFuzzer's entry into one target: the function RESNET_FUZZ_TARGET.
#include "data_sets.hpp"
#include "images.hpp"
#include "readers.hpp"
#include "run_files.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  resnet::fuzz::RESNET_FUZZ_TARGET(std::as_bytes(std::span(data, size)));
  return 0;
}
