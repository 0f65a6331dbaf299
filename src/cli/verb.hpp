// What a verb of the command line is. main.cpp holds the table; each verb has a file of its own.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace resnet::cli {

/// What a verb does once its options are read; `command` is the line as typed. Failure is an exception.
using Action = std::function<void(const std::string& command)>;

struct Verb {
  const char* name;
  const char* summary;
  /// Adds the verb's options to `app`; the action reads them after parsing.
  Action (*declare)(CLI::App& app);
  /// Instead of declare, for a verb with a table of its own: gets all words, the verb's name first.
  void (*run)(const std::vector<std::string>& arguments) = nullptr;
};

/// What a verb, or a row of its own table, does with its options.
struct Command {
  std::string name;  // "train", "study notebook"
  std::string summary;
  std::function<Action(CLI::App& app)> declare;
  std::size_t words = 1;  // of the name
};

/// Reads the options behind the name and acts. `arguments` begin with the words of the name.
void run_command(const Command& command, const std::vector<std::string>& arguments);

Action declare_train(CLI::App& app);
Action declare_resume(CLI::App& app);
Action declare_eval(CLI::App& app);
Action declare_predict(CLI::App& app);
Action declare_check(CLI::App& app);
Action declare_fetch(CLI::App& app);
Action declare_diagnose(CLI::App& app);
Action declare_inspect(CLI::App& app);
Action declare_convert(CLI::App& app);
Action declare_export(CLI::App& app);
Action declare_verify(CLI::App& app);
Action declare_models(CLI::App& app);
Action declare_bench(CLI::App& app);
Action declare_version(CLI::App& app);
void run_study_verb(const std::vector<std::string>& arguments);

/// Runs the verb that `arguments` (without the program's name) begin with and returns the exit code. Every exception
/// ends here as one line on stderr.
int run_program(std::span<const Verb> verbs, const std::vector<std::string>& arguments);

}  // namespace resnet::cli
