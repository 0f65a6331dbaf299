#include "study/study.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/nearest.hpp"
#include "study/declare.hpp"

#include <optional>
#include <vector>

namespace resnet {
namespace {

constexpr Study table[] = {
    {"notebook", "the notebook from first to last cell, with NumPy's own numbers", declare_notebook},
    {"gradient-flow", "what becomes of a gradient on its way back, and how much takes the shortcuts",
     declare_gradient_flow},
    {"identity", "how near to the identity a block is, and whether it is easier to learn with shortcuts",
     declare_identity},
    {"depth", "first against last gradient as networks grow deeper", declare_depth},
    {"patterns", "plain, residual and linear networks on lines whose place varies", declare_patterns},
    {"lesion", "trained networks with blocks or layers taken out or exchanged, and gradients by path length",
     declare_lesion},
    {"landscape", "the loss around trained networks and along the line between two of them", declare_landscape},
    {"representation", "how alike layers are, what a linear classifier reads from each, what the last one sees",
     declare_representation},
    {"degradation", "training and test error of plain and residual networks over depth, beside the paper's",
     declare_degradation},
    {"responses", "how strongly the layers of trained networks respond, in order and sorted", declare_responses},
    {"shortcuts", "options A, B and C, and scaled, gated and thinned shortcuts and orders of activation",
     declare_shortcuts},
};

constexpr std::string_view marker = "figures";

/// The run in `out` that this request goes on with; none where a new one is to be made.
bool goes_on(const StudyRequest& request, const std::string& config) {
  const fs::path& out = request.out;
  if (out.empty() || request.force || !is_run_folder(out, marker)) return false;
  const StudyDirectory run(out);
  const auto [before, now] = first_difference(read_file(run.config(), 1 << 20), config);
  if (before != now)
    fail_usage(out.string(), ": holds a study with other options (there '", before, "', here '", now,
               "'); choose another --out, or replace it with --force");
  if (run.finished())
    fail(out.string(), ": holds this study, finished: see ", run.report().string(),
         "; choose another --out, or repeat it with --force");
  return true;
}

/// What to type to go on.
std::string resume_command(const Study& study, const StudyOptions& options, uint64_t first_seed, const fs::path& run) {
  const std::string changes = options.changes(first_seed);
  return text_of("resnet study ", study.name, changes.empty() ? "" : " ", changes, " --out ", run.string());
}

StudyOutcome act(const StudyAction& action, StudyRun& run) {
  try {
    return action(run);
  } catch (const Json::exception& error) {
    fail_data(run.directory().pieces().string(), ": holds a piece that this study does not understand (", error.what(),
              "); start again with --force");
  }
}

/// Refuses in the words of the command line.
void expect_consistent(const Study& study, const StudyOptions& options) {
  try {
    options.expect_consistent();
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage) throw;
    fail_usage("resnet study ", study.name, ": ", error.what());
  }
}

void write(const StudyOutcome& outcome, const StudyDirectory& directory, const std::string& config) {
  outcome.report.write(directory, read_file(directory.command(), 1 << 20), config, environment());
  write_file(directory.results(), text_of_json(outcome.results, 2) + "\n");
}

}  // namespace

std::span<const Study> studies() { return table; }

const Study& find_study(const std::string& name) {
  std::vector<std::string> names;
  for (const Study& study : table) {
    if (study.name == name) return study;
    names.emplace_back(study.name);
  }
  const std::string hint = did_you_mean(name, names);
  fail_usage("unknown study '", name, "'", hint.empty() ? "; " : hint + " ", "`resnet study` lists all");
}

StudyResult run_study(const Study& study, const StudyOptions& options, uint64_t first_seed, const StudyAction& action,
                      const StudyRequest& request) {
  expect_consistent(study, options);
  const std::string config = options.to_toml(study.name);
  std::optional<NewRunFolder> fresh;
  std::optional<RunLock> lock;
  const bool continued = goes_on(request, config);
  if (continued)
    lock.emplace(request.out);
  else
    fresh.emplace("study", study.name, request.out, request.force, marker);
  const StudyDirectory directory(continued ? request.out : fresh->path());
  if (fresh) {
    write_file(directory.environment(), to_json_text(environment()) + "\n");
    write_file(directory.config(), config);
  }
  append_line(directory.command(), request.command);
  return logged(directory.log(), [&] {
    log_info("{} {}", continued ? "continuing" : "run", directory.path().string());
    StudyRun run(directory, options.seed, request.threads,
                 resume_command(study, options, first_seed, directory.path()));
    try {
      StudyOutcome outcome = act(action, run);
      write(outcome, directory, config);
      if (fresh) fresh->keep();
      return StudyResult{directory.path(), directory.report(), std::move(outcome)};
    } catch (...) {
      if (fresh && run.worth_keeping()) fresh->keep();
      throw;
    }
  });
}

}  // namespace resnet
