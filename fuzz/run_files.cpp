#include "run_files.hpp"

#include "allow_errors.hpp"
#include "base/preprocessing.hpp"
#include "models/model.hpp"
#include "train/checkpoint.hpp"
#include "train/config.hpp"

#include <stdexcept>
#include <string>

namespace resnet::fuzz {

using Input = std::span<const std::byte>;

void fuzz_config(Input input) {
  const std::string text = text_of_input(input);
  allow_errors([&] {
    const RunConfig config = config_from_toml(text, "input");
    if (!(config_from_toml(to_toml(config), "written") == config))
      throw std::logic_error("a config changes when written");
  });
  allow_errors([&] { recipe_from_toml(text, "input"); });
}

void fuzz_metadata(Input input) {
  const std::string text = text_of_input(input);
  allow_errors([&] {
    const ModelSpec spec = spec_from_json(text);
    if (!(spec_from_json(to_json_text(spec)) == spec)) throw std::logic_error("a spec changes when written");
  });
  allow_errors([&] {
    const Preprocessing preprocessing = preprocessing_from_json(text);
    if (!(preprocessing_from_json(to_json_text(preprocessing)) == preprocessing))
      throw std::logic_error("a preprocessing changes when written");
  });
  allow_errors([&] { position_from_json(text); });
}

}  // namespace resnet::fuzz
