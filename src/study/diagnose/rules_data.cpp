// Rules on what comes in: images and labels.
#include "base/text.hpp"
#include "study/diagnose/rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace resnet::rules {
namespace {

/// Between 0.3 and 0.99 of the variance lies between images in the data sets that come with the project; of the same
/// image again and again, none does.
constexpr double least_between = 1e-3;

/// LeCun et al. 1998 ("Efficient BackProp", 4.3): inputs should have mean 0 and similar variance. Deviations of 0.3 to
/// 1.2 and means up to half of it are common and do no harm; 63 is a picture of 0 .. 255, 0.001 one divided twice.
constexpr double largest_deviation = 5, least_deviation = 0.05, largest_offset = 1.25;

std::string channels_text(const std::vector<double>& values) { return fmt::format("{:.3g}", fmt::join(values, " ")); }

/// Nothing that images and labels alone explain: the running statistics are those of other images.
bool statistics_fit(const Measurements& measured) {
  return !statistics_untouched(measured) && !statistics_of_other_input(measured) && !statistics_stale(measured);
}

/// A network accuses labels by what it knows. A run says what it has learnt of images that it did not train on: below a
/// quarter of the way from guessing to knowing, it has as yet learnt by heart at best. Of others their weights say that
/// they were trained, see trained().
bool has_learnt(const Measurements& measured) {
  if (!measured.run || !measured.run->top1) return true;
  return *measured.run->top1 >= measured.chance() + (1 - measured.chance()) / 4;
}

}  // namespace

std::optional<Evidence> constant_input(const Measurements& measured) {
  const InputHealth& input = measured.health.input;
  if (input.constant > 0.9)
    return Evidence{fmt::format("{:.0f} % of the {} images are one colour throughout", 100 * input.constant,
                                measured.health.images)};
  if (input.repeated > 0.5)
    return Evidence{fmt::format("{:.0f} % of the {} images are equal to another one", 100 * input.repeated,
                                measured.health.images)};
  if (input.between >= least_between) return std::nullopt;
  return Evidence{fmt::format("{:.2g} % of the variance of the pixels lies between images", 100 * input.between)};
}

std::optional<Evidence> input_scale(const Measurements& measured) {
  const InputHealth& input = measured.health.input;
  const std::vector<NormHealth>& norms = measured.health.norms;
  // Whoever was trained on such images has learnt to live with them.
  const bool used_to_it = measured.trained() && !norms.empty() && norms.front().running && statistics_fit(measured);
  if (used_to_it || constant_input(measured)) return std::nullopt;
  bool wrong = false;
  for (std::size_t c = 0; c < input.mean.size(); ++c) {
    const double offset = std::abs(input.mean[c]) / input.deviation[c];
    wrong |= input.deviation[c] > largest_deviation || input.deviation[c] < least_deviation || offset > largest_offset;
  }
  if (!wrong) return std::nullopt;
  return Evidence{fmt::format("what the first layer reads has mean {} and standard deviation {} (by channel)",
                              channels_text(input.mean), channels_text(input.deviation))};
}

std::optional<Evidence> one_label(const Measurements& measured) {
  const std::vector<int64_t>& labels = measured.health.labels;
  const auto used = std::ranges::find_if(labels, [](int64_t count) { return count > 0; });
  if (measured.health.images < 16 || labels.size() < 2 || used == labels.end() || *used < measured.health.images)
    return std::nullopt;
  return Evidence{fmt::format("all {} images have the label '{}', and there are {} classes", measured.health.images,
                              measured.classes[static_cast<std::size_t>(used - labels.begin())], labels.size())};
}

std::optional<Evidence> other_form(const Measurements& measured) {
  // So much more of the same images: four standard deviations of the difference, were the two independent; they are
  // less apart.
  constexpr double least_gain = 0.1, by_chance = 4;
  // The forms are shown in inference, whose running statistics are still those of the start after a few steps.
  if (!had_time(measured) && !knew_its_images(measured)) return std::nullopt;
  const double right = measured.inference.top1, images = static_cast<double>(measured.health.images);
  const auto best = std::ranges::max_element(measured.other_forms, {}, &OtherForm::top1);
  if (best == measured.other_forms.end() || !measured.better_than_chance(best->top1)) return std::nullopt;
  const double noise = std::sqrt((right * (1 - right) + best->top1 * (1 - best->top1)) / images);
  if (best->top1 - right < std::max(least_gain, by_chance * noise)) return std::nullopt;
  // The form that is to blame takes most of the errors away; a little is gained by chance where nothing fits.
  if (2 * (1 - best->top1) > 1 - right) return std::nullopt;
  return Evidence{fmt::format("{} the network is right in {:.1f} % of the images, as they are in {:.1f} %", best->name,
                              100 * best->top1, 100 * right)};
}

