#include "cli/output.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>

namespace resnet::cli {

void print_json(const Json& value) {
  // Names of classes come from files and need not be UTF-8.
  print_text("{}\n", value.dump(2, ' ', false, Json::error_handler_t::replace));
}

std::string percent(double fraction) { return fmt::format("{:.2f}%", 100 * fraction); }

void finish_output() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    fail("standard output: cannot write: ", errno != 0 ? std::strerror(errno) : "the device reported an error");
}

}  // namespace resnet::cli
