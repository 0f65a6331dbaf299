// resnet check: what is wrong with a data set, before it is trained on.
#include "data/check/check.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/log.hpp"
#include "base/progress.hpp"
#include "base/text.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"

#include <algorithm>
#include <memory>
#include <optional>

namespace resnet::cli {
namespace {

struct Options {
  std::string data;
  int threads = 0;
  fs::path fix_list;
  bool print0 = false, json = false;
  int64_t examples = 3;
};

bool is_folder_of_photos(const std::string& data) { return !data.starts_with("builtin:") && holds_image_files(data); }

CheckResult checked(const Options& options) {
  std::optional<Progress> progress;
  const CheckOptions how{.threads = options.threads, .progress = [&](int64_t done, int64_t total) {
                           if (!progress) progress.emplace("checking", total, "images");
                           progress->update(done);
                         }};
  const std::string source = resolved_data(options.data);
  if (is_folder_of_photos(source)) return check_folder(source, how);
  const DataSplit data = open_data(source, {.threads = options.threads, .validation = 1});
  if (!data.note.empty()) log_info("{}", data.note);
  return check_dataset(data, how);
}

std::string title_of(Severity severity) {
  switch (severity) {
    case Severity::harmful: return "Hurts training:";
    case Severity::suspicious: return "Worth a look:";
    case Severity::handled: break;
  }
  return "Taken care of when images are read:";
}

/// "train/cat/1.jpg = val/dog/7.jpg", "train/cat/1.jpg (0 bytes)", or the detail alone.
std::string example_text(const Finding& finding, const CheckResult& result) {
  if (finding.images.empty()) return finding.detail;
  std::string text;
  const std::size_t shown = std::min<std::size_t>(finding.images.size(), 3);
  for (std::size_t k = 0; k < shown; ++k)
    text += (k ? " = " : "") + result.images[static_cast<std::size_t>(finding.images[k])].name;
  if (shown < finding.images.size()) text += fmt::format(" and {} more", finding.images.size() - shown);
  return finding.detail.empty() ? text : text + " (" + finding.detail + ")";
}

std::vector<const Finding*> findings_of(const CheckResult& result, Problem problem) {
  std::vector<const Finding*> found;
  for (const Finding& finding : result.findings)
    if (finding.problem == problem) found.push_back(&finding);
  return found;
}

void print_counts(const CheckResult& result, const std::string& data) {
  const auto counts = result.counts();
  std::string parts;
  for (std::size_t split = 0; split < result.splits.size(); ++split) {
    int64_t sum = 0;
    for (const int64_t count : counts[split]) sum += count;
    if (!result.splits[split].empty()) parts += fmt::format(", {} {}", result.splits[split], sum);
  }
  print_text("{}: {}, {}{}\n", data, plural(result.images.size(), "image"), plural(result.classes.size(), "class"),
             parts);
}

void print_summary(const CheckResult& result, const Options& options) {
  print_counts(result, options.data);
  for (const Severity severity : {Severity::harmful, Severity::suspicious, Severity::handled}) {
    if (!result.has(severity)) continue;
    print_text("\n{}\n", title_of(severity));
    for (const ProblemRow& row : problems()) {
      const std::vector<const Finding*> found = findings_of(result, row.problem);
      if (row.severity != severity || found.empty()) continue;
      print_text("{:>7}  {}\n", found.size(), row.meaning);
      const std::size_t shown = std::min(found.size(), static_cast<std::size_t>(options.examples));
      for (std::size_t k = 0; k < shown; ++k) print_text("         {}\n", example_text(*found[k], result));
      if (shown > 0 && shown < found.size()) print_text("         ...\n");
    }
  }
  if (result.findings.empty()) print_text("nothing found\n");
}

Json to_json(const CheckResult& result, const std::string& data) {
  const auto counts = result.counts();
  Json splits = Json::array(), findings = Json::array(), numbers = Json::object();
  for (std::size_t split = 0; split < result.splits.size(); ++split) {
    Json classes = Json::object();
    for (std::size_t label = 0; label < result.classes.size(); ++label)
      classes[result.classes[label]] = counts[split][label];
    splits.push_back({{"name", result.splits[split]}, {"classes", std::move(classes)}});
  }
  constexpr std::array severities = {"harmful", "suspicious", "handled"};
  for (const ProblemRow& row : problems()) {
    const auto found = findings_of(result, row.problem);
    if (!found.empty()) numbers[std::string(row.name)] = found.size();
  }
  for (const Finding& finding : result.findings) {
    const ProblemRow& row = row_of(finding.problem);
    Json images = Json::array();
    for (const int64_t image : finding.images) images.push_back(result.images[static_cast<std::size_t>(image)].name);
    findings.push_back({{"problem", row.name},
                        {"severity", severities[static_cast<std::size_t>(row.severity)]},
                        {"images", std::move(images)},
                        {"detail", finding.detail}});
  }
  return {{"data", data},
          {"ok", !result.has(Severity::harmful)},
          {"images", result.images.size()},
          {"splits", std::move(splits)},
          {"counts", std::move(numbers)},
          {"findings", std::move(findings)}};
}

/// PATH<tab>REASON on a line each, or PATH<nul> for xargs -0.
void write_fix_list(const CheckResult& result, const Options& options) {
  std::string text;
  int64_t unwritable = 0, written = 0;
  for (const Removal& removal : removals(result)) {
    const std::string path =
        (fs::path(options.data) / result.images[static_cast<std::size_t>(removal.image)].name).string();
    if (!options.print0 && path.find_first_of("\t\n") != std::string::npos) {
      ++unwritable;
      continue;
    }
    ++written;
    text +=
        options.print0 ? path + '\0' : fmt::format("{}\t{}: {}\n", path, row_of(removal.problem).name, removal.reason);
  }
  write_file(options.fix_list, text);
  if (unwritable > 0) log_warning("{} paths hold a tab or a line break and are not listed; use --print0", unwritable);
  log_info("{}: {} better removed", options.fix_list.string(), plural(written, "file that is", "files that are"));
}

void fail_if_harmful(const CheckResult& result, const Options& options) {
  const auto harmful = std::ranges::count_if(
      result.findings, [](const Finding& finding) { return row_of(finding.problem).severity == Severity::harmful; });
  if (harmful > 0)
    fail_data(options.data, ": ", harmful, harmful == 1 ? " finding hurts" : " findings hurt", " training",
              options.fix_list.empty() ? "; --fix-list FILE lists what is better removed" : "");
}

}  // namespace

Action declare_check(CLI::App& app) {
  auto options = std::make_shared<Options>();
  app.add_option("DATA", options->data, "what `train` takes: a folder of class folders, CIFAR, builtin:shapes, ...")
      ->required();
  app.add_option("--fix-list", options->fix_list,
                 "write the files that are better removed here: the path, a tab, the reason")
      ->type_name("FILE");
  app.add_flag("--print0", options->print0, "paths alone in --fix-list, each with a zero byte behind it (xargs -0)");
  add_whole(app, "--examples", options->examples, 0, 1'000'000, "shown of each problem (3)");
  add_threads(app, options->threads);
  add_json(app, options->json);
  app.footer("The exit code is 3 if something was found that hurts training. Nothing is changed.");
  return [options](const std::string&) {
    if (!options->fix_list.empty() && path_exists(options->data) && !is_folder_of_photos(options->data))
      fail_usage("--fix-list names files to remove; ", options->data,
                 " holds its images within other files, so leave it out");
    if (options->print0 && options->fix_list.empty()) fail_usage("--print0 is about --fix-list; give both");
    catch_interrupts();
    const CheckResult result = checked(*options);
    if (options->json)
      print_json(to_json(result, options->data));
    else
      print_summary(result, *options);
    if (!options->fix_list.empty()) write_fix_list(result, *options);
    fail_if_harmful(result, *options);
  };
}

}  // namespace resnet::cli
