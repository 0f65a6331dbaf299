#include "train/split_file.hpp"

#include "base/csv.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

namespace resnet {
namespace {

constexpr uint64_t file_limit = uint64_t{4} << 30;  // a line has some 100 bytes

using Row = std::vector<std::string>;

std::vector<Row> rows_of(const DataSplit& data) {
  std::vector<Row> rows;
  const auto add = [&](const std::string& part, const Dataset& images) {
    for (int64_t index = 0; index < images.size(); ++index)
      rows.push_back({part, images.classes()[static_cast<std::size_t>(images.label(index))], images.name_of(index),
                      fmt::format("{:016x}", images.hash(index))});
  };
  if (data.train) add("train", *data.train);
  add(data.test_name, *data.test);
  return rows;
}

}  // namespace

void write_split(const fs::path& path, const DataSplit& data) {
  std::string text = "part,class,file,content\n";
  for (const Row& row : rows_of(data)) text += csv_row(row);
  write_file(path, text);
}

std::string first_change(const fs::path& path, const DataSplit& data) {
  if (!path_exists(path)) return {};
  std::map<std::string, Row> now;
  for (Row& row : rows_of(data)) now.emplace(row[2], row);
  std::map<std::string, Row> before;
  for (Row& row : csv_rows(read_file(path, file_limit)))
    if (row.size() == 4) before.emplace(row[2], row);
  for (const auto& [file, row] : before) {
    const auto found = now.find(file);
    if (found == now.end()) return file + " is missing or cannot be used any more";
    if (found->second != row) return file + " has changed";
  }
  for (const auto& [file, row] : now)
    if (!before.contains(file)) return file + " is new";
  return {};
}

}  // namespace resnet
