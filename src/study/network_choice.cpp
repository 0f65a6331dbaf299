#include "study/network_choice.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/open.hpp"
#include "fetch/fetch.hpp"
#include "study/model_list.hpp"

#include <fmt/format.h>

namespace resnet {
namespace {

/// As the trainings will have them.
TrainingOptions training_of(const NetworkChoice& choice) {
  TrainingOptions training = choice.training;
  if (choice.data.empty() && training.epochs == 0) training.epochs = choice.own_epochs;
  if (!choice.data.empty()) training.data = choice.data;
  return training;
}

void check_trainings(const NetworkChoice& choice) {
  const std::vector<std::string> names = words_of(choice.train);
  if (names.empty()) fail_usage("--train: name at least one network, or give trained ones with --models");
  for (const std::string& name : names) {
    try {
      find_model(name);
    } catch (const Error& error) {
      fail_usage("--train: ", error.what());
    }
  }
  const std::string data = training_of(choice).data;
  if (!open_data(resolved_data(data)).train) fail_data(data, ": has no training images");
}

}  // namespace

void declare_network_choice(StudyOptions& options, NetworkChoice& choice) {
  TrainingOptions& training = choice.training;
  options.text("--models", choice.models, "RUN,FILE,...",
               "trained networks: run directories, model files, or a study whose trainings are taken");
  options.text("--train", choice.train, "NAMES", "without --models: networks of the zoo that the study trains itself");
  options.text("--data", choice.data, "DATA",
               "images; by default those of the first run of --models, or " + training.data + " to train on");
  options.whole(
      "--epochs", training.epochs, 0, 1'000'000,
      choice.own_epochs > 0
          ? fmt::format("of each training; 0: {}, or with --data as long as the recipe `short` says", choice.own_epochs)
          : "of each training; 0: as long as the recipe `short` says");
  options.whole("--seeds", training.seeds, 1, 1000, "trainings of each network, the first with --seed");
  options.choice("--precision", training.precision, {"auto", "bf16", "fp32"},
                 "of the trainings; auto: bf16 where the processor computes in it faster");
  options.text("--runs", training.runs, "DIR",
               "folder of the trainings' run directories: those that are there are used (runs/ of the study)");
  options.require([&choice] {
    if (choice.trains()) return check_trainings(choice);
    choice.opened = std::make_shared<TrainedNetworks>(models_in(choice.models, "--models"), choice.data);
  });
}

std::shared_ptr<const TrainedNetworks> networks_of(StudyRun& run, const NetworkChoice& choice) {
  std::shared_ptr<const TrainedNetworks> networks = choice.opened;
  if (choice.trains()) {
    const TrainingOptions options = training_of(choice);
    std::vector<Training> queue;
    for (const std::string& name : words_of(choice.train))
      for (Training& training : trainings_of(options, name, run.seed())) queue.push_back(std::move(training));
    std::vector<std::string> runs;
    for (const Trained& trained : train_all(run, options, queue).runs) {
      if (trained.failure.empty())
        runs.push_back(trained.run.path().string());
      else
        log_warning("{}: left out, since {}", trained.name, trained.failure);
    }
    if (runs.empty()) fail("no training ended with finite numbers; see the logs of the runs");
    networks = std::make_shared<TrainedNetworks>(runs, choice.data);
  }
  networks->pin(run);
  return networks;
}

std::string origin_text(const NetworkChoice& choice) {
  if (!choice.trains()) return "The networks were given.";
  return fmt::format(
      "The networks were trained here on {} with the recipe `short`, as ordinary runs (runs/ of the study{}). {}",
      training_of(choice).data, choice.training.runs.empty() ? "" : ", or --runs", precision_text(training_of(choice)));
}

}  // namespace resnet
