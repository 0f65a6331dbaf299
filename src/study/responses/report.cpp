// The page of study "responses": figure 7 of the paper with these networks, and its two statements held against them.
#include "study/responses/responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace resnet {
namespace {

Series series_of(const ResponseNetwork& network, bool sorted) {
  std::vector<Spread> spreads = network.spreads();
  if (sorted) std::ranges::stable_sort(spreads, std::greater<>(), &Spread::mean);
  Series series{.name = network.name};
  for (const Spread& spread : spreads) {
    const double half = spread.count > 1 ? spread.deviation : 0;
    series.x.push_back(static_cast<double>(series.x.size() + 1));
    series.y.push_back(spread.mean);
    series.low.push_back(spread.mean - half);
    series.high.push_back(spread.mean + half);
  }
  return series;
}

std::string curves(const std::vector<ResponseNetwork>& networks, bool sorted) {
  LineChart chart{.title = sorted ? "Sorted by size" : "In the network's order",
                  .x_label = sorted ? "3x3 layers, largest response first" : "3x3 layer",
                  .y_label = "standard deviation",
                  .y_low = 0};
  for (const ResponseNetwork& network : networks) chart.series.push_back(series_of(network, sorted));
  return draw(chart);
}

std::string found_text(const ResponseNetwork& a, const ResponseNetwork& b) {
  return fmt::format("mean over the layers {} in {}, {} in {}", text_of_spread(spread_of(a.means()), 3), a.name,
                     text_of_spread(spread_of(b.means()), 3), b.name);
}

/// Of the plain network of as many layers and each residual one.
std::vector<std::pair<const ResponseNetwork*, const ResponseNetwork*>> counterparts(
    const std::vector<ResponseNetwork>& networks) {
  std::vector<std::pair<const ResponseNetwork*, const ResponseNetwork*>> pairs;
  for (const ResponseNetwork& residual : networks)
    for (const ResponseNetwork& plain : networks)
      if (residual.residual && !plain.residual && plain.layers.size() == residual.layers.size())
        pairs.emplace_back(&plain, &residual);
  return pairs;
}

/// Layers in which the first network responds more strongly.
std::size_t larger_layers(const ResponseNetwork& a, const ResponseNetwork& b) {
  const std::vector<Spread> of_a = a.spreads(), of_b = b.spreads();
  std::size_t count = 0;
  for (std::size_t layer = 0; layer < of_a.size(); ++layer) count += of_a[layer].mean > of_b[layer].mean ? 1 : 0;
  return count;
}

void compare_plain(StudyReport& report, const std::vector<ResponseNetwork>& networks) {
  for (const auto& [plain, residual] : counterparts(networks)) {
    const std::size_t count = larger_layers(*plain, *residual);
    report.verdict(fmt::format("{} responds less than {} in {} of {} layers: {}.", residual->name, plain->name, count,
                               plain->layers.size(), found_text(*plain, *residual)));
    report.claim({"He et al. 2015, 4.2", "ResNets have generally smaller responses than their plain counterparts.",
                  found_text(*plain, *residual), larger(plain->means(), residual->means())});
  }
}

void compare_depths(StudyReport& report, const std::vector<ResponseNetwork>& networks) {
  std::vector<const ResponseNetwork*> residual;
  for (const ResponseNetwork& network : networks)
    if (network.residual) residual.push_back(&network);
  for (std::size_t index = 1; index < residual.size(); ++index) {
    const ResponseNetwork &shallow = *residual[index - 1], &deep = *residual[index];
    if (shallow.depth == deep.depth) continue;
    const bool smaller = spread_of(deep.means()).mean < spread_of(shallow.means()).mean;
    report.verdict(fmt::format("The layers of {}, the deeper ResNet, respond {} than those of {}: {}.", deep.name,
                               smaller ? "less" : "more", shallow.name, found_text(shallow, deep)));
    report.claim({"He et al. 2015, 4.2", "The deeper ResNet has smaller magnitudes of responses.",
                  found_text(shallow, deep), larger(shallow.means(), deep.means())});
  }
}

void add_numbers(StudyReport& report, const std::vector<ResponseNetwork>& networks) {
  Table table({{"network"},
               {"models", Align::right},
               {"3x3 layers", Align::right},
               {"mean over layers", Align::right},
               {"smallest", Align::right},
               {"largest", Align::right}});
  for (const ResponseNetwork& network : networks) {
    const std::vector<Spread> spreads = network.spreads();
    const auto [low, high] = std::ranges::minmax(spreads, {}, &Spread::mean);
    table.row({network.name, std::to_string(network.models.size()), std::to_string(network.layers.size()),
               text_of_spread(spread_of(network.means()), 3), fmt::format("{:.3f}", low.mean),
               fmt::format("{:.3f}", high.mean)});
  }
  report.section("Numbers", "Mean ± standard deviation over the models of a network; smallest and largest layer.");
  report.table(std::move(table));
  for (const ResponseNetwork& network : networks)
    if (const auto bare = std::ranges::count_if(network.layers, [](const LayerResponse& l) { return !l.normed; }))
      report.note(
          fmt::format("{}: no batch norm follows {} of its layers; their own outputs are taken.", network.name, bare));
}

}  // namespace

StudyReport response_report(const std::string& images, const std::vector<ResponseNetwork>& networks) {
  StudyReport report("responses", "Responses of layers");
  report.question(
      "How strongly do the layers of trained networks respond? If the functions that residual blocks learn are closer "
      "to "
      "zero than others, the layers of a ResNet respond less than those of a plain network, and less the deeper it "
      "is.");
  compare_plain(report, networks);
  compare_depths(report, networks);
  for (const ResponseNetwork& network : networks)
    report.highlight(network.name, text_of_spread(spread_of(network.means()), 3));
  report.section("Standard deviations of the responses", "Figure 7 of He et al. 2015, top and bottom.");
  report.figure("responses", curves(networks, false),
                "Layers from input to output; bands: ± one standard deviation "
                "over the trainings of a network, where there are several.");
  report.figure("responses-sorted", curves(networks, true), "The same, largest first.");
  add_numbers(report, networks);
  report.method(fmt::format(
      "The response of a 3x3 layer is its output behind the batch norm that follows it, before ReLU and addition. Its "
      "standard deviation is taken over {}, all channels and all positions, in fp32, with "
      "batch norm's running statistics as in inference; for a run with its best epoch's weights.",
      images));
  report.method(
      "A network responds more strongly than another if the mean over its layers is larger in every training of the "
      "one "
      "than in every training of the other, and there are as many as make that a chance of one in twenty (three of "
      "each).");
  report.formula({"s_l = sqrt(E[(r_l - E[r_l])^2]),  r_l = BN(conv_l(h))", "He et al. 2015, figure 7"});
  return report;
}

}  // namespace resnet
