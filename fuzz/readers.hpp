// The fuzz targets of the readers of data sets, model files and configurations.
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
/// A whole file.
void fuzz_safetensors(std::span<const std::byte> input);
/// A whole PyTorch file, as a zip archive, as the older stream, or as a pickle alone.
void fuzz_pytorch(std::span<const std::byte> input);
/// A whole file, imported as a network.
void fuzz_onnx(std::span<const std::byte> input);
/// config.toml of a run, and the recipe alone.
void fuzz_config(std::span<const std::byte> input);
/// The JSON texts in a model file: spec, preprocessing, where a training stands.
void fuzz_metadata(std::span<const std::byte> input);

}  // namespace resnet::fuzz
