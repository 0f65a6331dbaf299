// resnet eval: how well a trained network does.
#include "base/interrupt.hpp"
#include "cli/model_argument.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "report/tables.hpp"
#include "train/evaluate.hpp"

#include <algorithm>
#include <memory>

namespace resnet::cli {
namespace {

struct EvalOptions {
  EvaluateRequest request;
  bool json = false;
};

/// The class that images of class `truth` were most often mistaken for.
std::string main_confusion(const EvaluationResult& result, std::size_t truth) {
  const std::size_t classes = result.classes.size();
  std::size_t worst = truth;
  int64_t most = 0;
  for (std::size_t k = 0; k < classes; ++k)
    if (const int64_t count = result.confusion[truth * classes + k]; k != truth && count > most) {
      most = count;
      worst = k;
    }
  return most > 0 ? fmt::format("{} ({})", result.classes[worst], most) : "";
}

/// "all of photos", "the validation part of photos"
std::string what_of(const EvaluationResult& result) {
  return fmt::format("{} of {}", result.part == "all" ? "all" : "the " + result.part + " part", result.data);
}

void show(const EvaluationResult& result, const EvaluateRequest& request) {
  print_text("top-1 {}", percent(result.top1()));
  if (result.top5()) print_text(", top-5 {}", percent(*result.top5()));
  print_text(", loss {}, {}: {}\n", loss_text(result.loss),
             result.count == 1 ? "1 image" : with_thousands(result.count) + " images", what_of(result));
  const std::size_t networks = 1 + request.ensemble.size();
  print_text("{}{}: {} multiply-adds an image\n\n", describe(request.views),
             networks > 1 ? text_of(", ", networks, " networks") : "", with_suffix(static_cast<double>(result.macs)));
  Table table({{"class"}, {"images", Align::right}, {"right", Align::right}, {"most often taken for"}});
  for (std::size_t k = 0; k < result.classes.size(); ++k) {
    const std::optional<double> accuracy = result.class_accuracy(k);
    table.row({result.classes[k], with_thousands(result.class_count(k)), accuracy ? percent(*accuracy) : "-",
               main_confusion(result, k)});
  }
  print_text("{}", to_text(table));
}

}  // namespace

Action declare_eval(CLI::App& app) {
  auto options = std::make_shared<EvalOptions>();
  EvaluateRequest& request = options->request;
  app.add_option("MODEL", request.model,
                 "a run directory (its best network), a file (.safetensors, .pth, .pt, .th, .onnx), or the name of "
                 "fetched weights")
      ->required();
  app.add_option("DATA", request.data,
                 "as for train; a run's own data by default. Scored is the test part; of data without one all images, "
                 "but of a run's own data those that it kept for validation");
  add_real(app, "--validation", request.validation,
           "score this part of data that have no test part, chosen as `train` chooses it without --split; 1: all");
  add_view_options(app, request.views);
  app.add_option("--ensemble", request.ensemble, "another network, averaged with MODEL; may be repeated")
      ->type_name("MODEL")
      ->take_all()
      ->allow_extra_args(false);
  add_open_options(app, request.open);
  add_threads(app, request.threads);
  add_json(app, options->json);
  return [options](const std::string&) {
    expect_weights("eval", options->request.model);
    for (const std::string& other : options->request.ensemble) expect_weights("eval", other);
    catch_interrupts();
    const EvaluationResult result = evaluate(options->request);
    if (!options->json) return show(result, options->request);
    const std::optional<double> top5 = result.top5();
    print_json({{"top1", result.top1()},
                {"top5", top5 ? Json(*top5) : Json(nullptr)},
                {"loss", result.loss},
                {"count", result.count},
                {"part", result.part},
                {"data", result.data},
                {"views", options->request.views.count()},
                {"networks", 1 + options->request.ensemble.size()},
                {"macs_per_image", result.macs}});
  };
}

}  // namespace resnet::cli
