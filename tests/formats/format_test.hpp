// What the tests of formats share: a folder for one test, removed at its end, and errors as values.
#pragma once

#include "base/error.hpp"
#include "base/files.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace resnet {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string(test->test_suite_name()) + "." + test->name() + "." + std::to_string(::getpid());
    for (char& c : name)
      if (c == '/') c = '.';
    path_ = fs::temp_directory_path() / name;
    make_directory(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  /// Number of files and folders inside.
  std::ptrdiff_t entries() const { return std::distance(fs::directory_iterator(path_), fs::directory_iterator()); }

 private:
  fs::path path_;
};

/// The error that `action` throws; a failure if there is none, or if its message is not one short line.
template <class Action>
Error error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    EXPECT_LT(std::string(error.what()).size(), 1000u) << error.what();
    return error;
  }
  ADD_FAILURE() << "expected an error";
  return {ExitCode::ok, ""};
}

}  // namespace resnet
