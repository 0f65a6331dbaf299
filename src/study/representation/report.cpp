#include "study/representation/report.hpp"

#include "study/representation/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr double percent = 100;

std::vector<std::string> layer_labels(const RepresentedNetwork& network) {
  std::vector<std::string> labels;
  for (std::size_t layer = 0; layer < network.layers.size(); ++layer) labels.push_back(std::to_string(layer + 1));
  return labels;
}

HeatMap similarity_map(const RepresentationResult& result, std::size_t rows, std::size_t columns) {
  const RepresentedNetwork &a = result.networks[rows], &b = result.networks[columns];
  HeatMap map{.title = rows == columns ? a.name : fmt::format("{} and {}", a.name, b.name),
              .x_label = rows == columns ? "layer" : "layer of " + b.name,
              .y_label = rows == columns ? "layer" : "layer of " + a.name,
              .row_labels = layer_labels(a),
              .column_labels = layer_labels(b),
              .low = 0,
              .high = 1,
              .width = chart_width};
  for (std::size_t i = 0; i < a.layers.size(); ++i)
    for (std::size_t j = 0; j < b.layers.size(); ++j) map.values.push_back(result.similarity(rows, i, columns, j));
  return map;
}

void add_similarity(StudyReport& report, const RepresentationResult& result) {
  report.section(
      "Similarity of layers",
      "Linear CKA of every pair of layers: 1 if they arrange the images alike up to rotation and scale, 0 if "
      "they have nothing in common. Layer 1 is next to the image, the last one gives the logits.");
  for (std::size_t network = 0; network < result.networks.size(); ++network)
    report.figure(fmt::format("cka-{}", network + 1), draw(similarity_map(result, network, network)),
                  fmt::format("The layers of {}.", result.networks[network].name));
  for (std::size_t network = 1; network < result.networks.size(); ++network)
    report.figure(
        fmt::format("cka-1-{}", network + 1), draw(similarity_map(result, 0, network)),
        fmt::format("The layers of {} against those of {}.", result.networks[0].name, result.networks[network].name));
}

void add_probes(StudyReport& report, const RepresentationResult& result) {
  report.section("Linear probes by depth");
  LineChart chart{.title = "What a linear classifier reads from each layer",
                  .x_label = "layer (1: next to the image)",
                  .y_label = "accuracy on test images (%)",
                  .y_high = 100,
                  .width = 2 * chart_width};
  for (const RepresentedNetwork& network : result.networks) {
    Series series{.name = fmt::format("{} (itself: {:.1f} %)", network.name, percent * network.accuracy)};
    for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
      series.x.push_back(static_cast<double>(layer + 1));
      series.y.push_back(percent * network.layers[layer].test_accuracy);
    }
    chart.series.push_back(std::move(series));
  }
  report.figure("probes", draw(chart), "Alain & Bengio 2016. Each point is a classifier of its own; the network stays.",
                true);
}

/// One series for each class; beyond the palette's colours and shapes the markers are open.
LineChart embedding_chart(const RepresentedNetwork& network) {
  const Embedding& points = network.embedding;
  const double second = points.share.size() > 1 ? points.share[1] : 0;
  LineChart chart{.title = network.name,
                  .x_label = fmt::format("first component ({:.0f} % of the variance)", percent * points.share[0]),
                  .y_label = fmt::format("second ({:.0f} %)", percent * second),
                  .joined = false,
                  .height = 400};
  constexpr std::size_t distinct = 7;
  for (std::size_t label = 0; label < network.classes.size(); ++label) {
    Series series{.name = network.classes[label], .open = label / distinct % 2 == 1};
    for (std::size_t row = 0; row < points.labels.size(); ++row)
      if (points.labels[row] == static_cast<int32_t>(label)) {
        series.x.push_back(points.first[row]);
        series.y.push_back(points.second[row]);
      }
    if (!series.x.empty()) chart.series.push_back(std::move(series));
  }
  return chart;
}

