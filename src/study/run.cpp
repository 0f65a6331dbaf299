#include "study/run.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/progress.hpp"
#include "runtime/executable.hpp"

#include <algorithm>
#include <mutex>
#include <sstream>

namespace resnet {
namespace {

const std::string pin_mark = "pin/";

constexpr uint64_t pieces_limit = uint64_t{1} << 30;

/// A last line without its line break was cut short by a crash and is computed again.
std::map<std::string, Json> read_pieces(const fs::path& path) {
  std::map<std::string, Json> pieces;
  if (!path_exists(path)) return pieces;
  const std::string text = read_file(path, pieces_limit);
  std::istringstream lines(text);
  std::string line;
  for (int64_t number = 1; std::getline(lines, line) && !lines.eof(); ++number) {
    const Json piece = Json::parse(line, nullptr, false);
    if (!piece.is_object() || piece.size() != 2 || !piece.contains("piece") || !piece["piece"].is_string() ||
        !piece.contains("value"))
      fail_data(path.string(), ": line ", number, " is damaged; remove the line, or start again with --force");
    pieces[piece["piece"].get<std::string>()] = piece["value"];
  }
  if (!text.empty() && text.back() != '\n') write_file(path, text.substr(0, text.rfind('\n') + 1));
  return pieces;
}

/// What a later part of the run will read: a number that JSON cannot write has become null.
Json as_stored(const Json& value) { return Json::parse(text_of_json(value)); }

}  // namespace

StudyRun::StudyRun(StudyDirectory directory, uint64_t seed, int threads, std::string resume_command)
    : directory_(std::move(directory)),
      seed_(seed),
      pool_(std::make_shared<ThreadPool>(threads > 0 ? threads : available_cores())),
      resume_command_(std::move(resume_command)),
      stored_(read_pieces(directory_.pieces())) {}

void StudyRun::store(const std::string& key, const Json& value) {
  append_line(directory_.pieces(), text_of_json({{"piece", key}, {"value", value}}));
  stored_[key] = as_stored(value);
}

void StudyRun::stop() const {
  if (kept_) fail_as(ExitCode::interrupted, "interrupted; what is done is kept, continue with: ", resume_command_);
  fail_as(ExitCode::interrupted, "interrupted; ", stored_.size(), stored_.size() == 1 ? " piece is" : " pieces are",
          " kept, continue with: ", resume_command_);
}

void StudyRun::stop_if_interrupted() const {
  if (interrupted()) stop();
}

std::vector<Json> StudyRun::pieces(const PieceKind& kind, const std::vector<std::string>& keys,
                                   const std::function<Json(std::size_t index)>& compute) {
  std::vector<std::size_t> missing;
  for (std::size_t index = 0; index < keys.size(); ++index)
    if (!stored_.contains(keys[index])) missing.push_back(index);
  std::size_t done = keys.size() - missing.size();
  const auto units = [&](std::size_t count) { return static_cast<int64_t>(count) * kind.units_each; };
  {
    Progress progress(kind.label, units(keys.size()), kind.unit, units(done));
    std::mutex mutex;
    const auto work = [&](int task, int) {
      if (interrupted()) return;
      const std::size_t index = missing[static_cast<std::size_t>(task)];
      const Json value = compute(index);
      const std::lock_guard lock(mutex);
      store(keys[index], value);
      progress.update(units(++done));
    };
    const int tasks = static_cast<int>(missing.size());
    if (!kind.one_by_one) pool_->run(tasks, work);
    for (int task = 0; kind.one_by_one && task < tasks; ++task) work(task, 0);
  }
  if (done < keys.size()) stop();
  std::vector<Json> values;
  for (const std::string& key : keys) values.push_back(stored_.at(key));
  return values;
}

Json StudyRun::piece(const std::string& key, const std::function<Json()>& compute) {
  stop_if_interrupted();
  if (!stored_.contains(key)) store(key, compute());
  return stored_.at(key);
}

void StudyRun::pin(const std::string& key, const std::string& value) {
  const Json before = piece(pin_mark + key, [&] { return Json(value); });
  if (before != Json(value))
    fail_data(directory_.path().string(), ": ", key, " was ", text_of_json(before), " when the study began, and is '",
              value, "' now; restore it, or start again with --force");
}

void StudyRun::pin_kernels() {
  const CpuBackendInfo backend = cpu_backend_info();
  pin("kernels", text_of(backend.instruction_set, ", oneDNN ", backend.onednn));
}

bool StudyRun::worth_keeping() const {
  return kept_ || std::ranges::any_of(stored_, [](const auto& piece) { return !piece.first.starts_with(pin_mark); });
}

}  // namespace resnet
