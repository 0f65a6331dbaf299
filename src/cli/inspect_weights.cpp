// resnet inspect of a file that holds weights but no structure: its tensors, and what else lies in it.
#include "cli/inspect_weights.hpp"

#include "cli/output.hpp"
#include "formats/open_model.hpp"
#include "report/tables.hpp"

#include <fmt/ranges.h>

namespace resnet::cli {
namespace {

std::vector<std::string> fitting_names(const WeightsFile& file) {
  std::vector<std::string> names;
  for (const ModelSpec& spec : fitting_models(file)) names.push_back(spec.name);
  return names;
}

int64_t elements(const WeightsFile& file) {
  int64_t count = 0;
  for (const NamedTensor& item : file.tensors) count += item.tensor.elements();
  return count;
}

void show_json(const fs::path& path, const WeightsFile& file) {
  Json tensors = Json::array();
  for (const NamedTensor& item : file.tensors) {
    const Shape& shape = item.tensor.shape();
    tensors.push_back({{"name", item.name},
                       {"dtype", name_of(item.tensor.dtype())},
                       {"shape", std::vector<int64_t>(shape.begin(), shape.end())}});
  }
  print_json({{"file", path.string()},
              {"format", file.format},
              {"inside", file.chosen},
              {"elements", elements(file)},
              {"fits", fitting_names(file)},
              {"foreign", file.foreign},
              {"other", file.other},
              {"metadata", file.metadata},
              {"tensors", tensors}});
}

void show_text(const fs::path& path, const WeightsFile& file) {
  print_text("{}: {}, weights without a structure{}\n", path.string(), file.format,
             file.chosen.empty() ? "" : ", inside '" + file.chosen + "'");
  Table table({{"tensor"}, {"type"}, {"shape", Align::right}, {"elements", Align::right}});
  for (const NamedTensor& item : file.tensors)
    table.row({item.name, std::string(name_of(item.tensor.dtype())), to_string(item.tensor.shape()),
               with_thousands(item.tensor.elements())});
  print_text("\n{}\n{} tensors, {} elements\n", to_text(table), file.tensors.size(), with_thousands(elements(file)));
  for (const std::string& line : file.other) print_text("besides: {}\n", line);
  for (const std::string& name : file.foreign) print_text("foreign object, not run: {}\n", name);
  for (const auto& [key, value] : file.metadata) print_text("{}: {}\n", key, value);
  const std::vector<std::string> fitting = fitting_names(file);
  if (fitting.empty())
    print_text("no network of the zoo has these tensors\n");
  else
    print_text("networks of the zoo with these tensors: {}\n", fmt::join(fitting, ", "));
}

}  // namespace

bool inspect_weights(const fs::path& path, bool json) {
  if (!is_pytorch_file(path) && read_safetensors(path).metadata.contains("spec")) return false;
  const WeightsFile file = read_weights(path);
  json ? show_json(path, file) : show_text(path, file);
  return true;
}

}  // namespace resnet::cli
