#include "train/run.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

namespace resnet {
namespace {

constexpr uint64_t metrics_limit = uint64_t{64} << 20;  // a line has some 100 bytes: more epochs than anyone trains

constexpr std::string_view title =
    "epoch,step,time,lr,train/loss,val/loss,metrics/accuracy_top1,metrics/accuracy_top5,train/accuracy_top1";

std::string text_of_optional(const std::optional<double>& value) { return value ? fmt::format("{}", *value) : ""; }

std::string line_of(const MetricsRow& row) {
  return fmt::format("{},{},{:.3f},{},{},{},{},{},{}", row.epoch, row.step, row.time, row.lr, row.train_loss,
                     text_of_optional(row.val_loss), text_of_optional(row.top1), text_of_optional(row.top5),
                     row.train_top1);
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line)
    if (c == ',')
      cells.emplace_back();
    else
      cells.back() += c;
  return cells;
}

std::optional<double> number(const std::string& text) {
  if (text.empty()) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) fail_data("expected a number, got '", text, "'");
  return value;
}

MetricsRow row_of(const std::string& line) {
  const std::vector<std::string> cells = cells_of(line);
  if (cells.size() != 9) fail_data("expected 9 columns, got ", cells.size());
  std::array<std::optional<double>, 9> values;
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = number(cells[k]);
  for (const std::size_t k : {0u, 1u, 2u, 3u, 4u, 8u})
    if (!values[k]) fail_data("column ", k + 1, " is empty");
  return {.epoch = static_cast<int64_t>(*values[0]),
          .step = static_cast<int64_t>(*values[1]),
          .time = *values[2],
          .lr = *values[3],
          .train_loss = *values[4],
          .val_loss = values[5],
          .top1 = values[6],
          .top5 = values[7],
          .train_top1 = *values[8]};
}

bool is_run(const fs::path& path) { return fs::exists(path / "config.toml") && fs::is_directory(path / "checkpoints"); }

void make_room(const fs::path& out, bool force) {
  if (!fs::exists(fs::symlink_status(out))) return;
  if (!force) fail(out.string(), ": exists already; choose another --out, or replace the run there with --force");
  if (!fs::is_directory(out)) fail(out.string(), ": is a file, expected a folder for the run; choose another --out");
  if (!fs::is_empty(out) && !is_run(out))
    fail(out.string(), ": holds something other than a run, which --force does not remove; choose another --out");
  std::error_code error;
  fs::remove_all(out, error);
  if (error) fail(out.string(), ": the earlier run cannot be removed: ", error.message());
}

/// The first of NAME, NAME-2, NAME-3 ... that this call could create: two runs that start together get two.
fs::path first_free(const fs::path& parent, const std::string& name) {
  make_directory(parent);
  for (int64_t number = 1;; ++number) {
    const fs::path path = parent / (number == 1 ? name : fmt::format("{}-{}", name, number));
    std::error_code error;
    if (fs::create_directory(path, error)) return path;
    if (error) fail(path.string(), ": cannot create the folder: ", error.message(), "; choose a place with --out");
  }
}

}  // namespace

void RunDirectory::append(const MetricsRow& row) const { append_line(metrics(), line_of(row)); }

std::vector<MetricsRow> RunDirectory::read_metrics() const {
  if (!fs::exists(metrics())) return {};
  std::istringstream text(read_file(metrics(), metrics_limit));
  std::vector<MetricsRow> rows;
  std::string line;
  for (int64_t number = 1; std::getline(text, line); ++number)
    if (number > 1 && !line.empty())
      rows.push_back(
          with_context(fmt::format("{}: line {}", metrics().string(), number), [&] { return row_of(line); }));
  return rows;
}

std::vector<MetricsRow> RunDirectory::truncate_metrics(int64_t step) const {
  // A line that was cut short by a crash can only be the last one, and lies behind the checkpoint.
  std::istringstream old(fs::exists(metrics()) ? read_file(metrics(), metrics_limit) : "");
  std::string text = std::string(title) + "\n", line;
  std::vector<MetricsRow> rows;
  std::getline(old, line);
  while (std::getline(old, line) && !old.eof()) {
    const MetricsRow row = with_context(metrics().string(), [&] { return row_of(line); });
    if (row.step > step) break;
    text += line + "\n";
    rows.push_back(row);
  }
  write_file(metrics(), text);
  return rows;
}

void RunDirectory::remove_leftovers() const {
  for (const fs::path& folder : {path_, path_ / "checkpoints"})
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      std::error_code ignored;
      if (entry.path().extension().string().starts_with(".tmp")) fs::remove(entry.path(), ignored);
    }
}

RunDirectory create_run(const std::string& verb, const std::string& name, const fs::path& out, bool force) {
  if (!out.empty()) make_room(out, force);
  const fs::path path = out.empty() ? first_free(fs::path("runs") / verb, name) : out;
  make_directory(path);
  make_directory(path / "checkpoints");
  return RunDirectory(path);
}

RunDirectory open_run(const fs::path& path) {
  if (!fs::exists(path)) fail_data(path.string(), ": no such run");
  if (!is_run(path)) fail_data(path.string(), ": is not a run directory (expected config.toml and checkpoints/ in it)");
  return RunDirectory(path);
}

}  // namespace resnet
