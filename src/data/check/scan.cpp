#include "data/check/scan.hpp"

#include "base/error.hpp"
#include "base/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace resnet {
namespace {

constexpr uint64_t largest_file = uint64_t{1} << 30;
constexpr int64_t huge_pixels = 50'000'000;

/// Formats that people keep photos in and that are not read, by their first bytes.
std::string_view foreign_format(std::string_view bytes) {
  const auto at = [&](std::size_t place, std::string_view text) {
    return bytes.substr(0, 64).substr(std::min<std::size_t>(place, bytes.size()), text.size()) == text;
  };
  if (at(0, "GIF8")) return "GIF";
  if (at(0, std::string_view("II*\0", 4)) || at(0, std::string_view("MM\0*", 4))) return "TIFF";
  if (at(4, "ftypavif")) return "AVIF";
  if (at(4, "ftyphei") || at(4, "ftypmif1")) return "HEIC";
  if (at(0, "<svg") || at(0, "<?xml")) return "SVG or XML";
  if (at(0, "<!DOCTYPE") || at(0, "<html")) return "HTML, perhaps the error page of a download";
  return "";
}

std::string extension_of(const std::string& path) { return fs::path(path).extension().string(); }

/// What the header says of a file that can be read.
void note_header(const ImageInfo& info, const std::string& path, ScannedImage& scanned) {
  const auto note = [&](bool there, Problem problem, std::string detail = {}) {
    if (there) scanned.problems.emplace_back(problem, std::move(detail));
  };
  const std::optional<ImageFormat> promised = format_of_extension(extension_of(path));
  note(!promised, Problem::extension,
       fmt::format("holds {}; training leaves it out under this name", name_of(info.format)));
  note(promised && *promised != info.format, Problem::extension, fmt::format("holds {}", name_of(info.format)));
  note(info.cmyk, Problem::cmyk);
  note(info.bits > 8, Problem::sixteen_bits, fmt::format("{} bits", info.bits));
  note(info.palette, Problem::palette);
  note(info.alpha, Problem::alpha);
  note(info.orientation != 1, Problem::rotated, fmt::format("orientation {}", info.orientation));
  note(info.animated, Problem::animated);
  note(int64_t{info.height} * info.width > huge_pixels, Problem::huge, fmt::format("{} x {}", info.width, info.height));
  scanned.stored_grey = !info.palette && info.channels - (info.alpha ? 1 : 0) == 1;
}

void add_pixels(const Image& image, ScannedImage& scanned) {
  scanned.height = image.height;
  scanned.width = image.width;
  scanned.fingerprint = fingerprint_of(image);
  if (scanned.fingerprint->blank && int64_t{image.height} * image.width > 1)
    scanned.problems.emplace_back(Problem::blank, "");
}

/// Strictly first; a file that only passes without is damaged, yet trained on.
void decode(std::span<const std::byte> bytes, const ImageLimits& limits, ScannedImage& scanned) {
  try {
    add_pixels(decode_image(bytes, {.limits = limits, .strict = true}), scanned);
  } catch (const Error& strict) {
    add_pixels(decode_image(bytes, {.limits = limits}), scanned);
    scanned.problems.emplace_back(Problem::damaged, strict.what());
  }
}

}  // namespace

ScannedImage scan_file(const std::string& path, const ImageLimits& limits) {
  ScannedImage scanned;
  const bool promised = format_of_extension(extension_of(path)).has_value();
  try {
    const std::string text = read_file(path, largest_file);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
    const std::string_view foreign = foreign_format(text);
    if (!promised && !detect_format(bytes)) {
      scanned.is_image = false;
      scanned.problems.emplace_back(Problem::not_an_image, foreign.empty() ? "" : fmt::format("holds {}", foreign));
    } else if (text.empty()) {
      scanned.problems.emplace_back(Problem::empty_file, "0 bytes");
    } else if (!detect_format(bytes) && !foreign.empty()) {
      scanned.problems.emplace_back(Problem::unreadable, fmt::format("holds {}", foreign));
    } else {
      const ImageInfo info = probe_image(bytes, limits);
      decode(bytes, limits, scanned);
      note_header(info, path, scanned);
    }
  } catch (const Error& error) {
    const std::string_view reason = error.what();
    const std::string prefix = path + ": ";
    scanned.problems.emplace_back(Problem::unreadable,
                                  reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason);
  }
  return scanned;
}

ScannedImage scan_image(const Image& image) {
  ScannedImage scanned;
  scanned.stored_grey = image.channels == 1;
  add_pixels(image, scanned);
  return scanned;
}

}  // namespace resnet
