#include "study/landscape/measure.hpp"

#include "base/error.hpp"
#include "data/loader.hpp"
#include "models/watch.hpp"
#include "study/landscape/directions.hpp"
#include "train/evaluate.hpp"
#include "train/recalibrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

std::vector<double> steps_between(double low, double high, int64_t count) {
  std::vector<double> steps;
  for (int64_t k = 0; k < count; ++k) {
    // From the middle outward, so that it is 0 exactly and both sides are mirror images.
    const double part = static_cast<double>(2 * k - (count - 1)) / static_cast<double>(count - 1);
    steps.push_back((low + high) / 2 + part * (high - low) / 2);
  }
  return steps;
}

LossAt loss_from(const Json& json) {
  const auto number = [](const Json& value) { return value.is_null() ? INFINITY : value.get<double>(); };
  return {number(json.at("loss")), number(json.at("error"))};
}

Json json_of(const LossAt& value) { return {{"loss", value.loss}, {"error", value.error}}; }

bool has_statistics(const Graph& graph) {
  return std::ranges::any_of(graph.values(), [](const ValueInfo& value) { return value.kind == ValueKind::statistic; });
}

class Measurement {
 public:
  Measurement(StudyRun& run, const TrainedNetworks& networks, const std::shared_ptr<const Dataset>& images,
              const LandscapeSetting& setting)
      : run_(run), networks_(networks), images_(images), setting_(setting) {}

  LandscapeResult measure() {
    const std::vector<TrainedNetwork>& list = networks_.list();
    for (const TrainedNetwork& network : list) surround(network);
    std::vector<bool> done(list.size());
    for (std::size_t a = 0; a < list.size(); ++a) {
      std::size_t from = a;
      for (std::size_t b = a + 1; b < list.size() && !done[a]; ++b) {
        if (!(list[b].info.spec == list[a].info.spec)) continue;
        connect(from, b);
        done[b] = true;
        from = b;
      }
    }
    return std::move(result_);
  }

 private:
  LossAt evaluated(InferenceProgram& program, const TrainedNetwork& network) const {
    const auto found =
        evaluate(program, images_, network.info, nullptr, default_loader_threads(run_.pool()->threads()));
    if (!found) run_.stop_if_interrupted();
    return {found->loss, 1 - found->top1()};
  }

  void surround(const TrainedNetwork& network) {
    const WatchedGraph watched = watch(forward_graph(network.info.spec, 2, Mode::inference));
    SurroundedNetwork found{.name = network.name,
                            .source = network.source,
                            .residual = !watched.blocks.empty(),
                            .layers = watched.layers.size(),
                            .classes = network.info.classes.size(),
                            .plane = {},
                            .summary = {}};
    found.plane.steps = steps_between(-setting_.extent, setting_.extent, setting_.points);
    const Direction first = filter_normalised_direction(network.info.spec, network.state, run_.seed(), 1);
    const Direction second = filter_normalised_direction(network.info.spec, network.state, run_.seed(), 2);
    State moved = network.state;
    InferenceProgram program(network.info.spec, moved, {.threads = run_.pool()});
    std::vector<std::string> keys;
    for (int64_t row = 0; row < setting_.points; ++row) keys.push_back(fmt::format("{}/plane {}", network.name, row));
    const PieceKind kind{
        .label = network.name + ", plane", .unit = "points", .units_each = setting_.points, .one_by_one = true};
    for (const Json& row : run_.pieces(kind, keys, [&](std::size_t index) {
           Json values = Json::array();
           for (const double step : found.plane.steps) {
             run_.stop_if_interrupted();
             move(moved, network.state, first, step, second, found.plane.steps[index]);
             values.push_back(json_of(evaluated(program, network)));
           }
           return values;
         }))
      for (const Json& value : row) found.plane.values.push_back(loss_from(value));
    found.summary = summary_of(found.plane, found.classes);
    result_.networks.push_back(std::move(found));
  }

  void connect(std::size_t a, std::size_t b) {
    const TrainedNetwork &from = networks_.list()[a], &to = networks_.list()[b];
    LossLine line{.from = from.name, .to = to.name, .residual = result_.networks[a].residual};
    line.steps = steps_between(-0.5, 1.5, setting_.line_points);
    const bool norms = has_statistics(forward_graph(from.info.spec, 1, Mode::inference));
    State moved = from.state;
    InferenceProgram program(from.info.spec, moved, {.threads = run_.pool()});
    std::vector<std::string> keys;
    for (std::size_t k = 0; k < line.steps.size(); ++k)
      keys.push_back(fmt::format("{} to {}/line {}", from.name, to.name, k));
    const PieceKind kind{.label = fmt::format("{} to {}", from.name, to.name), .unit = "points", .one_by_one = true};
    for (const Json& point : run_.pieces(kind, keys, [&](std::size_t index) {
           move_between(moved, from.state, to.state, line.steps[index]);
           Json json{{"interpolated", json_of(evaluated(program, from))}};
           if (!norms) return json;
           recalibrate(from.info, moved, images_,
                       {.batch = std::min<int64_t>(images_->size(), evaluation_batch(from.info.spec.input)),
                        .seed = run_.seed()},
                       run_.pool());
           json["recomputed"] = json_of(evaluated(program, from));
           return json;
         })) {
      line.interpolated.push_back(loss_from(point.at("interpolated")));
      if (norms) line.recomputed.push_back(loss_from(point.at("recomputed")));
    }
    result_.lines.push_back(std::move(line));
  }

