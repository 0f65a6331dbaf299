#include "cli/bench_against.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "report/tables.hpp"

#include <algorithm>
#include <cmath>

namespace resnet::cli {
namespace {

constexpr const char* rate = "images_per_second";
constexpr const char* deviation = "images_per_second_sd";

std::string title_of(const Json& row) {
  return fmt::format("{} {}, batch {}, {}, {} threads", row.at("model").get<std::string>(),
                     row.at("mode").get<std::string>(), row.at("batch").get<int64_t>(),
                     row.at("precision").get<std::string>(), row.at("threads").get<int>());
}

bool same_case(const Json& a, const Json& b) {
  return std::ranges::all_of(std::initializer_list<const char*>{"model", "mode", "batch", "precision", "threads"},
                             [&](const char* key) { return a.at(key) == b.at(key); }) &&
         a.value("memory", "normal") == b.value("memory", "normal");
}

}  // namespace

bool Comparison::slower() const { return now.at(rate).get<double>() < before.at(rate).get<double>() - allowed; }

Json read_results(const std::filesystem::path& file) {
  try {
    const Json whole = Json::parse(read_file(file, 64 << 20));
    for (const Json& row : whole.at("results")) {
      title_of(row);
      row.at(rate).get<double>();
      row.at(deviation).get<double>();
    }
    return whole.at("results");
  } catch (const Json::exception&) {
    fail_data(file.string(), ": expected what `resnet bench --json` prints");
  }
}

std::vector<Comparison> compare_results(const Json& before, const Json& now) {
  std::vector<Comparison> comparisons;
  for (const Json& row : now) {
    const auto earlier = std::ranges::find_if(before, [&](const Json& other) { return same_case(row, other); });
    if (earlier == before.end()) continue;
    const double noise = std::hypot(row.at(deviation).get<double>(), earlier->at(deviation).get<double>());
    comparisons.push_back({*earlier, row, std::max(2 * noise, 0.05 * earlier->at(rate).get<double>())});
  }
  return comparisons;
}

void judge(const std::vector<Comparison>& comparisons, const std::filesystem::path& file, bool print) {
  if (comparisons.empty()) fail_usage("bench: --against: ", file.string(), " has no measurement of these networks");
  Table table({{"measured"}, {"before", Align::right}, {"now", Align::right}, {"ratio", Align::right}, {"verdict"}});
  const Comparison* first = nullptr;
  for (const Comparison& row : comparisons) {
    const double before = row.before.at(rate).get<double>(), now = row.now.at(rate).get<double>();
    const bool faster = now > before + row.allowed;
    table.row({title_of(row.now), fmt::format("{:.1f}", before), fmt::format("{:.1f}", now),
               fmt::format("{:.2f}", now / before),
               row.slower() ? "slower"
               : faster     ? "faster"
                            : "as before"});
    if (row.slower() && !first) first = &row;
  }
  if (print) print_text("\n{}", to_text(table));
  if (first)
    fail("bench: ", title_of(first->now), ": ", fmt::format("{:.1f}", first->now.at(rate).get<double>()),
         " images/s against ", fmt::format("{:.1f}", first->before.at(rate).get<double>()), " in ", file.string(),
         ", which is more than chance allows (", fmt::format("{:.1f}", first->allowed), ")");
}

}  // namespace resnet::cli
