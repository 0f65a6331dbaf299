// Tables of text: for a terminal, for Markdown, for a spreadsheet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;
};

/// Table t({{"model"}, {"parameters", Align::right}}); t.row({"resnet20", with_thousands(269722)});
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// Error: the number of cells is not that of the columns.
  void row(std::vector<std::string> cells);

  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// Padded columns two spaces apart, a rule below the titles, a newline after each line; no trailing blanks. Line breaks
/// inside a cell become spaces. Widths count characters, not bytes.
std::string to_text(const Table& table);

/// GitHub's form; "|" is escaped.
std::string to_markdown(const Table& table);

/// RFC 4180 with "\n" line ends: cells with commas, quotes or line breaks are quoted.
std::string to_csv(const Table& table);

/// "1,234,567"
std::string with_thousands(int64_t value);

/// Three significant digits and a suffix, for counts: "41.2 M", "1.81 G", "512".
std::string with_suffix(double value);

/// Binary units, for memory: "512 B", "1.50 KiB", "12.0 MiB".
std::string bytes_text(double bytes);

}  // namespace resnet
