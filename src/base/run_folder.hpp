// The folder that a long job leaves behind: found or made, locked, and with a log of its own. What lies in it is the
// business of each kind of job; here a kind is known by its marker, a folder that every run of it has beside
// config.toml.
#pragma once

#include "base/error.hpp"
#include "base/files.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace resnet {

/// Whether `path` holds a run of the kind with this marker.
bool is_run_folder(const fs::path& path, std::string_view marker);

/// While it lives, no other process works in this folder. The kernel drops it when the process ends, however that comes
/// about; a file system without such locks is used without.
class RunLock {
 public:
  /// Error: another one holds it.
  explicit RunLock(const fs::path& run);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_;
};

/// An earlier run moved aside to make room at `out`; comes back unless it is dropped.
class EarlierRun {
 public:
  /// Nothing happens where `out` is free. Error: something is there that `force` does not replace.
  EarlierRun(const fs::path& out, bool force, std::string_view marker);
  ~EarlierRun();
  EarlierRun(const EarlierRun&) = delete;
  EarlierRun& operator=(const EarlierRun&) = delete;
  void drop();

 private:
  fs::path out_, aside_;
};

/// A new folder with its marker, locked: `out` itself, which must not exist unless `force` (an earlier run of the kind
/// is replaced; any other folder with content is refused), or, where `out` is empty, the first free
/// runs/VERB/NAME[-N]. Destroyed before keep(), it vanishes and the earlier run is back. Error: it exists, or it cannot
/// be written.
class NewRunFolder {
 public:
  NewRunFolder(const std::string& verb, const std::string& name, const fs::path& out, bool force,
               std::string_view marker);
  ~NewRunFolder();
  NewRunFolder(const NewRunFolder&) = delete;
  NewRunFolder& operator=(const NewRunFolder&) = delete;

  const fs::path& path() const { return path_; }
  /// It can be gone on with now: it stays, and the earlier run is removed.
  void keep();

 private:
  EarlierRun earlier_;
  fs::path path_;
  RunLock lock_;
  bool kept_ = false;
};

/// Messages go to `file` instead of the log before while this lives: a job may run others.
class RunLog {
 public:
  explicit RunLog(const fs::path& file);
  ~RunLog();
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

 private:
  fs::path before_;
};

/// Puts the message of an error into a log, as far as that can be written: the disk may be what failed.
void append_error(const fs::path& log, const Error& error);

/// Runs `action` with its messages in `log`; what it throws ends up there as well.
template <class Action>
decltype(auto) logged(const fs::path& log, Action&& action) {
  const RunLog lines(log);
  try {
    return std::forward<Action>(action)();
  } catch (const Error& error) {
    append_error(log, error);
    throw;
  }
}

}  // namespace resnet
