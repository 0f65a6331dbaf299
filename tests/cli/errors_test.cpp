// Wrong input ends with one line that helps, and the right exit code.
#include "cli/program.hpp"

#include <gtest/gtest.h>

#include <sys/mount.h>

#include <fstream>

namespace resnet::test {
namespace {

struct WrongCase {
  Words words;
  int code;
  const char* said;  // somewhere in the message
};

void expect_error(const Outcome& outcome, int code, const std::string& said) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("error: ")) << outcome.err;
  EXPECT_TRUE(is_one_line(outcome.err)) << outcome.err;
  EXPECT_NE(outcome.err.find(said), std::string::npos) << "expected '" << said << "' in: " << outcome.err;
}

TEST(Errors, NameTheFaultAndTheWayOut) {
  const Workplace here;
  const WrongCase cases[] = {
      {{"tarin"}, 2, "did you mean train?"},
      {{"--json", "models"}, 2, "before the verb"},
      {{"train", "--epoch", "3"}, 2, "did you mean --epochs?"},
      {{"train", "--epochs"}, 2, "--epochs: expected a value"},
      {{"train", "--epochs", "ten"}, 2, "got 'ten'"},
      {{"train", "--epochs", "0"}, 2, "at least 1"},
      {{"train", "--lr", "fast"}, 2, "expected a number"},
      {{"train", "--lr", "-1"}, 2, "lr must be positive"},
      {{"train", "--force=maybe"}, 2, "--force"},
      {{"train", "one", "two"}, 2, "unexpected argument 'two'"},
      {{"train", "--recipe", "shrt"}, 2, "did you mean short?"},
      {{"train", "--validation", "2"}, 2, "between 0 and 1"},
      {{"train", "--label-smoothing", "1"}, 2, "--label-smoothing must lie between"},
      {{"models", "--seed", "1"}, 2, "unknown option --seed; `resnet models --help`"},
      {{"train", "--schedule", "cosin"}, 2, "cosine"},
      {{"train", "--model", "resnet2"}, 2, "did you mean resnet20?"},
      {{"train", "--precision", "fp16"}, 2, "fp32"},
      {{"bench", "--precision", "fp32,fp16"}, 2, "expected fp32, bf16 or auto, got 'fp16'"},
      {{"train", "--shortcut", "D"}, 2, "A, B, C"},
      {{"train", "builtin:shape"}, 2, "did you mean builtin:shapes?"},
      {{"train", "builtin:shapes?tain=5"}, 2, "did you mean train?"},
      {{"train", "builtin:patterns?count=100", "--batch", "101"}, 2, "101 images are more than the 100"},
      {{"train", "nowhere"}, 3, "nowhere: no such folder"},
      {{"resume"}, 2, "missing RUN"},
      {{"resume", "nowhere"}, 3, "no such run"},
      {{"resume", "."}, 3, "not a run directory"},
      {{"eval", "nosuch.safetensors", "builtin:shapes"}, 4, "nosuch.safetensors"},
      {{"eval", "resnet20"}, 2, "without weights"},
      {{"inspect", "nosuch.safetensors"}, 4, "no such file"},
      {{"inspect", "resnet21"}, 2, "resnet20"},
      {{"bench", "--mode", "both"}, 2, "train or infer"},
      {{"bench", "--batch", "8,x"}, 2, "got 'x'"},
      {{"train", "--freeze", ""}, 2, "--freeze: name stages"},
      {{"export", "model.safetensors", "model.txt"}, 2, "expected an OUT that ends in .onnx, got model.txt"},
      {{"predict", "--model", "resnet5O", "cat.jpg"}, 4, "no such file or run directory; did you mean resnet50?"},
      {{"models", "--jsn"}, 2, "did you mean --json?"},
  };
  for (const WrongCase& wrong : cases) {
    SCOPED_TRACE(testing::PrintToString(wrong.words));
    expect_error(here.run(wrong.words), wrong.code, wrong.said);
  }
  EXPECT_FALSE(fs::exists(here.path() / "runs"));
}

TEST(Errors, DamagedCifarFilesAreNamed) {
  const Workplace here;
  write_cifar(here.path() / "short", 20, 1, 5);
  expect_error(here.run({"train", "short"}), 3, "data_batch_1.bin");
  write_cifar(here.path() / "label", 20, 10);
  expect_error(here.run({"train", "label"}), 3, "data_batch_1.bin");
  fs::create_directories(here.path() / "empty");
  expect_error(here.run({"train", "empty"}), 3, "empty");
}

TEST(Errors, DamagedModelFilesAreRefused) {
  const Workplace here;
  ASSERT_EQ(here.run(quick_training({"--out", "run"})).code, 0);
  const std::string good = here.bytes("run/checkpoints/best.safetensors");
  std::ofstream(here.path() / "cut.safetensors", std::ios::binary) << good.substr(0, good.size() / 2);
  expect_error(here.run({"eval", "cut.safetensors", "builtin:patterns"}), 4, "cut.safetensors");
  expect_error(here.run({"inspect", "cut.safetensors"}), 4, "cut.safetensors");
  expect_error(here.run({"eval", "run", "builtin:shapes"}), 3, "expects images");
  expect_error(here.run({"inspect", "run", "--shortcut", "B"}), 2, "is a file");
  const Outcome weights = here.run({"train", "--weights", "run/checkpoints/best.safetensors", "--out", "other"});
  EXPECT_EQ(weights.code, 4) << weights.err;  // other shapes
  EXPECT_FALSE(fs::exists(here.path() / "other"));
}

