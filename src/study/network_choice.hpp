// Which networks a study of trained networks looks at: those it is given, or, if it is given none, small ones that it
// trains itself as ordinary runs.
#pragma once

#include "study/options.hpp"
#include "study/run.hpp"
#include "study/trained_networks.hpp"
#include "study/trainings.hpp"

#include <memory>
#include <string>

namespace resnet {

struct NetworkChoice {
  std::string models = {};  // what models_in() takes; empty: train
  std::string train = "resnet20,plain20";
  std::string data = {};   // empty: of the first run that is given, or the trainings' own
  int64_t own_epochs = 0;  // on the trainings' own data, unless `training` says how many; 0: as the recipe says
  TrainingOptions training = {};

  bool trains() const { return models.empty(); }
  std::shared_ptr<const TrainedNetworks> opened = {};  // once the options are read, where networks are given
};

/// --models --train --data --epochs --seeds --precision --runs. What is given, and the data to train on, are opened
/// before anything is written. `choice` must outlive the options, and is complete once they were found consistent.
void declare_network_choice(StudyOptions& options, NetworkChoice& choice);

/// The networks, trained first if they are not given, and held to their weights for later parts of the run. Error
/// (failed): no training ended with finite numbers.
std::shared_ptr<const TrainedNetworks> networks_of(StudyRun& run, const NetworkChoice& choice);

/// Where the networks come from, for the method of a report.
std::string origin_text(const NetworkChoice& choice);

}  // namespace resnet
