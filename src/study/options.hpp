// The options of a study, declared once: the command line reads them, config.toml records them, and a run that goes on
// is held to them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet {

struct StudyOption {
  std::string name;  // "--depths"
  std::string type;  // for the help: "N", "X", "N,N,..."
  std::string help;
  /// Error (usage): not a value of this option; says what was expected and what came, not the option's name.
  std::function<void(const std::string& text)> set;
  /// The value now, as set() takes it.
  std::function<std::string()> text;
  bool number = false;  // text() is one number; else config.toml has it in quotation marks
  std::string initial;  // text() before anything was set
};

/// Targets must outlive the options; a study keeps both in what its action holds.
class StudyOptions {
 public:
  /// Of everything that is random; a study may start from another number than 0.
  uint64_t seed = 0;

  void whole(const std::string& name, int64_t& target, int64_t low, int64_t high, const std::string& help);
  void real(const std::string& name, double& target, double low, double high, const std::string& help);
  /// One or several with commas between; repetitions are allowed.
  void wholes(const std::string& name, std::vector<int64_t>& target, int64_t low, int64_t high,
              const std::string& help);
  void text(const std::string& name, std::string& target, const std::string& type, const std::string& help);
  /// One of `words`; another is answered with the nearest.
  void choice(const std::string& name, std::string& target, std::vector<std::string> words, const std::string& help);

  /// What no option can say by itself: `check` looks at all of them once they are read, before anything is written, and
  /// fails with the option's name.
  void require(std::function<void()> check) { checks_.push_back(std::move(check)); }

  const std::vector<StudyOption>& list() const { return list_; }
  /// Error (usage): a check fails.
  void expect_consistent() const;

  /// config.toml: the study, the seed and every option with its value.
  std::string to_toml(std::string_view study) const;
  /// "--seed 7 --depths 5,10": what was set to something else than it starts from. `first_seed` is the study's own.
  std::string changes(uint64_t first_seed) const;

 private:
  void add(StudyOption option);

  std::vector<StudyOption> list_;
  std::vector<std::function<void()>> checks_;
};

/// The first line in which two configurations differ, as each has it; empty where one has no such line.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b);

}  // namespace resnet
