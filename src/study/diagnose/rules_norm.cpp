// Rules on batch norm, and on training and inference that differ.
#include "base/text.hpp"
#include "study/diagnose/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet::rules {
namespace {

/// Running statistics against those of the data. Batches of a healthy network differ from them by 0.1 to 0.4 deviations
/// and a factor of 0.7 to 1.4; see tests/study/diagnose for the networks this was measured on.
constexpr double largest_shift = 1, largest_spread = 4;

bool is_off(const NormHealth& norm) {
  return norm.running &&
         (norm.shift > largest_shift || norm.spread > largest_spread || norm.spread < 1 / largest_spread);
}

/// How far off, to compare.
double distance(const NormHealth& norm) {
  return norm.running ? std::max(norm.shift, std::abs(std::log(norm.spread))) : 0;
}

/// Behind the first batch norm a training step sees the same whatever the scale of its input was: other input shows
/// there and hardly later, running statistics that lag behind show everywhere.
bool off_at_input_only(const std::vector<NormHealth>& norms) {
  const auto off = std::ranges::count_if(norms, is_off);
  return !norms.empty() && is_off(norms.front()) && 2 * off <= std::ssize(norms);
}

/// What a file may store in place of variances, as the power that makes variances of it.
struct StoredAs {
  double power;
  std::string_view name, of;
};
constexpr StoredAs stored_as[] = {{2, "the square roots of the data's variances", "standard deviations"},
                                  {-1, "the inverses of the data's variances", "1 / variance"},
                                  {-2, "the inverse square roots of the data's variances", "1 / standard deviation"}};

/// The mean square of log(variance) - power log(stored) over all channels.
double misfit(const Measurements& measured, double power) {
  double sum = 0, count = 0;
  for (const NormHealth& norm : measured.health.norms)
    for (std::size_t c = 0; c < norm.log_running.size(); ++c, ++count) {
      const double difference = norm.log_variance[c] - power * norm.log_running[c];
      sum += difference * difference;
    }
  return count > 0 ? sum / count : 0;
}

/// The power fits far better than 1, and well: batches of a healthy network are within a factor of 1.5 or so.
const StoredAs* not_variances(const Measurements& measured) {
  for (const StoredAs& form : stored_as)
    if (const double square = misfit(measured, form.power);
        square < 0.25 && misfit(measured, 1) > std::max(4 * square, 0.1))
      return &form;
  return nullptr;
}

std::optional<int64_t> place_of(const Measurements& measured, const std::vector<std::string>& names) {
  const auto norm = std::ranges::find(measured.health.norms, names.front(), &NormHealth::name);
  return norm->place;
}

std::string off_text(const NormHealth& norm) {
  return fmt::format(
      "{}: the data's means lie {:.2g} deviations from the running ones, and their variance is {:.2g} "
      "times the running one",
      norm.name, norm.shift, norm.spread);
}

template <class Test>
std::vector<std::string> norms_where(const Measurements& measured, Test&& test) {
  std::vector<std::string> names;
  for (const NormHealth& norm : measured.health.norms)
    if (test(norm)) names.push_back(norm.name);
  return names;
}

std::string of_norms(const std::vector<std::string>& names, const Measurements& measured) {
  return fmt::format("{} of {}", names.size(), plural(measured.health.norms.size(), "batch norm"));
}

}  // namespace

bool had_time(const Measurements& measured) { return measured.steps < 0 ? measured.trained() : measured.steps >= 100; }

bool knew_its_images(const Measurements& measured) {
  return measured.run && measured.run->top1 && 2 * *measured.run->top1 > 1 + measured.chance();
}

std::optional<Evidence> statistics_untouched(const Measurements& measured) {
  if (!had_time(measured)) return std::nullopt;
  const auto names = norms_where(measured, [](const NormHealth& norm) { return norm.running && norm.untouched; });
  // A layer whose data happen to have mean 0 and variance 1 has nothing to be updated.
  if (names.empty() || std::ranges::none_of(measured.health.norms, is_off)) return std::nullopt;
  return Evidence{
      of_norms(names, measured) + " still have the running mean 0 and variance 1 that they began with, or nearly so",
      names};
}

