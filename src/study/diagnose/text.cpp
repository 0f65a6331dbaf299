// A diagnosis for a terminal, and as JSON.
#include "base/text.hpp"
#include "report/tables.hpp"
#include "study/diagnose/diagnose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

std::string figure(double value) { return std::isnan(value) ? "-" : fmt::format("{:.2g}", value); }
std::string part(double value) { return std::isnan(value) ? "-" : fmt::format("{:.0f} %", 100 * value); }

std::string findings_text(const DiagnoseResult& result) {
  std::string text;
  std::string also;
  int number = 0;
  for (const HealthFinding& finding : result.findings) {
    if (!finding.rule->fault) continue;
    if (!finding.follows_from.empty()) {
      also += fmt::format("  {} (from {}): {}\n", finding.rule->name, finding.follows_from, finding.evidence.text);
      continue;
    }
    text += fmt::format("{}. {} [{}]\n   seen    {}\n   likely  {}\n   change  {}\n", ++number, finding.rule->title,
                        finding.rule->name, finding.evidence.text, finding.rule->cause, finding.rule->advice);
  }
  if (!also.empty()) text += "What follows from it:\n" + also;
  std::string notes;
  for (const HealthFinding& finding : result.findings)
    if (!finding.rule->fault) notes += fmt::format("  {}: {}\n", finding.rule->title, finding.evidence.text);
  if (!notes.empty()) text += "Worth knowing:\n" + notes;
  return text;
}

std::string layers_text(const NetworkHealth& health) {
  Table table({{"layer"},
               {"mean", Align::right},
               {"variance", Align::right},
               {"dead", Align::right},
               {"|dL/dx|", Align::right},
               {"|dL/dW|", Align::right},
               {"update/W", Align::right},
               {"neighbours", Align::right}});
  for (const LayerHealth& layer : health.layers)
    table.row({layer.name, figure(layer.activation_mean), figure(layer.activation_variance), part(layer.dead),
               figure(layer.dx), figure(layer.dw), figure(layer.update), figure(layer.correlation)});
  return to_text(table);
}

std::string blocks_text(const NetworkHealth& health) {
  Table table({{"block"},
               {"branch/shortcut", Align::right},
               {"gradient through branch", Align::right},
               {"and shortcut", Align::right}});
  for (const BlockHealth& block : health.blocks)
    table.row({block.name, figure(block.ratio()), figure(block.dx_branch), figure(block.dx_shortcut)});
  return to_text(table);
}

std::string norms_text(const NetworkHealth& health) {
  Table table(
      {{"batch norm"}, {"variance", Align::right}, {"shift", Align::right}, {"variance/running", Align::right}});
  for (const NormHealth& norm : health.norms)
    table.row({norm.name, figure(norm.variance), norm.running ? figure(norm.shift) : "-",
               norm.running ? figure(norm.spread) : "-"});
  return to_text(table);
}

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json layers_json(const NetworkHealth& health) {
  Json layers = Json::array();
  for (const LayerHealth& layer : health.layers)
    layers.push_back({{"name", layer.name},
                      {"mean", number(layer.mean)},
                      {"variance", number(layer.variance)},
                      {"activation_mean", number(layer.activation_mean)},
                      {"activation_variance", number(layer.activation_variance)},
                      {"dead", number(layer.dead)},
                      {"zeros", number(layer.zeros)},
                      {"weight", number(layer.weight)},
                      {"dw", number(layer.dw)},
                      {"dx", number(layer.dx)},
                      {"update", number(layer.update)},
                      {"coherence", number(layer.coherence)},
                      {"departure", number(layer.departure)},
                      {"correlation", number(layer.correlation)},
                      {"frozen", layer.frozen}});
  return layers;
}

