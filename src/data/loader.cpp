#include "data/loader.hpp"

#include "base/error.hpp"
#include "data/prepare.hpp"
#include "data/targets.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace resnet {
namespace {

/// So many bad images in a row mean that something is wrong with all of them.
constexpr int most_replacements = 100;

// A place of the ring. Batch number t of the stream is filled into slot t % slots, so a buffer is used again and again.
struct Slot {
  Batch batch;
  std::exception_ptr error;
  /// The number of the batch that lies here complete; -1: none yet.
  int64_t number = -1;
};

/// What one thread keeps between batches.
struct Scratch {
  std::vector<uint8_t> pixels;
  LoaderTimes times;  // of the batch at hand
};

int64_t batches_in_epoch(int64_t size, const LoaderOptions& options) {
  const int64_t together = options.batch * options.ranks;
  return options.training && options.drop_last ? size / together : (size + together - 1) / together;
}

void check_options(const Dataset& dataset, const Preprocessing& preprocessing, const LoaderOptions& options) {
  const Shape image = dataset.image_shape();
  const Shape expected{preprocessing.channels, preprocessing.height, preprocessing.width};
  if (has_one_size(dataset) && image != expected && preprocessing.resize == 0)
    fail_usage("the network takes images of ", expected, ", the data set has ", image,
               "; choose a model for these images or other data");
  if (options.batch < 1) fail_usage("--batch is ", options.batch, ", expected at least 1");
  if (options.threads < 1) fail_usage("the loader needs at least 1 thread, got ", options.threads);
  if (options.prefetch < 1) fail_usage("the loader needs at least 1 batch ahead, got ", options.prefetch);
  if (options.augmentation.pad < 0)
    fail_usage("the padding of a crop is ", options.augmentation.pad, ", expected >= 0");
  if (options.ranks < 1 || options.rank < 0 || options.rank >= options.ranks)
    fail_usage("rank ", options.rank, " of ", options.ranks, " does not exist; ranks count from 0");
  if (dataset.size() == 0) fail_data("the data set has no images");
  if (options.training && options.batch * options.ranks > dataset.size())
    fail_usage("a batch of ", options.batch * options.ranks, " images is larger than the data set of ", dataset.size(),
               "; choose --batch ", dataset.size() / options.ranks, " or less");
}

}  // namespace

int default_loader_threads(int threads) { return std::max(1, threads / 4); }

struct Loader::State {
  std::shared_ptr<const Dataset> dataset;
  LoaderOptions options;
  Preprocessing preprocessing;
  Shape image;         // [C, H, W] of the network
  bool direct = true;  // images come from the data set as the network needs them
  NormalisationTable table;
  int64_t steps = 0;
  double waited = 0;

  // Below: guarded by `mutex`, except that a claimed slot's batch belongs to the thread that fills it.
  std::mutex mutex;
  std::condition_variable filled, freed;
  std::vector<Slot> slots;
  int64_t origin = 0;    // epoch * steps + step of batch number 0
  int64_t claimed = 0;   // batches that threads have taken on
  int64_t consumed = 0;  // batches that next() has returned
  bool stopping = false;
  LoaderTimes times;
  int64_t order_epoch = -1;
  std::shared_ptr<const std::vector<int64_t>> order;
  std::vector<std::thread> threads;

  std::shared_ptr<const std::vector<int64_t>> order_of(int64_t epoch) {
    if (!options.training) return nullptr;
    const std::lock_guard lock(mutex);
    if (epoch != order_epoch) {
      order = std::make_shared<const std::vector<int64_t>>(options.balanced
                                                               ? balanced_order(*dataset, options.seed, epoch)
                                                               : epoch_order(dataset->size(), options.seed, epoch));
      order_epoch = epoch;
    }
    return order;
  }

  void choose_images(Batch& batch) {
    const auto epoch_images = order_of(batch.epoch);
    const int64_t first = batch.step * options.batch * options.ranks + options.rank;
    batch.indices.clear();
    for (int64_t n = 0; n < options.batch; ++n) {
      const int64_t position = first + n * options.ranks;
      if (position >= dataset->size()) break;
      batch.indices.push_back(epoch_images ? (*epoch_images)[static_cast<std::size_t>(position)] : position);
    }
  }

  /// The stream of one image. Balanced epochs show an image several times, so that its position counts as well.
  Rng stream_of(int64_t index, const Batch& batch, std::size_t place) const {
    const auto epoch = static_cast<uint64_t>(batch.epoch), image_key = static_cast<uint64_t>(index);
    if (!options.balanced) return {options.seed, "augment", {epoch, image_key}};
    return {options.seed, "augment", {epoch, image_key, static_cast<uint64_t>(batch.step), place}};
  }

  /// The planes of one image, ready for the network. Error (bad data): it cannot be decoded.
  void prepare_planes(int64_t index, Rng rng, Scratch& scratch, std::span<float> out) {
    const Augmentation& augmentation = options.augmentation;
    double* decoding = &scratch.times.decode;
    if (!direct && options.training)
      return finish(training_picture(*dataset, index, preprocessing, augmentation, rng, decoding), augmentation, rng,
                    table, out);
    if (!direct) return normalise(evaluation_picture(*dataset, index, preprocessing, decoding), table, out);
    dataset->read(index, scratch.pixels);
    if (options.training)
      augment_and_normalise(scratch.pixels, image, augmentation, rng, table, out);
    else
      normalise(scratch.pixels, image, table, out);
  }

