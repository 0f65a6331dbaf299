// resnet inspect: what a network is made of and what it costs, from a model file, a run or a name of the zoo.
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/inspect_weights.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "formats/open_model.hpp"
#include "models/cost.hpp"
#include "report/tables.hpp"
#include "train/drawing.hpp"
#include "train/inference.hpp"
#include "train/run.hpp"
#include "train/training_program.hpp"

#include <algorithm>
#include <memory>
#include <span>

namespace resnet::cli {
namespace {

struct InspectOptions {
  std::string subject, mode = "infer";
  ModelOptions variant;
  std::optional<int> channels;
  int64_t batch = 1;
  int threads = 0;
  OpenOptions open;
  fs::path svg;
  bool plan = false, no_reuse = false, json = false;
};

/// A network, and what the file it came from holds besides.
struct Subject {
  std::string file;  // empty for a name of the zoo
  ModelSpec spec;
  std::optional<Checkpoint> content;
};

bool is_foreign(const fs::path& path, const OpenOptions& open) {
  return is_pytorch_file(path) || path.extension() == ".onnx" || !open.model.empty();
}

/// Weights in the structure that the user names.
Checkpoint foreign_content(const fs::path& path, const OpenOptions& open) {
  OpenedModel model = open_model(path, open);
  for (const std::string& note : model.notes) log_info("{}", note);
  return {.info = std::move(model.info),
          .state = std::move(model.state),
          .num_batches_tracked = model.num_batches_tracked,
          .extra = {}};
}

ModelSpec named_spec(const InspectOptions& options) {
  const OpenOptions& open = options.open;
  if (!open.model.empty() || !open.mean.empty() || !open.deviation.empty())
    fail_usage("inspect: --model, --mean and --std are for files without them; ", options.subject, " is a name");
  ModelOptions variant = options.variant;
  ImageSize input = find_model(options.subject, variant).input;
  if (open.size) input = {input.channels, open.size->height, open.size->width};
  if (options.channels) input.channels = *options.channels;
  variant.input = input;
  return find_model(options.subject, variant);
}

/// An option that would change nothing is refused.
void expect_no_choices(const fs::path& path, const InspectOptions& options) {
  if (options.variant.chooses_structure() || options.variant.classes || options.channels)
    fail_usage("inspect: --classes, --shortcut and the like choose a variant of a named model; ", path.string(),
               " is a file");
}

Subject open_subject(const InspectOptions& options) {
  fs::path path = options.subject;
  if (is_folder(path)) path = open_run(path).model();
  const bool is_name = !path_exists(path) && !path.has_parent_path() && !path.has_extension();
  if (is_name) return {.file = {}, .spec = named_spec(options), .content = {}};
  expect_no_choices(path, options);
  const OpenOptions& open = options.open;
  const bool foreign = is_foreign(path, open);
  if (!foreign && (open.size || !open.mean.empty() || !open.deviation.empty()))
    fail_usage("inspect: --size, --mean and --std are for files without them; ", path.string(), " has its own");
  Checkpoint checkpoint = foreign ? foreign_content(path, open) : load_checkpoint(path);
  ModelSpec spec = checkpoint.info.spec;
  return {.file = path.string(), .spec = std::move(spec), .content = std::move(checkpoint)};
}

/// Zeros for all state of `graph`: enough to compile, and quick for large networks.
State zero_state(const Graph& graph) {
  State state;
  for (const ValueInfo& value : graph.values())
    if (value.kind != ValueKind::computed && value.kind != ValueKind::input)
      state.set(value.name, Tensor(value.shape, value.dtype));
  return state;
}

struct CompiledPlan {
  std::vector<StepInfo> steps;
  MemoryReport memory;
};

CompiledPlan compile_plan(const ModelSpec& spec, const InspectOptions& options) {
  const int threads = options.threads > 0 ? options.threads : available_cores();
  const CompileOptions compile_options{
      .threads = std::make_shared<ThreadPool>(threads), .reuse_memory = !options.no_reuse, .plan_only = true};
  if (options.mode == "train") {
    Recipe recipe = recipes().front();
    recipe.batch = options.batch;
    State state = zero_state(training_graph(spec, recipe));
    const TrainingProgram program(spec, recipe, {}, state, 0, compile_options);
    return {program.executable().steps(), program.executable().memory()};
  }
  const Graph graph = forward_graph(spec, options.batch, Mode::inference);
  const auto [folded, parameters] = fold_batch_norm(graph, zero_state(graph).tensors());
  const Graph fused = fuse(folded);
  State state = zero_state(fused);
  const auto executable = compile(fused, state, compile_options);
  return {executable->steps(), executable->memory()};
}

std::string size_text(const ImageSize& size) { return fmt::format("{}x{}x{}", size.channels, size.height, size.width); }

Json file_json(const Subject& subject) {
  if (!subject.content) return nullptr;
  Json metadata = Json::object();
  for (const auto& [key, value] : subject.content->extra) metadata[key] = value;
  return {{"path", subject.file},
          {"classes", subject.content->info.classes},
          {"preprocessing", Json::parse(to_json_text(subject.content->info.preprocessing))},
          {"num_batches_tracked", subject.content->num_batches_tracked},
          {"tensors", subject.content->state.tensors().size()},
          {"metadata", metadata}};
}

void show_json(const Subject& subject, const NetworkCost& cost, const CompiledPlan& plan,
               const InspectOptions& options) {
  Json layers = Json::array(), steps = Json::array();
  for (const LayerCost& layer : cost.layers)
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"attributes", layer.attributes},
                      {"output", std::vector<int64_t>(layer.output.begin(), layer.output.end())},
                      {"parameters", layer.parameters},
                      {"macs", layer.macs}});
  for (const StepInfo& step : plan.steps)
    steps.push_back({{"node", step.node}, {"implementation", step.implementation}, {"macs", step.macs}});
  const MemoryReport& memory = plan.memory;
  Json result{{"model", subject.spec.name},
              {"spec", Json::parse(to_json_text(subject.spec))},
              {"parameters", cost.parameters},
              {"macs", cost.macs},
              {"memory",
               {{"mode", options.mode},
                {"batch", options.batch},
                {"state", memory.state},
                {"arena", memory.arena},
                {"unshared", memory.unshared},
                {"persistent", memory.persistent}}},
              {"file", file_json(subject)},
              {"layers", layers}};
  if (options.plan) result["plan"] = steps;
  print_json(result);
}

