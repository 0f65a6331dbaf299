// resnet bench: throughput, latency and peak memory of training and inference, one child process for each row.
#include "base/log.hpp"
#include "base/parallel.hpp"
#include "cli/bench_against.hpp"
#include "cli/bench_candidates.hpp"
#include "cli/bench_charts.hpp"
#include "cli/bench_layers.hpp"
#include "cli/measure.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "report/tables.hpp"
#include "train/environment.hpp"
#include "train/training_program.hpp"

#include <exception>
#include <memory>
#include <sstream>

namespace resnet::cli {
namespace {

struct BenchOptions {
  BenchCase shared;
  std::string models = "resnet20", modes = "train,infer", batches = "128", threads = "0", precisions = "fp32",
              memory = "normal";
  std::string format = "text";
  std::string against, roofline, charts;  // files, a folder
  double seconds = 5;
  bool measure_here = false, json = false, layers = false, candidates = false;
};

TableFormat format_of(const std::string& name) {
  return name == "csv" ? TableFormat::csv : name == "markdown" ? TableFormat::markdown : TableFormat::text;
}

/// "a,b" -> {"a", "b"}
std::vector<std::string> parts(const std::string& option, const std::string& list) {
  std::vector<std::string> result;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, ',');) result.push_back(part);
  if (result.empty()) fail_usage("bench: ", option, ": expected a value or several with commas between, got nothing");
  return result;
}

std::vector<int64_t> numbers(const std::string& option, const std::string& list, int64_t low, int64_t high) {
  std::vector<int64_t> result;
  try {
    for (const std::string& part : parts(option, list)) result.push_back(whole_number(option, part, low, high));
  } catch (const CLI::ValidationError& error) {
    fail_usage("bench: ", error.what());
  }
  return result;
}

/// The options that name several values: "--mode, --batch".
std::string several_of(const BenchOptions& options) {
  std::string named;
  for (const auto& [option, list] : {std::pair{"--model", options.models},
                                     {"--mode", options.modes},
                                     {"--batch", options.batches},
                                     {"--threads", options.threads},
                                     {"--precision", options.precisions}})
    if (list.find(',') != std::string::npos) named += (named.empty() ? "" : ", ") + std::string(option);
  return named;
}

/// For "auto" what is faster for this row's step.
Precision precision_of(const std::string& name, const BenchCase& row) {
  if (name != "auto" || row.mode != "train") return resolved_precision(name);
  return faster_precision(find_model(row.model), bench_recipe(row.batch));
}

/// Every combination, in the order of the options; all names are checked before the first measurement.
std::vector<BenchCase> cases(const BenchOptions& options) {
  if (!(options.seconds > 0 && options.seconds <= 3600))
    fail_usage("bench: --seconds must lie between 0 and 3600, got ", options.seconds);
  BenchCase row = options.shared;
  row.seconds = options.seconds;
  const std::vector<int64_t> batches = numbers("--batch", options.batches, 1, 1 << 20);
  const std::vector<int64_t> teams = numbers("--threads", options.threads, 0, 1024);
  std::vector<std::string> precisions;
  for (const std::string& name : parts("--precision", options.precisions)) {
    if (name != "fp32" && name != "bf16" && name != "auto")
      fail_usage("bench: --precision: expected fp32, bf16 or auto, got '", name, "'");
    precisions.push_back(name);
  }
  std::vector<BenchCase> rows;
  for (const std::string& model : parts("--model", options.models)) {
    row.model = find_model(model).name;
    for (const std::string& mode : parts("--mode", options.modes)) {
      if (mode != "train" && mode != "infer") fail_usage("bench: --mode: expected train or infer, got '", mode, "'");
      row.mode = mode;
      for (const int64_t batch : batches) {
        row.batch = batch;
        for (const int64_t threads : teams) {
          row.threads = threads > 0 ? static_cast<int>(threads) : available_cores();
          for (const std::string& precision : precisions) {
            row.step = {precision_of(precision, row), options.memory == "low"};
            rows.push_back(row);
          }
        }
      }
    }
  }
  return rows;
}

