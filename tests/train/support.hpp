// Small runs on small generated data, each in a directory of its own.
#pragma once

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "train/run.hpp"
#include "train/train.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace resnet {

/// Removed with everything in it when the test ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "resnet-train-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

/// Runs without a word, and leaves no hook, fault or interrupt behind.
class QuietRun : public testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::error); }
  void TearDown() override {
    set_step_hook({});
    set_write_fault({});
    set_interrupted(false);
    set_log_level(LogLevel::info);
  }
  TemporaryFolder folder;
};

/// 2 epochs of 9 steps of a resnet8 on 8x8 images.
inline TrainRequest small_request(const fs::path& out) {
  TrainRequest request;
  request.model = "resnet8";
  request.data = "builtin:patterns?size=8&count=78";
  request.recipe = changed(find_recipe("short"), {.epochs = 2, .batch = 8, .lr = 0.05});
  request.threads = 1;
  request.out = out;
  request.command = "resnet train small";
  return request;
}

inline std::string last_bytes(const fs::path& run) { return read_file(RunDirectory(run).last(), 1 << 30); }
inline std::string best_bytes(const fs::path& run) { return read_file(RunDirectory(run).best(), 1 << 30); }

/// The message of the Error that `action` throws, with its exit code put before: "2: recipe: ...".
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return text_of(static_cast<int>(error.code()), ": ", error.what());
  }
  return "no error";
}

}  // namespace resnet
