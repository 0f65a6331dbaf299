// The random part of augmentation: parameters drawn from a stream, as torchvision draws them. What is done with them is
// in operators.hpp.
#pragma once

#include "base/random.hpp"
#include "data/augment/operators.hpp"
#include "data/image.hpp"

#include <array>
#include <optional>

namespace resnet {

/// A range of values, both ends included.
struct Range {
  double low = 0, high = 0;
  bool operator==(const Range&) const = default;
};

/// The part of a picture of height x width that a random resized crop shows (Szegedy et al. 2014, section 6;
/// torchvision's RandomResizedCrop): an area uniform in `area` of the whole and a ratio width / height whose logarithm
/// is uniform; after ten tries that do not fit the largest centred part whose ratio lies in the range.
Rectangle draw_resized_crop(int height, int width, const Range& area, const Range& ratio, Rng& rng);
inline constexpr Range usual_crop_area = {0.08, 1};
inline constexpr Range usual_crop_ratio = {3.0 / 4, 4.0 / 3};

/// A window of the same size at a random place of the picture with `pad` black pixels on each side (He et al. 2015,
/// section 4.2). Draws the row, then the column; without padding it draws nothing.
Rectangle draw_padded_crop(int height, int width, int pad, Rng& rng);

/// The rectangle of Random Erasing (Zhong et al. 2017; torchvision's RandomErasing): with `probability`, an area of 2 %
/// to 33 % and a ratio height / width of 0.3 to 3.3 whose logarithm is uniform, smaller than the picture. None if it is
/// not to be, or after ten tries that do not fit.
std::optional<Rectangle> draw_erasing(int height, int width, double probability, Rng& rng);

/// How far brightness, contrast and saturation go from 1 (a factor is uniform in [max(0, 1 - x), 1 + x]) and the hue
/// from 0 (at most 0.5); 0 leaves that one out.
struct ColourJitter {
  double brightness = 0, contrast = 0, saturation = 0, hue = 0;
  bool any() const { return brightness > 0 || contrast > 0 || saturation > 0 || hue > 0; }
  bool operator==(const ColourJitter&) const = default;
};
/// The four changes in a random order (torchvision's ColorJitter).
Image jitter_colours(Image image, const ColourJitter& jitter, Rng& rng);

/// What PCA lighting adds to red, green and blue of a whole picture, on pixels scaled to [0, 1]: the principal
/// components of ImageNet's colours times normal numbers of `deviation` (Krizhevsky et al. 2012, section 4.1; 0.1
/// there).
std::array<float, 3> draw_lighting(double deviation, Rng& rng);

/// Beta(alpha, alpha) on (0, 1); alpha > 0.
double draw_beta(double alpha, Rng& rng);

}  // namespace resnet
