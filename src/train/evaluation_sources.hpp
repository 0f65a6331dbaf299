// MODEL and DATA as eval and diagnose understand them: what a run says of its own data, and what a foreign file leaves
// to the data set.
#pragma once

#include "base/files.hpp"
#include "data/open.hpp"
#include "formats/open_model.hpp"
#include "train/config.hpp"
#include "train/run.hpp"

#include <optional>
#include <string>

namespace resnet {

/// What is evaluated on what.
struct Sources {
  fs::path model;
  std::string data;
  DataOptions options;
  std::optional<RunDirectory> run;       // that MODEL is, or lies in
  std::optional<ImagesIdentity> tested;  // what a run's own data held when it was started
  fs::path trained_split;                // where the data are not the run's own
};

/// `data` may be empty for a run; `validation` is the part split off for validation where the user names one.
/// Error (usage): there is no telling on which data.
Sources sources_of(const std::string& model, const std::string& data, const std::optional<double>& validation);

/// What a foreign file leaves open is taken from the data set, and said.
void complete(OpenedModel& model, const DataSplit& data, const std::string& file);

/// Says where an accuracy is not what it seems: images that are not those of the training, or that were learnt from.
void warn_of_other_images(const Sources& sources, const DataSplit& data);

}  // namespace resnet
