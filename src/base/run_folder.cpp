#include "base/run_folder.hpp"

#include "base/log.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace resnet {
namespace {

/// The first of NAME, NAME-2, NAME-3 ... that this call could create: two runs that start together get two.
fs::path first_free(const fs::path& parent, const std::string& name) {
  make_directory(parent);
  for (int64_t number = 1;; ++number) {
    const fs::path path = parent / (number == 1 ? name : fmt::format("{}-{}", name, number));
    std::error_code error;
    if (fs::create_directory(path, error)) return path;
    if (error) fail(path.string(), ": cannot create the folder: ", error.message(), "; choose a place with --out");
  }
}

/// Whether something in a run folder was put there by a run: what all kinds of runs leave behind.
bool is_of_a_run(const fs::path& path) {
  constexpr std::string_view names[] = {"bad_files.csv", "checkpoints",     "classes.txt",      "command.txt",
                                        "config.toml",   "diagnosis.jsonl", "environment.json", "figures",
                                        "log.txt",       "metrics.csv",     "pieces.jsonl",     "report.html",
                                        "results.json",  "split.csv"};
  return std::ranges::find(names, path.filename().string()) != std::end(names) ||
         path.extension().string().starts_with(".tmp");
}

fs::path create(const std::string& verb, const std::string& name, const fs::path& out, std::string_view marker) {
  const fs::path path = out.empty() ? first_free(fs::path("runs") / verb, name) : out;
  make_directory(path);
  make_directory(path / marker);
  return path;
}

}  // namespace

bool is_run_folder(const fs::path& path, std::string_view marker) {
  return path_exists(path / "config.toml") && is_folder(path / marker);
}

RunLock::RunLock(const fs::path& run) : descriptor_(::open(run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(run.string(), ": cannot be opened: ", std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor_);
  fail(run.string(), ": another process is at work on this run; wait for its end or stop it");
}

RunLock::~RunLock() { ::close(descriptor_); }

EarlierRun::EarlierRun(const fs::path& out, bool force, std::string_view marker)
    : out_(out.has_filename() ? out : out.parent_path()) {
  std::error_code error;
  if (out.empty() || !fs::exists(fs::symlink_status(out_, error))) return;
  if (!force) fail(out.string(), ": exists already; choose another --out, or replace the run there with --force");
  if (!is_folder(out_)) fail(out.string(), ": is a file, expected a folder for the run; choose another --out");
  if (fs::is_empty(out_, error)) return;
  if (!is_run_folder(out_, marker))
    fail(out.string(),
         ": holds something other than a run of this kind, which --force does not remove; choose another --out");
  for (const fs::directory_entry& entry : fs::directory_iterator(out_))
    if (!is_of_a_run(entry.path()))
      fail(entry.path().string(), ": is not of the run, and --force would remove it; move it, or choose another --out");
  const RunLock lock(out_);
  fs::path aside = out_;
  aside += fmt::format(".earlier{}", ::getpid());
  fs::rename(out_, aside, error);
  if (error) fail(out.string(), ": the earlier run cannot be moved aside: ", error.message());
  aside_ = aside;
}

EarlierRun::~EarlierRun() {
  std::error_code error;
  if (!aside_.empty()) fs::rename(aside_, out_, error);
  if (error) log_warning("the earlier run could not be put back: it is in {}", aside_.string());
}

void EarlierRun::drop() {
  std::error_code error;
  const fs::path aside = std::exchange(aside_, {});
  if (!aside.empty()) fs::remove_all(aside, error);
  if (error) log_warning("{}: the earlier run could not be removed: {}", aside.string(), error.message());
}

NewRunFolder::NewRunFolder(const std::string& verb, const std::string& name, const fs::path& out, bool force,
                           std::string_view marker)
    : earlier_(out, force, marker), path_(create(verb, name, out, marker)), lock_(path_) {}

NewRunFolder::~NewRunFolder() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(path_, ignored);  // nothing in it could be gone on with
}

void NewRunFolder::keep() {
  kept_ = true;
  earlier_.drop();
}

RunLog::RunLog(const fs::path& file) : before_(set_log_file(file)) {}
RunLog::~RunLog() { set_log_file(before_); }

void append_error(const fs::path& log, const Error& error) {
  try {
    append_line(log, error.what());
  } catch (const Error&) {
  }
}

}  // namespace resnet
