#include "report/tables.hpp"

#include "base/error.hpp"
#include "report/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace resnet {
namespace {

std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return text;
}

std::string padded(const std::string& text, std::size_t width, Align align) {
  const std::string blanks(width - std::min(width, character_count(text)), ' ');
  return align == Align::left ? text + blanks : blanks + text;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char character : text) {
    if (character == '"') quoted += '"';
    quoted += character;
  }
  return quoted + '"';
}

std::string markdown_cell(const std::string& text) {
  std::string cell;
  for (const char character : on_one_line(text)) {
    if (character == '|' || character == '\\') cell += '\\';
    cell += character;
  }
  return cell;
}

std::vector<std::string> titles_of(const Table& table) {
  std::vector<std::string> titles;
  for (const Column& column : table.columns()) titles.push_back(column.title);
  return titles;
}

std::string text_line(const Table& table, const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t column = 0; column < cells.size(); ++column) {
    if (column > 0) line += "  ";
    line += padded(on_one_line(cells[column]), widths[column], table.columns()[column].align);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

std::string with_unit(double value, double base, const std::array<std::string_view, 6>& units) {
  std::size_t unit = 0;
  while (std::abs(value) >= base * (unit == 0 ? 1 : 0.9995) && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  const double size = std::abs(value);
  const int decimals = unit == 0 ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}{}", value, decimals, units[unit].empty() ? "" : " ", units[unit]);
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::row(std::vector<std::string> cells) {
  if (cells.size() != columns_.size())
    fail("table: a row of ", cells.size(), " cells for ", columns_.size(), " columns");
  rows_.push_back(std::move(cells));
}

std::string to_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (const Column& column : table.columns()) widths.push_back(character_count(column.title));
  for (const auto& row : table.rows())
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], character_count(row[column]));
  std::string text = text_line(table, titles_of(table), widths);
  std::vector<std::string> rule;
  for (const std::size_t width : widths) rule.emplace_back(width, '-');
  text += text_line(table, rule, widths);
  for (const auto& row : table.rows()) text += text_line(table, row, widths);
  return text;
}

std::string to_markdown(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const std::string& cell : cells) text += " " + markdown_cell(cell) + " |";
    return text + "\n";
  };
  std::string text = line(titles_of(table)) + "|";
  for (const Column& column : table.columns()) text += column.align == Align::left ? "---|" : "---:|";
  text += "\n";
  for (const auto& row : table.rows()) text += line(row);
  return text;
}

std::string to_csv(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text;
    for (const std::string& cell : cells) text += csv_cell(cell) + ",";
    if (!text.empty()) text.pop_back();
    return text + "\n";
  };
  std::string text = line(titles_of(table));
  for (const auto& row : table.rows()) text += line(row);
  return text;
}

std::string with_thousands(int64_t value) {
  std::string digits = std::to_string(value);
  const int64_t first = value < 0 ? 1 : 0;
  for (int64_t place = static_cast<int64_t>(digits.size()) - 3; place > first; place -= 3)
    digits.insert(static_cast<std::size_t>(place), ",");
  return digits;
}

std::string with_suffix(double value) {
  if (!std::isfinite(value)) return fmt::format("{}", value);
  return with_unit(value, 1000, {"", "k", "M", "G", "T", "P"});
}

std::string bytes_text(double bytes) {
  if (!std::isfinite(bytes)) return fmt::format("{}", bytes);
  return with_unit(bytes, 1024, {"B", "KiB", "MiB", "GiB", "TiB", "PiB"});
}

}  // namespace resnet
