#include "base/files.hpp"

#include "base/error.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace resnet {
namespace {

std::function<int(const fs::path&)> write_fault;

[[noreturn]] void fail_errno(const fs::path& path, std::string_view action, int error) {
  const char* advice = error == ENOSPC || error == EDQUOT ? "; free some space"
                       : error == EACCES || error == EPERM || error == EROFS
                           ? "; choose a place you may write to with --out"
                           : "";
  throw WriteError(ExitCode::failed, text_of(path.string(), ": cannot ", action, ": ", std::strerror(error), advice));
}

void write_all(int descriptor, const fs::path& path, std::span<const std::byte> bytes) {
  if (write_fault)
    if (const int error = write_fault(path)) fail_errno(path, "write", error);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno(path, "write", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void sync_directory(const fs::path& directory) {
  const int descriptor = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail_errno(directory, "open", errno);
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  // Some file systems cannot sync a directory and say EINVAL; the rename is then as durable as they make it.
  if (result != 0 && error != EINVAL) fail_errno(directory, "sync", error);
}

}  // namespace

bool path_exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string read_file(const fs::path& path, uint64_t limit) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail_data(path.string(), ": no such file");
  if (fs::is_directory(status)) fail_data(path.string(), ": is a folder, expected a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_data(path.string(), ": cannot be opened for reading: ", std::strerror(errno));
  std::string bytes;
  if (fs::is_regular_file(status)) {
    const std::uintmax_t size = fs::file_size(path, error);
    if (!error) bytes.reserve(static_cast<std::size_t>(std::min<std::uintmax_t>(size, limit)));
  }
  char chunk[1 << 16];
  while (file.read(chunk, sizeof chunk) || file.gcount() > 0) {
    bytes.append(chunk, static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > limit) fail_data(path.string(), ": larger than the limit of ", limit, " bytes");
  }
  if (file.bad()) fail_data(path.string(), ": reading failed: ", std::strerror(errno));
  return bytes;
}

void make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_errno(path, "create the folder", error.value());
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += ".tmp" + std::to_string(::getpid());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail_errno(path_, "write", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) { write_all(descriptor_, path_, bytes); }

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_errno(path_, "sync", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_errno(path_, "rename into place", errno);
  ::close(std::exchange(descriptor_, -1));
  sync_directory(path_.parent_path());
}

PartFile::PartFile(fs::path path) : path_(std::move(path)), part_(path_) {
  part_ += ".part";
  struct stat opened {
  }, named{};
  do {  // while this waited, the file may have been finished and renamed
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail_errno(part_, "write", errno);
    ::flock(descriptor_, LOCK_EX);
  } while (::fstat(descriptor_, &opened) != 0 || ::stat(part_.c_str(), &named) != 0 || opened.st_ino != named.st_ino);
  size_ = static_cast<uint64_t>(opened.st_size);
}

PartFile::~PartFile() {
  if (descriptor_ < 0) return;
  if (size_ == 0) ::unlink(part_.c_str());
  ::close(descriptor_);
}

void PartFile::write(std::string_view bytes) {
  write_all(descriptor_, part_, std::as_bytes(std::span(bytes)));
  size_ += bytes.size();
}

void PartFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail_errno(part_, "empty", errno);
  size_ = 0;
}

void PartFile::commit() {
  if (::fsync(descriptor_) != 0) fail_errno(part_, "sync", errno);
  if (::rename(part_.c_str(), path_.c_str()) != 0) fail_errno(path_, "rename into place", errno);
  ::close(std::exchange(descriptor_, -1));
  sync_directory(path_.parent_path());
}

void append_line(const fs::path& path, std::string_view line) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0) fail_errno(path, "write", errno);
  const std::string text = std::string(line) + '\n';
  try {
    write_all(descriptor, path, std::as_bytes(std::span(text)));
    if (::fsync(descriptor) != 0 && errno != EINVAL) fail_errno(path, "sync", errno);  // EINVAL: a device or a pipe
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

void set_write_fault(std::function<int(const fs::path&)> fault) { write_fault = std::move(fault); }

}  // namespace resnet
