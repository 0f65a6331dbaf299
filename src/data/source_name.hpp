// The name of a generated data set with its options: builtin:patterns?size=16&noise=0.1
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace resnet {

class SourceName {
 public:
  /// Error (usage): an option without a value or given twice.
  explicit SourceName(const std::string& spec);

  /// "patterns"
  const std::string& name() const { return name_; }

  /// Replaces `value` if the option was given. Error (usage): it is not such a number.
  void take(const std::string& option, int& value);
  void take(const std::string& option, int64_t& value);
  void take(const std::string& option, uint64_t& value);
  void take(const std::string& option, double& value);

  /// Error (usage): an option was given that nobody took; names the nearest.
  void finish() const;

 private:
  template <class T>
  void take_number(const std::string& option, const char* kind, T& value);

  std::string name_;
  std::map<std::string, std::string> options_;
  std::vector<std::string> known_;
};

}  // namespace resnet