std::optional<Evidence> rare_classes(const Measurements& measured) {
  // Johnson & Khoshgoftaar 2019 ("Survey on deep learning with class imbalance"): the minority's gradient, a tenth
  // of the whole, is drowned. Recipes that weigh classes, or draw them evenly, mean to deal with it.
  constexpr double nearly_all = 0.9;
  constexpr int64_t enough = 32;
  const std::vector<int64_t>& labels = measured.labels;
  const auto images = std::accumulate(labels.begin(), labels.end(), int64_t{0});
  const auto most = std::ranges::max_element(labels);
  if (images < enough || labels.size() < 2 || measured.weighs_classes || one_label(measured)) return std::nullopt;
  if (static_cast<double>(*most) < nearly_all * static_cast<double>(images)) return std::nullopt;
  return Evidence{fmt::format("{} of the data's {} images have the label '{}', and there are {} classes", *most, images,
                              measured.classes[static_cast<std::size_t>(most - labels.begin())], labels.size())};
}

std::optional<Evidence> permuted_labels(const Measurements& measured) {
  if (!measured.trained()) return std::nullopt;
  const std::size_t classes = measured.classes.size();
  std::vector<std::string> moved;
  std::vector<std::size_t> from, to;
  for (std::size_t truth = 0; truth < classes; ++truth) {
    const auto row = std::span(measured.inference.confusion).subspan(truth * classes, classes);
    const auto most = std::ranges::max_element(row);
    const auto taken = static_cast<std::size_t>(most - row.begin());
    int64_t count = 0;
    for (const int64_t images : row) count += images;
    // Of a class with few images nothing can be said; it may be one that others are taken for.
    if (count < 8) from.push_back(truth);
    // A class that is clearly another one: three in five are taken for it, fewer than one in five for their own.
    if (count < 8 || taken == truth || 5 * *most < 3 * count || 5 * row[truth] >= count) continue;
    from.push_back(truth);
    to.push_back(taken);
    moved.push_back(fmt::format("'{}' for '{}'", measured.classes[truth], measured.classes[taken]));
  }
  std::ranges::sort(to);
  const bool one_for_one = std::ranges::adjacent_find(to) == to.end() && std::ranges::includes(from, to);
  if (to.size() < 2 || !one_for_one) return std::nullopt;
  return Evidence{"the network takes " + fmt::format("{}", fmt::join(moved, ", ")) +
                  ", and no class for two: it knows them under other numbers"};
}

std::optional<Evidence> unrelated_labels(const Measurements& measured) {
  constexpr int64_t enough_steps = 1000;  // fewer may be an early training of a hard task
  const bool long_enough = measured.steps >= enough_steps;
  const double inference = measured.inference.top1, training = measured.health.output.top1;
  if (!measured.trained() || permuted_labels(measured) || one_label(measured) || other_form(measured))
    return std::nullopt;
  if (measured.better_than_chance(inference) || measured.better_than_chance(training)) return std::nullopt;
  if (!statistics_fit(measured) || constant_input(measured)) return std::nullopt;
  const std::string right =
      fmt::format("{:.1f} % are right, where guessing gives {:.1f} %", 100 * inference, 100 * measured.chance());
  if (has_learnt(measured) && 2 * measured.inference.confidence > 1 + measured.chance() &&
      measured.inference.loss > 1.2 * measured.chance_loss())
    return Evidence{
        fmt::format("the network is {:.0f} % sure of its answers on average, but {}; what it sees is what "
                    "it was trained on, as far as batch norm can tell",
                    100 * measured.inference.confidence, right)};
  if (!long_enough || std::abs(measured.inference.loss - measured.chance_loss()) > 0.1 * measured.chance_loss())
    return std::nullopt;
  return Evidence{fmt::format("after training the loss is {:.3f}, that of guessing {:.3f}; {}", measured.inference.loss,
                              measured.chance_loss(), right)};
}

std::optional<Evidence> nothing_learnt(const Measurements& measured) {
  if (!measured.run || measured.run->epochs == 0 || !measured.run->top1) return std::nullopt;
  const RunFigures& run = *measured.run;
  if (*run.top1 >= 1.5 * measured.chance() || run.train_top1 < 3 * measured.chance()) return std::nullopt;
  return Evidence{fmt::format(
      "after {} of training {:.1f} % of the training images are right and {:.1f} % of the {} "
      "images, where guessing gives {:.1f} %",
      plural(run.epochs, "epoch"), 100 * run.train_top1, 100 * *run.top1, run.part, 100 * measured.chance())};
}

}  // namespace resnet::rules
