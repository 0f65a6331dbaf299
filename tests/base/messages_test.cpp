// Messages are for people: that they cannot be written never ends a job.
#include "base/files.hpp"
#include "base/log.hpp"
#include "base/terminal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace resnet {
namespace {

TEST(Messages, StderrThatCannotBeWrittenIsIgnored) {
  const int kept = ::dup(STDERR_FILENO);
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(::dup2(full, STDERR_FILENO), 0);
  ::close(full);
  EXPECT_NO_THROW(print_stderr("lost\n"));
  EXPECT_NO_THROW(log_warning("lost as well"));
  ::close(STDERR_FILENO);
  EXPECT_NO_THROW(print_stderr("lost\n"));
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
}

TEST(Messages, ClosedStreamsKeepTheirNumbers) {
  const int kept = ::dup(STDERR_FILENO);
  ::close(STDERR_FILENO);
  reserve_standard_streams();
  const int next = ::open("/dev/null", O_RDONLY);
  EXPECT_GT(next, STDERR_FILENO);
  EXPECT_EQ(::write(STDERR_FILENO, "x", 1), -1);
  ::close(next);
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
}

TEST(Messages, LogFileThatCannotGrowIsOneWarning) {
  set_log_file(fs::temp_directory_path() / ("resnet_log_" + std::to_string(::getpid())));
  set_write_fault([](const fs::path&) { return ENOSPC; });
  testing::internal::CaptureStderr();
  EXPECT_NO_THROW(log_info("one"));
  EXPECT_NO_THROW(log_info("two"));
  const std::string said = testing::internal::GetCapturedStderr();
  set_write_fault({});
  log_info("three");
  std::error_code ignored;
  fs::remove(fs::temp_directory_path() / ("resnet_log_" + std::to_string(::getpid())), ignored);
  set_log_file({});
  EXPECT_TRUE(said.starts_with("one\nwarning: ")) << said;
  EXPECT_NE(said.find("No space left"), std::string::npos) << said;
  EXPECT_TRUE(said.ends_with("\ntwo\n")) << said;
  EXPECT_EQ(std::ranges::count(said, '\n'), 3) << said;
}

}  // namespace
}  // namespace resnet
