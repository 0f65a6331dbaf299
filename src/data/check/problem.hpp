// What can be wrong with a data set, and how bad that is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// harmful: training suffers, or what it reports is wrong. suspicious: a person should look. handled: reading copes,
/// other programs may not.
enum class Severity : uint8_t { harmful, suspicious, handled };

enum class Problem : uint8_t {
  empty_file,
  unreadable,
  damaged,
  contradiction,
  leak,
  untrained_class,
  too_few_classes,
  near_contradiction,
  near_leak,
  duplicate,
  near_duplicate,
  missing_class,
  imbalance,
  blank,
  tiny,
  huge,
  extension,
  not_an_image,
  outside_classes,
  cmyk,
  sixteen_bits,
  palette,
  alpha,
  grey_among_colour,
  rotated,
  animated
};

struct ProblemRow {
  Problem problem;
  Severity severity;
  /// In JSON and in the list of files: "near-leak".
  std::string_view name;
  /// "the same picture in two splits"
  std::string_view meaning;
};

/// One row for each, the worst first.
std::span<const ProblemRow> problems();
const ProblemRow& row_of(Problem problem);

/// One occurrence: an image, or several that belong together.
struct Finding {
  Problem problem;
  /// Indices of the images it is about, ascending; none where it is about a class or an ignored file.
  std::vector<int64_t> images = {};
  /// What exactly: the reader's message, "class cat: 3 images".
  std::string detail = {};
};

}  // namespace resnet
