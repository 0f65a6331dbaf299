#include "report/html.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace resnet {
namespace {

// The policy line is the promise of the page: it loads nothing and runs nothing.
constexpr std::string_view head =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
    "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:\"/>\n";

constexpr std::string_view style_sheet = R"(<style>
:root{--paper:#fff;--back:#f4f6f8;--text:#1f2328;--soft:#57606a;--line:#d8dee4;--link:#0b5cad;--right:#00805d;--wrong:#c2410c}
@media(prefers-color-scheme:dark){:root{--paper:#161b22;--back:#0d1117;--text:#e6edf3;--soft:#9da7b3;--line:#30363d;--link:#58b4f0;--right:#2bc79b;--wrong:#ff8f4a}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:26px;margin:0 0 2px}h2{font-size:18px;margin:0 0 12px}
a{color:var(--link)}
.subtitle{color:var(--soft);margin:0 0 14px}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:0 0 18px}
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:18px 20px;margin:0 0 18px}
p{margin:0 0 12px;max-width:80ch}
.highlights{display:flex;flex-wrap:wrap;gap:10px 40px;margin:0 0 18px}
.highlights div{display:flex;flex-direction:column-reverse}
.highlights dt{color:var(--soft);font-size:13px}.highlights dd{margin:0;font-size:26px;font-weight:600}
dl{margin:0}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 20px;margin:0 0 12px}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:0 0 12px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}.number{text-align:right;white-space:nowrap}
pre{background:var(--back);border:1px solid var(--line);border-radius:6px;padding:10px 12px;margin:0 0 12px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
summary{cursor:pointer;color:var(--link);margin:0 0 8px}
.figures{display:flex;flex-wrap:wrap;gap:18px;margin:0 0 12px}
figure{margin:0}figcaption{color:var(--soft);font-size:13px;margin-top:4px}
.figures figure{max-width:100%;overflow-x:auto}.figures figcaption{width:0;min-width:100%}
figure>svg{display:block}.figures .alone{flex-basis:100%}
.gallery{display:flex;flex-wrap:wrap;gap:14px 12px;margin:0 0 12px}
.gallery img{display:block;image-rendering:pixelated;border-radius:4px;border:3px solid var(--line);background:var(--back)}
.gallery .right img{border-color:var(--right)}.gallery .wrong img{border-color:var(--wrong);border-style:dashed}
.gallery figcaption{overflow-wrap:anywhere;line-height:1.35}.gallery b{color:var(--text);font-weight:600}
.right .mark{color:var(--right)}.wrong .mark{color:var(--wrong)}
@media(max-width:640px){main{padding:14px 6px 40px}section{padding:14px 12px}td:not(.number){min-width:8em}}
@media print{body{background:#fff}section{break-inside:avoid-page}}
</style>
)";

std::string definitions(std::string_view kind, const std::vector<std::pair<std::string, std::string>>& items) {
  const bool grouped = kind == "highlights";
  std::string text = fmt::format("<dl class=\"{}\">", kind);
  for (const auto& [name, value] : items)
    text += fmt::format("{}<dt>{}</dt><dd>{}</dd>{}", grouped ? "<div>" : "", escape_html(name), escape_html(value),
                        grouped ? "</div>" : "");
  return text + "</dl>\n";
}

std::string table_row(const Table& table, const std::vector<std::string>& cells, std::string_view tag) {
  std::string row = "<tr>";
  for (std::size_t column = 0; column < cells.size(); ++column) {
    const bool number = table.columns()[column].align == Align::right;
    row += fmt::format("<{0}{1}>{2}</{0}>", tag, number ? " class=\"number\"" : "", escape_html(cells[column]));
  }
  return row + "</tr>\n";
}

std::string gallery_item(const GalleryItem& item, int side) {
  constexpr std::string_view kinds[] = {"", "right", "wrong"};
  constexpr std::string_view signs[] = {"", "<span class=\"mark\">✓</span> ", "<span class=\"mark\">✗</span> "};
  const auto mark = static_cast<std::size_t>(item.mark);
  // The longer side fills the square; the frame of 3 pixels comes on top.
  const double longest = std::max(item.image.width, item.image.height);
  const int width = std::max(1, static_cast<int>(side * item.image.width / longest)) + 6;
  const int height = std::max(1, static_cast<int>(side * item.image.height / longest)) + 6;
  return fmt::format(
      "<figure class=\"{}\" style=\"width:{}px\"><img src=\"{}\" width=\"{}\" height=\"{}\" alt=\"{}\"/>"
      "<figcaption>{}<b>{}</b>{}{}</figcaption></figure>\n",
      kinds[mark], side + 6, png_data_uri(item.image), width, height, escape_html(item.title + ", " + item.caption),
      signs[mark], escape_html(item.title), item.caption.empty() ? "" : "<br/>", escape_html(item.caption));
}

}  // namespace

HtmlPage::HtmlPage(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void HtmlPage::leave_figures() {
  if (in_figures_) body_ += "</div>\n";
  in_figures_ = false;
}

void HtmlPage::section(std::string_view title) {
  leave_figures();
  if (in_section_) body_ += "</section>\n";
  sections_.emplace_back(title);
  body_ += fmt::format("<section id=\"section-{}\">\n<h2>{}</h2>\n", sections_.size(), escape_html(title));
  in_section_ = true;
}

void HtmlPage::paragraph(std::string_view text) {
  leave_figures();
  body_ += "<p>" + escape_html(text) + "</p>\n";
}

void HtmlPage::highlights(const std::vector<std::pair<std::string, std::string>>& items) {
  leave_figures();
  if (!items.empty()) body_ += definitions("highlights", items);
}

void HtmlPage::facts(const std::vector<std::pair<std::string, std::string>>& items) {
  leave_figures();
  if (!items.empty()) body_ += definitions("facts", items);
}

void HtmlPage::table(const Table& table) {
  leave_figures();
  std::vector<std::string> titles;
  for (const Column& column : table.columns()) titles.push_back(column.title);
  body_ += "<div class=\"scroll\"><table>\n<thead>" + table_row(table, titles, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : table.rows()) body_ += table_row(table, row, "td");
  body_ += "</tbody></table></div>\n";
}

void HtmlPage::preformatted(std::string_view text, std::string_view summary) {
  leave_figures();
  if (!summary.empty()) body_ += "<details><summary>" + escape_html(summary) + "</summary>\n";
  body_ += "<pre>" + escape_html(text) + "</pre>\n";
  if (!summary.empty()) body_ += "</details>\n";
}

void HtmlPage::figure(std::string_view svg, std::string_view caption, bool alone) {
  if (!in_figures_) body_ += "<div class=\"figures\">\n";
  in_figures_ = true;
  body_ += fmt::format("<figure{}>{}", alone ? " class=\"alone\"" : "", svg);
  if (!caption.empty()) body_ += "<figcaption>" + escape_html(caption) + "</figcaption>";
  body_ += "</figure>\n";
}

void HtmlPage::gallery(std::span<const GalleryItem> items, int side) {
  leave_figures();
  body_ += "<div class=\"gallery\">\n";
  for (const GalleryItem& item : items) body_ += gallery_item(item, side);
  body_ += "</div>\n";
}

std::string HtmlPage::text() const {
  std::string page(head);
  page += "<title>" + escape_html(title_) + "</title>\n" + std::string(style_sheet) + "</head>\n<body>\n<main>\n";
  page += "<h1>" + escape_html(title_) + "</h1>\n";
  if (!subtitle_.empty()) page += "<p class=\"subtitle\">" + escape_html(subtitle_) + "</p>\n";
  if (sections_.size() > 2) {
    page += "<nav>";
    for (std::size_t index = 0; index < sections_.size(); ++index)
      page += fmt::format("<a href=\"#section-{}\">{}</a> ", index + 1, escape_html(sections_[index]));
    page += "</nav>\n";
  }
  page += body_;
  if (in_figures_) page += "</div>\n";
  if (in_section_) page += "</section>\n";
  return page + "</main>\n</body>\n</html>\n";
}

}  // namespace resnet
