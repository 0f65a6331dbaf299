// report.html of a diagnosis: the findings, then every figure by depth.
#include "report/charts.hpp"
#include "report/html.hpp"
#include "study/diagnose/diagnose.hpp"
#include "train/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

struct Figure {
  std::string file, svg, caption;
};

template <class Row, class Field>
Series by_depth(const std::string& name, const std::vector<Row>& rows, Field&& field) {
  Series series{.name = name};
  for (std::size_t index = 0; index < rows.size(); ++index) {
    const double y = field(rows[index]);
    if (std::isnan(y)) continue;
    series.x.push_back(static_cast<double>(index + 1));
    series.y.push_back(y);
  }
  return series;
}

std::string chart(const std::string& title, const std::string& x, const std::string& y, Scale scale,
                  std::vector<Series> series) {
  std::erase_if(series, [](const Series& one) { return one.y.empty(); });
  return draw(LineChart{.title = title, .x_label = x, .y_label = y, .y_scale = scale, .series = std::move(series)});
}

std::vector<Figure> layer_figures(const NetworkHealth& health) {
  using L = LayerHealth;
  const auto& layers = health.layers;
  const std::string depth = "layer, from the input";
  std::vector<Figure> figures = {
      {"gradient",
       chart("Gradients", depth, "norm", Scale::logarithmic,
             {by_depth("by what the layer reads", layers, [](const L& l) { return l.dx; }),
              by_depth("by its weights", layers, [](const L& l) { return l.dw; })}),
       "Frobenius norms over a batch. A line that falls to the left vanishes on its way back, one that climbs "
       "explodes."},
      {"signal",
       chart("Signal", depth, "variance", Scale::logarithmic,
             {by_depth("of what the layer computes", layers, [](const L& l) { return l.variance; }),
              by_depth("behind batch norm and ReLU", layers, [](const L& l) { return l.activation_variance; })}),
       "Variance over all images, places and channels."},
      {"update",
       chart("What a step changes", depth, "part of the weights", Scale::logarithmic,
             {by_depth("rate |dL/dW| / |W|", layers, [](const L& l) { return l.update; })}),
       fmt::format(
           "At the rate {:g}, without momentum. A rule of thumb is 0.001 (Karpathy, CS231n); networks with batch "
           "norm bear more.",
           health.rate)},
      {"mean",
       chart("Mean activation", depth, "mean", Scale::linear,
             {by_depth("of what the layer computes", layers, [](const L& l) { return l.mean; }),
              by_depth("behind batch norm and ReLU", layers, [](const L& l) { return l.activation_mean; })}),
       "Over all images, places and channels."}};
  if (std::ranges::any_of(layers, [](const L& l) { return l.relu; }))
    figures.push_back({"dead",
                       chart("ReLUs", depth, "part", Scale::linear,
                             {by_depth("units that are 0 for all images", layers, [](const L& l) { return l.dead; }),
                              by_depth("numbers that are 0", layers, [](const L& l) { return l.zeros; })}),
                       "About half of the numbers are 0 in a healthy network at its start, and next to no unit for all "
                       "images. Layers without a ReLU directly behind them have no point."});
  if (health.path_step > 0)
    figures.push_back(
        {"shattering",
         chart("Gradients of neighbours", depth, "cosine", Scale::linear,
               {by_depth("between neighbours", layers, [](const L& l) { return l.correlation; })}),
         fmt::format("Images on the line between two images, {:.1f} % of the way apart, all with one label "
                     "(Balduzzi et al. 2017): 1 is a gradient that changes smoothly with the image, 0 is "
                     "white noise.",
                     100 * health.path_step)});
  if (std::ranges::any_of(layers, [](const L& l) { return !std::isnan(l.coherence); }))
    figures.push_back({"coherence",
                       chart("Gradients of batches", depth, "cosine", Scale::linear,
                             {by_depth("between batches", layers, [](const L& l) { return l.coherence; })}),
                       "Near 1 the batches want the same step, near 0 the gradient is mostly noise."});
  return figures;
}

std::vector<Figure> block_figures(const NetworkHealth& health) {
  if (health.blocks.empty()) return {};
  using B = BlockHealth;
  const std::string depth = "block, from the input";
  return {
      {"blocks",
       chart("Branch against shortcut", depth, "|F(x)| / |shortcut|", Scale::logarithmic,
             {by_depth("branch / shortcut", health.blocks, [](const B& b) { return b.ratio(); })}),
       "How much a block adds to what passes by it. At the start of a stage the shortcut is shortened or projected."},
      {"block-gradients",
       chart("Gradient through branch and shortcut", depth, "norm", Scale::logarithmic,
             {by_depth("branch", health.blocks, [](const B& b) { return b.dx_branch; }),
              by_depth("shortcut", health.blocks, [](const B& b) { return b.dx_shortcut; })}),
       "The gradient by the block's input is the sum of the two (He et al. 2016, eq. 5)."}};
}

