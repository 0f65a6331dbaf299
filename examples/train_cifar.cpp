// Trains a residual network through the library: on a CIFAR-10 folder if one is named, else on generated images.
//   train_cifar [FOLDER] [EPOCHS]
#include <resnet/resnet.hpp>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  using namespace resnet;
  try {
    TrainRequest request;
    request.model = "resnet20";
    request.data = argc > 1 ? argv[1] : "builtin:shapes";
    request.recipe = changed(find_recipe("short"), {.epochs = argc > 2 ? std::atoi(argv[2]) : 10});
    request.command = "train_cifar";
    catch_interrupts();  // Ctrl-C saves; resume() goes on from there
    const TrainResult result = train(request);

    const EvaluationResult best = evaluate({.model = result.run.string(), .data = {}});
    std::printf("%s: accuracy %.2f%%, best %.2f%%, report in %s\n", result.model.c_str(), 100 * result.top1,
                100 * best.top1(), result.report.c_str());
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.code());
  }
}
