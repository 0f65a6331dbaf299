#include "base/error.hpp"
#include "base/random.hpp"
#include "data/builtin.hpp"
#include "data/generate.hpp"
#include "data/outlines.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace resnet {
namespace {

constexpr int side = 32;
constexpr int samples = 3;  // per pixel and axis, for smooth edges

using Colour = std::array<double, 3>;             // 0 .. 255
using Picture = std::array<Colour, side * side>;  // row by row

Colour random_colour(Rng& rng) { return {rng.uniform(0, 255), rng.uniform(0, 255), rng.uniform(0, 255)}; }

Colour blend(const Colour& a, const Colour& b, double share_of_b) {
  Colour result;
  for (std::size_t c = 0; c < 3; ++c) result[c] = a[c] + (b[c] - a[c]) * share_of_b;
  return result;
}

double distance(const Colour& a, const Colour& b) {
  double sum = 0;
  for (std::size_t c = 0; c < 3; ++c) sum += (a[c] - b[c]) * (a[c] - b[c]);
  return std::sqrt(sum);
}

// Two colours mixed by a wave and by smooth random blotches.
class Texture {
 public:
  Texture(const Colour& first, const Colour& second, Rng& rng) : first_(first), second_(second) {
    const double frequency = rng.uniform(0.15, 1.2), angle = rng.uniform(0, 2 * std::numbers::pi);
    step_x_ = frequency * std::cos(angle);
    step_y_ = frequency * std::sin(angle);
    phase_ = rng.uniform(0, 2 * std::numbers::pi);
    wave_share_ = rng.uniform();
    for (double& value : grid_) value = rng.uniform();
  }

  Colour at(int x, int y) const {
    const double wave = 0.5 + 0.5 * std::sin(step_x_ * x + step_y_ * y + phase_);
    return blend(first_, second_, wave_share_ * wave + (1 - wave_share_) * blotches(x, y));
  }

  double distance_to(const Colour& colour) const {
    return std::min(
        {distance(first_, colour), distance(second_, colour), distance(blend(first_, second_, 0.5), colour)});
  }

 private:
  static constexpr int cells = 6, cell_size = side / (cells - 2);

  double blotches(int x, int y) const {
    const int column = x / cell_size, row = y / cell_size;
    const double u = static_cast<double>(x % cell_size) / cell_size, v = static_cast<double>(y % cell_size) / cell_size;
    const double* corner = &grid_[static_cast<std::size_t>(row * cells + column)];
    return (corner[0] * (1 - u) + corner[1] * u) * (1 - v) + (corner[cells] * (1 - u) + corner[cells + 1] * u) * v;
  }

  Colour first_, second_;
  double step_x_, step_y_, phase_, wave_share_;
  std::array<double, cells * cells> grid_;
};

// An outline placed on the picture.
struct Placement {
  double x = 0, y = 0, radius = 1, angle = 0;
};

// Calls paint(colour of the pixel, covered share) for each pixel that the outline touches.
template <class Contains, class Paint>
void cover(const Placement& place, Contains&& contains, Paint&& paint) {
  const double cosine = std::cos(place.angle) / place.radius, sine = std::sin(place.angle) / place.radius;
  const auto clamp = [](double value) { return static_cast<int>(std::clamp(value, 0.0, static_cast<double>(side))); };
  const int top = clamp(std::floor(place.y - place.radius)), bottom = clamp(std::ceil(place.y + place.radius));
  const int left = clamp(std::floor(place.x - place.radius)), right = clamp(std::ceil(place.x + place.radius));
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) {
      int inside = 0;
      for (int sample = 0; sample < samples * samples; ++sample) {
        const double dx = x + (sample % samples + 0.5) / samples - place.x;
        const double dy = y + (sample / samples + 0.5) / samples - place.y;
        inside += contains(cosine * dx + sine * dy, cosine * dy - sine * dx);
      }
      if (inside > 0) paint(x, y, static_cast<double>(inside) / (samples * samples));
    }
}

// A bar or a disc of one colour: clutter behind the shape, or a cover in front of it.
void paint_blot(Picture& picture, const Placement& place, double narrow, const Colour& colour) {
  const auto blot = [narrow](double x, double y) { return x * x + y * y < 1 && std::abs(y) < narrow; };
  cover(place, blot, [&](int x, int y, double share) {
    Colour& pixel = picture[static_cast<std::size_t>(y * side + x)];
    pixel = blend(pixel, colour, share);
  });
}

