// Pieces of a study are kept as they finish; a run that goes on ends as if it had never stopped.
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "study/study.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <limits>
#include <memory>

namespace resnet::test {
namespace {

class StudyRuns : public testing::Test {
 protected:
  StudyRuns() : folder(fs::temp_directory_path() / text_of("resnet-study-", ::getpid())) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    options.whole("--count", count, 1, 100, "pieces");
  }
  ~StudyRuns() override {
    set_interrupted(false);
    fs::remove_all(folder);
  }

  /// Squares of 0 .. count - 1; stops itself as Ctrl-C would before piece `stop_at`.
  StudyOutcome squares(StudyRun& run, int64_t stop_at) {
    std::vector<std::string> keys;
    for (int64_t k = 0; k < count; ++k) keys.push_back(text_of("square/", k));
    const std::vector<Json> found = run.pieces({.label = "squares"}, keys, [&](std::size_t index) {
      ++computed;
      const auto k = static_cast<int64_t>(index);
      if (k + 1 == stop_at) set_interrupted(true);
      return Json{{"square", 0.1 * static_cast<double>(k * k)}};
    });
    StudyOutcome outcome{Json::array(), "", StudyReport("squares", "Squares")};
    for (const Json& value : found) outcome.results.push_back(value["square"]);
    return outcome;
  }

  StudyResult run(const std::string& out, int64_t stop_at = 0, bool force = false) {
    set_interrupted(false);
    const Study study{"squares", "for tests", nullptr};
    return run_study(study, options, 0, [&](StudyRun& r) { return squares(r, stop_at); },
                     {.threads = 2, .out = folder / out, .force = force, .command = "resnet study squares"});
  }
  std::string error_of(const std::string& out, int64_t stop_at = 0) {
    try {
      run(out, stop_at);
    } catch (const Error& error) {
      return text_of(static_cast<int>(error.code()), ": ", error.what());
    }
    return "no error";
  }
  std::string bytes(const fs::path& file) { return read_file(folder / file, 1 << 22); }

  fs::path folder;
  int64_t count = 20;
  std::atomic<int> computed = 0;
  StudyOptions options;
};

TEST_F(StudyRuns, WriteWhatTheyPromise) {
  const StudyResult result = run("whole");
  EXPECT_EQ(result.run, folder / "whole");
  for (const char* file :
       {"config.toml", "command.txt", "environment.json", "pieces.jsonl", "results.json", "report.html", "log.txt"})
    EXPECT_TRUE(fs::exists(folder / "whole" / file)) << file;
  EXPECT_EQ(bytes("whole/config.toml"), "format = 1\nstudy = \"squares\"\nseed = 0\n\n[options]\ncount = 20\n");
  EXPECT_EQ(Json::parse(bytes("whole/results.json")).size(), 20);
}

TEST_F(StudyRuns, StoppedAndContinuedGiveTheSame) {
  run("whole");
  computed = 0;
  const std::string stopped = error_of("part", 7);
  EXPECT_TRUE(stopped.starts_with("130: ")) << stopped;
  EXPECT_NE(stopped.find("continue with: resnet study squares --out " + (folder / "part").string()), std::string::npos)
      << stopped;
  EXPECT_FALSE(fs::exists(folder / "part/results.json"));
  const int before = computed;
  EXPECT_GE(before, 7);
  EXPECT_LT(before, 20);
  run("part");
  EXPECT_EQ(computed, 20);
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
}

TEST_F(StudyRuns, ALineCutShortIsComputedAgain) {
  run("whole");
  error_of("part", 7);
  const std::string pieces = bytes("part/pieces.jsonl");
  std::ofstream(folder / "part/pieces.jsonl", std::ios::binary) << pieces.substr(0, pieces.size() - 5);
  run("part");
  EXPECT_EQ(bytes("part/results.json"), bytes("whole/results.json"));
  for (const char* line : {"{\"piece\": 3}\n", "nonsense\n", "[]\n"}) {
    error_of("other", 7);
    std::ofstream(folder / "other/pieces.jsonl", std::ios::binary) << line;
    EXPECT_NE(error_of("other").find("3: " + (folder / "other/pieces.jsonl").string() + ": line 1 is damaged"),
              std::string::npos);
    fs::remove_all(folder / "other");
  }
  error_of("other", 7);
  std::ofstream(folder / "other/pieces.jsonl", std::ios::binary) << "{\"piece\":\"square/0\",\"value\":[1]}\n";
  EXPECT_NE(error_of("other").find("does not understand"), std::string::npos);
}

TEST_F(StudyRuns, AreHeldToTheirOptions) {
  error_of("part", 7);
  count = 21;
  EXPECT_NE(error_of("part").find("other options (there 'count = 20', here 'count = 21')"), std::string::npos);
  EXPECT_EQ(run("part", 0, true).outcome.results.size(), 21);
  EXPECT_NE(error_of("part").find("finished: see"), std::string::npos);
  fs::create_directories(folder / "photos");
  std::ofstream(folder / "photos/cat.jpg") << "x";
  EXPECT_NE(error_of("photos").find("exists already"), std::string::npos);
  EXPECT_TRUE(fs::exists(folder / "photos/cat.jpg"));
}

TEST_F(StudyRuns, PinWhatMustNotChange) {
  fs::create_directories(folder / "pinned");
  const StudyDirectory directory(folder / "pinned");
  StudyRun(directory, 0, 1, "").pin("data", "abc");
  StudyRun(directory, 0, 1, "").pin("data", "abc");
  EXPECT_THROW(StudyRun(directory, 0, 1, "").pin("data", "abd"), Error);
}

TEST_F(StudyRuns, InfinityIsNullAtOnceAndLater) {
  fs::create_directories(folder / "numbers");
  const StudyDirectory directory(folder / "numbers");
  const auto infinite = [] { return Json(std::numeric_limits<double>::infinity()); };
  EXPECT_TRUE(StudyRun(directory, 0, 1, "").piece("x", infinite).is_null());
  EXPECT_TRUE(StudyRun(directory, 0, 1, "").piece("x", infinite).is_null());
}

TEST(StudyOptions, SayWhatTheyExpect) {
  int64_t whole = 5;
  double real = 0.5;
  std::vector<int64_t> list = {1, 2};
  std::string word = "a", text;
  StudyOptions options;
  options.whole("--whole", whole, 1, 9, "");
  options.real("--real", real, 0, 1, "");
  options.wholes("--list", list, 1, 9, "");
  options.choice("--word", word, {"a", "bee"}, "");
  options.text("--text", text, "FILE", "");
  const auto error = [&](std::size_t index, const std::string& value) -> std::string {
    try {
      options.list()[index].set(value);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error(0, "10").find("between 1 and 9, got '10'"), std::string::npos);
  EXPECT_NE(error(0, "").find("got ''"), std::string::npos);
  EXPECT_NE(error(1, "nan").find("between 0 and 1"), std::string::npos);
  EXPECT_NE(error(2, "1,,2").find("got ''"), std::string::npos);
  EXPECT_NE(error(2, "1,2,").find("got ''"), std::string::npos);
  EXPECT_NE(error(3, "be").find("did you mean bee?"), std::string::npos);
  EXPECT_EQ(options.changes(0), "");
  EXPECT_EQ(error(2, "3,3,1"), "");
  EXPECT_EQ(error(4, "a b"), "");
  EXPECT_EQ(list, (std::vector<int64_t>{3, 3, 1}));
  options.seed = 7;
  EXPECT_EQ(options.changes(0), "--seed 7 --list 3,3,1 --text 'a b'");
}

}  // namespace
}  // namespace resnet::test