void show(const Environment& machine, const Json& results, TableFormat format) {
  if (format == TableFormat::text)
    for (const auto& [name, value] : machine) print_text("{}: {}\n", name, value);
  Table table({{"model"},
               {"mode"},
               {"batch", Align::right},
               {"threads", Align::right},
               {"precision"},
               {"images/s", Align::right},
               {"mean ± sd", Align::right},
               {"latency", Align::right},
               {"GFLOP/s", Align::right},
               {"peak memory", Align::right}});
  for (const Json& row : results)
    table.row({row["model"], row["mode"], std::to_string(row["batch"].get<int64_t>()),
               std::to_string(row["threads"].get<int>()), row["precision"],
               fmt::format("{:.1f}", row["images_per_second"].get<double>()),
               fmt::format("{:.1f} ± {:.1f}", row["images_per_second_mean"].get<double>(),
                           row["images_per_second_sd"].get<double>()),
               fmt::format("{:.2f} ms", row["latency_ms"].get<double>()),
               fmt::format("{:.1f}", row["gflop_per_second"].get<double>()),
               bytes_text(row["peak_rss_mib"].get<double>() * (1 << 20))});
  switch (format) {
    case TableFormat::text: return print_text("\n{}", to_text(table));
    case TableFormat::markdown: return print_text("{}", to_markdown(table));
    case TableFormat::csv: return print_text("{}", to_csv(table));
  }
}

void run(const BenchOptions& options) {
  const std::vector<BenchCase> rows = cases(options);
  if (options.measure_here) return print_json(measure(rows.front()));
  const TableFormat format = format_of(options.format);
  if (!options.roofline.empty() && !options.layers) fail_usage("bench: --roofline needs --layers");
  if (options.candidates && !options.layers) fail_usage("bench: --candidates needs --layers");
  if (options.layers && !options.charts.empty()) fail_usage("bench: --charts needs several rows, --layers shows one");
  if (options.candidates && !options.roofline.empty()) fail_usage("bench: --roofline draws no --candidates");
  if (options.layers) {
    if (rows.size() > 1)
      fail_usage("bench: --layers looks at one step, but there are ", rows.size(), "; name one ", several_of(options));
    const LayersRequest request{rows.front(), format, options.json, options.roofline};
    return options.candidates ? show_candidates(request) : show_layers(request);
  }
  if (!options.charts.empty()) expect_axes(rows);
  const Json before = options.against.empty() ? Json() : read_results(options.against);
  Json results = Json::array();
  std::exception_ptr failure;  // the rows measured before it are shown all the same
  for (const BenchCase& row : rows) {
    log_info("{} {} of {} at batch {}, {} threads, {}", results.size() + 1, row.mode, row.model, row.batch, row.threads,
             name_of(row.step.precision));
    try {
      results.push_back(measure_in_child(row));
    } catch (const Error&) {
      failure = std::current_exception();
      break;
    }
  }
  if (failure && results.empty()) std::rethrow_exception(failure);
  const Environment machine = environment();
  if (options.json)
    print_json({{"machine", Json::parse(to_json_text(machine))}, {"results", results}});
  else
    show(machine, results, format);
  if (failure) std::rethrow_exception(failure);
  if (!options.charts.empty()) write_charts(results, options.charts);  // after the table, which it must not cost
  if (!options.against.empty())
    judge(compare_results(before, results), options.against, !options.json && format == TableFormat::text);
}

}  // namespace

Action declare_bench(CLI::App& app) {
  auto options = std::make_shared<BenchOptions>();
  app.add_option("--model", options->models, "one or several with commas between (resnet20)")->type_name("NAMES");
  app.add_option("--mode", options->modes, "train, infer or both (train,infer)")->type_name("MODES");
  app.add_option("--batch", options->batches, "images of a step, one or several (128)")->type_name("NUMBERS");
  app.add_option("--threads", options->threads, "one or several; 0: one for each core (0)")->type_name("NUMBERS");
  app.add_option("--precision", options->precisions, "fp32, bf16 or auto, one or several (fp32)")->type_name("NAMES");
  add_memory(app, options->memory);
  add_real(app, "--seconds", options->seconds, "of each measurement, after the warm-up (5)");
  app.add_flag("--layers", options->layers,
               "the nodes of one step: times, and parts of what the machine reaches at best");
  app.add_flag("--candidates", options->candidates,
               "with --layers: every implementation of the convolutions beside the one that is taken");
  app.add_option("--roofline", options->roofline, "with --layers: writes the layers below the machine's ceilings")
      ->type_name("FILE.svg");
  app.add_option("--charts", options->charts, "writes images/s and memory by depth, batch and threads as figures there")
      ->type_name("DIR");
  app.add_option("--against", options->against,
                 "results of an earlier --json: fails if a row has become slower than chance allows")
      ->type_name("FILE");
  add_choice(app, "--format", options->format, {"text", "markdown", "csv"}, "of the table (text)");
  add_seed(app, options->shared.seed);
  add_json(app, options->json);
  app.add_flag("--measure-here", options->measure_here)->group("");
  return [options](const std::string&) { run(*options); };
}

}  // namespace resnet::cli
