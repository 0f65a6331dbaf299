// The studies: experiments on networks, each a file here and a row in the table of study.cpp. This is also how one is
// run: folder, configuration, pieces, results, report.
#pragma once

#include "study/json.hpp"
#include "study/options.hpp"
#include "study/report.hpp"
#include "study/run.hpp"

#include <functional>
#include <span>
#include <string>

namespace resnet {

/// What a study leaves: results.json, what a person reads on the terminal, and the page.
struct StudyOutcome {
  Json results;
  std::string text;
  StudyReport report;
};

/// What a study does once its options are read. Equal options and seeds give equal outcomes, whatever the number of
/// threads, stopped in between or not: so no times in the results.
using StudyAction = std::function<StudyOutcome(StudyRun& run)>;

struct Study {
  const char* name;
  const char* summary;  // one line for the list
  /// Adds the study's options; the action reads them after parsing.
  StudyAction (*declare)(StudyOptions& options);
};

/// The table, in the order in which it is listed.
std::span<const Study> studies();

/// Error (usage): no such study; names the nearest.
const Study& find_study(const std::string& name);

struct StudyRequest {
  int threads = 0;      // 0: one for each core
  fs::path out = {};    // the run directory; empty: the next free runs/study/NAME[-N]
  bool force = false;   // replace what `out` holds
  std::string command;  // the line as typed
};

struct StudyResult {
  fs::path run, report;
  StudyOutcome outcome;
};

/// Runs `action`, or goes on with the run that was stopped in `request.out`. `options` are those that the study
/// declared, read by now; `first_seed` is what their seed started from.
/// Error: `out` holds something else, a finished run, or one with other options, and no `force`; (interrupted) a signal
/// came.
StudyResult run_study(const Study& study, const StudyOptions& options, uint64_t first_seed, const StudyAction& action,
                      const StudyRequest& request);

}  // namespace resnet
