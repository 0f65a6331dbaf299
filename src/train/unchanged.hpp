// What must still be as it was when a run goes on: its images, its settings and its counters. Each function ends with
// an Error that names what differs.
#pragma once

#include "data/dataset.hpp"
#include "train/checkpoint.hpp"
#include "train/config.hpp"
#include "train/run.hpp"

#include <cstdint>

namespace resnet {

/// About 60 ms for CIFAR-10.
ImagesIdentity identity_of(const Dataset& dataset);

/// Error (bad data): other images than `config` says; names the first one that differs where the run has a split.csv.
void expect_same_images(const RunConfig& config, const DataSplit& data, const RunDirectory& run);

/// config.toml is a record: edits of it would give a run that is neither the one nor the other. Error: seed or recipe
/// differ from those in the checkpoint; the length may, with `other_length`.
void expect_unedited(const RunConfig& config, const LoadedPosition& last, const RunDirectory& run, bool other_length);

/// For a run that somebody else made, whose numbers are to be those of `wanted`: network (but for its name), recipe
/// (but for its name), seed, precision and images. Folders, memory and checkpoints change no number. Error (bad data):
/// names what differs.
void expect_same_training(const RunConfig& wanted, const RunConfig& there, const fs::path& run);

/// The position from which a training of `steps` steps goes on. A run that ended within an epoch and is extended goes
/// on within that epoch. Error (bad model): the counters contradict each other or the length.
TrainingPosition continued(TrainingPosition position, int64_t steps, int64_t steps_per_epoch);

}  // namespace resnet
