// The paper's own figures.
#include "study/degradation/degradation.hpp"

#include <algorithm>

namespace resnet {
namespace {

struct Row {
  const char* family;
  int depth;
  double error;      // table 6; 0: not in it
  const char* text;  // as it is shown
};

/// He et al. 2015. Plain networks are only drawn there: figure 6, left, read off to half a percent.
constexpr Row rows[] = {
    {"resnet", 20, 8.75, "8.75"},
    {"resnet", 32, 7.51, "7.51"},
    {"resnet", 44, 7.17, "7.17"},
    {"resnet", 56, 6.97, "6.97"},
    {"resnet", 110, 6.43, "6.43 (6.61 ± 0.16 of 5)"},
    {"resnet", 1202, 7.93, "7.93"},
    {"plain", 20, 0, "about 9.5 (drawn)"},
    {"plain", 32, 0, "about 10 (drawn)"},
    {"plain", 44, 0, "about 11.5 (drawn)"},
    {"plain", 56, 0, "about 13 (drawn)"},
    {"plain", 110, 0, "above 60 (in words)"},
};

const Row* find(const std::string& family, int depth) {
  const auto row = std::ranges::find_if(rows, [&](const Row& r) { return r.family == family && r.depth == depth; });
  return row == std::end(rows) ? nullptr : row;
}

}  // namespace

std::optional<double> published_error(const std::string& family, int depth) {
  const Row* row = find(family, depth);
  return row && row->error > 0 ? std::optional(row->error) : std::nullopt;
}

std::string published_text(const std::string& family, int depth) {
  const Row* row = find(family, depth);
  return row ? row->text : "";
}

}  // namespace resnet