  /// Image `index`, or, in training, another one in the place of a bad one; returns which, -1 for none.
  int64_t place_or_replace(int64_t index, std::size_t place, Batch& batch, Scratch& scratch, std::span<float> out) {
    Rng others(options.seed, "replace", {static_cast<uint64_t>(batch.epoch), static_cast<uint64_t>(index)});
    for (int attempt = 0; attempt < most_replacements; ++attempt) {
      try {
        prepare_planes(index, stream_of(index, batch, place), scratch, out);
        return index;
      } catch (const Error& error) {
        if (error.code() != ExitCode::bad_data) throw;
        batch.bad.push_back({dataset->name_of(index), error.what()});
      }
      if (!options.training) return -1;
      index = others.below(dataset->size());
    }
    fail_data("none of ", most_replacements, " images drawn one after the other can be decoded; the last one was ",
              batch.bad.back().file, ": ", batch.bad.back().reason);
  }

  void fill(Batch& batch, int64_t position, Scratch& scratch) {
    const auto start = std::chrono::steady_clock::now();
    scratch.times = {};
    batch.epoch = position / steps;
    batch.step = position % steps;
    batch.bad.clear();
    choose_images(batch);
    const auto elements = static_cast<std::size_t>(image.elements());
    scratch.pixels.resize(elements);  // here, where next() hears of it if there is no memory
    const std::span<float> images = batch.images.data<float>();
    const std::span<int32_t> labels = batch.labels.data<int32_t>();
    std::size_t filled_places = 0;
    for (const int64_t wanted : batch.indices) {
      const std::span<float> out = images.subspan(filled_places * elements, elements);
      const int64_t index = place_or_replace(wanted, filled_places, batch, scratch, out);
      if (index < 0) continue;
      labels[filled_places] = dataset->label(index);
      batch.indices[filled_places++] = index;  // never ahead of the index that is read
    }
    batch.indices.resize(filled_places);
    batch.count = static_cast<int64_t>(filled_places);
    std::fill(images.begin() + batch.count * image.elements(), images.end(), 0.0f);
    std::fill(labels.begin() + batch.count, labels.end(), 0);
    if (has_targets(options)) fill_targets(options, batch);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    scratch.times.augment = seconds - scratch.times.decode;
  }

  void work() {
    Scratch scratch;
    while (true) {
      std::unique_lock lock(mutex);
      // The batch that next() returned last is still in use, hence the one slot less.
      freed.wait(lock, [&] { return stopping || claimed < std::max<int64_t>(consumed - 1, 0) + slot_count(); });
      if (stopping) return;
      const int64_t number = claimed++;
      Slot& slot = slots[static_cast<std::size_t>(number % slot_count())];
      const int64_t position = origin + number;
      lock.unlock();
      std::exception_ptr error;
      try {
        fill(slot.batch, position, scratch);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      times.decode += scratch.times.decode;
      times.augment += scratch.times.augment;
      slot.error = error;
      slot.number = number;
      filled.notify_one();
      if (error) return;
    }
  }

  int64_t slot_count() const { return static_cast<int64_t>(slots.size()); }

  void start(int64_t epoch, int64_t step) {
    origin = epoch * steps + step;
    claimed = consumed = 0;
    stopping = false;
    for (Slot& slot : slots) slot.number = -1;
    try {
      for (int thread = 0; thread < options.threads; ++thread) threads.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      fail("cannot start ", options.threads, " threads to prepare images: ", error.code().message(),
           "; use fewer --loader-threads");
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    freed.notify_all();
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }

  // Here and not in ~Loader, which does not run if not all threads could be started.
  ~State() { stop(); }
};

Loader::Loader(std::shared_ptr<const Dataset> dataset, const Preprocessing& preprocessing, const LoaderOptions& options,
               int64_t epoch, int64_t step)
    : state_(std::make_unique<State>()) {
  check_options(*dataset, preprocessing, options);
  state_->preprocessing = preprocessing;
  state_->image = {preprocessing.channels, preprocessing.height, preprocessing.width};
  state_->direct = fits(*dataset, preprocessing);
  state_->table = normalisation_table(preprocessing);
  state_->steps = batches_in_epoch(dataset->size(), options);
  state_->dataset = std::move(dataset);
  state_->options = options;
  const Shape& image = state_->image;
  state_->slots.resize(static_cast<std::size_t>(options.prefetch) + 1);
  for (Slot& slot : state_->slots) {
    slot.batch.images = Tensor({options.batch, image[0], image[1], image[2]});
    slot.batch.labels = Tensor({options.batch}, DType::i32);
    if (has_targets(options))
      slot.batch.targets = Tensor({options.batch, static_cast<int64_t>(state_->dataset->classes().size())});
    slot.batch.indices.reserve(static_cast<std::size_t>(options.batch));
  }
  state_->start(epoch, step);
}

Loader::~Loader() = default;

int64_t Loader::steps_per_epoch() const { return state_->steps; }

const Batch& Loader::next() {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  Slot& slot = state.slots[static_cast<std::size_t>(state.consumed % state.slot_count())];
  const auto start = std::chrono::steady_clock::now();
  state.filled.wait(lock, [&] { return slot.number == state.consumed; });
  state.waited += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (slot.error) std::rethrow_exception(slot.error);
  ++state.consumed;
  lock.unlock();
  state.freed.notify_one();
  return slot.batch;
}

void Loader::restart(int64_t epoch, int64_t step) {
  state_->stop();
  state_->start(epoch, step);
}

LoaderTimes Loader::times() const {
  const std::lock_guard lock(state_->mutex);
  return state_->times;
}

double Loader::waited_seconds() const { return state_->waited; }

}  // namespace resnet
