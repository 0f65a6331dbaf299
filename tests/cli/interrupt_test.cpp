// A run that is stopped, gently or not, goes on and ends with the bytes of one that was never stopped.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

namespace resnet::test {
namespace {

const char* const last = "checkpoints/last.safetensors";

Words long_training(const std::string& out) {
  Words words{"train", "builtin:patterns?count=3000", "--model", "resnet8", "--lr", "0.01", "--batch", "32"};
  for (const char* word : {"--epochs", "4", "--checkpoint-every", "5", "--out"}) words.emplace_back(word);
  words.push_back(out);
  return words;
}

void wait_for(const fs::path& file) {
  for (int k = 0; k < 3000 && !fs::exists(file); ++k) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ASSERT_TRUE(fs::exists(file)) << file;
}

void pause(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

class Stopped : public testing::Test {
 protected:
  /// What checkpoints and metrics of an undisturbed run look like.
  void expect_same_as_whole(const fs::path& run) {
    ASSERT_EQ(here.run(long_training("whole")).code, 0);
    for (const char* file : {last, "checkpoints/best.safetensors", "config.toml"})
      EXPECT_EQ(here.bytes(run / file), here.bytes(fs::path("whole") / file)) << file;
  }
  Workplace here;
};

TEST_F(Stopped, BySignalSavesAndSaysHowToGoOn) {
  for (const char* run : {"ended", "run"}) {
    const pid_t process = here.start(long_training(run));
    wait_for(here.path() / run / last);
    pause(150);
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
  pid_t process = here.start(long_training("run"));
  wait_for(here.path() / "run" / last);
  for (int k = 0; k < 3; ++k) {
    pause(static_cast<int>(random() % 200));
    ::kill(process, SIGKILL);
    EXPECT_EQ(here.end(process).code, 128 + SIGKILL) << "killed too late";
    process = here.start({"resume", "run", "--checkpoint-every", "7"});
    pause(150);
  }
  const Outcome resumed = here.end(process);
  ASSERT_EQ(resumed.code, 0) << resumed.err;
  expect_same_as_whole("run");
}

}  // namespace
}  // namespace resnet::test