void show_file(const Subject& subject) {
  if (!subject.content) return;
  const Checkpoint& content = *subject.content;
  const auto is_momentum = [](const auto& entry) { return entry.first.starts_with("optimizer/"); };
  const auto momenta = std::ranges::count_if(content.state.tensors(), is_momentum);
  print_text("{}\n", subject.file);
  print_text("trained for {} steps; {} tensors", with_thousands(content.num_batches_tracked),
             content.state.tensors().size());
  if (momenta > 0) print_text(", {} of them the optimizer's", momenta);
  constexpr std::size_t most_shown = 20;
  const std::vector<std::string>& classes = content.info.classes;
  const std::span shown(classes.data(), std::min(most_shown, classes.size()));
  print_text("\nclasses: {}{}\n", fmt::join(shown, ", "), classes.size() > most_shown ? ", ..." : "");
  const Preprocessing& seen = content.info.preprocessing;
  print_text("pixels / 255, minus {:.4f}, divided by {:.4f}\n", fmt::join(seen.mean, " "),
             fmt::join(seen.deviation, " "));
  for (const auto& [key, value] : content.extra) print_text("{}: {}\n", key, value);
}

void show_layers(const NetworkCost& cost) {
  Table table({{"layer"},
               {"op"},
               {"attributes"},
               {"output", Align::right},
               {"parameters", Align::right},
               {"MACs", Align::right}});
  for (const LayerCost& layer : cost.layers)
    table.row({layer.name, layer.op, layer.attributes, to_string(layer.output), with_thousands(layer.parameters),
               with_thousands(layer.macs)});
  print_text("\n{}\n", to_text(table));
}

void show_plan(const CompiledPlan& plan) {
  Table table({{"step", Align::right}, {"node"}, {"implementation"}, {"MACs", Align::right}});
  for (std::size_t k = 0; k < plan.steps.size(); ++k)
    table.row(
        {std::to_string(k), plan.steps[k].node, plan.steps[k].implementation, with_thousands(plan.steps[k].macs)});
  print_text("\n{}\n", to_text(table));
}

void show(const Subject& subject, const NetworkCost& cost, const CompiledPlan& plan, const InspectOptions& options) {
  print_text("{}: {}\n", subject.spec.name, describe(subject.spec));
  show_file(subject);
  options.plan ? show_plan(plan) : show_layers(cost);
  print_text("parameters  {}\nMACs        {} for one image of {}\n", with_thousands(cost.parameters),
             with_thousands(cost.macs), size_text(subject.spec.input));
  const auto text = [](std::size_t bytes) { return bytes_text(static_cast<double>(bytes)); };
  const MemoryReport& memory = plan.memory;
  print_text(
      "memory      to {} a batch of {}: {} of state, {} of values (without reuse {}), {} of inputs and scratch\n",
      options.mode, options.batch, text(memory.state), text(memory.arena), text(memory.unshared),
      text(memory.persistent));
}

}  // namespace

Action declare_inspect(CLI::App& app) {
  auto options = std::make_shared<InspectOptions>();
  app.add_option("MODEL", options->subject,
                 "a run directory, a file (.safetensors, .pth, .pt, .th, .onnx) or a name that `resnet models` lists")
      ->required();
  add_open_options(app, options->open);
  app.add_option("--svg", options->svg, "also draw the architecture into this file")->type_name("FILE");
  app.add_flag("--plan", options->plan, "the compiled steps instead of the layers");
  add_choice(app, "--mode", options->mode, {"infer", "train"}, "what plan and memory are for (infer)");
  add_whole(app, "--batch", options->batch, 1, 1 << 20, "images at once, for plan and memory (1)");
  add_whole(app, "--classes", options->variant.classes, 1, 1'000'000, "of a named model, instead of its usual number");
  add_whole(app, "--channels", options->channels, 1, 1 << 16, "of a named model's images (--size has their height)");
  add_model_options(app, options->variant);
  add_threads(app, options->threads);
  app.add_flag("--no-reuse", options->no_reuse, "give every value its own memory");
  add_json(app, options->json);
  return [options](const std::string&) {
    const bool is_file = path_exists(options->subject) && !is_folder(options->subject);
    const bool may_be_bare =
        is_file && options->open.model.empty() && fs::path(options->subject).extension() != ".onnx";
    if (is_file) expect_no_choices(options->subject, *options);
    if (may_be_bare && inspect_weights(options->subject, options->json)) return;
    const Subject subject = open_subject(*options);
    if (!options->svg.empty()) write_file(options->svg, draw(drawing_of(subject.spec)));
    const NetworkCost cost = network_cost(subject.spec);
    const CompiledPlan plan = compile_plan(subject.spec, *options);
    options->json ? show_json(subject, cost, plan, *options) : show(subject, cost, plan, *options);
  };
}

}  // namespace resnet::cli
