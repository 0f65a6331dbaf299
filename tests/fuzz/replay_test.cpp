// Every seed of fuzz/seeds goes through its fuzz target, also cut short and with single bytes changed: a coarse form of
// what libFuzzer does, in every test run and under the sanitizers.
#include "support/places.hpp"
#include "targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace resnet::fuzz {
namespace {

class FuzzReplay : public testing::TestWithParam<Target> {};

void run(const Target& target, const std::string& input, const std::string& what) {
  try {
    target.run(std::as_bytes(std::span(input)));
  } catch (const std::exception& error) {
    ADD_FAILURE() << target.name << ", " << what << ": " << error.what();
  }
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST_P(FuzzReplay, TakesEverySeedWholeAndDamaged) {
  const Target target = GetParam();
  const auto files = files_in(test::tests_folder().parent_path() / "fuzz" / "seeds" / target.name);
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string seed{std::istreambuf_iterator<char>(stream), {}};
    run(target, seed, file.filename().string());
    constexpr std::size_t variants = 40;
    for (std::size_t i = 0; i < variants; ++i) {
      const std::size_t at = seed.size() * i / variants;
      const std::string place = file.filename().string() + " at byte " + std::to_string(at);
      run(target, seed.substr(0, at), place + ", cut");
      for (const char value : {'\0', '\x7F', '\xFF'}) {
        std::string changed = seed;
        changed[at] = value;
        run(target, changed, place + ", changed");
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace resnet::fuzz
