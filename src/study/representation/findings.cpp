#include "study/representation/findings.hpp"

#include "study/representation/report.hpp"
#include "study/statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

constexpr double percent = 100;

class Mean {
 public:
  /// What is not a number (a layer without variance) is left out.
  void add(double value) {
    if (std::isnan(value)) return;
    sum_ += value;
    ++count_;
  }
  double value() const { return count_ > 0 ? sum_ / count_ : NAN; }

 private:
  double sum_ = 0, count_ = 0;
};

void summarise_similarity(const RepresentationResult& result, std::size_t network, RepresentationSummary& summary) {
  const std::vector<ProbedLayer>& layers = result.networks[network].layers;
  Mean neighbours, same, other, ends, mixed;
  for (std::size_t i = 0; i < layers.size(); ++i)
    for (std::size_t j = i + 1; j < layers.size(); ++j) {
      const double cka = result.similarity(network, i, network, j);
      if (j == i + 1) neighbours.add(cka);
      if (layers[j].height <= 1) continue;
      (layers[i].height == layers[j].height ? same : other).add(cka);
      if (layers[i].height != layers[j].height || i == 0) continue;
      if (layers[i].ends_block && layers[j].ends_block) ends.add(cka);
      if (layers[i].ends_block != layers[j].ends_block) mixed.add(cka);
    }
  summary.neighbours = neighbours.value();
  summary.same_size = same.value();
  summary.other_size = other.value();
  summary.ends = ends.value();
  summary.ends_and_inner = mixed.value();
}

void claim_of_probes(StudyReport& report, const RepresentationResult& result, std::size_t index,
                     const RepresentationSummary& summary) {
  const RepresentedNetwork& network = result.networks[index];
  // Two standard errors of the difference of two accuracies on as many images.
  const double images = static_cast<double>(result.test_images), p = summary.best_probe;
  const double noise = 2 * std::sqrt(2 * p * (1 - p) / images);
  report.claim(
      {"Alain & Bengio 2016", "The linear separability of features increases monotonically along the depth.",
       fmt::format("{}: from {:.1f} % in the first layer to {:.1f} % at best; the largest drop below an earlier "
                   "layer is {:.1f} points, where chance explains {:.1f}.",
                   network.name, percent * network.layers.front().test_accuracy, percent * summary.best_probe,
                   percent * summary.largest_drop, percent * noise),
       summary.largest_drop <= noise ? Finding::holds : Finding::fails});
}

void claims_of_similarity(StudyReport& report, const RepresentationResult& result, std::size_t index,
                          const RepresentationSummary& summary) {
  const RepresentedNetwork& network = result.networks[index];
  if (!std::isnan(summary.same_size) && !std::isnan(summary.other_size))
    report.claim({"Kornblith et al. 2019, section 6.1",
                  "Layers with feature maps of the same size are more similar than layers of different sizes.",
                  fmt::format("{}: mean CKA {:.2f} and {:.2f}.", network.name, summary.same_size, summary.other_size),
                  summary.same_size > summary.other_size ? Finding::holds : Finding::fails});
  if (!std::isnan(summary.ends) && !std::isnan(summary.ends_and_inner))
    report.claim(
        {"Kornblith et al. 2019, section 6.1",
         "In residual networks the ends of blocks are more like each other than like the layers within blocks "
         "(a grid in the picture).",
         fmt::format("{}: mean CKA {:.2f} between ends, {:.2f} between an end and a layer within a block, at the "
                     "same image size.",
                     network.name, summary.ends, summary.ends_and_inner),
         summary.ends > summary.ends_and_inner ? Finding::holds : Finding::fails});
  if (network.layers.size() >= 6)
    report.claim({"Kornblith et al. 2019, section 6.1",
                  "The accuracy of a classifier trained on a layer goes with the layer's CKA with the last ones.",
                  fmt::format("{}: a correlation of {:.2f} over its layers.", network.name, summary.with_accuracy),
                  summary.with_accuracy >= 0.7 ? Finding::holds : Finding::fails});
}

}  // namespace

RepresentationSummary summary_of(const RepresentationResult& result, std::size_t network) {
  RepresentationSummary summary;
  const std::vector<ProbedLayer>& layers = result.networks[network].layers;
  for (const ProbedLayer& layer : layers) {
    summary.largest_drop = std::max(summary.largest_drop, summary.best_probe - layer.test_accuracy);
    summary.best_probe = std::max(summary.best_probe, layer.test_accuracy);
  }
  summary.last_probe = layers.back().test_accuracy;
  while (layers[summary.early++].test_accuracy < 0.95 * summary.best_probe) {
  }
  summarise_similarity(result, network, summary);
  std::vector<double> accuracy, cka;
  const std::size_t last = layers.size() < 2 ? 0 : layers.size() - 2;
  for (std::size_t layer = 0; layer < last; ++layer)
    if (const double value = result.similarity(network, layer, network, last); !std::isnan(value)) {
      accuracy.push_back(layers[layer].test_accuracy);
      cka.push_back(value);
    }
  summary.with_accuracy = fitted_line(accuracy, cka).correlation;
  return summary;
}

void add_representation_verdict(StudyReport& report, const RepresentationResult& result) {
  for (std::size_t index = 0; index < result.networks.size(); ++index) {
    const RepresentedNetwork& network = result.networks[index];
    const RepresentationSummary summary = summary_of(result, index);
    report.highlight(network.name + ", 95 % of the best probe",
                     fmt::format("layer {} of {}", summary.early, network.layers.size()));
    report.verdict(fmt::format(
        "{}: a linear classifier on the first layer tells {:.1f} % of the images right, on the best layer {:.1f} % "
        "(the "
        "network itself: {:.1f} %), and 95 % of that from layer {} of {} on. Layers that follow each other have a mean "
        "CKA "
        "of {:.2f}. Two principal components hold {:.0f} % of the variance that the last layer sees.",
        network.name, percent * network.layers.front().test_accuracy, percent * summary.best_probe,
        percent * network.accuracy, summary.early, network.layers.size(), summary.neighbours,
        percent *
            (network.embedding.share[0] + (network.embedding.share.size() > 1 ? network.embedding.share[1] : 0))));
  }
}

void add_representation_claims(StudyReport& report, const RepresentationResult& result) {
  for (std::size_t index = 0; index < result.networks.size(); ++index) {
    const RepresentationSummary summary = summary_of(result, index);
    claim_of_probes(report, result, index, summary);
    claims_of_similarity(report, result, index, summary);
  }
}

std::string representation_lines(const RepresentationResult& result, const StudyReport& report) {
  Table table({{"network"},
               {"layers", Align::right},
               {"accuracy %", Align::right},
               {"first probe", Align::right},
               {"best probe", Align::right},
               {"95 % at layer", Align::right},
               {"CKA of neighbours", Align::right}});
  for (std::size_t index = 0; index < result.networks.size(); ++index) {
    const RepresentedNetwork& network = result.networks[index];
    const RepresentationSummary summary = summary_of(result, index);
    table.row({network.name, std::to_string(network.layers.size()), fmt::format("{:.1f}", percent * network.accuracy),
               fmt::format("{:.1f}", percent * network.layers.front().test_accuracy),
               fmt::format("{:.1f}", percent * summary.best_probe), std::to_string(summary.early),
               fmt::format("{:.2f}", summary.neighbours)});
  }
  std::string text = to_text(table) + "\n";
  for (const std::string& sentence : report.verdicts()) text += sentence + "\n";
  return text;
}

}  // namespace resnet
