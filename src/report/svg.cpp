#include "report/svg.hpp"

#include "report/escape.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace resnet {
namespace {

// Plain rules and currentColor rather than CSS variables: viewers that know no variables or media queries (file
// managers, Inkscape) still show the light form. Okabe & Ito's colours, the yellow only on dark where it can be seen.
constexpr std::string_view style_sheet =
    "<style>"
    ".rc-chart{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}"
    ".rc-paper{fill:#fff}.rc-text{fill:#1f2328}.rc-soft{fill:#57606a}"
    ".rc-title{fill:#1f2328;font-size:14px;font-weight:600}.rc-strong{fill:#1f2328;font-weight:600}"
    ".rc-grid{stroke:#dfe4ea}.rc-axis{stroke:#8c959f}.rc-error{stroke:#1f2328}.rc-flow{stroke:#6e7781;fill:none;stroke-"
    "width:1.5}"
    ".rc-dashed{stroke-dasharray:5 4}.rc-head{fill:#6e7781}"
    ".rc-line{stroke:currentColor;fill:none;stroke-width:2;stroke-linejoin:round}"
    ".rc-band{fill:currentColor;fill-opacity:.18}.rc-fill{fill:currentColor}"
    ".rc-mark{fill:currentColor;stroke:#fff;stroke-width:.75}"
    ".rc-open{fill:none;stroke:currentColor;stroke-width:1;pointer-events:all}"
    ".rc-box{fill:currentColor;fill-opacity:.13;stroke:currentColor;stroke-width:1.25}"
    ".rc-back{fill:#fff;stroke:currentColor;stroke-width:1;stroke-opacity:.55}"
    ".rc-cell{fill:#0b5cad}.rc-onfill{fill:#fff}.rc-none{fill:#c8ced5}.rc-frame{fill:none;stroke:#8c959f}"
    ".rc-c0{color:#0072b2}.rc-c1{color:#d55e00}.rc-c2{color:#00805d}.rc-c3{color:#b8578f}.rc-c4{color:#c98500}"
    ".rc-c5{color:#3a9fd8}.rc-c6{color:#57606a}"
    "@media(prefers-color-scheme:dark){"
    ".rc-paper{fill:#161b22}.rc-text,.rc-title,.rc-strong{fill:#e6edf3}.rc-soft{fill:#9da7b3}"
    ".rc-grid{stroke:#2b323b}.rc-axis,.rc-frame{stroke:#6e7681}.rc-flow{stroke:#8b949e}.rc-head{fill:#8b949e}"
    ".rc-mark{stroke:#161b22}.rc-error{stroke:#e6edf3}.rc-back{fill:#161b22}.rc-cell{fill:#58b4f0}.rc-onfill{fill:#"
    "0d1117}.rc-none{fill:#484f58}"
    ".rc-c0{color:#4fb0ee}.rc-c1{color:#ff8f4a}.rc-c2{color:#2bc79b}.rc-c3{color:#e79ac8}.rc-c4{color:#f0b63c}"
    ".rc-c5{color:#f0e442}.rc-c6{color:#b1bac4}}"
    "</style>";

// A picture is not made smaller than a phone is wide, so that its text stays legible; where there is no room for that
// it can be scrolled.
constexpr double widest_on_phones = 340;

std::string titled(std::string_view tooltip) {
  return tooltip.empty() ? "" : "<title>" + escape_html(tooltip) + "</title>";
}

}  // namespace

std::string coordinate(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string dash(int index) {
  constexpr std::array<std::string_view, palette_size> patterns = {"",     "8 4",         "2 3", "10 3 2 3",
                                                                   "14 4", "6 2 2 2 2 2", "1 4"};
  const std::string_view pattern = patterns[static_cast<std::size_t>(index % palette_size)];
  return pattern.empty() ? "" : fmt::format("stroke-dasharray=\"{}\"", pattern);
}

double text_width(std::string_view text) {
  double width = 0;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((byte & 0xC0) == 0x80) continue;  // the rest of a character already counted
    width += byte >= 0xE3 ? 12 : byte >= 'A' && byte <= 'Z' ? 8 : 6.6;
  }
  return width;
}