std::vector<Figure> norm_figures(const Measurements& measured) {
  if (measured.health.norms.empty()) return {};
  using N = NormHealth;
  const std::vector<N>& norms = measured.health.norms;
  const std::string depth = "batch norm, from the input";
  std::vector<Figure> figures = {
      {"norm-variance",
       chart("What batch norms get", depth, "variance", Scale::logarithmic,
             {by_depth("median of the channels", norms, [](const N& n) { return n.variance; }),
              by_depth("epsilon", norms, [](const N& n) { return n.epsilon; })}),
       "Below epsilon a channel is no longer brought to variance 1."}};
  if (measured.trained() && std::ranges::any_of(norms, [](const N& n) { return n.running; }))
    figures.push_back(
        {"norm-running",
         chart("Running statistics against the data's", depth, "", Scale::logarithmic,
               {by_depth("variance / running variance", norms, [](const N& n) { return n.running ? n.spread : NAN; }),
                by_depth("distance of the means", norms, [](const N& n) { return n.running ? n.shift : NAN; })}),
         "The median of the channels' ratios, and the root mean square of their means' distance in running deviations: "
         "near 1 and well below 1 where inference sees what training saw."});
  return figures;
}

void add_findings(HtmlPage& page, const DiagnoseResult& result) {
  page.section("Findings");
  if (!has_fault(result.findings)) page.paragraph("Healthy: none of the faults below was found.");
  Table faults({{"finding"}, {"seen"}, {"likely cause"}, {"what to change"}});
  Table follow({{"what follows"}, {"from"}, {"seen"}}), notes({{"worth knowing"}, {"seen"}, {"why"}});
  for (const HealthFinding& finding : result.findings) {
    const HealthRule& rule = *finding.rule;
    if (!rule.fault)
      notes.row({std::string(rule.title), finding.evidence.text, std::string(rule.cause)});
    else if (finding.follows_from.empty())
      faults.row({std::string(rule.title), finding.evidence.text, std::string(rule.cause), std::string(rule.advice)});
    else
      follow.row({std::string(rule.title), std::string(finding.follows_from), finding.evidence.text});
  }
  for (const Table* table : {&faults, &follow, &notes})
    if (!table->rows().empty()) page.table(*table);
}

void add_figures(HtmlPage& page, const fs::path& run, const std::string& title, const std::vector<Figure>& figures) {
  if (figures.empty()) return;
  page.section(title);
  for (const Figure& figure : figures) {
    page.figure(figure.svg, figure.caption);
    write_file(run / "figures" / (figure.file + ".svg"), figure.svg + "\n");
  }
}

void add_looked_for(HtmlPage& page, const DiagnoseResult& result) {
  page.section("What was looked for");
  Table table({{"rule"}, {"meaning"}, {"found"}});
  for (const HealthRule& rule : health_rules()) {
    const bool found =
        std::ranges::any_of(result.findings, [&](const HealthFinding& one) { return one.rule == &rule; });
    table.row({std::string(rule.name), std::string(rule.title), found ? "yes" : "no"});
  }
  page.table(table);
}

void add_layers(HtmlPage& page, const NetworkHealth& health) {
  page.section("Layers");
  Table table({{"number", Align::right},
               {"layer"},
               {"norm of weights", Align::right},
               {"variance", Align::right},
               {"dL/dx", Align::right},
               {"dL/dW", Align::right},
               {"update", Align::right}});
  for (std::size_t index = 0; index < health.layers.size(); ++index) {
    const LayerHealth& layer = health.layers[index];
    table.row({std::to_string(index + 1), layer.name, fmt::format("{:.3g}", layer.weight),
               fmt::format("{:.3g}", layer.variance), fmt::format("{:.3g}", layer.dx), fmt::format("{:.3g}", layer.dw),
               fmt::format("{:.3g}", layer.update)});
  }
  page.table(table);
}

}  // namespace

void write_report(const DiagnoseResult& result, const std::string& command) {
  const NetworkHealth& health = result.measured.health;
  HtmlPage page("Diagnosis of " + result.model, "on " + result.data);
  page.highlights({{"faults", std::to_string(std::ranges::count_if(result.findings,
                                                                   [](const HealthFinding& finding) {
                                                                     return finding.rule->fault &&
                                                                            finding.follows_from.empty();
                                                                   }))},
                   {"loss, training mode", fmt::format("{:.4g}", health.output.loss)},
                   {"right, training mode", fmt::format("{:.1f} %", 100 * health.output.top1)},
                   {"right, inference", fmt::format("{:.1f} %", 100 * result.measured.inference.top1)},
                   {"loss after one step", fmt::format("{:.4g}", result.measured.step_loss)}});
  add_findings(page, result);
  add_figures(page, result.run, "Layers by depth", layer_figures(health));
  add_figures(page, result.run, "Blocks", block_figures(health));
  add_figures(page, result.run, "Batch norm", norm_figures(result.measured));
  add_looked_for(page, result);
  add_layers(page, health);
  page.section("How it was made");
  page.preformatted(command);
  page.facts({{"images", fmt::format("{} of {}, in batches of {}", health.images, part_text(result), health.batch)},
              {"recipe", fmt::format("{}, rate {:g}", result.recipe, health.rate)}});
  page.facts(environment());
  write_file(result.report, page.text());
}

}  // namespace resnet
