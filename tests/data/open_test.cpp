// What is not a data set is told apart and answered with the next thing to do.
#include "data/open.hpp"
#include "expect_error.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace resnet {
namespace {

TEST(OpenData, MissingFolderIsNamed) {
  expect_error([] { open_data("/no/such/folder"); }, ExitCode::bad_data,
               {"/no/such/folder", "no such folder", "CIFAR-10"});
  expect_error([] { open_data("shapes"); }, ExitCode::bad_data, {"did you mean builtin:shapes"});
}

TEST(OpenData, FileOrForeignFolderIsNoDataSet) {
  const TemporaryFolder folder;
  folder.put("readme.txt", "hello");
  folder.put("cifar-10-binary.tar.gz", "");
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data,
               {folder.path().string(), "not a data set"});
  expect_error([&] { open_data((folder.path() / "readme.txt").string()); }, ExitCode::bad_data, {"expected a folder"});
  expect_error([&] { open_data((folder.path() / "cifar-10-binary.tar.gz").string()); }, ExitCode::bad_data, {"unpack"});
  folder.put("cifar-10-batches-py/data_batch_1", "");
  expect_error([&] { open_data(folder.path().string()); }, ExitCode::bad_data, {"Python version", "binary version"});
}

TEST(OpenData, UnknownBuiltinSuggestsTheNearest) {
  expect_error([] { open_data("builtin:shaps"); }, ExitCode::usage, {"builtin:shaps", "did you mean builtin:shapes"});
  expect_error([] { open_data("builtin:pattern?size=8"); }, ExitCode::usage, {"did you mean builtin:patterns"});
}

TEST(OpenData, OptionsAreChecked) {
  expect_error([] { open_data("builtin:patterns?sise=8"); }, ExitCode::usage,
               {"'sise'", "did you mean size?", "jitter"});
  expect_error([] { open_data("builtin:patterns?size=big"); }, ExitCode::usage, {"size", "'big'", "whole number"});
  expect_error([] { open_data("builtin:patterns?size"); }, ExitCode::usage, {"'size'", "no value"});
  expect_error([] { open_data("builtin:patterns?size=8&size=9"); }, ExitCode::usage, {"twice"});
  expect_error([] { open_data("builtin:patterns?size=3"); }, ExitCode::usage, {"size is 3", "4 to 1024"});
  expect_error([] { open_data("builtin:patterns?jitter=3"); }, ExitCode::usage, {"jitter is 3", "0 to 2"});
  expect_error([] { open_data("builtin:patterns?noise=-1"); }, ExitCode::usage, {"noise is -1"});
  expect_error([] { open_data("builtin:patterns?count=0"); }, ExitCode::usage, {"count is 0"});
  expect_error([] { open_data("builtin:shapes?train=0"); }, ExitCode::usage, {"builtin:shapes", "0 images"});
}

TEST(OpenData, OptionsReachTheGenerator) {
  const DataSplit split = open_data("builtin:patterns?size=16&count=40&jitter=2&noise=0.5&seed=3");
  EXPECT_EQ(split.train->size(), 40);
  EXPECT_EQ(split.test->size(), 10);
  EXPECT_EQ(split.train->image_shape(), Shape({1, 16, 16}));
}

}  // namespace
}  // namespace resnet
