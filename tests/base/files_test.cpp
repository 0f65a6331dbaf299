#include "base/files.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace resnet {
namespace {

class Files : public testing::Test {
 protected:
  Files() : directory_(fs::temp_directory_path() / ("resnet_files_" + std::to_string(::getpid()))) {
    make_directory(directory_);
  }
  ~Files() override {
    set_write_fault({});
    fs::remove_all(directory_);
  }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory_), fs::directory_iterator{}));
  }
  fs::path directory_;
};

TEST_F(Files, WritesReplaceAndRead) {
  write_file(directory_ / "a", "one");
  write_file(directory_ / "a", "two");
  EXPECT_EQ(read_file(directory_ / "a", 1 << 20), "two");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, AFullDiskLeavesTheOldFileAndNothingElse) {
  write_file(directory_ / "a", "old");
  set_write_fault([](const fs::path&) { return ENOSPC; });
  try {
    write_file(directory_ / "a", "new");
    FAIL() << "the write fault was not noticed";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find((directory_ / "a").string()), std::string::npos) << error.what();
  }
  set_write_fault({});
  EXPECT_EQ(read_file(directory_ / "a", 1 << 20), "old");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, WithoutCommitNothingAppears) {
  { AtomicFile(directory_ / "b").write("half"); }
  EXPECT_EQ(entries(), 0u);
}

TEST_F(Files, ReadersNameWhatIsWrong) {
  write_file(directory_ / "big", std::string(100, 'x'));
  EXPECT_EQ(read_file(directory_ / "big", 100).size(), 100u);
  for (const auto& [path, limit, text] : {std::tuple{directory_ / "big", uint64_t{99}, "limit of 99"},
                                          std::tuple{directory_ / "none", uint64_t{99}, "no such file"},
                                          std::tuple{directory_, uint64_t{99}, "is a folder"}}) {
    try {
      read_file(path, limit);
      ADD_FAILURE() << path << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  }
}

TEST_F(Files, LookingAtAPathNeverThrows) {
  write_file(directory_ / "a", "x");
  EXPECT_TRUE(path_exists(directory_ / "a"));
  EXPECT_FALSE(is_folder(directory_ / "a"));
  EXPECT_TRUE(is_folder(directory_));
  const fs::path too_long = directory_ / std::string(300, 'n');
  for (const fs::path& nothing : {directory_ / "none", directory_ / "a" / "b", too_long, fs::path()}) {
    EXPECT_FALSE(path_exists(nothing)) << nothing;
    EXPECT_FALSE(is_folder(nothing)) << nothing;
  }
}

TEST_F(Files, LinesAreAppended) {
  append_line(directory_ / "log", "a");
  append_line(directory_ / "log", "b");
  EXPECT_EQ(read_file(directory_ / "log", 1 << 20), "a\nb\n");
}

}  // namespace
}  // namespace resnet
