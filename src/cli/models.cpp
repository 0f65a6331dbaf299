// resnet models: the zoo.
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "models/cost.hpp"
#include "report/tables.hpp"

#include <memory>

namespace resnet::cli {
namespace {

void show_json() {
  Json list = Json::array();
  for (const ModelGroup& group : model_groups())
    for (const ModelSpec& spec : group.models) {
      const NetworkCost cost = network_cost(spec);
      list.push_back({{"name", spec.name},
                      {"group", group.title},
                      {"parameters", cost.parameters},
                      {"macs", cost.macs},
                      {"input", {spec.input.channels, spec.input.height, spec.input.width}},
                      {"classes", spec.classes}});
    }
  print_json(list);
}

void show_group(const ModelGroup& group) {
  const ModelSpec& first = group.models.front();
  print_text("{}; input {}x{}x{}, {} classes\n", group.title, first.input.channels, first.input.height,
             first.input.width, first.classes);
  if (!group.recipe.empty()) print_text("published recipe: {}\n", group.recipe);
  Table table({{"name"}, {"parameters", Align::right}, {"MACs", Align::right}, {"structure"}});
  for (const ModelSpec& spec : group.models) {
    const NetworkCost cost = network_cost(spec);
    table.row({spec.name, with_thousands(cost.parameters), with_thousands(cost.macs), describe_structure(spec)});
  }
  print_text("{}\n", to_text(table));
}

void show_table() {
  for (const ModelGroup& group : model_groups()) show_group(group);
  print_text(
      "MACs are multiply-adds of convolutions and linear layers for one image. `train` fits the input size and the\n"
      "classes to the data. resnetN and plainN also exist for other N = 6n + 2 (8, 14, 26, ...).\n");
}

}  // namespace

Action declare_models(CLI::App& app) {
  auto json = std::make_shared<bool>(false);
  add_json(app, *json);
  return [json](const std::string&) { *json ? show_json() : show_table(); };
}

}  // namespace resnet::cli
