#include "fetch/checksum.hpp"

#include "base/error.hpp"

#include <sys/types.h>

#include <sha2.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace resnet {

std::string sha256_of_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_data(path.string(), ": cannot be opened for reading: ", std::strerror(errno));
  SHA2_CTX context;
  SHA256Init(&context);
  std::array<char, 1 << 16> chunk;
  while (file.read(chunk.data(), chunk.size()) || file.gcount() > 0)
    SHA256Update(&context, reinterpret_cast<const uint8_t*>(chunk.data()), static_cast<std::size_t>(file.gcount()));
  if (file.bad()) fail_data(path.string(), ": reading failed: ", std::strerror(errno));
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256Final(digest.data(), &context);
  std::string text;
  for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace resnet
