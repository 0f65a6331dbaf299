#include "data/outlines.hpp"

#include <cmath>
#include <numbers>

namespace resnet {
namespace {

double square_of(double x) { return x * x; }

bool circle(double x, double y) { return x * x + y * y < square_of(0.9); }

bool ring(double x, double y) {
  const double r = x * x + y * y;
  return r < square_of(0.95) && r > square_of(0.55);
}

bool crescent(double x, double y) {
  return x * x + y * y < square_of(0.98) && square_of(x - 0.45) + y * y > square_of(0.78);
}

// Corners on a circle of the given radius, the first one on the positive y axis.
template <int corners>
bool regular_polygon(double x, double y, double radius) {
  static const auto normals = [] {
    std::array<std::array<double, 2>, corners> edges{};
    for (int edge = 0; edge < corners; ++edge) {
      const double angle = std::numbers::pi * (2.0 * edge + 1) / corners;
      edges[static_cast<std::size_t>(edge)] = {std::sin(angle), std::cos(angle)};
    }
    return edges;
  }();
  static const double inner = std::cos(std::numbers::pi / corners);
  for (const auto& [nx, ny] : normals)
    if (nx * x + ny * y > radius * inner) return false;
  return true;
}

bool triangle(double x, double y) { return regular_polygon<3>(x, y, 1); }
bool square(double x, double y) { return regular_polygon<4>(x, y, 1); }
bool pentagon(double x, double y) { return regular_polygon<5>(x, y, 0.95); }

// A pentagram is where a point is inside at least four of the five edges of a pentagon.
bool star(double x, double y) {
  int outside = 0;
  for (int edge = 0; edge < 5; ++edge) {
    static constexpr double sines[] = {0.587785252292473, 0.951056516295154, 0, -0.951056516295154, -0.587785252292473};
    static constexpr double cosines[] = {0.809016994374947, -0.309016994374947, -1, -0.309016994374947,
                                         0.809016994374947};
    // The lines through the corners of a five-pointed star of radius 1 lie cos(72 degrees) from its centre.
    outside += sines[edge] * x + cosines[edge] * y > 0.309016994374947;
  }
  return outside <= 1;
}

bool cross(double x, double y) {
  const double ax = std::abs(x), ay = std::abs(y);
  return (ax < 0.3 && ay < 0.93) || (ay < 0.3 && ax < 0.93);
}

bool heart(double x, double y) {
  const double u = 1.3 * x, v = 1.3 * y + 0.2;
  const double r = u * u + v * v - 1;
  return r * r * r < u * u * v * v * v;
}

bool arrow(double x, double y) {
  if (y > 0) return y < 0.95 && std::abs(x) < 0.8 * (0.95 - y);
  return y > -0.9 && std::abs(x) < 0.26;
}

}  // namespace

const std::array<Outline, 10> outlines = {{{"circle", circle},
                                           {"square", square},
                                           {"triangle", triangle},
                                           {"pentagon", pentagon},
                                           {"star", star},
                                           {"cross", cross},
                                           {"ring", ring},
                                           {"crescent", crescent},
                                           {"heart", heart},
                                           {"arrow", arrow}}};

}  // namespace resnet
