#include "data/gzip.hpp"

#include "base/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace resnet {
namespace {

class Inflater {
 public:
  Inflater() {
    constexpr int gzip_window = 15 + 16;
    if (inflateInit2(&stream_, gzip_window) != Z_OK) fail("zlib cannot be started");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  std::string unpack(std::string& packed, uint64_t limit) {
    std::string result;
    std::array<char, 1 << 16> chunk;
    stream_.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream_.avail_in = static_cast<uInt>(packed.size());
    for (int status = Z_OK; status != Z_STREAM_END;) {
      stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
      stream_.avail_out = static_cast<uInt>(chunk.size());
      status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END)
        fail_data("is no gzip file, damaged or cut short", stream_.msg ? text_of(" (", stream_.msg, ")") : "");
      result.append(chunk.data(), chunk.size() - stream_.avail_out);
      if (result.size() > limit) fail_data("has more than ", limit, " bytes when unpacked");
    }
    return result;
  }

 private:
  z_stream stream_ = {};
};

}  // namespace

std::string read_maybe_gzip(const fs::path& path, uint64_t limit) {
  std::string bytes = read_file(path, std::min(limit, uint64_t{1} << 31));
  if (path.extension() != ".gz") return bytes;
  return with_context(path.string(), [&] { return Inflater().unpack(bytes, limit); });
}

}  // namespace resnet