Json norms_json(const NetworkHealth& health) {
  Json norms = Json::array();
  for (const NormHealth& norm : health.norms)
    norms.push_back({{"name", norm.name},
                     {"variance", number(norm.variance)},
                     {"collapsed", norm.collapsed},
                     {"off", norm.off},
                     {"open", norm.open},
                     {"tiny_gamma", norm.tiny_gamma},
                     {"shift", number(norm.shift)},
                     {"spread", number(norm.spread)},
                     {"untouched", norm.untouched}});
  return norms;
}

Json blocks_json(const NetworkHealth& health) {
  Json blocks = Json::array();
  for (const BlockHealth& block : health.blocks)
    blocks.push_back({{"name", block.name},
                      {"branch", number(block.branch)},
                      {"shortcut", number(block.shortcut)},
                      {"ratio", number(block.ratio())},
                      {"dx_branch", number(block.dx_branch)},
                      {"dx_shortcut", number(block.dx_shortcut)}});
  return blocks;
}

Json findings_json(const DiagnoseResult& result) {
  Json findings = Json::array();
  for (const HealthFinding& finding : result.findings)
    findings.push_back({{"name", finding.rule->name},
                        {"fault", finding.rule->fault},
                        {"title", finding.rule->title},
                        {"evidence", finding.evidence.text},
                        {"cause", finding.rule->cause},
                        {"advice", finding.rule->advice},
                        {"layers", finding.evidence.layers},
                        {"follows_from", finding.follows_from.empty() ? Json(nullptr) : Json(finding.follows_from)}});
  return findings;
}

}  // namespace

std::string part_text(const DiagnoseResult& result) {
  return result.part == "all" ? "all" : fmt::format("the {} part", result.part);
}

std::string to_text(const DiagnoseResult& result) {
  const NetworkHealth& health = result.measured.health;
  std::string text = fmt::format("{} on {}: {} of {} in {}, recipe {} at the rate {:g}\n", result.model, result.data,
                                 plural(health.images, "image"), part_text(result),
                                 plural(health.images / health.batch, "batch", "batches"), result.recipe, health.rate);
  text += fmt::format("loss {:.4g} and {:.1f} % right in training mode, {:.4g} and {:.1f} % in inference\n\n",
                      health.output.loss, 100 * health.output.top1, result.measured.inference.loss,
                      100 * result.measured.inference.top1);
  if (!has_fault(result.findings))
    text += fmt::format("Healthy: none of {} faults was found.\n",
                        std::ranges::count_if(health_rules(), [](const HealthRule& rule) { return rule.fault; }));
  text += findings_text(result) + "\n" + layers_text(health);
  if (!health.blocks.empty()) text += "\n" + blocks_text(health);
  if (!health.norms.empty() && result.measured.trained()) text += "\n" + norms_text(health);
  return text;
}

Json to_json(const DiagnoseResult& result) {
  const NetworkHealth& health = result.measured.health;
  return {
      {"model", result.model},
      {"data", result.data},
      {"part", result.part},
      {"recipe", result.recipe},
      {"rate", health.rate},
      {"images", health.images},
      {"batch", health.batch},
      {"healthy", !has_fault(result.findings)},
      {"findings", findings_json(result)},
      {"loss", number(health.output.loss)},
      {"top1", health.output.top1},
      {"inference", {{"loss", number(result.measured.inference.loss)}, {"top1", result.measured.inference.top1}}},
      {"step",
       {{"rate", result.measured.step_rate},
        {"loss_before", number(result.measured.step_loss_before)},
        {"loss_after", number(result.measured.step_loss)}}},
      {"first_steps",
       {{"steps", result.measured.first_steps.steps},
        {"loss", number(result.measured.first_steps.loss)},
        {"growth", number(result.measured.first_steps.growth)}}},
      {"input",
       {{"mean", health.input.mean}, {"deviation", health.input.deviation}, {"between_images", health.input.between}}},
      {"layers", layers_json(health)},
      {"norms", norms_json(health)},
      {"blocks", blocks_json(health)},
      {"report", result.report.string()}};
}

}  // namespace resnet
