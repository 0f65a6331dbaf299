// Reading and writing safetensors (github.com/huggingface/safetensors): the length of a JSON header as u64 LE, the
// header (name -> dtype, shape, byte range; "__metadata__" -> strings), the tensors' bytes. Files come from anywhere:
// everything is checked before memory is taken for it.
#pragma once

#include "base/files.hpp"
#include "base/tensor.hpp"

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>

namespace resnet {

struct TensorFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// What a reader accepts at most.
struct ReadLimits {
  uint64_t header_bytes = uint64_t{16} << 20;
  uint64_t tensors = 1 << 16;
  uint64_t total_bytes = uint64_t{16} << 30;  // of the file
};

/// Reads F32, F64, I64, I32 and U8 as they are, F16 and BF16 as f32. Error (bad model), naming the file: missing or
/// unreadable, above a limit, truncated or longer than its header says, malformed header, duplicate names, unknown
/// dtype, negative or overflowing extents, a rank above Shape::max_rank, byte ranges that overlap, leave holes, leave
/// the file or do not fit dtype and shape, metadata that are not strings.
TensorFile read_safetensors(const fs::path& path, const ReadLimits& limits = {});

/// The same from a seekable stream; `name` stands for the file in errors.
TensorFile read_safetensors(std::istream& stream, const std::string& name, const ReadLimits& limits = {});

/// Borrowed tensors, so that a large state is written without a copy.
using TensorReferences = std::map<std::string, const Tensor*>;

/// Replaces `path` in one atomic step. Equal contents give equal bytes: wide types first, then by name, as the format's
/// own library does, so that every tensor is aligned to its type. Bytes of names and metadata that are no UTF-8 become
/// U+FFFD. Error: the file cannot be written; then nothing changed under `path`. Types: f32 f64 i64 i32 u8.
void write_safetensors(const fs::path& path, const TensorReferences& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace resnet
