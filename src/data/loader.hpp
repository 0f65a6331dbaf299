// Batches prepared ahead of the training on threads of their own. A batch is a pure function of the data set and of
// (seed, epoch, step, rank, ranks), so a run can start anywhere and the number of threads changes nothing.
#pragma once

#include "base/preprocessing.hpp"
#include "base/tensor.hpp"
#include "data/dataset.hpp"
#include "data/transforms.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace resnet {

struct Batch {
  /// [N, C, H, W] f32, normalised. N is always the batch size; images from `count` on are zero.
  Tensor images;
  /// [N] i32; zero from `count` on.
  Tensor labels;
  /// [N, classes] f32, where classes have weights or the augmentation mixes images (of the same rank's batch): the part
  /// of each class; zero from `count` on. Empty otherwise. labels are then the classes with the larger parts.
  Tensor targets = {};
  /// Images that are really there; below N only in the last batch of an epoch (0 if this rank has none left).
  int64_t count = 0;
  /// Their indices in the data set; `count` entries.
  std::vector<int64_t> indices;
  /// Images that were wanted here and cannot be decoded. In training each is replaced by another one, drawn from (seed,
  /// epoch, image); otherwise it is left out.
  std::vector<BadImage> bad = {};
  int64_t epoch = 0, step = 0;
};

struct LoaderOptions {
  /// Images in a batch of this rank.
  int64_t batch = 128;
  /// Training: a new order in each epoch, and augmentation. Otherwise the order of the data set and no augmentation.
  bool training = true;
  Augmentation augmentation = {};
  /// Leaves out the last, incomplete batch of an epoch (training only).
  bool drop_last = false;
  uint64_t seed = 0;
  /// This process is number `rank` of `ranks` that share the data set; step s of all ranks together takes the images
  /// that a single process with batch * ranks would take.
  int rank = 0, ranks = 1;
  /// Training: as many images of each class in an epoch, some several times, others not at all.
  bool balanced = false;
  /// Training: the weight of each class in the loss, which batches bring as targets; none if empty. The loss will
  /// spread `label_smoothing` of each target, and that part is weighted as well.
  std::vector<float> class_weights = {};
  double label_smoothing = 0;
  int threads = 1;
  /// Batches that may lie ready.
  int prefetch = 4;
};

/// The order of the images in an epoch: a permutation of 0 .. size - 1 that depends on nothing but its arguments.
std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, int64_t epoch);

/// Positions in an epoch for `balanced`: each class in turn, its images in a new order each time they are used up, all
/// shuffled.
std::vector<int64_t> balanced_order(const Dataset& dataset, uint64_t seed, int64_t epoch);

/// Seconds that all loader threads together spent.
struct LoaderTimes {
  double decode = 0;
  double augment = 0;  // and resizing, normalisation
};

/// Threads for a loader beside a network that computes on `threads`: a quarter, at least 1.
int default_loader_threads(int threads);

class Loader {
 public:
  /// Starts to prepare batches at (epoch, step). Photos are resized and cropped (data/prepare.hpp). Error (usage): the
  /// images have one size, which is not the network's, and the preprocessing does not resize; a batch larger than the
  /// data set in training; an option out of its range. Error: the threads cannot be started.
  Loader(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing, const LoaderOptions& options,
         int64_t epoch = 0, int64_t step = 0);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batches in an epoch, the same for every rank.
  int64_t steps_per_epoch() const;

  /// The next batch; after the last of an epoch comes the first of the next one. It stays valid until the next call of
  /// next() or restart(). An exception of the data set is rethrown here, unless it is an Error of bad data: that is a
  /// bad image.
  const Batch& next();

  /// Continues at (epoch, step) instead.
  void restart(int64_t epoch, int64_t step = 0);

  LoaderTimes times() const;

  /// Seconds that next() has waited for a batch so far: near zero while the loader keeps up.
  double waited_seconds() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace resnet
