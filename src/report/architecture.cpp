#include "report/architecture.hpp"

#include "report/escape.hpp"
#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace resnet {
namespace {

// All in pixels. From left to right: the stage's name, the shortcut arcs, the boxes, "x18", the output shapes.
constexpr double stage_width = 96, arc_width = 46, gap = 30, box_height = 42, single_height = 28, top_margin = 14;
constexpr double smallest_box = 190;

bool same_but_name(const DrawnBlock& a, const DrawnBlock& b) {
  return a.detail == b.detail && a.output_shape == b.output_shape && a.shortcut == b.shortcut;
}

double height_of(const DrawnBlock& block) { return block.detail.empty() ? single_height : box_height; }

struct Columns {
  double box_left, box_width, repeat_width, shape_width;
  double middle() const { return box_left + box_width / 2; }
  double box_right() const { return box_left + box_width; }
  double width() const { return box_right() + repeat_width + shape_width; }
};

Columns columns_of(const ArchitectureDrawing& drawing) {
  double box = smallest_box, shape = 0;
  bool repeats = false;
  for (const DrawnStage& stage : drawing.stages)
    for (const DrawnBlock& block : stage.blocks) {
      box = std::max({box, text_width(block.name) * 1.1 + 28, text_width(block.detail) + 28});
      shape = std::max(shape, text_width(block.output_shape) + 24);
      repeats = repeats || block.repeat > 1;
    }
  return {stage_width + arc_width, box, repeats ? 52.0 : 10.0, shape};
}

void draw_arrow(Svg& svg, double x, double from, double to) {
  svg.line(x, from, x, to - 5, "rc-flow");
  svg.path(fmt::format("M{} {}l-4 -7h8z", coordinate(x), coordinate(to)), "rc-head");
}

// From the line above the block, around it at the left, to the addition below it.
void draw_shortcut(Svg& svg, const DrawnBlock& block, const Columns& columns, double top, double bottom) {
  const double x = columns.middle(), left = columns.box_left - 26, start = top - gap + 7, end = bottom + 11;
  const std::string arc = fmt::format("M{0} {1}H{2}Q{3} {1} {3} {4}V{5}Q{3} {6} {2} {6}H{7}", coordinate(x),
                                      coordinate(start), coordinate(left + 10), coordinate(left),
                                      coordinate(start + 10), coordinate(end - 10), coordinate(end), coordinate(x - 8));
  svg.path(arc, block.shortcut == DrawnShortcut::projection ? "rc-flow rc-dashed" : "rc-flow");
  svg.path(fmt::format("M{0} {1}m-7 0a7 7 0 1 0 14 0a7 7 0 1 0 -14 0M{0} {1}m-4 0h8m-4 -4v8", coordinate(x),
                       coordinate(end)),
           "rc-flow");
}

// Boxes behind the front one say that it stands for several.
void draw_box(Svg& svg, const DrawnBlock& block, const Columns& columns, double top, int colour) {
  const double height = height_of(block);
  svg.open_colour(colour);
  if (block.repeat > 1)
    for (const double shift : {6.0, 3.0})
      svg.rectangle(columns.box_left + shift, top - shift, columns.box_width, height, "rc-back", {}, "rx=\"5\"");
  svg.rectangle(columns.box_left, top, columns.box_width, height, "rc-back", {}, "rx=\"5\"");
  svg.rectangle(columns.box_left, top, columns.box_width, height, "rc-box", {}, "rx=\"5\"");
  svg.close();
  svg.text(columns.middle(), top + 18, block.name, {.kind = "rc-strong", .anchor = Anchor::middle});
  if (!block.detail.empty())
    svg.text(columns.middle(), top + 34, block.detail, {.kind = "rc-text", .anchor = Anchor::middle});
  const double line = top + height / 2 + 4;
  if (block.repeat > 1)
    svg.text(columns.box_right() + 12, line, fmt::format("×{}", block.repeat), {.kind = "rc-title"});
  svg.text(columns.box_right() + columns.repeat_width, line, block.output_shape, {.kind = "rc-soft"});
}

// Draws one stage from `y` (the end of the line that comes in) and returns where its own line ends.
double draw_stage(Svg& svg, const DrawnStage& stage, const Columns& columns, double y, int colour) {
  const double first = y + gap;
  for (const DrawnBlock& block : stage.blocks) {
    const double top = y + gap, bottom = top + height_of(block);
    draw_arrow(svg, columns.middle(), y, block.repeat > 1 ? top - 6 : top);
    if (block.shortcut != DrawnShortcut::none) {
      svg.line(columns.middle(), bottom, columns.middle(), bottom + 4, "rc-flow");
      draw_shortcut(svg, block, columns, top, bottom);
    }
    draw_box(svg, block, columns, top, colour);
    y = block.shortcut == DrawnShortcut::none ? bottom : bottom + 18;
  }
  if (!stage.blocks.empty()) {
    svg.open_colour(colour);
    svg.rectangle(stage_width - 6, first, 4, y - first, "rc-fill", {}, "rx=\"2\"");
    svg.close();
    svg.text(stage_width - 14, (first + y) / 2 + 4, shortened(stage.name, 12),
             {.kind = "rc-strong", .anchor = Anchor::end});
  }
  return y;
}

}  // namespace

std::vector<DrawnBlock> collapse(const std::vector<DrawnBlock>& blocks) {
  std::vector<DrawnBlock> kept;
  std::string first;
  for (const DrawnBlock& block : blocks) {
    if (!kept.empty() && same_but_name(kept.back(), block)) {
      kept.back().repeat += block.repeat;
      kept.back().name = first + " … " + block.name;
    } else {
      kept.push_back(block);
      first = block.name;
    }
  }
  return kept;
}

std::string draw(const ArchitectureDrawing& drawing) {
  ArchitectureDrawing shown = drawing;
  double height = top_margin + (drawing.title.empty() ? 0 : 20);
  for (DrawnStage& stage : shown.stages) {
    stage.blocks = collapse(stage.blocks);
    for (const DrawnBlock& block : stage.blocks)
      height += gap + height_of(block) + (block.shortcut == DrawnShortcut::none ? 0 : 18);
  }
  const Columns columns = columns_of(shown);
  Svg svg(std::max(columns.width() + 10, text_width(drawing.title) * 1.25 + 28), height + top_margin,
          drawing.title.empty() ? "architecture" : drawing.title);
  double y = top_margin;
  if (!drawing.title.empty()) {
    svg.text(14, 22, drawing.title, {.kind = "rc-title"});
    y += 20;
  }
  int colour = 0;
  for (const DrawnStage& stage : shown.stages) y = draw_stage(svg, stage, columns, y, colour++);
  return svg.finish();
}

}  // namespace resnet
