// How `resnet bench` starts itself for one measurement.
#include "base/error.hpp"
#include "base/terminal.hpp"
#include "cli/measure.hpp"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace resnet::cli {
namespace {

/// The file descriptors of a pipe, closed at the end.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  Pipe() {
    if (::pipe(ends.data()) != 0) fail("bench: cannot make a pipe: ", std::strerror(errno));
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_end(std::size_t end) {
    if (ends[end] >= 0) ::close(ends[end]);
    ends[end] = -1;
  }
};

/// Where the child's messages go: a nameless file, so that nobody has to read along while it runs.
class Messages {
 public:
  Messages() : descriptor_(::memfd_create("resnet-messages", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("bench: cannot make a file for messages: ", std::strerror(errno));
  }
  ~Messages() { ::close(descriptor_); }
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;
  int descriptor() const { return descriptor_; }
  std::string text() const;

 private:
  int descriptor_;
};

std::vector<std::string> child_arguments(const BenchCase& bench) {
  return {"resnet",
          "bench",
          "--measure-here",
          "--model",
          bench.model,
          "--mode",
          bench.mode,
          "--batch",
          std::to_string(bench.batch),
          "--precision",
          std::string(name_of(bench.step.precision)),
          "--memory",
          bench.step.low_memory ? "low" : "normal",
          "--threads",
          std::to_string(bench.threads),
          "--seconds",
          fmt::format("{}", bench.seconds),
          "--seed",
          std::to_string(bench.seed)};
}

/// Starts this program with `words`; its stdout goes into `output`, its stderr into `messages`.
pid_t start(std::vector<std::string> words, const Pipe& output, const Messages& messages) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output.ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, messages.descriptor(), STDERR_FILENO);
  posix_spawn_file_actions_addclose(&actions, output.ends[0]);
  posix_spawn_file_actions_addclose(&actions, output.ends[1]);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) fail("bench: cannot start a measurement: ", std::strerror(error));
  return child;
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t got = ::read(descriptor, chunk.data(), chunk.size());
    if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) return text;
  }
}

std::string Messages::text() const {
  ::lseek(descriptor_, 0, SEEK_SET);
  return read_all(descriptor_);
}

/// What stands behind "error: " in the last line of `said`, which is cut off there; empty if it is no such line.
std::string take_error(std::string& said) {
  constexpr std::string_view mark = "error: ";
  const std::size_t at = said.rfind(mark);
  if (at == std::string::npos || (at > 0 && said[at - 1] != '\n') || said.find('\n', at) + 1 != said.size()) return "";
  const std::string reason = said.substr(at + mark.size(), said.size() - at - mark.size() - 1);
  said.resize(at);
  return reason;
}

/// The child's error becomes ours; what else it said is passed on.
void expect_success(const BenchCase& bench, int status, std::string said) {
  const std::string reason = take_error(said);
  print_stderr(said);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  const std::string what = fmt::format("bench: {} of {} at batch {}", bench.mode, bench.model, bench.batch);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    fail_as(ExitCode::out_of_memory, what, ": the system ended the measurement, most likely for want of memory");
  if (WIFSIGNALED(status)) fail(what, ": the measurement ended by signal ", WTERMSIG(status));
  throw Error(static_cast<ExitCode>(WEXITSTATUS(status)),
              what + ": " + (reason.empty() ? "no measurement, see above" : reason));
}

}  // namespace

Json measure_in_child(const BenchCase& bench) {
  Pipe output;
  const Messages messages;
  const pid_t child = start(child_arguments(bench), output, messages);
  output.close_end(1);
  const std::string text = read_all(output.ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) fail("bench: lost the measurement: ", std::strerror(errno));
  expect_success(bench, status, messages.text());
  Json row = Json::parse(text, nullptr, false);
  if (!row.is_object()) fail("bench: the measurement printed '", text.substr(0, 80), "', expected a JSON object");
  return row;
}

}  // namespace resnet::cli
