// resnet verify: do two files hold the same network?
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "train/compare_models.hpp"

#include <memory>

namespace resnet::cli {
namespace {

struct VerifyOptions {
  CompareRequest request;
  double tolerance = 1e-4;
  bool json = false;
};

void show(const Comparison& result, const VerifyOptions& options) {
  if (options.json)
    return print_json({{"images", result.images},
                       {"max_difference", result.max_difference},
                       {"mean_difference", result.mean_difference},
                       {"relative_difference", result.relative()},
                       {"top1_agreement", result.agreement},
                       {"same_structure", result.same_structure},
                       {"parts_at", result.parts_at ? Json(*result.parts_at) : Json(nullptr)}});
  print_text("{} images: logits differ by {:.3g} at most ({:.3g} of the largest, {:.4g}), {:.3g} in the mean\n",
             result.images, result.max_difference, result.relative(), result.scale, result.mean_difference);
  print_text("top-1 agreement {}\n", percent(result.agreement));
  if (!result.same_structure)
    print_text("the two do not have the same layers in the same order, so these are not compared one by one\n");
  else if (result.parts_at)
    print_text("they part at {}: its output differs by {:.3g} of its largest value\n", *result.parts_at,
               result.layer_difference);
  else
    print_text("no layer's output differs by more than 1e-4 of its largest value\n");
}

}  // namespace

Action declare_verify(CLI::App& app) {
  auto options = std::make_shared<VerifyOptions>();
  CompareRequest& request = options->request;
  app.add_option("A", request.a, "a run directory or a file: .safetensors, .pth, .pt, .th, .onnx")->required();
  app.add_option("--against", request.b, "the other one")->type_name("B")->required();
  app.add_option("--data", request.data, "images to compare on, as for eval; random ones by default")
      ->type_name("DATA");
  add_whole(app, "-n,--images", request.images, 1, 1 << 24, "how many images (100)");
  add_real(app, "--tolerance", options->tolerance,
           "fail if the logits differ by more than this part of the largest one (0.0001)");
  add_open_options(app, request.open_a);
  add_seed(app, request.seed);
  add_threads(app, request.threads);
  add_json(app, options->json);
  return [options](const std::string&) {
    CompareRequest& asked = options->request;
    asked.open_a.where_needed = true;  // what one of the two files lacks, the other may have
    asked.open_b = asked.open_a;
    const Comparison result = compare_models(asked);
    show(result, *options);
    if (!(result.relative() <= options->tolerance))
      fail("verify: ", asked.a, " and ", asked.b, " differ by ", result.relative(), " of the largest logit, more than ",
           options->tolerance);
  };
}

}  // namespace resnet::cli
