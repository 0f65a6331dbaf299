// libFuzzer's entry into one target; RESNET_FUZZ_TARGET names it.
#include "targets.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const resnet::fuzz::Target* const target = [] {
    for (const resnet::fuzz::Target& each : resnet::fuzz::targets())
      if (each.name == RESNET_FUZZ_TARGET) return &each;
    std::abort();
  }();
  target->run(std::as_bytes(std::span(data, size)));
  return 0;
}
