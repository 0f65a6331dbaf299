// A run that is stopped, gently or not, goes on and ends with the bytes of one that was never stopped.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <random>

namespace resnet::test {
namespace {

const char* const last = "checkpoints/last.safetensors";

Words long_training(const std::string& out) {
  Words words{"train", "builtin:patterns?count=3000", "--model", "resnet8", "--lr", "0.01", "--batch", "32"};
  for (const char* word : {"--epochs", "4", "--checkpoint-every", "5", "--out"}) words.emplace_back(word);
  words.push_back(out);
  return words;
}

/// Tells a file from the one that replaces it; nothing if there is none.
struct Version {
  ino_t file = 0;
  int64_t seconds = 0, nanoseconds = 0;
  bool operator==(const Version&) const = default;
};

Version version(const fs::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

/// Until the file, which was `before`, has been written `times` times.
void wait_for_saving(const fs::path& file, Version before, unsigned times) {
  for (; times > 0; --times) {
    wait_until([&] { return version(file) != before; }, file.string());
    before = version(file);
  }
}

class Stopped : public testing::Test {
 protected:
  void expect_same_as_whole(const fs::path& run) {
    ASSERT_EQ(here.run(long_training("whole")).code, 0);
    for (const char* file : {last, "checkpoints/best.safetensors"})
      EXPECT_EQ(here.bytes(run / file), here.bytes(fs::path("whole") / file)) << file;
  }
  Workplace here;
};

TEST_F(Stopped, BySignalSavesAndSaysHowToGoOn) {
  for (const char* run : {"ended", "run"}) {
    const pid_t process = here.start(long_training(run));
    wait_for_saving(here.path() / run / last, {}, 3);
    ::kill(process, run == std::string("ended") ? SIGTERM : SIGINT);
    const Outcome stopped = here.end(process);
    EXPECT_EQ(stopped.code, 130) << stopped.err;
    EXPECT_EQ(stopped.out, "");
    EXPECT_NE(stopped.err.find(std::string("resnet resume ") + run), std::string::npos) << stopped.err;
    EXPECT_EQ(stopped.err.find("error"), std::string::npos) << stopped.err;
  }
  const Outcome resumed = here.run({"resume", "run", "--json"});
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(resumed.json()["epochs"], 4);
  expect_same_as_whole("run");
}

TEST_F(Stopped, SlowByKillAtAnyMomentLosesNothingButTime) {
  std::mt19937 random(7);
  const fs::path checkpoint = here.path() / "run" / last;
  Version before;
  pid_t process = here.start(long_training("run"));
  for (int k = 0; k < 3; ++k) {
    wait_for_saving(checkpoint, before, 2 + static_cast<unsigned>(random() % 3));
    ::kill(process, SIGKILL);
    EXPECT_EQ(here.end(process).code, 128 + SIGKILL) << "killed too late";
    before = version(checkpoint);
    process = here.start({"resume", "run", "--checkpoint-every", "7"});
  }
  const Outcome resumed = here.end(process);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_same_as_whole("run");
}

TEST_F(Stopped, EvaluationEndsWithOneLine) {
  write_cifar(here.path() / "data", 40, 1);
  ASSERT_EQ(here.run({"train", "data", "--model", "resnet8", "--epochs", "1", "--batch", "8", "--out", "run"}).code, 0);
  fs::create_directories(here.path() / "slow");
  fs::copy(here.path() / "data/batches.meta.txt", here.path() / "slow");
  const fs::path pipe = here.path() / "slow/test_batch.bin";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const pid_t process = here.start({"eval", "run", "slow"});
  int descriptor = -1;  // opens once the program, on its way to the evaluation, reads the data
  wait_until([&] { return (descriptor = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK)) >= 0; }, "eval reads its data");
  ::kill(process, SIGINT);
  const std::string record(3073, '\1');
  EXPECT_EQ(::write(descriptor, record.data(), record.size()), static_cast<ssize_t>(record.size()));
  ::close(descriptor);
  const Outcome outcome = here.end(process);
  EXPECT_EQ(outcome.code, 130);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.ends_with("evaluation: interrupted\n")) << outcome.err;
  EXPECT_EQ(outcome.err.find("error"), std::string::npos) << outcome.err;
}

TEST_F(Stopped, NotByAReaderOfMessagesThatLeaves) {
  EXPECT_EQ(here.run(quick_training({"--out", "run"}), {.err = "unread"}).code, 0);
  EXPECT_TRUE(fs::exists(here.path() / "run/report.html"));
  const Outcome unheard = here.run(quick_training({"--out", "other"}), {.out = "unread"});
  EXPECT_EQ(unheard.code, 1);
  EXPECT_NE(unheard.err.find("error: standard output: cannot write: Broken pipe"), std::string::npos) << unheard.err;
}

}  // namespace
}  // namespace resnet::test
