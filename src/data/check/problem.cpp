#include "data/check/problem.hpp"

#include <array>
#include <cassert>

namespace resnet {

std::span<const ProblemRow> problems() {
  using enum Problem;
  using enum Severity;
  static constexpr std::array<ProblemRow, 26> table = {{
      {empty_file, harmful, "empty-file", "files without content"},
      {unreadable, harmful, "unreadable", "files that cannot be read as images; training skips them"},
      {damaged, harmful, "damaged", "images with damaged parts, which are trained on as they decode"},
      {contradiction, harmful, "contradiction", "the same picture in two classes"},
      {leak, harmful, "leak", "the same picture in two splits: results come out too good"},
      {untrained_class, harmful, "untrained-class", "classes without images for training"},
      {too_few_classes, harmful, "too-few-classes", "fewer than two classes"},
      {near_contradiction, suspicious, "near-contradiction", "nearly the same picture in two classes"},
      {near_leak, suspicious, "near-leak", "nearly the same picture in two splits"},
      {duplicate, suspicious, "duplicate", "the same picture again in one class"},
      {near_duplicate, suspicious, "near-duplicate", "nearly the same picture again in one class"},
      {missing_class, suspicious, "missing-class", "classes that a split does not have"},
      {imbalance, suspicious, "imbalance", "classes with far fewer images than the largest"},
      {blank, suspicious, "blank", "images of one colour"},
      {tiny, suspicious, "tiny", "images much smaller than the others"},
      {huge, suspicious, "huge", "images that take long to decode"},
      {extension, suspicious, "extension", "files whose name promises another format than they hold"},
      {not_an_image, handled, "not-an-image", "files that are no images and are left out"},
      {outside_classes, handled, "outside-classes", "images outside of the class folders, which are left out"},
      {cmyk, handled, "cmyk", "CMYK images; read as RGB"},
      {sixteen_bits, handled, "sixteen-bits", "images of 16 bits; read as 8"},
      {palette, handled, "palette", "palette images; looked up"},
      {alpha, handled, "alpha", "images with transparency; dropped"},
      {grey_among_colour, handled, "grey-among-colour", "grey images among colour ones; read as RGB"},
      {rotated, handled, "rotated", "images that EXIF turns; turned on reading (Pillow and torchvision do not)"},
      {animated, handled, "animated", "animations; the first picture is taken"},
  }};
  return table;
}

const ProblemRow& row_of(Problem problem) {
  const ProblemRow& row = problems()[static_cast<std::size_t>(problem)];
  assert(row.problem == problem);
  return row;
}

}  // namespace resnet
