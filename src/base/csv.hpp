// Comma-separated values as RFC 4180 has them, for the tables that hold names of files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// `text` as one field; in quotes where it needs them.
std::string csv_field(std::string_view text);

/// One row, with a newline at its end.
std::string csv_row(const std::vector<std::string>& fields);

/// The rows of a table, without its title line. A last line without a newline is left out: it was cut short.
std::vector<std::vector<std::string>> csv_rows(std::string_view text);

}  // namespace resnet
