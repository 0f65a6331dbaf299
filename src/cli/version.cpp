// resnet version: what was built, and what it runs on. Quick: nothing of the runtime is started.
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "runtime/executable.hpp"

#include <memory>

namespace resnet::cli {
namespace {

constexpr const char* compiler =
#ifdef __clang__
    "clang " __VERSION__;
#else
    "g++ " __VERSION__;
#endif

constexpr const char* build =
#ifdef NDEBUG
    "optimised";
#else
    "with assertions";
#endif

}  // namespace

Action declare_version(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  add_json(app, *json);
  return [json](const std::string&) {
    const CpuBackendInfo cpu = cpu_backend_info();
    if (*json)
      return print_json({{"version", RESNET_VERSION},
                         {"compiler", compiler},
                         {"build", build},
                         {"onednn", cpu.onednn},
                         {"kernels", cpu.instruction_set}});
    print_text("resnet {} ({}, {}, oneDNN {}, kernels for {})\n", RESNET_VERSION, compiler, build, cpu.onednn,
               cpu.instruction_set);
  };
}

}  // namespace resnet::cli
