#include "data/gzip.hpp"

#include "base/error.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

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

  bool finished() const { return finished_; }

  /// Unpacks the next part of the packed bytes.
  void feed(std::string_view packed, uint64_t limit, const std::function<void(std::string_view)>& piece) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    while (!finished_ && (stream_.avail_in > 0 || stream_.avail_out == 0)) {
      stream_.next_out = reinterpret_cast<Bytef*>(chunk_.data());
      stream_.avail_out = static_cast<uInt>(chunk_.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        fail_data("is no gzip file or damaged", stream_.msg ? text_of(" (", stream_.msg, ")") : "");
      const std::size_t count = chunk_.size() - stream_.avail_out;
      total_ += count;
      if (total_ > limit) fail_data("has more than ", limit, " bytes when unpacked");
      piece({chunk_.data(), count});
      finished_ = status == Z_STREAM_END;
      if (status == Z_BUF_ERROR) return;
    }
  }

 private:
  z_stream stream_ = {};
  std::vector<char> chunk_ = std::vector<char>(1 << 16);
  uint64_t total_ = 0;
  bool finished_ = false;
};

}  // namespace

std::string read_maybe_gzip(const fs::path& path, uint64_t limit) {
  if (path.extension() != ".gz") return read_file(path, std::min(limit, uint64_t{1} << 31));
  std::string bytes;
  unpack_gzip(path, limit, [&](std::string_view piece) { bytes += piece; });
  return bytes;
}

void unpack_gzip(const fs::path& path, uint64_t limit, const std::function<void(std::string_view)>& piece) {
  with_context(path.string(), [&] {
    std::ifstream file(path, std::ios::binary);
    if (!file || is_folder(path)) fail_data("cannot be opened for reading: ", std::strerror(errno));
    Inflater inflater;
    std::vector<char> chunk(1 << 16);
    while (!inflater.finished() && (file.read(chunk.data(), std::ssize(chunk)) || file.gcount() > 0))
      inflater.feed({chunk.data(), static_cast<std::size_t>(file.gcount())}, limit, piece);
    if (file.bad()) fail_data("reading failed: ", std::strerror(errno));
    if (!inflater.finished()) fail_data("is no gzip file, or cut short");
  });
}

}  // namespace resnet