  StudyRun& run_;
  const TrainedNetworks& networks_;
  std::shared_ptr<const Dataset> images_;
  LandscapeSetting setting_;
  LandscapeResult result_;
};

/// The loss of the point and its neighbours, [3, 3]; none if one is not finite.
std::optional<std::vector<double>> around(const LossPlane& plane, std::size_t row, std::size_t column) {
  std::vector<double> losses;
  for (std::size_t r = row - 1; r <= row + 1; ++r)
    for (std::size_t c = column - 1; c <= column + 1; ++c) losses.push_back(plane.at(r, c).loss);
  if (!std::ranges::all_of(losses, [](double x) { return std::isfinite(x); })) return std::nullopt;
  return losses;
}

/// Whether the smaller eigenvalue of the Hessian is noticeably negative.
bool bends_down(const std::vector<double>& l) {
  const double xx = l[5] - 2 * l[4] + l[3], yy = l[7] - 2 * l[4] + l[1], xy = (l[8] - l[6] - l[2] + l[0]) / 4;
  const double middle = (xx + yy) / 2, spread = std::hypot((xx - yy) / 2, xy);
  return middle - spread < -0.1 * std::abs(middle + spread);
}

Json json_of(const std::vector<LossAt>& values) {
  Json losses = Json::array(), errors = Json::array();
  for (const LossAt& value : values) {
    losses.push_back(value.loss);
    errors.push_back(value.error);
  }
  return {{"loss", losses}, {"error", errors}};
}

}  // namespace

LandscapeResult measure_landscapes(StudyRun& run, const TrainedNetworks& networks,
                                   const std::shared_ptr<const Dataset>& images, const LandscapeSetting& setting) {
  return Measurement(run, networks, images, setting).measure();
}

PlaneSummary summary_of(const LossPlane& plane, std::size_t classes) {
  PlaneSummary summary;
  const std::size_t side = plane.steps.size();
  int64_t bent = 0, low = 0;
  for (std::size_t row = 0; row < side; ++row)
    for (std::size_t column = 0; column < side; ++column) {
      const double here = plane.at(row, column).loss;
      low += here < std::log(static_cast<double>(classes)) ? 1 : 0;
      for (const auto& [r, c] : {std::pair{row + 1, column}, {row, column + 1}})
        if (r < side && c < side && std::isfinite(here) && std::isfinite(plane.at(r, c).loss))
          summary.steepest = std::max(summary.steepest, std::abs(std::log10(plane.at(r, c).loss / here)));
      if (row == 0 || column == 0 || row + 1 == side || column + 1 == side) continue;
      const auto losses = around(plane, row, column);
      if (!losses) continue;
      ++summary.inner;
      bent += bends_down(*losses) ? 1 : 0;
      const auto at_least = std::ranges::count_if(*losses, [&](double loss) { return loss <= here; });
      summary.minima += at_least == 1 ? 1 : 0;  // itself
    }
  summary.bent_down = summary.inner > 0 ? static_cast<double>(bent) / static_cast<double>(summary.inner) : 0;
  summary.low_part = static_cast<double>(low) / static_cast<double>(side * side);
  return summary;
}

std::optional<double> barrier_of(const std::vector<double>& steps, const std::vector<LossAt>& values) {
  const auto at = [&](double step) {
    const auto nearest = std::ranges::min_element(steps, {}, [&](double x) { return std::abs(x - step); });
    return values[static_cast<std::size_t>(nearest - steps.begin())].loss;
  };
  const double first = at(0), last = at(1);
  if (!std::isfinite(first) || !std::isfinite(last)) return std::nullopt;
  double highest = 0;
  for (std::size_t k = 0; k < steps.size(); ++k)
    if (steps[k] > 0 && steps[k] < 1 && std::isfinite(values[k].loss))
      highest = std::max(highest, values[k].loss - ((1 - steps[k]) * first + steps[k] * last));
  return highest;
}

Json to_json(const LandscapeResult& result) {
  Json networks = Json::array(), lines = Json::array();
  for (const SurroundedNetwork& network : result.networks)
    networks.push_back({{"network", network.name},
                        {"source", network.source},
                        {"residual", network.residual},
                        {"layers", network.layers},
                        {"centre", json_of(network.plane.centre())},
                        {"bent_down", network.summary.bent_down},
                        {"below_guessing", network.summary.low_part},
                        {"minima", network.summary.minima},
                        {"steepest_log10", network.summary.steepest},
                        {"steps", network.plane.steps},
                        {"plane", json_of(network.plane.values)}});
  for (const LossLine& line : result.lines) {
    Json json{
        {"from", line.from}, {"to", line.to}, {"steps", line.steps}, {"interpolated", json_of(line.interpolated)}};
    if (!line.recomputed.empty()) json["recomputed_statistics"] = json_of(line.recomputed);
    lines.push_back(std::move(json));
  }
  return {{"networks", networks}, {"lines", lines}};
}

}  // namespace resnet
