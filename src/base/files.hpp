// Every byte this project writes to disk goes through here: written to a temporary name, synced, renamed, so that a
// crash or a full disk never leaves a partial file under the real name. A test can make any write fail.
#pragma once

#include "base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace resnet {

namespace fs = std::filesystem;

/// A file could not be written; the message says which, why and what helps.
class WriteError : public Error {
 public:
  using Error::Error;
};

/// Whether something is there, and whether it is a folder; no for what cannot be looked at (a name of more than 255
/// bytes, a parent that may not be entered), where fs::exists and fs::is_directory throw. Not called exists():
/// argument-dependent lookup finds fs::exists as well.
bool path_exists(const fs::path& path);
bool is_folder(const fs::path& path);

/// The whole file. Error (bad data): missing, unreadable, or larger than `limit` bytes; state what the kind of file can
/// need, so that a wrong file does not fill the memory.
std::string read_file(const fs::path& path, uint64_t limit);

/// Creates the directory and its parents. Error: it cannot be created.
void make_directory(const fs::path& path);

/// Replaces `path` by `bytes` in one atomic step. Error: nothing changed under `path`.
void write_file(const fs::path& path, std::string_view bytes);

/// A file that appears under its name only with commit(); destroyed before that, it leaves nothing behind.
class AtomicFile {
 public:
  explicit AtomicFile(fs::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
  /// fsync, rename, fsync of the directory.
  void commit();

 private:
  fs::path path_, temporary_;
  int descriptor_ = -1;
};

/// A file that grows under PATH.part over several attempts and appears under its own name with commit(). Destroyed
/// before that, it keeps what it has. Only one process has it at a time; others wait.
class PartFile {
 public:
  /// What an earlier attempt wrote is still there.
  explicit PartFile(fs::path path);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const fs::path& path() const { return part_; }
  uint64_t size() const { return size_; }
  void write(std::string_view bytes);
  /// Starts over, empty.
  void clear();
  /// fsync, rename, fsync of the directory.
  void commit();

 private:
  fs::path path_, part_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

/// Adds one line (a newline is appended) to a growing text file such as a log or a metrics table, and syncs it: a
/// checkpoint saved later is never newer on the disk than the table.
void append_line(const fs::path& path, std::string_view line);

/// For tests: called with the path before each write; a non-zero return is taken as the errno of that write.
/// An empty function removes it.
void set_write_fault(std::function<int(const fs::path&)> fault);

}  // namespace resnet