TEST(Errors, LossThatIsNotFiniteNamesTheNode) {
  const Workplace here;
  const Outcome outcome = here.run(quick_training({"--lr", "1e30", "--epochs", "2", "--out", "run"}));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("first arose in node '"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("at step "), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find("000000"), std::string::npos) << "digits that say nothing: " << outcome.err;
  EXPECT_EQ(here.run({"eval", "run/checkpoints/last.safetensors", "builtin:patterns"}).code, 0);
}

TEST(Errors, RunDirectoriesThatCannotBeMade) {
  const Workplace here;
  std::ofstream(here.path() / "file") << "x";
  fs::create_directories(here.path() / "photos");
  std::ofstream(here.path() / "photos/cat.jpg") << "x";
  for (const char* out : {"file/run", "file", "/proc/resnet-run", "photos"})
    expect_error(here.run(quick_training({"--out", out, "--force"})), 1, out);
  EXPECT_TRUE(fs::exists(here.path() / "photos/cat.jpg"));
  ASSERT_EQ(here.run(quick_training({"--out", "run"})).code, 0);
  expect_error(here.run(quick_training({"--out", "run"})), 1, "--force");
  EXPECT_EQ(here.run(quick_training({"--out", "run", "--force"})).code, 0);
}

TEST(Errors, FileThatCannotGrowLeavesNoHalfCheckpoint) {
  const Workplace here;
  const Outcome outcome = here.run(quick_training({"--out", "run"}), {.file_bytes = 100'000});
  expect_error(outcome, 1, "last.safetensors");
  EXPECT_FALSE(fs::exists(here.path() / "run/checkpoints/last.safetensors"));
}

/// A disk of `size` bytes for as long as this lives.
class SmallDisk {
 public:
  SmallDisk(fs::path folder, const char* size) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    mounted_ = ::mount("none", folder_.c_str(), "tmpfs", 0, size) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  void resize(const char* size) { EXPECT_EQ(::mount("none", folder_.c_str(), "tmpfs", MS_REMOUNT, size), 0); }

 private:
  fs::path folder_;
  bool mounted_ = false;
};

TEST(Errors, FullDiskKeepsTheLastCheckpoint) {
  const Workplace here;
  SmallDisk disk(here.path() / "disk", "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small disk needs root";
  const Outcome outcome = here.run(quick_training({"--out", "disk/run"}));
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_NE(outcome.err.find("No space left on device; free some space"), std::string::npos) << outcome.err;
  disk.resize("size=16m");
  const Outcome resumed = here.run({"resume", "disk/run"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(here.run(quick_training({"--out", "whole"})).code, 0);
  EXPECT_EQ(here.bytes("disk/run/checkpoints/last.safetensors"), here.bytes("whole/checkpoints/last.safetensors"));
}

TEST(Errors, NamesTooLongForTheSystem) {
  const Workplace here;
  const std::string name(300, 'n');
  expect_error(here.run({"eval", name, "builtin:shapes"}), 4, "no such file");
  expect_error(here.run({"inspect", name + ".safetensors"}), 4, "no such file");
}

TEST(Errors, AStderrThatCannotBeWrittenChangesNothing) {
  const Workplace here;
  for (const char* err : {"/dev/full", "closed"}) {
    EXPECT_EQ(here.run({"train", "--bogus"}, {.err = err}).code, 2) << err;
    EXPECT_EQ(here.run({}, {.err = err}).code, 2) << err;
    EXPECT_EQ(here.run(quick_training({"--out", "run", "--force"}), {.err = err}).code, 0) << err;
    EXPECT_EQ(here.run({"eval", "run"}).code, 0) << err;
  }
}

TEST(Errors, ResultsThatCannotBeWrittenAreAnError) {
  const Workplace here;
  for (const char* out : {"/dev/full", "closed"})
    for (const char* word : {"models", "--version", "--help"})
      expect_error(here.run({word}, {.out = out}), 1, "standard output: cannot write: ");
}

TEST(Errors, ThreadsThatCannotBeStarted) {
  if (with_sanitizer) GTEST_SKIP() << "the sanitizer needs more address space than the test allows";
  const Workplace here;
  const Surroundings small{.memory_bytes = std::size_t{2} << 30};  // the stacks of 1024 threads take more
  expect_error(here.run(quick_training({"--loader-threads", "1024"}), small), 1, "use fewer --loader-threads");
}

TEST(Errors, OutOfMemoryHasItsOwnCode) {
  if (with_sanitizer) GTEST_SKIP() << "the sanitizer needs more address space than the test allows";
  const Workplace here;
  const Outcome outcome = here.run(
      {"train", "builtin:patterns?size=32&count=20000", "--model", "resnet20", "--batch", "20000", "--threads", "1"},
      {.memory_bytes = std::size_t{2} << 30});
  expect_error(outcome, 5, "out of memory");
  EXPECT_FALSE(fs::exists(here.path() / "runs" / "train" / "resnet20-patterns"));
}

TEST(Errors, BenchOutOfMemoryKeepsTheRowsBefore) {
  if (with_sanitizer) GTEST_SKIP() << "the sanitizer needs more address space than the test allows";
  const Workplace here;
  const Outcome outcome = here.run({"bench", "--model", "resnet8", "--mode", "train", "--batch", "1,50000", "--threads",
                                    "1", "--seconds", "0.01", "--json"},
                                   {.memory_bytes = std::size_t{2} << 30});
  EXPECT_EQ(outcome.code, 5) << outcome.err;
  ASSERT_EQ(outcome.json()["results"].size(), 1);
  EXPECT_EQ(outcome.json()["results"][0]["batch"], 1);
  const std::size_t error = outcome.err.find("error: ");
  ASSERT_NE(error, std::string::npos) << outcome.err;
  EXPECT_TRUE(is_one_line(outcome.err.substr(error))) << outcome.err;
  EXPECT_NE(outcome.err.find("at batch 50000: out of memory", error), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace resnet::test
