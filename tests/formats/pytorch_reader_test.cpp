// PyTorch's own files, against what PyTorch reads from them. Needs Debian's python3-torch, so ./check --all runs it;
// the samples of other projects lie beside a checkout on some machines.
#include "formats/format_test.hpp"
#include "formats/pytorch.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace resnet {
namespace {

bool has_torch() { return std::system("/usr/bin/python3 -c 'import torch' >/dev/null 2>&1") == 0; }

void run_script(const std::string& arguments) {
  const fs::path script = test::tests_folder() / "formats" / "torch_values.py";
  const std::string command = "/usr/bin/python3 -W ignore '" + script.string() + "' " + arguments + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

/// The file's tensors are those of the safetensors file that PyTorch's reading was written to.
void expect_equal(const WeightsFile& file, const fs::path& expected_path) {
  const TensorFile expected = read_safetensors(expected_path);
  EXPECT_EQ(file.tensors.size(), expected.tensors.size());
  for (const NamedTensor& item : file.tensors) {
    const auto found = expected.tensors.find(item.name);
    ASSERT_NE(found, expected.tensors.end()) << item.name;
    EXPECT_EQ(item.tensor.dtype(), found->second.dtype()) << item.name;
    EXPECT_EQ(item.tensor.shape(), found->second.shape()) << item.name;
    EXPECT_TRUE(std::ranges::equal(item.tensor.bytes(), found->second.bytes())) << item.name;
  }
}

TEST(PeersPyTorchFiles, EveryKindIsReadAsPyTorchReadsIt) {
  if (!has_torch()) GTEST_SKIP() << "no torch in /usr/bin/python3: apt-get install python3-torch";
  const TemporaryFolder folder;
  ASSERT_NO_FATAL_FAILURE(run_script("make '" + (folder / "").string() + "'"));
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "")) {
    if (entry.path().extension() != ".pth") continue;
    SCOPED_TRACE(entry.path().filename());
    const WeightsFile file = read_weights(entry.path());
    expect_equal(file, fs::path(entry.path()).replace_extension(".safetensors"));
    const bool with_arguments = entry.path().filename().string().starts_with("checkpoint");
    EXPECT_EQ(file.foreign,
              with_arguments ? std::vector<std::string>{"argparse.Namespace"} : std::vector<std::string>{});
    ++files;
  }
  EXPECT_EQ(files, 14);
}

TEST(PeersPyTorchFiles, SamplesOfOthersAreReadAsPyTorchReadsThem) {
  const fs::path archive = test::shared_data("pt-st-files.tar.xz"), models = test::shared_data("models.tar");
  if (!path_exists(archive) || !path_exists(models)) GTEST_SKIP() << archive << " or " << models << " is not there";
  if (!has_torch()) GTEST_SKIP() << "no torch in /usr/bin/python3: apt-get install python3-torch";
  const TemporaryFolder folder;
  for (const fs::path& packed : {archive, models})
    ASSERT_EQ(std::system(("tar xf '" + packed.string() + "' -C '" + (folder / "").string() + "'").c_str()), 0);
  int files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder / "")) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".pt" && extension != ".pth" && extension != ".th") continue;
    SCOPED_TRACE(entry.path().filename());
    const std::string expected = (folder / "expected").string();
    const fs::path script = test::tests_folder() / "formats" / "torch_values.py";
    const std::string command = "/usr/bin/python3 -W ignore '" + script.string() + "' read '" + entry.path().string() +
                                "' '" + expected + "' >/dev/null 2>&1";
    if (std::system(command.c_str()) != 0) {  // PyTorch refuses it as well
      EXPECT_EQ(error_of([&] { read_weights(entry.path()); }).code(), ExitCode::bad_model);
      continue;
    }
    expect_equal(read_weights(entry.path()), expected);
    ++files;
  }
  EXPECT_GE(files, 25);
}

}  // namespace
}  // namespace resnet
