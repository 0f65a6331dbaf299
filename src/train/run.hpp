// A run directory: what a training leaves behind, and the only place that knows the names of its files.
#pragma once

#include "base/files.hpp"
#include "base/run_folder.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

/// One line of metrics.csv: an epoch that ended.
struct MetricsRow {
  int64_t epoch = 0, step = 0;  // epochs and steps done
  double time = 0;              // seconds of training, over all parts of an interrupted run
  double lr = 0;                // of the last step
  double train_loss = 0;
  std::optional<double> val_loss = {}, top1 = {}, top5 = {};
  double train_top1 = 0;
};

/// runs/<verb>/<name>[-N]/{config.toml, command.txt, environment.json, metrics.csv, classes.txt, checkpoints/,
/// report.html, log.txt}, diagnosis.jsonl where health is sampled, and for photos split.csv and, if there are bad ones,
/// bad_files.csv
class RunDirectory {
 public:
  explicit RunDirectory(fs::path path) : path_(std::move(path)) {}

  const fs::path& path() const { return path_; }
  fs::path config() const { return path_ / "config.toml"; }
  fs::path command() const { return path_ / "command.txt"; }
  fs::path environment() const { return path_ / "environment.json"; }
  fs::path metrics() const { return path_ / "metrics.csv"; }
  fs::path classes() const { return path_ / "classes.txt"; }
  /// Of photos: the part, class and content of each image, and the images that cannot be used.
  fs::path split() const { return path_ / "split.csv"; }
  /// The same, or nothing where the run has none.
  fs::path saved_split() const { return path_exists(split()) ? split() : fs::path(); }
  fs::path bad_files() const { return path_ / "bad_files.csv"; }
  fs::path last() const { return path_ / "checkpoints" / "last.safetensors"; }
  fs::path best() const { return path_ / "checkpoints" / "best.safetensors"; }
  /// What the run stands for: `best`, or `last` before the first epoch has ended.
  fs::path model() const { return path_exists(best()) ? best() : last(); }
  /// Samples of the network's health (train/health/samples.hpp), if the run keeps them.
  fs::path diagnosis() const { return path_ / "diagnosis.jsonl"; }
  fs::path report() const { return path_ / "report.html"; }
  fs::path log() const { return path_ / "log.txt"; }

  void append(const MetricsRow& row) const;
  /// All rows of metrics.csv, none if there is no such file; a last line that was cut short is left out. Error (bad
  /// data): a damaged line; names it.
  std::vector<MetricsRow> read_metrics() const;
  /// Removes temporary files that a crash left behind.
  void remove_leftovers() const;
  /// Replaces metrics.csv by its title line and the rows up to `step`; returns them.
  std::vector<MetricsRow> truncate_metrics(int64_t step) const;

 private:
  fs::path path_;
};

/// A new run directory, locked: `out` itself, which must not exist unless `force` (an earlier run there is replaced;
/// any other folder with content is refused), or, where `out` is empty, the first free runs/VERB/NAME[-N]. Destroyed
/// before keep(), it vanishes and the earlier run is back. Error: it exists, or it cannot be written.
class NewRun {
 public:
  NewRun(const std::string& verb, const std::string& name, const fs::path& out, bool force);

  const RunDirectory& directory() const { return directory_; }
  /// It can be resumed now: it stays, and the earlier run is removed.
  void keep() { folder_.keep(); }

 private:
  NewRunFolder folder_;
  RunDirectory directory_;
};

/// The file with the weights of MODEL: that file itself, or what a run directory stands for.
fs::path model_file_of(const fs::path& model);

/// Whether the run directory of a training lies at `path`.
bool holds_run(const fs::path& path);

/// Error (bad data): no run is there; says what a run directory holds.
RunDirectory open_run(const fs::path& path);

}  // namespace resnet
