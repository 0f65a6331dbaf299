// The pen behind charts and drawings: escapes text, carries the style sheet, keeps numbers short.
#pragma once

#include <string>
#include <string_view>

namespace resnet {

/// Colours in the palette; series beyond it start again.
inline constexpr int palette_size = 7;

enum class Anchor { start, middle, end };

struct TextStyle {
  std::string_view kind = "rc-text";  // a class of the style sheet
  Anchor anchor = Anchor::start;
  double angle = 0;  // degrees, clockwise about the anchor
};

struct MarkerStyle {
  std::string_view tooltip = {};  // shown while the pointer rests on it
  bool open = false;              // an outline, larger than the filled form, which stays visible within it
};

class Svg {
 public:
  /// Pixel coordinates from (0, 0) to (width, height); `title` is what a screen reader says.
  Svg(double width, double height, std::string_view title);

  void text(double x, double y, std::string_view text, TextStyle style = {});
  void line(double x1, double y1, double x2, double y2, std::string_view kind);
  /// `tooltip` is shown while the pointer rests on it; `attributes` go into the tag unescaped.
  void rectangle(double x, double y, double width, double height, std::string_view kind, std::string_view tooltip = {},
                 std::string_view attributes = {});
  /// `commands` as in the d attribute of <path>.
  void path(std::string_view commands, std::string_view kind, std::string_view attributes = {});
  /// Everything until close() takes the palette colour `index` ...
  void open_colour(int index);
  /// ... or is cut off at this rectangle.
  void open_clip(double x, double y, double width, double height);
  void close();
  /// One of seven shapes around (x, y).
  void marker(double x, double y, int index, MarkerStyle style = {});

  /// The element; to be called once.
  std::string finish();

 private:
  std::string text_, closing_;
};

/// Shortest text with at most two decimals.
std::string coordinate(double value);

/// "stroke-dasharray=..." of the series `index`; empty for the first, which is solid.
std::string dash(int index);

/// A guess at the width in pixels of text in the charts' 12-pixel font.
double text_width(std::string_view text);

}  // namespace resnet
