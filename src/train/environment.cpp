#include "train/environment.hpp"

#include "base/parallel.hpp"
#include "runtime/executable.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>

namespace resnet {
namespace {

/// The value of the first line "key : value", empty if there is none.
std::string first_value(const char* file, const std::string& key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

std::string memory_text() {
  struct sysinfo info = {};
  if (sysinfo(&info) != 0) return "";
  return fmt::format("{:.1f} GiB", static_cast<double>(info.totalram) * info.mem_unit / (1 << 30));
}

std::string system_text() {
  utsname name = {};
  if (uname(&name) != 0) return "";
  return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

}  // namespace

Environment environment() {
  std::string processor = first_value("/proc/cpuinfo", "model name");
  if (processor.empty()) processor = "unknown";
  const CpuBackendInfo cpu = cpu_backend_info();
  return {{"resnet", RESNET_VERSION},
          {"date", fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr)))},
          {"processor", processor},
          {"cores", std::to_string(available_cores())},
          {"memory", memory_text()},
          {"system", system_text()},
          {"kernels", cpu.instruction_set},
          {"onednn", cpu.onednn},
#ifdef __clang__
          {"compiler", "clang " __VERSION__}
#else
          {"compiler", "g++ " __VERSION__}
#endif
  };
}

std::string to_json_text(const Environment& environment) {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : environment) json[name] = value;
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace resnet
