// What study "patterns" found: pictures, curves, the embedding of what was learned, and the answer.
#include "study/patterns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

const char* const class_names[] = {"horizontal", "vertical", "diagonal"};

std::string percent(double part) { return fmt::format("{:.1f} %", 100 * part); }

std::string percents(const Summary& summary) {
  return fmt::format("{} ({} to {})", percent(summary.median), percent(summary.q1), percent(summary.q3));
}

/// Two images of each class as they are stored.
void add_samples(StudyReport& report, const LineStudyOptions& options) {
  const DataSplit data = line_data(options, 0, 1);
  const auto size = static_cast<int>(options.size);
  std::vector<Picture> pictures;
  for (int64_t index = 0; index < 6; ++index) {
    Picture picture{.channels = 1, .height = size, .width = size, .title = class_names[data.train->label(index)]};
    picture.pixels.resize(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
    data.train->read(index, picture.pixels);
    pictures.push_back(std::move(picture));
  }
  report.section("The images", fmt::format("{} x {} pixels; a line moves by up to {} pixels, and the noise has {} of "
                                           "its height.",
                                           size, size, options.jitter, options.noise));
  report.gallery(std::move(pictures));
}

Series curve_over_seeds(const LineNetwork& network, std::vector<double> LineTraining::*values) {
  Series series{.name = network.spec.name};
  for (std::size_t epoch = 0; epoch < network.trainings.front().loss.size(); ++epoch) {
    std::vector<double> over_seeds;
    for (const LineTraining& training : network.trainings) over_seeds.push_back((training.*values).at(epoch));
    const Summary summary = quartiles(over_seeds);
    series.x.push_back(static_cast<double>(epoch + 1));
    series.y.push_back(summary.median);
    series.low.push_back(summary.q1);
    series.high.push_back(summary.q3);
  }
  return series;
}

void add_curves(StudyReport& report, const std::vector<LineNetwork>& networks) {
  LineChart accuracy{.title = "Accuracy on test images", .x_label = "epoch", .y_label = "accuracy (part of 1)"};
  LineChart loss{.title = "Loss on training images",
                 .x_label = "epoch",
                 .y_label = "cross-entropy (nats)",
                 .y_scale = Scale::logarithmic};
  for (const LineNetwork& network : networks) {
    accuracy.series.push_back(curve_over_seeds(network, &LineTraining::test_accuracy));
    loss.series.push_back(curve_over_seeds(network, &LineTraining::loss));
  }
  report.section("Learning", "Medians over the seeds, bands between the quartiles. A guess is right in 1 of 3.");
  report.figure("accuracy", draw(accuracy), "After each epoch.");
  report.figure("loss", draw(loss), "Mean over the steps of each epoch.");
  report.table(line_table(networks));
}

void add_pictures(StudyReport& report, const std::vector<LineNetwork>& networks) {
  report.section("What the first layer looks for",
                 "Weights of the first layer, up to 16 units each, of the first seed's network: white is 0, orange "
                 "above, blue below, deepest at the largest size in the picture.");
  std::vector<Picture> weights, maps;
  for (const LineNetwork& network : networks) {
    const LineMaps& w = network.look.weights;
    weights.push_back(montage(w, network.spec.name, fmt::format("{} of {} x {}", w.count, w.height, w.width)));
    for (std::size_t image = 0; image < network.look.maps.size(); ++image)
      maps.push_back(montage(network.look.maps[image], network.spec.name, class_names[image]));
  }
  report.gallery(std::move(weights), 200);  // five in a row
  report.section("What the first layer sees",
                 "Feature maps: the output of the first convolution, batch norm and ReLU for one test image of each "
                 "class, up to 16 channels.");
  report.gallery(std::move(maps), 224);
}

void add_embeddings(StudyReport& report, const std::vector<LineNetwork>& networks) {
  report.section("What the last layer is given",
                 "Test images by the first two principal components of what enters the last linear layer of the first "
                 "seed's network. For the linear network that is the pixels themselves.");
  for (std::size_t k = 0; k < networks.size(); ++k) {
    const LineLook& look = networks[k].look;
    LineChart chart{.title = networks[k].spec.name,
                    .x_label = fmt::format("first component ({} of the variance)", percent(look.share_x)),
                    .y_label = fmt::format("second ({})", percent(look.share_y)),
                    .joined = false,
                    .height = 420};
    for (int label = 0; label < 3; ++label) chart.series.push_back({.name = class_names[label]});
    for (std::size_t image = 0; image < look.labels.size(); ++image) {
      Series& series = chart.series.at(static_cast<std::size_t>(look.labels[image]));
      series.x.push_back(look.x[image]);
      series.y.push_back(look.y[image]);
    }
    report.figure(fmt::format("embedding-{}", k), draw(chart), fmt::format("{} images.", look.labels.size()));
  }
}

/// By how much `a` exceeds `b`, seed by seed.
Summary difference(const std::vector<double>& a, const std::vector<double>& b, Rng rng) {
  std::vector<double> differences;
  for (std::size_t k = 0; k < a.size(); ++k) differences.push_back(a[k] - b[k]);
  return summarise(differences, rng);
}

Finding decided(const Summary& difference) {
  if (difference.low > 0) return Finding::holds;
  return difference.high < 0 ? Finding::fails : Finding::undecided;
}

std::string points(const Summary& difference) {
  const std::string sure = difference.has_interval() ? fmt::format(", 95 % interval {:+.1f} to {:+.1f}",
                                                                   100 * difference.low, 100 * difference.high)
                                                     : "; " + too_few_text(difference.count, "seed");
  return fmt::format("{:+.1f} points of accuracy (median over the seeds{})", 100 * difference.median, sure);
}

void add_verdicts(StudyReport& report, const std::vector<LineNetwork>& networks, uint64_t seed) {
  const LineNetwork& linear = networks.front();
  const auto median = [](const LineNetwork& network) { return quartiles(network.finals()).median; };
  const LineNetwork& best = *std::ranges::max_element(networks, {}, median);
  report.highlight("linear", percent(median(linear)));
  report.highlight(best.spec.name, percent(median(best)));
  const Summary gain = difference(best.finals(), linear.finals(), Rng(seed, "patterns/linear"));
  report.verdict(fmt::format("The best median accuracy on test images is {} of {}; the linear network has {}: {}.",
                             percent(median(best)), best.spec.name, percent(median(linear)), points(gain)));
  for (const std::size_t plain : {std::size_t{1}, std::size_t{3}}) {
    const LineNetwork &without = networks.at(plain), &with = networks.at(plain + 1);
    const Summary accuracy = difference(with.finals(), without.finals(), Rng(seed, "patterns/shortcuts", {plain}));
    const Summary loss = difference(without.final_losses(), with.final_losses(), Rng(seed, "patterns/losses", {plain}));
    const std::string found = fmt::format(
        "{} against {} ({} layers, {} and {} parameters): {}; the training loss without shortcuts minus the one with "
        "them is {:.3g}{}.",
        with.spec.name, without.spec.name, with.layers, with.parameters, without.parameters, points(accuracy),
        loss.median, loss.has_interval() ? fmt::format(" ({:.3g} to {:.3g})", loss.low, loss.high) : "");
    report.verdict(found);
    report.claim({"He et al. 2015, 4.1 and 4.2",
                  "With shortcuts, and no more parameters, a network of many layers ends with a lower training error.",
                  found, with.parameters == without.parameters ? decided(loss) : Finding::undecided});
  }
}

}  // namespace

