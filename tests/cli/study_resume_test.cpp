// A study that was killed or interrupted, typed again: it goes on and leaves the same results as one that was not.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace resnet::test {
namespace {

/// Long enough to be stopped midway, each with its name first.
const Words studies[] = {
    {"notebook", "--depths", "200,200,200,200,200,200", "--width", "32"},
    {"gradient-flow", "--trials", "600", "--depth", "12", "--batch", "8"},
    {"gradient-flow", "--model", "resnet20,plain20", "--trials", "12", "--batch", "8", "--data", "builtin:patterns"},
    {"identity", "--trials", "100", "--width", "8", "--seeds", "20", "--depths", "2,10", "--steps", "60"},
    {"depth", "--trials", "300", "--batch", "8", "--depths", "5,10,20"},
    {"patterns", "--size", "8", "--jitter", "2", "--count", "240", "--seeds", "2", "--epochs", "2"},
};

Words command(const Words& study, const std::string& out, const std::string& threads = "2") {
  Words words{"study"};
  words.insert(words.end(), study.begin(), study.end());
  for (const std::string& word : {std::string("--threads"), threads, std::string("--out"), out}) words.push_back(word);
  return words;
}

class StoppedStudy : public testing::TestWithParam<Words> {
 protected:
  /// Starts the study in `out` and sends it `signal` once it has begun to keep something.
  Outcome stop(const std::string& out, int signal) const {
    const bool pieces = GetParam()[0] != "notebook";  // that one is short, and begins again
    const pid_t process = here.start(command(GetParam(), out));
    wait_until([&] { return fs::exists(here.path() / out / (pieces ? "pieces.jsonl" : "config.toml")); },
               "a beginning");
    ::kill(process, signal);
    return here.end(process);
  }

  const Workplace here;
};

TEST_P(StoppedStudy, GoesOnToTheSameResults) {
  ASSERT_EQ(here.run(command(GetParam(), "whole")).code, 0);
  stop("killed", SIGKILL);
  ASSERT_TRUE(fs::exists(here.path() / "killed/config.toml"));
  ASSERT_FALSE(fs::exists(here.path() / "killed/results.json")) << "the study ended before it could be killed";
  const Outcome continued = here.run(command(GetParam(), "killed", "1"));
  ASSERT_EQ(continued.code, 0) << continued.err;
  EXPECT_NE(continued.err.find("continuing killed"), std::string::npos) << continued.err;
  EXPECT_EQ(here.bytes("killed/results.json"), here.bytes("whole/results.json"));

  const Outcome stopped = stop("stopped", SIGINT);
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_NE(stopped.err.find("continue with: resnet study " + GetParam()[0]), std::string::npos) << stopped.err;
  EXPECT_NE(stopped.err.find(" --out stopped"), std::string::npos) << stopped.err;
  EXPECT_FALSE(fs::exists(here.path() / "stopped/results.json"));
  ASSERT_EQ(here.run(command(GetParam(), "stopped")).code, 0);
  EXPECT_EQ(here.bytes("stopped/results.json"), here.bytes("whole/results.json"));
}

INSTANTIATE_TEST_SUITE_P(Slow, StoppedStudy, testing::ValuesIn(studies), [](const auto& study) {
  std::string name = study.param[0] + (study.param[1] == "--model" ? "Models" : "");
  std::erase(name, '-');
  return name;
});

}  // namespace
}  // namespace resnet::test
