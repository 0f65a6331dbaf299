// resnet study NAME: finds the study, gives its options to the command line, and prints what it found.
#include "study/study.hpp"

#include "base/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"

#include <memory>

namespace resnet::cli {
namespace {

struct Invocation {
  const Study& study;
  StudyOptions options = {};
  StudyAction action = {};
  uint64_t first_seed = 0;
  StudyRequest request = {};
  bool json = false;
};

std::string list_of_studies() {
  std::string text = "Usage: resnet study NAME [--options]\n\nStudies:\n";
  for (const Study& study : studies()) text += fmt::format("  {:<14} {}\n", study.name, study.summary);
  return text + "\n`resnet study NAME --help` lists the options of a study.\n";
}

void add_option(CLI::App& app, const StudyOption& option) {
  const auto store = [option](const std::string& text) {
    try {
      option.set(text);
    } catch (const Error& error) {
      throw CLI::ValidationError(option.name, error.what());
    }
  };
  const std::string now = option.initial.empty() ? "" : " (" + option.initial + ")";
  app.add_option_function<std::string>(option.name, store, option.help + now)->type_name(option.type);
}

Action declare(CLI::App& app, const Study& study) {
  auto invocation = std::make_shared<Invocation>(Invocation{.study = study});
  invocation->action = study.declare(invocation->options);
  invocation->first_seed = invocation->options.seed;
  for (const StudyOption& option : invocation->options.list()) add_option(app, option);
  add_seed(app, invocation->options.seed);
  StudyRequest& request = invocation->request;
  add_threads(app, request.threads);
  app.add_option("--out", request.out,
                 text_of("the run directory (default: the next free runs/study/", study.name,
                         "[-N]); a study that was stopped there goes on"))
      ->type_name("DIR");
  app.add_flag("--force", request.force, "replace an earlier study in --out");
  add_json(app, invocation->json);
  return [invocation](const std::string& command) {
    invocation->request.command = command;
    catch_interrupts();
    const StudyResult result = run_study(invocation->study, invocation->options, invocation->first_seed,
                                         invocation->action, invocation->request);
    if (invocation->json) return print_json(result.outcome.results);
    print_text("{}\nrun     {}\nreport  {}\n", result.outcome.text, result.run.string(), result.report.string());
  };
}

}  // namespace

void run_study_verb(const std::vector<std::string>& arguments) {
  const std::string name = arguments.size() < 2 ? "--help" : arguments[1];
  if (name == "--help" || name == "-h" || name == "help") return print_text("{}", list_of_studies());
  if (name.starts_with("-"))
    fail_usage("study: '", name, "' comes before the study; write `resnet study NAME ", name, "`");
  const Study& study = find_study(name);
  run_command({.name = "study " + name,
               .summary = study.summary,
               .declare = [&study](CLI::App& app) { return declare(app, study); },
               .words = 2},
              arguments);
}

}  // namespace resnet::cli
