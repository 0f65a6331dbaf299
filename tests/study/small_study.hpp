// A study of the table, run in a temporary folder with a few of its options changed.
#pragma once

#include "base/error.hpp"
#include "study/study.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>

namespace resnet::test {

using StudyChanges = std::map<std::string, std::string>;  // "--depths": "2,4"

class SmallStudy : public testing::Test {
 protected:
  SmallStudy() : folder(fs::temp_directory_path() / text_of("resnet-small-study-", ::getpid())) {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~SmallStudy() override { fs::remove_all(folder); }

  Json run(const std::string& name, const std::string& out, const StudyChanges& changes, int threads = 2) const {
    const Study& study = find_study(name);
    StudyOptions options;
    const StudyAction action = study.declare(options);
    const uint64_t first_seed = options.seed;
    for (const auto& [option, text] : changes) {
      const auto found = std::ranges::find(options.list(), option, &StudyOption::name);
      if (found == options.list().end()) fail("no option ", option);
      found->set(text);
    }
    const StudyRequest request{.threads = threads, .out = folder / out, .command = "resnet study " + name};
    return run_study(study, options, first_seed, action, request).outcome.results;
  }

  std::string bytes(const fs::path& file) const { return read_file(folder / file, uint64_t{1} << 26); }

  /// Leaves `out` as a kill after `pieces` pieces would have.
  void cut(const std::string& out, int pieces) const {
    const std::string text = bytes(out + "/pieces.jsonl");
    std::size_t end = 0;
    for (int line = 0; line < pieces; ++line) end = text.find('\n', end) + 1;
    ASSERT_LT(end, text.size()) << "the study has no more pieces than that";
    write_file(folder / out / "pieces.jsonl", text.substr(0, end + 10));
    fs::remove(folder / out / "results.json");
    fs::remove(folder / out / "report.html");
  }

  fs::path folder;
};

}  // namespace resnet::test
