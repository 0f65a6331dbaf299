// What `resnet fetch` can download: published weights of networks of the zoo, and data sets. The rows are in table.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace resnet {

/// One file on its makers' server.
struct PublishedFile {
  std::string_view address;
  /// Of the content: 64 hexadecimal digits, or, where its makers publish no more, as many of the first ones as they do.
  std::string_view sha256;
  /// Exact, or, for weights, the published size in MiB rounded up; a download never takes more than this.
  uint64_t most_bytes = 0;
  bool exact = true;

  /// "resnet50-0676ba61.pth"
  std::string_view name() const { return address.substr(address.rfind('/') + 1); }
};

/// Weights become a file in the cache. Data become a folder: compressed files as they are (packed), those of a .tar.gz
/// (unpacked), or the .tar itself, in which photos are read where they lie (decompressed).
enum class PublishedKind : uint8_t { weights, packed, unpacked, decompressed };

struct Published {
  std::string_view name;  // what the user types
  PublishedKind kind = PublishedKind::weights;
  std::string_view title;
  std::string_view licence;
  std::vector<PublishedFile> files;

  // weights: the network of the zoo, and the shorter side before the centre crop of 224 pixels.
  std::string_view model = {};
  int resize = 0;

  bool is_data() const { return kind != PublishedKind::weights; }
};

/// Data sets first, then weights in the order of the zoo.
std::span<const Published> published();

/// Null if there is no such name.
const Published* find_published(std::string_view name);

/// Error (usage): there is no such name; names the nearest.
const Published& expect_published(std::string_view name);

}  // namespace resnet
