// One run of a study: its folder, and the pieces of work that it keeps as they finish, so that a run that was stopped
// goes on where it was.
#pragma once

#include "base/parallel.hpp"
#include "base/run_folder.hpp"
#include "study/json.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace resnet {

/// runs/study/NAME[-N]/{config.toml, command.txt, environment.json, pieces.jsonl, results.json, figures/, report.html,
/// log.txt}. results.json is written last: where it lies, the run is finished.
class StudyDirectory {
 public:
  explicit StudyDirectory(fs::path path) : path_(std::move(path)) {}

  const fs::path& path() const { return path_; }
  fs::path config() const { return path_ / "config.toml"; }
  fs::path command() const { return path_ / "command.txt"; }
  fs::path environment() const { return path_ / "environment.json"; }
  fs::path pieces() const { return path_ / "pieces.jsonl"; }
  fs::path results() const { return path_ / "results.json"; }
  fs::path figure(const std::string& name) const { return path_ / "figures" / (name + ".svg"); }
  fs::path report() const { return path_ / "report.html"; }
  fs::path log() const { return path_ / "log.txt"; }
  bool finished() const { return path_exists(results()); }

 private:
  fs::path path_;
};

/// What the progress of a list of pieces says, "gradient flow", each piece being 50 "networks", and who computes them.
struct PieceKind {
  std::string label;
  std::string unit = "pieces";
  int64_t units_each = 1;
  /// One piece after the other on the calling thread; compute() may then use the pool. Otherwise several at a time.
  bool one_by_one = false;
};

class StudyRun {
 public:
  /// Reads the pieces that are there. `resume_command` is what to type to go on. Error (bad data): a damaged line.
  StudyRun(StudyDirectory directory, uint64_t seed, int threads, std::string resume_command);

  const StudyDirectory& directory() const { return directory_; }
  uint64_t seed() const { return seed_; }
  /// What to type to go on with this study.
  const std::string& resume_command() const { return resume_command_; }
  /// For work that is not cut into pieces; it must not be used from inside compute().
  const std::shared_ptr<ThreadPool>& pool() const { return pool_; }

  /// The results of `keys` in their order: those that an earlier part of the run stored are taken from there, the
  /// others are computed and stored as they finish. compute(index) must depend on nothing but the run's options and the
  /// index, and must not use the pool unless the pieces go one by one. Keys are unique within a run. Error
  /// (interrupted): a signal came; says how to go on. JSON has no infinity: such a number comes back as null.
  std::vector<Json> pieces(const PieceKind& kind, const std::vector<std::string>& keys,
                           const std::function<Json(std::size_t index)>& compute);

  /// One piece on the calling thread, which may use the pool.
  Json piece(const std::string& key, const std::function<Json()>& compute);

  /// For work without pieces, now and then. Error (interrupted): a signal came.
  void stop_if_interrupted() const;

  /// What the run has would be missed, though it is no piece: the folder stays if the study stops now.
  void keep() { kept_ = true; }

  /// Holds a later part of the run to what this part was made with (a hash of the data, an instruction set).
  /// Error (bad data): it was another `value` then.
  void pin(const std::string& key, const std::string& value);
  /// Holds it to the CPU backend's kernels of this machine, which decide the bits of single precision.
  void pin_kernels();

  /// Whether there are pieces that a later part of the run could go on from.
  bool worth_keeping() const;

 private:
  void store(const std::string& key, const Json& value);
  [[noreturn]] void stop() const;

  StudyDirectory directory_;
  uint64_t seed_;
  std::shared_ptr<ThreadPool> pool_;
  std::string resume_command_;
  std::map<std::string, Json> stored_;
  bool kept_ = false;
};

}  // namespace resnet
