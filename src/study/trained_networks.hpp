// The trained networks that a study is about, and the images that it shows them: model files and run directories,
// opened once and held to what they were when the study began.
#pragma once

#include "data/dataset.hpp"
#include "formats/model_file.hpp"
#include "study/run.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace resnet {

struct TrainedNetwork {
  std::string name;    // "resnet20"; "resnet20 (2)" for the second one of that structure's name
  std::string source;  // the file or run
  ModelInfo info;
  State state;
};

/// "a,b" -> {"a", "b"}; empty words are left out.
std::vector<std::string> words_of(const std::string& list);

class TrainedNetworks {
 public:
  /// `sources`: model files, run directories and names of published weights. `data`: what open_data takes; empty: what
  /// the first run directory among `sources` was trained with. Error (usage): `data` is empty and no run is there to
  /// tell. Error (bad data, bad model): one of them cannot be opened, a file does not say its classes, or they are not
  /// those of the data.
  TrainedNetworks(const std::vector<std::string>& sources, const std::string& data);

  const std::vector<TrainedNetwork>& list() const { return list_; }
  const DataSplit& data() const { return data_; }
  const std::string& data_name() const { return data_name_; }
  /// At most `count` (0: all) images of a part, always the same ones, drawn at random: the classes of a data set may
  /// lie one after the other or in turn. In its order.
  static std::shared_ptr<const Dataset> some(const std::shared_ptr<const Dataset>& part, int64_t count);

  /// Holds a later part of the run to these weights, these images and this machine's kernels.
  void pin(StudyRun& run) const;

 private:
  void add(const std::string& source);

  std::string data_name_;
  DataSplit data_;
  std::vector<TrainedNetwork> list_;
  std::vector<std::pair<std::string, std::string>> pins_;  // of the weights: what, hash
};

}  // namespace resnet
