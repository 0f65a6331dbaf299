// Runs the real program, as a user would.
#pragma once

#include "sanitizer.hpp"

#include <nlohmann/json.hpp>

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace resnet::test {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

struct Outcome {
  int code = -1;  // exit code, or 128 + signal
  std::string out, err;
  /// `out` as JSON; a failed test if it is not exactly one value.
  nlohmann::json json() const;
};

/// What surrounds a process.
struct Surroundings {
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::size_t file_bytes = 0;    // limit of the size of a file it writes; 0: none
  std::size_t memory_bytes = 0;  // limit of its address space; 0: none
  /// Where stdout and stderr go instead of Outcome: a file, "closed" or "unread" (a pipe whose reader has left).
  std::string out = {}, err = {};
};

/// A folder of its own that is the working directory of the programs started in it; removed at the end.
class Workplace {
 public:
  Workplace();
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const fs::path& path() const { return path_; }
  /// Runs `resnet WORDS...` to its end.
  Outcome run(const Words& words, const Surroundings& around = {}) const;
  /// Starts it; end() must follow.
  pid_t start(const Words& words, const Surroundings& around = {}) const;
  Outcome end(pid_t process) const;
  /// The bytes of a file in it; a failed test if it is missing.
  std::string bytes(const fs::path& file) const;

 private:
  fs::path path_;
};

/// Waits until `happened`; a failed test if that takes minutes.
void wait_until(const std::function<bool()>& happened, const std::string& what);

/// A quick training: resnet8 on a few patterns, with these words added.
Words quick_training(const Words& more = {});

/// Writes data_batch_1.bin with `records` CIFAR-10 images whose labels are `label`, and the names of the classes.
void write_cifar(const fs::path& folder, int records, char label, std::size_t missing_bytes = 0);

/// An error message is one line.
bool is_one_line(const std::string& text);

}  // namespace resnet::test
