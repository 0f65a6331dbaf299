#include "train/run.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <sstream>

namespace resnet {
namespace {

constexpr std::string_view title =
    "epoch,step,time,lr,train/loss,val/loss,metrics/accuracy_top1,metrics/accuracy_top5,train/accuracy_top1";

constexpr std::string_view marker = "checkpoints";

constexpr uint64_t metrics_limit = uint64_t{64} << 20;  // a line has some 100 bytes: more epochs than anyone trains

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

/// Rows up to `step`. A line that was cut short by a crash can only be the last one, and lies behind the checkpoint.
std::vector<MetricsRow> read_rows(const fs::path& path, int64_t step) {
  std::vector<MetricsRow> rows;
  if (!path_exists(path)) return rows;
  std::istringstream text(read_file(path, metrics_limit));
  std::string line;
  std::getline(text, line);
  for (int64_t number = 2; std::getline(text, line) && !text.eof(); ++number) {
    rows.push_back(with_context(fmt::format("{}: line {}", path.string(), number), [&] { return row_of(line); }));
    if (rows.back().step > step) {
      rows.pop_back();
      break;
    }
  }
  return rows;
}

}  // namespace

void RunDirectory::append(const MetricsRow& row) const { append_line(metrics(), line_of(row)); }

std::vector<MetricsRow> RunDirectory::read_metrics() const {
  return read_rows(metrics(), std::numeric_limits<int64_t>::max());
}

std::vector<MetricsRow> RunDirectory::truncate_metrics(int64_t step) const {
  std::vector<MetricsRow> rows = read_rows(metrics(), step);
  std::string text = std::string(title) + "\n";
  for (const MetricsRow& row : rows) text += line_of(row) + "\n";
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

NewRun::NewRun(const std::string& verb, const std::string& name, const fs::path& out, bool force)
    : folder_(verb, name, out, force, marker), directory_(folder_.path()) {}

fs::path model_file_of(const fs::path& model) { return is_folder(model) ? open_run(model).model() : model; }

bool holds_run(const fs::path& path) { return is_run_folder(path, marker); }

RunDirectory open_run(const fs::path& path) {
  if (!path_exists(path)) fail_data(path.string(), ": no such run");
  if (!holds_run(path))
    fail_data(path.string(), ": is not a run directory (expected config.toml and checkpoints/ in it)");
  return RunDirectory(path);
}

}  // namespace resnet
