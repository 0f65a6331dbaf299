#include "support/commands.hpp"

#include "support/places.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace resnet::test {
namespace {

struct Run {
  int status = -1;
  std::string text;
};

Run run(const std::string& command) {
  Run result;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return result;
  std::array<char, 4096> chunk;
  while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), pipe))
    result.text.append(chunk.data(), count);
  result.status = ::pclose(pipe);
  return result;
}

}  // namespace

bool works(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

std::optional<std::string> output_of(const std::string& command) {
  Run result = run(command);
  if (result.status != 0) return std::nullopt;
  return std::move(result.text);
}

double number_from(const std::string& command) {
  const Run result = run(command + " 2>&1");
  EXPECT_EQ(result.status, 0) << command << "\n" << result.text;
  return result.status == 0 ? std::strtod(result.text.c_str(), nullptr) : std::numeric_limits<double>::max();
}

std::string quoted_test_file(const std::string& file) { return "'" + (tests_folder() / file).string() + "'"; }

}  // namespace resnet::test