Svg::Svg(double width, double height, std::string_view title) : closing_("</svg>") {
  text_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rc-chart\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" style=\"max-width:100%;min-width:{2}px;height:auto\" role=\"img\" aria-label=\"{3}\">{4}",
      coordinate(width), coordinate(height), coordinate(std::min(0.62 * width, widest_on_phones)), escape_html(title),
      style_sheet);
  rectangle(0, 0, width, height, "rc-paper");
}

void Svg::text(double x, double y, std::string_view text, TextStyle style) {
  constexpr std::array<std::string_view, 3> anchors = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  text_ += fmt::format("<text x=\"{0}\" y=\"{1}\" class=\"{2}\"{3}", coordinate(x), coordinate(y), style.kind,
                       anchors[static_cast<std::size_t>(style.anchor)]);
  if (style.angle != 0)
    text_ += fmt::format(" transform=\"rotate({} {} {})\"", coordinate(style.angle), coordinate(x), coordinate(y));
  text_ += ">" + escape_html(text) + "</text>";
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view kind) {
  text_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>", coordinate(x1), coordinate(y1),
                       coordinate(x2), coordinate(y2), kind);
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view kind, std::string_view tooltip,
                    std::string_view attributes) {
  text_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\"{}{}>{}</rect>", coordinate(x),
                       coordinate(y), coordinate(std::max(0.0, width)), coordinate(std::max(0.0, height)), kind,
                       attributes.empty() ? "" : " ", attributes, titled(tooltip));
}

void Svg::path(std::string_view commands, std::string_view kind, std::string_view attributes) {
  text_ += fmt::format("<path d=\"{}\" class=\"{}\"{}{}/>", commands, kind, attributes.empty() ? "" : " ", attributes);
}

void Svg::open_colour(int index) {
  text_ += fmt::format("<g class=\"rc-c{}\">", index % palette_size);
  closing_ = "</g>" + closing_;
}

void Svg::open_clip(double x, double y, double width, double height) {
  // A nested <svg> clips without an id, which could clash with that of another picture in the same page.
  const std::string box =
      fmt::format("{} {} {} {}", coordinate(x), coordinate(y), coordinate(width), coordinate(height));
  text_ += fmt::format("<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" viewBox=\"{}\">", coordinate(x),
                       coordinate(y), coordinate(width), coordinate(height), box);
  closing_ = "</svg>" + closing_;
}

void Svg::close() {
  const std::size_t end = closing_.find('>') + 1;
  text_ += closing_.substr(0, end);
  closing_.erase(0, end);
}

void Svg::marker(double x, double y, int index, MarkerStyle style) {
  constexpr std::array<std::string_view, palette_size> shapes = {
      "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
      "m-3.2 -3.2h6.4v6.4h-6.4z",
      "m0 -4.4l4.2 7.2h-8.4z",
      "m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z",
      "m0 4.4l4.2 -7.2h-8.4z",
      "m-1.4 -4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z",
      "m-4.5 -1.6h9v3.2h-9z"};
  const std::string_view shape = shapes[static_cast<std::size_t>(index % palette_size)];
  if (style.open)
    text_ += fmt::format("<path transform=\"translate({} {}) scale(1.7)\" d=\"M0 0{}\" class=\"rc-open\">{}</path>",
                         coordinate(x), coordinate(y), shape, titled(style.tooltip));
  else
    text_ += fmt::format("<path d=\"M{} {}{}\" class=\"rc-mark\">{}</path>", coordinate(x), coordinate(y), shape,
                         titled(style.tooltip));
}

std::string Svg::finish() { return std::move(text_) + closing_; }

}  // namespace resnet
