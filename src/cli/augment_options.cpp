#include "cli/augment_options.hpp"

#include "cli/options.hpp"

#include <string>
#include <vector>

namespace resnet::cli {
namespace {

/// "0.4,0.4,0.4,0.1" as numbers. Error (CLI::ValidationError): not `fewest` to `most` of them.
std::vector<double> number_list(const std::string& option, const std::string& text, std::size_t fewest,
                                std::size_t most) {
  std::vector<double> numbers;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    numbers.push_back(real_number(option, text.substr(at, end - at)));
    at = end + 1;
  }
  if (numbers.size() < fewest || numbers.size() > most)
    throw CLI::ValidationError(option,
                               text_of("expected ", fewest, " to ", most, " numbers with commas, got '", text, "'"));
  return numbers;
}

void add_presets(CLI::App& app, AugmentationChanges& changes) {
  std::string help = "how training images are changed, in place of the recipe's choice:", names;
  for (const AugmentationPreset& preset : augmentation_presets()) {
    help += std::string("\n") + preset.name + ": " + preset.summary;
    names += std::string(names.empty() ? "" : "|") + preset.name;
  }
  app.add_option("--augment", changes.preset, help)->type_name(names);
}

void set_jitter(AugmentationChanges& changes, const std::string& text) {
  const std::vector<double> numbers = number_list("--colour-jitter", text, 1, 4);
  // One number is what fb.resnet.torch calls colour jitter: the hue stays.
  const bool one = numbers.size() == 1;
  const auto at = [&](std::size_t k) { return k < numbers.size() ? numbers[k] : 0; };
  changes.jitter = one ? ColourJitter{numbers[0], numbers[0], numbers[0], 0} : ColourJitter{at(0), at(1), at(2), at(3)};
}

void set_randaugment(AugmentationChanges& changes, const std::string& text) {
  const std::size_t comma = text.find(',');
  changes.randaugment_count = static_cast<int>(whole_number("--randaugment", text.substr(0, comma), 0, 14));
  if (comma == std::string::npos) return;
  changes.randaugment_level = static_cast<int>(whole_number("--randaugment", text.substr(comma + 1), 0, 30));
}

}  // namespace

void add_augment_options(CLI::App& app, AugmentationChanges& changes) {
  add_presets(app, changes);
  add_whole(app, "--pad", changes.pad, 0, 1024,
            "zero pixels around an image before a random crop of its size; 0: no crop");
  app.add_flag_callback(
      "--flip", [&changes] { changes.flip = true; }, "mirror half of the images");
  app.add_flag_callback(
      "--no-flip", [&changes] { changes.flip = false; }, "mirror none");
  add_real(app, "--random-resized-crop", changes.resized_crop,
           "crop a part of at least X of the area and resize it (0.08 is usual); 0: no");
  app.add_flag_callback(
      "--scaled-decoding", [&changes] { changes.scaled_decoding = true; },
      "decode JPEGs at 1/2, 1/4 or 1/8 of their size where the resized crop needs no more; faster, and pixels differ a "
      "little");
  app.add_option_function<std::string>(
         "--randaugment", [&changes](const std::string& text) { set_randaugment(changes, text); },
         "N random operators of level M, 0 to 30 (2,9 is usual)")
      ->type_name("N,M");
  app.add_flag_callback(
      "--trivial-augment", [&changes] { changes.trivial = true; }, "one random operator of random strength");
  app.add_option_function<std::string>(
         "--colour-jitter,--color-jitter", [&changes](const std::string& text) { set_jitter(changes, text); },
         "reach of brightness, contrast, saturation and hue (0.4, or 0.4,0.4,0.4,0.1)")
      ->type_name("X[,X,X,X]");
  add_real(app, "--lighting", changes.lighting, "deviation of lighting along ImageNet's colours (0.1 is usual)");
  add_real(app, "--random-erasing", changes.erasing, "probability of a rectangle at the mean colour");
  add_real(app, "--mixup", changes.mixup, "average pairs of images, with a part from Beta(X, X) (0.2 is usual)");
  add_real(app, "--cutmix", changes.cutmix,
           "paste a window of another image, with a part from Beta(X, X) (1 is usual); with --mixup each has half");
}

}  // namespace resnet::cli
