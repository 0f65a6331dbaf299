// A self-contained page: one file that opens offline, with nothing to load and no script. All text is escaped here.
#pragma once

#include "report/escape.hpp"
#include "report/png.hpp"
#include "report/tables.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resnet {

enum class Mark { none, right, wrong };

struct GalleryItem {
  PixelImage image;
  std::string title;    // first line: "cat"
  std::string caption;  // second line, smaller: "truth: dog"
  Mark mark = Mark::none;
};

/// Built from top to bottom: each call appends. Everything before the first section belongs to the head of the page.
class HtmlPage {
 public:
  explicit HtmlPage(std::string title, std::string subtitle = {});

  void section(std::string_view title);
  void paragraph(std::string_view text);
  /// Large figures in a row: {"top-1", "91.3 %"}.
  void highlights(const std::vector<std::pair<std::string, std::string>>& items);
  /// A list of names and values: {"batch", "128"}.
  void facts(const std::vector<std::pair<std::string, std::string>>& items);
  void table(const Table& table);
  /// As it stands, in a fixed-width font, folded behind `summary` if there is one.
  void preformatted(std::string_view text, std::string_view summary = {});
  /// An <svg> element from draw(...), not escaped; `alone` gives it a row of its own, else two share one.
  void figure(std::string_view svg, std::string_view caption, bool alone = false);
  /// Images enlarged to `side` CSS pixels with hard pixel edges.
  void gallery(std::span<const GalleryItem> items, int side = 112);

  /// The whole document.
  std::string text() const;

 private:
  void leave_figures();

  std::string title_, subtitle_, body_;
  std::vector<std::string> sections_;
  bool in_section_ = false;
  bool in_figures_ = false;
};

}  // namespace resnet