void add_embeddings(StudyReport& report, const RepresentationResult& result) {
  report.section("What the last layer reads", "Its first two principal components, one point for each test image.");
  for (std::size_t index = 0; index < result.networks.size(); ++index) {
    const RepresentedNetwork& network = result.networks[index];
    if (network.classes.size() > 14) {
      report.note(
          fmt::format("{}: {} classes are too many to tell apart in a picture.", network.name, network.classes.size()));
      continue;
    }
    report.figure(fmt::format("embedding-{}", index + 1), draw(embedding_chart(network)),
                  fmt::format("{} test images.", network.embedding.labels.size()));
  }
}

void add_numbers(StudyReport& report, const RepresentationResult& result) {
  report.section("Numbers");
  Table table({{"network"},
               {"file or run"},
               {"layers", Align::right},
               {"accuracy (%)", Align::right},
               {"best probe (%)", Align::right},
               {"95 % from layer", Align::right},
               {"neighbours", Align::right},
               {"same size", Align::right},
               {"other size", Align::right}});
  for (std::size_t index = 0; index < result.networks.size(); ++index) {
    const RepresentedNetwork& network = result.networks[index];
    const RepresentationSummary summary = summary_of(result, index);
    table.row({network.name, network.source, std::to_string(network.layers.size()),
               fmt::format("{:.1f}", percent * network.accuracy), fmt::format("{:.1f}", percent * summary.best_probe),
               std::to_string(summary.early), fmt::format("{:.2f}", summary.neighbours),
               fmt::format("{:.2f}", summary.same_size), fmt::format("{:.2f}", summary.other_size)});
  }
  report.table(
      table,
      "The last three: mean CKA of layers that follow each other, and of all pairs with images of one size and of "
      "different sizes.");
}

void add_method(StudyReport& report, const RepresentationResult& result, const RepresentationSetting& setting,
                const std::string& data) {
  report.method(fmt::format(
      "A layer is a convolution or linear layer with the batch norm and ReLU behind it; the last layer of a residual "
      "block is taken behind the addition. Convolutions on shortcuts do not count. Networks run as in inference, in "
      "single precision, on {}.",
      data));
  report.method(fmt::format(
      "CKA: all activations of a layer, on {} batches of {} images drawn without replacement. For each pair of layers "
      "the unbiased estimator HSIC_1 is averaged over the batches before the quotient is taken, so that the size of a "
      "batch does not shift it (Nguyen et al. 2021, eq. 2 to 4); estimates can be slightly below 0 or above 1.",
      result.batches, setting.batch));
  report.method(fmt::format(
      "Probes: images of a layer are averaged over {} x {} parts, the numbers standardised, and a multinomial logistic "
      "regression with weight decay {:g} is fitted to {} training images (not augmented) until its gradient vanishes "
      "or 300 steps are done. Its accuracy is that on {} test images. Averaging keeps the probes comparable: without "
      "it the first layers would have up to a hundred times the numbers of the last.",
      setting.cells, setting.cells, setting.decay, setting.probe_images, setting.images));
  report.formula({"CKA(X, Y) = HSIC(XX', YY') / sqrt(HSIC(XX', XX') HSIC(YY', YY'))",
                  "Kornblith et al. 2019, eq. 2; Nguyen et al. 2021, eq. 2"});
  report.formula({"HSIC_1(K, L) = (tr(KL) + 1'K1 1'L1 / ((n-1)(n-2)) - 2/(n-2) 1'KL1) / (n(n-3)),  K_ii = L_ii = 0",
                  "Song et al. 2012, eq. 5; Nguyen et al. 2021, eq. 3"});
}

}  // namespace

StudyReport representation_report(const RepresentationResult& result, const RepresentationSetting& setting,
                                  const std::string& data) {
  StudyReport report("representation", "What layers represent");
  report.question(
      "How alike are the layers of a trained network, at which depth can the classes be told apart, and what does the "
      "last layer see?");
  add_representation_verdict(report, result);
  add_similarity(report, result);
  add_probes(report, result);
  add_embeddings(report, result);
  add_numbers(report, result);
  add_representation_claims(report, result);
  add_method(report, result, setting, data);
  return report;
}

}  // namespace resnet
