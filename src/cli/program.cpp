// From arguments to an exit code: finds the verb, reads its options, runs it, and turns every exception into one line.
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/terminal.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <system_error>

namespace resnet::cli {
namespace {

const Verb& find_verb(std::span<const Verb> verbs, const std::string& name) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    if (verb.name == name) return verb;
    names.emplace_back(verb.name);
  }
  const std::string hint = did_you_mean(name, names);
  if (name.starts_with("-"))
    fail_usage("'", name, "' comes before the verb; write `resnet VERB ", name, "`, or see `resnet --help`");
  fail_usage("unknown verb '", name, "'", hint.empty() ? "; " : hint + " ", "`resnet --help` lists all");
}

/// "--loader-threads" of each option that has a long name.
std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      if (!option->get_group().empty()) names.push_back("--" + name);
  return names;
}

void add_environment_names(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (!option->get_lnames().empty() && option != app.get_help_ptr() && !option->get_group().empty())
      option->envname(environment_name(option->get_lnames().front()));
}

bool on_command_line(const CLI::Option& option, const std::vector<std::string>& arguments) {
  const std::string name = "--" + option.get_lnames().front();
  return std::ranges::any_of(arguments,
                             [&](const std::string& word) { return word == name || word.starts_with(name + "="); });
}

/// The options that come from the environment: their variables, as NAME=VALUE.
std::vector<const CLI::Option*> from_environment(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<const CLI::Option*> found;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_envname().empty() && std::getenv(option->get_envname().c_str()) &&
        !on_command_line(*option, arguments))
      found.push_back(option);
  return found;
}

std::string shell_quoted(const std::string& word) {
  constexpr const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// The line to type to do the same again, environment included.
std::string command_text(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::string text;
  for (const CLI::Option* option : from_environment(app, arguments))
    text += option->get_envname() + "=" + shell_quoted(std::getenv(option->get_envname().c_str())) + " ";
  text += "resnet";
  for (const std::string& word : arguments) text += " " + shell_quoted(word);
  return text;
}

[[noreturn]] void fail_unexpected(const CLI::App& app) {
  const std::string word = app.remaining().front();
  const std::string help = text_of("`", app.get_name(), " --help` lists all");
  if (!word.starts_with("-")) fail_usage(app.get_name(), ": unexpected argument '", word, "'; ", help);
  const std::string option = word.substr(0, word.find('='));
  const std::string hint = did_you_mean(option, long_names(app));
  fail_usage(app.get_name(), ": unknown option ", option, hint.empty() ? "; " : hint + " ", help);
}

[[noreturn]] void fail_parse(const CLI::App& app, const CLI::ParseError& error,
                             const std::vector<std::string>& arguments) {
  std::string text = error.what();
  if (error.get_name() == "ConversionError" && text.find("--") != std::string::npos)
    text = text.substr(text.find("--"));  // "--json = maybe": only flags are converted by CLI11 itself
  if (error.get_name() == "ConversionError") text += ": expected no value, or true or false";
  if (error.get_name() == "ArgumentMismatch") text = text.substr(0, text.find(':')) + ": expected a value behind it";
  if (error.get_name() == "RequiredError") text = "missing " + text.substr(0, text.find(' '));
  for (const CLI::Option* option : from_environment(app, arguments))
    if (text.starts_with("--" + option->get_lnames().front() + ":")) text += " (from " + option->get_envname() + ")";
  fail_usage(app.get_name(), ": ", text);
}

void dispatch(std::span<const Verb> verbs, std::vector<std::string> arguments) {
  const std::string first = arguments.front();
  const bool help = first == "--help" || first == "-h" || first == "help";
  if (help && arguments.size() == 1) return print_text("{}", program_help(verbs));
  if (help) {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  if (first == "--version" || first == "-V") arguments.front() = "version";
  const Verb& verb = find_verb(verbs, arguments.front());
  if (verb.run) return verb.run(arguments);
  run_command({.name = verb.name, .summary = verb.summary, .declare = verb.declare}, arguments);
}

int failed(ExitCode code, const std::string& message) {
  print_stderr(fmt::format("error: {}\n", message));
  return static_cast<int>(code);
}

}  // namespace

void run_command(const Command& command, const std::vector<std::string>& arguments) {
  CLI::App app(command.summary, "resnet " + command.name);
  shape_help(app);
  app.option_defaults()->take_last();  // a script may add to a command
  const Action action = command.declare(app);
  add_environment_names(app);
  add_footer(app);
  try {
    const auto words = static_cast<std::ptrdiff_t>(command.words);
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend() - words));
  } catch (const CLI::CallForHelp&) {
    print_text("{}", app.help());
    return;
  } catch (const CLI::ExtrasError&) {
    fail_unexpected(app);
  } catch (const CLI::ParseError& error) {
    fail_parse(app, error, arguments);
  }
  action(command_text(app, arguments));
}

int run_program(std::span<const Verb> verbs, const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    print_stderr(program_help(verbs));
    return static_cast<int>(ExitCode::usage);
  }
  try {
    dispatch(verbs, arguments);
    finish_output();
    return 0;
  } catch (const Error& error) {
    if (error.code() != ExitCode::interrupted) return failed(error.code(), error.what());
    print_stderr(fmt::format("{}\n", error.what()));
    return static_cast<int>(ExitCode::interrupted);
  } catch (const std::bad_alloc&) {
    return failed(ExitCode::out_of_memory, "out of memory; a smaller --batch or a smaller network needs less");
  } catch (const std::exception& error) {
    return failed(ExitCode::failed, error.what());
  }
}

}  // namespace resnet::cli
