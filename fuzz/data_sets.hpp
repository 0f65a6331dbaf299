// The fuzz targets of the readers of data sets and of what is kept about them; they need no more than `data`.
#pragma once

#include <cstddef>
#include <span>

namespace resnet::fuzz {

/// One file of records, as CIFAR-10 and as CIFAR-100.
void fuzz_cifar(std::span<const std::byte> input);
/// An idx file as the images and as the labels of MNIST, plain and as .gz; its partner is made to fit.
void fuzz_idx(std::span<const std::byte> input);
/// A whole tar file: its entries, and as photos.
void fuzz_tar(std::span<const std::byte> input);
/// A cache of decoded photos, as it is and with an index that is sorted and has the right hash.
void fuzz_cache(std::span<const std::byte> input);
/// split.csv and bad_files.csv of a run.
void fuzz_csv(std::span<const std::byte> input);

}  // namespace resnet::fuzz
