#include "cli/help.hpp"

#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace resnet::cli {
namespace {

constexpr std::size_t name_width = 32, text_width = 76;

/// `text` with a line break instead of the last space before `width` characters, again and again.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string result;
  std::size_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    if (line > 0 && line + 1 + end - at > width) {
      result += '\n';
      line = 0;
    } else if (line > 0) {
      result += ' ';
      ++line;
    }
    result.append(text, at, end - at);
    line += end - at;
    if (end < text.size() && text[end] == '\n') {
      result += '\n';
      line = 0;
    }
    at = end + 1;
  }
  return result;
}

/// CLI11's form without a note of the variable at each option: they follow one rule, which the footer says.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), text_width);
  }
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
  formatter->column_width(name_width);
  app.formatter(formatter);
  app.set_help_flag("-h,--help", "show this");
}

void add_footer(CLI::App& app) {
  const CLI::Option* example = nullptr;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_envname().empty()) continue;
    const bool several_words = option->get_lnames().front().find('-') != std::string::npos;
    if (!example || (several_words && example->get_lnames().front().find('-') == std::string::npos)) example = option;
  }
  const std::string environment = example
                                      ? fmt::format("Each option can also come from the environment: --{} from {}.\n",
                                                    example->get_lnames().front(), example->get_envname())
                                      : "";
  app.footer(environment +
             "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad data, 4 bad model file, 5 out of memory,\n"
             "130 interrupted after saving." +
             (app.get_footer().empty() ? "" : "\n" + app.get_footer()));
}

}  // namespace resnet::cli
