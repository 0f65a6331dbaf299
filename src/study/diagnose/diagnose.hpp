// The front door of a diagnosis: a model or a run and data become measurements, findings and a page.
#pragma once

#include "base/files.hpp"
#include "formats/open_model.hpp"
#include "study/diagnose/rules.hpp"
#include "study/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace resnet {

struct DiagnoseRequest {
  std::string model;      // a name of the zoo (at initialisation, as `train` would start it), a file, or a run
  std::string data = {};  // what open_data takes; empty: the run's own, else builtin:shapes
  OpenOptions open = {};
  ModelOptions variant = {};              // of a name of the zoo
  std::optional<Recipe> recipe = {};      // none: the run's, else the default
  std::optional<double> rate = {};        // instead of the recipe's peak
  std::optional<double> validation = {};  // as for `eval`
  MeasureOptions measure = {};
  int threads = 0;
  uint64_t seed = 0;  // of the weights that a name of the zoo starts with
  fs::path out = {};
  bool force = false;
  std::string command = {};
};

struct DiagnoseResult {
  std::string model, data, part, recipe;  // part: "validation"; "all" of data without parts
  Measurements measured = {};
  std::vector<HealthFinding> findings = {};
  fs::path run = {}, report = {};
};

/// Measures, and writes runs/diagnose/NAME[-N]/{config.toml, command.txt, environment.json, results.json, figures/,
/// report.html, log.txt}. Error (usage, bad data, bad model): see sources_of(), open_network() and plan_training().
DiagnoseResult diagnose(const DiagnoseRequest& request);

/// "the validation part", "all".
std::string part_text(const DiagnoseResult& result);
/// What the two sides of the program are called, the findings, and tables of the measurements.
std::string to_text(const DiagnoseResult& result);
Json to_json(const DiagnoseResult& result);
/// report.html and figures/.
void write_report(const DiagnoseResult& result, const std::string& command);

}  // namespace resnet
