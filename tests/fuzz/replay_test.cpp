// Every seed of fuzz/seeds goes through its fuzz target, also cut short and with single bytes changed: a coarse form of
// what libFuzzer does, in every test run and under the sanitizers.
#include "base/preprocessing.hpp"
#include "models/model.hpp"
#include "support/places.hpp"
#include "targets.hpp"
#include "train/checkpoint.hpp"
#include "train/config.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
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

std::string content(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::filesystem::path seeds_of(std::string_view target) {
  return test::tests_folder().parent_path() / "fuzz" / "seeds" / target;
}

TEST_P(FuzzReplay, TakesEverySeedWholeAndDamaged) {
  const Target target = GetParam();
  const auto files = files_in(seeds_of(target.name));
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    const std::string seed = content(file);
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

// A seed that is refused at its first key leads a fuzzer nowhere.
TEST(FuzzSeeds, ConfigHasEveryKeyThatIsWrittenToday) {
  const std::string seed = content(seeds_of("config") / "run.toml");
  std::istringstream written(to_toml(config_from_toml(seed, "run.toml")));
  for (std::string line; std::getline(written, line);) {
    if (const std::size_t equals = line.find(" = "); equals != std::string::npos && line[0] != '#') {
      EXPECT_NE(("\n" + seed).find("\n" + line.substr(0, equals + 3)), std::string::npos) << line;
    }
  }
  EXPECT_NO_THROW(config_from_toml(content(seeds_of("config") / "early.toml"), "early.toml"));
}

TEST(FuzzSeeds, MetadataHasEveryFieldThatIsWrittenToday) {
  for (const char* name : {"spec.json", "written-out.json"}) {
    const auto seed = nlohmann::json::parse(content(seeds_of("metadata") / name));
    EXPECT_EQ(nlohmann::json::parse(to_json_text(spec_from_json(seed.dump()))), seed) << name;
  }
  const auto preprocessing = nlohmann::json::parse(content(seeds_of("metadata") / "preprocessing.json"));
  EXPECT_EQ(nlohmann::json::parse(to_json_text(preprocessing_from_json(preprocessing.dump()))), preprocessing);
  EXPECT_NO_THROW(position_from_json(content(seeds_of("metadata") / "position.json")));
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplay, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace resnet::fuzz