void paint_clutter(Picture& picture, const Colour& ground, Rng& rng) {
  for (int64_t remaining = rng.below(3); remaining > 0; --remaining) {
    const Placement place{rng.uniform(0, side), rng.uniform(0, side), rng.uniform(1.5, 7),
                          rng.uniform(0, 2 * std::numbers::pi)};
    const double narrow = rng.uniform(0.15, 1);
    paint_blot(picture, place, narrow, blend(ground, random_colour(rng), rng.uniform(0.3, 0.8)));
  }
}

// Covers a part of the shape's rim.
void paint_cover(Picture& picture, const Placement& shape, Rng& rng) {
  if (!rng.chance(0.4)) return;
  const double direction = rng.uniform(0, 2 * std::numbers::pi), reach = shape.radius * rng.uniform(0.6, 1.1);
  const Placement place{shape.x + reach * std::cos(direction), shape.y + reach * std::sin(direction),
                        shape.radius * rng.uniform(0.3, 0.6), rng.uniform(0, 2 * std::numbers::pi)};
  const double narrow = rng.uniform(0.3, 1);
  paint_blot(picture, place, narrow, random_colour(rng));
}

// A colour that stands out from the ground.
Colour contrasting_colour(const Texture& ground, Rng& rng) {
  constexpr double enough = 100;
  Colour best = random_colour(rng);
  for (int attempt = 0; attempt < 20 && ground.distance_to(best) < enough; ++attempt) {
    const Colour other = random_colour(rng);
    if (ground.distance_to(other) > ground.distance_to(best)) best = other;
  }
  return best;
}

// The sum of four random bytes, scaled to deviation 1, is close to normal and far quicker than Box-Muller.
void add_noise_and_store(const Picture& picture, double deviation, Rng& rng, std::span<uint8_t> pixels) {
  constexpr double byte_deviation = 147.8;  // sqrt(4 * (256^2 - 1) / 12)
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < picture.size(); ++i) {
      const uint32_t bits = rng.bits32();
      const uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
      const double noise = (static_cast<double>(sum) - 510) * (deviation / byte_deviation);
      pixels[c * picture.size() + i] = static_cast<uint8_t>(std::clamp(picture[i][c] + noise + 0.5, 0.0, 255.0));
    }
}

}  // namespace

// How hard the images are was set by training: with these ranges ResNet-20 leaves chance within the first 150 steps
// and ends at 98.6% after 10 epochs (batch 128, peak rate 0.2, one seed). With noise up to 22 and contrast from 85 it
// is still near chance after 170 steps, too late for a short schedule.
void render_shape(uint64_t seed, std::string_view part, int64_t index, int label, std::span<uint8_t> pixels) {
  Rng rng(seed, "shapes", {stream_key(0, part), static_cast<uint64_t>(index)});
  const Colour ground_colour = random_colour(rng);
  const Texture ground(ground_colour, blend(ground_colour, random_colour(rng), rng.uniform(0.1, 0.6)), rng);
  Picture picture;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) picture[static_cast<std::size_t>(y * side + x)] = ground.at(x, y);
  paint_clutter(picture, ground_colour, rng);

  Placement place;
  place.radius = rng.uniform(7, 13);
  const double margin = 0.85 * place.radius;  // a tip may leave the picture
  place.x = rng.uniform(margin, side - margin);
  place.y = rng.uniform(margin, side - margin);
  place.angle = rng.uniform(0, 2 * std::numbers::pi);
  const Colour colour = contrasting_colour(ground, rng);
  const Texture surface(colour, blend(colour, random_colour(rng), rng.uniform(0, 0.4)), rng);
  cover(place, outlines[static_cast<std::size_t>(label)].contains, [&](int x, int y, double share) {
    Colour& pixel = picture[static_cast<std::size_t>(y * side + x)];
    pixel = blend(pixel, surface.at(x, y), share);
  });
  paint_cover(picture, place, rng);
  add_noise_and_store(picture, rng.uniform(2, 16), rng, pixels);
}

DataSplit generate_shapes(const ShapesOptions& options, int threads) {
  for (const int64_t count : {options.train, options.test})
    if (count < 1 || count > 10'000'000)
      fail_usage("builtin:shapes: ", count, " images are asked for, expected 1 to 10000000");
  std::vector<std::string> classes;
  for (const Outline& outline : outlines) classes.emplace_back(outline.name);
  const auto part = [&](std::string_view name, int64_t count) {
    return generate_images(classes, {3, side, side}, count, threads,
                           [&, name](int64_t index, int label, std::span<uint8_t> pixels) {
                             render_shape(options.seed, name, index, label, pixels);
                           });
  };
  DataSplit split;
  split.train = part("train", options.train);
  split.test = part("test", options.test);
  split.name = "shapes";
  split.preprocessing = computed_preprocessing(*split.train);
  return split;
}

}  // namespace resnet
