#include "cli/output.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace resnet::cli {
namespace {

[[noreturn]] void fail_output() {
  fail("standard output: cannot write: ", errno != 0 ? std::strerror(errno) : "the device reported an error");
}

}  // namespace

void write_output(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_output();
}

void print_json(const Json& value) {
  // Names of classes come from files and need not be UTF-8.
  print_text("{}\n", value.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string percent(double fraction) { return fmt::format("{:.2f}%", 100 * fraction); }

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) fail_output();
}

}  // namespace resnet::cli