std::optional<Evidence> statistics_of_other_input(const Measurements& measured) {
  const std::vector<NormHealth>& norms = measured.health.norms;
  if (!had_time(measured) || norms.empty() || statistics_untouched(measured) || not_variances(measured) ||
      !off_at_input_only(norms))
    return std::nullopt;
  return Evidence{"at the first batch norm, " + off_text(norms.front()), {norms.front().name}};
}

std::optional<Evidence> statistics_stale(const Measurements& measured) {
  if (!had_time(measured) || statistics_untouched(measured) || statistics_of_other_input(measured)) return std::nullopt;
  const std::vector<NormHealth>& norms = measured.health.norms;
  if (const StoredAs* form = not_variances(measured))
    return Evidence{fmt::format("what the file has as running variances are {}: it stores {}", form->name, form->of)};
  const auto names = norms_where(measured, is_off);
  if (!names.empty() && 4 * names.size() >= norms.size()) {
    const auto worst = std::ranges::find(norms, names.front(), &NormHealth::name);
    return Evidence{
        of_norms(names, measured) + " have other running statistics than the data give; for one, " + off_text(*worst),
        names, worst->place};
  }
  // Without dropout the two differ in nothing else.
  const bool only_statistics = !measured.health.random && !norms.empty() && norms.front().running;
  const std::optional<Evidence> mismatch = only_statistics ? train_eval_mismatch(measured) : std::nullopt;
  if (!mismatch) return std::nullopt;
  const auto worst = std::ranges::max_element(norms, {}, distance);
  return Evidence{mismatch->text + "; nothing else differs between the two. The furthest, " + off_text(*worst)};
}

std::optional<Evidence> norm_collapsed(const Measurements& measured) {
  const auto names = norms_where(measured, [](const NormHealth& norm) { return norm.collapsed >= 0.5; });
  if (names.empty()) return std::nullopt;
  const auto worst = std::ranges::find(measured.health.norms, names.front(), &NormHealth::name);
  return Evidence{fmt::format("{}: the median variance of {}'s channels is {:.2g}, its epsilon {:.2g}",
                              of_norms(names, measured), worst->name, worst->variance, worst->epsilon),
                  names, worst->place};
}

std::optional<Evidence> norm_without_gamma(const Measurements& measured) {
  if (measured.starts_as_identity && !measured.trained()) return std::nullopt;
  const auto names = norms_where(measured, [](const NormHealth& norm) { return norm.tiny_gamma >= 0.9; });
  if (names.empty()) return std::nullopt;
  return Evidence{"gamma is 0 in nearly all channels of " + of_norms(names, measured), names,
                  place_of(measured, names)};
}

std::optional<Evidence> norm_saturated(const Measurements& measured) {
  const auto off = norms_where(measured, [](const NormHealth& norm) { return norm.off >= 0.5; });
  const auto open = norms_where(measured, [](const NormHealth& norm) { return norm.open >= 0.5; });
  const auto& names = off.empty() ? open : off;
  if (names.empty()) return std::nullopt;
  return Evidence{
      fmt::format("in at least half of the channels of {} beta lies more than 3 |gamma| {} zero, so the ReLU "
                  "behind {}",
                  of_norms(names, measured), off.empty() ? "above" : "below",
                  off.empty() ? "changes nothing" : "lets nothing through"),
      names, place_of(measured, names)};
}

std::optional<Evidence> train_eval_mismatch(const Measurements& measured) {
  if (!had_time(measured) && !knew_its_images(measured)) return std::nullopt;
  const double training = measured.health.output.top1, inference = measured.inference.top1;
  // 256 images: 0.15 is more than three standard deviations of the difference.
  constexpr double largest_gap = 0.15;
  if (training - inference < largest_gap) return std::nullopt;
  return Evidence{
      fmt::format("the same images are {:.1f} % right (loss {:.3f}) with the statistics of their batch, and "
                  "{:.1f} % (loss {:.3f}) in inference",
                  100 * training, measured.health.output.loss, 100 * inference, measured.inference.loss)};
}

}  // namespace resnet::rules