Picture montage(const LineMaps& maps, std::string title, std::string caption) {
  const auto across = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(std::max<int64_t>(maps.count, 1)))));
  const int64_t down = std::max<int64_t>(1, (maps.count + across - 1) / across);
  Picture picture{.channels = 3,
                  .height = static_cast<int>(down * (maps.height + 1) + 1),
                  .width = static_cast<int>(across * (maps.width + 1) + 1),
                  .title = std::move(title),
                  .caption = std::move(caption)};
  const int64_t plane = int64_t{picture.height} * picture.width;
  picture.pixels.assign(static_cast<std::size_t>(3 * plane), 128);
  double largest = 0;
  for (const double value : maps.values) largest = std::max(largest, std::abs(value));
  constexpr double orange[] = {213, 94, 0}, blue[] = {0, 114, 178};  // Okabe & Ito
  for (int64_t k = 0; k < maps.count * maps.height * maps.width; ++k) {
    const int64_t square = k / (maps.height * maps.width), row = k / maps.width % maps.height, column = k % maps.width;
    const int64_t y = square / across * (maps.height + 1) + 1 + row;
    const int64_t x = square % across * (maps.width + 1) + 1 + column;
    const double value = maps.values[static_cast<std::size_t>(k)], share = largest > 0 ? std::abs(value) / largest : 0;
    for (int64_t c = 0; c < 3; ++c)
      picture.pixels[static_cast<std::size_t>(c * plane + y * picture.width + x)] =
          static_cast<uint8_t>(std::lround(255 + share * ((value > 0 ? orange : blue)[c] - 255)));
  }
  return picture;
}

Table line_table(const std::vector<LineNetwork>& networks) {
  Table table({{"network"},
               {"layers", Align::right},
               {"parameters", Align::right},
               {"rate", Align::right},
               {"test accuracy", Align::right},
               {"training loss", Align::right}});
  for (const LineNetwork& network : networks)
    table.row({network.spec.name, std::to_string(network.layers), with_thousands(network.parameters),
               fmt::format("{:g}", network.rate), percents(quartiles(network.finals())),
               fmt::format("{:.3g}", quartiles(network.final_losses()).median)});
  return table;
}

StudyReport line_report(const LineStudyOptions& options, const std::vector<LineNetwork>& networks, uint64_t seed) {
  StudyReport report("patterns", "Lines whose place varies");
  report.question(
      "The notebook draws images of lines and trains nothing on them. What do plain and residual networks make of them "
      "when a line may lie anywhere in a band, so that no single pixel tells the class, and how far does a linear "
      "network get?");
  add_verdicts(report, networks, seed);
  add_samples(report, options);
  add_curves(report, networks);
  add_pictures(report, networks);
  add_embeddings(report, networks);
  report.method(fmt::format(
      "{} training and {} test images, equal for all; {} seeds for weights and order. SGD with momentum 0.9, weight "
      "decay 1e-4, batches of {}, a cosine schedule over {} epochs. Each network has the learning rate of seven (0.3 "
      "to 3e-4) with the best test accuracy on other images and with another seed. Plain and residual networks have "
      "equally many layers and parameters; the fully connected ones have no normalisation, the convolutional ones "
      "have batch norm.",
      options.count, std::max<int64_t>(options.count / 4, 3), options.seeds, options.batch, options.epochs));
  report.method(
      "Principal components by cyclic Jacobi rotations of the covariance matrix; the sign is such that the farthest "
      "point of each is positive.");
  report.formula({"image = line(class, place + jitter) + noise * randn(size, size)",
                  "the notebook's generate_patterns, with the jitter added"});
  report.formula({"y = F(x) + x", "He et al. 2015, Deep residual learning, eq. 1"});
  return report;
}

}  // namespace resnet
