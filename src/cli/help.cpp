#include "cli/help.hpp"

#include "cli/options.hpp"

#include <fmt/format.h>

#include <memory>

namespace resnet::cli {
namespace {

/// CLI11's form without a note of the variable at each option: they follow one rule, which the footer says.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = option->get_type_size() != 0 && !option->get_type_name().empty() ? " " + option->get_type_name()
                                                                                        : std::string();
    if (option->get_required()) text += " (required)";
    return text;
  }
};

}  // namespace

std::string program_help(std::span<const Verb> verbs) {
  std::string text =
      "resnet: train and study residual networks on the CPU\n\n"
      "Usage: resnet VERB [ARGUMENTS] [--options]\n\n"
      "Verbs:\n";
  for (const Verb& verb : verbs) text += fmt::format("  {:<9} {}\n", verb.name, verb.summary);
  return text +
         "\n`resnet train` alone trains a small network on generated images in a few minutes.\n"
         "`resnet VERB --help` lists the options of a verb.\n";
}

void shape_help(CLI::App& app) {
  auto formatter = std::make_shared<HelpFormatter>();
  formatter->column_width(34);
  app.formatter(formatter);
  app.footer(
      "Each option can also come from the environment: --loader-threads from RESNET_LOADER_THREADS.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data, 4 bad model file, 5 out of memory,\n"
      "130 interrupted after saving.");
}

}  // namespace resnet::cli
