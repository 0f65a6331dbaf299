#include "study/report.hpp"

namespace resnet {
namespace {

std::vector<GalleryItem> gallery_of(const std::vector<Picture>& pictures) {
  std::vector<GalleryItem> items;
  for (const Picture& picture : pictures)
    items.push_back({.image = {picture.channels, picture.height, picture.width, picture.pixels},
                     .title = picture.title,
                     .caption = picture.caption});
  return items;
}

}  // namespace

std::string_view name_of(Finding finding) {
  switch (finding) {
    case Finding::holds: return "holds";
    case Finding::fails: return "does not hold";
    case Finding::undecided: break;
  }
  return "not decided";
}

void StudyReport::section(std::string title, std::string text) {
  items_.emplace_back();
  items_.back().title = std::move(title);
  items_.back().text = std::move(text);
}

void StudyReport::figure(std::string file, std::string svg, std::string caption, bool alone) {
  items_.emplace_back();
  items_.back().figures.push_back({std::move(file), std::move(svg), std::move(caption), alone});
}

void StudyReport::gallery(std::vector<Picture> pictures, int side) {
  items_.emplace_back();
  items_.back().pictures = std::move(pictures);
  items_.back().side = side;
}

void StudyReport::table(Table table, std::string text) {
  items_.emplace_back();
  items_.back().text = std::move(text);
  items_.back().tables.push_back(std::move(table));
}

void StudyReport::note(std::string text) {
  items_.emplace_back();
  items_.back().text = std::move(text);
}

void StudyReport::add_found(HtmlPage& page) const {
  if (!items_.empty() && items_.front().title.empty()) page.section("What was found");
  for (const Item& item : items_) {
    if (!item.title.empty()) page.section(item.title);
    if (!item.text.empty()) page.paragraph(item.text);
    for (const Figure& figure : item.figures) page.figure(figure.svg, figure.caption, figure.alone);
    if (!item.pictures.empty()) page.gallery(gallery_of(item.pictures), item.side);
    for (const Table& table : item.tables) page.table(table);
  }
}

void StudyReport::add_claims(HtmlPage& page) const {
  if (claims_.empty()) return;
  page.section("Beside what was claimed");
  Table table({{"source"}, {"statement"}, {"found here"}, {"in this run it"}});
  for (const Claim& claim : claims_)
    table.row({claim.source, claim.statement, claim.found, std::string(name_of(claim.finding))});
  page.table(table);
}

void StudyReport::add_method(HtmlPage& page) const {
  page.section("Method");
  for (const std::string& paragraph : method_) page.paragraph(paragraph);
  for (const Formula& formula : formulas_) {
    page.preformatted(formula.text);
    page.paragraph("Source: " + formula.source);
  }
}

void StudyReport::write(const StudyDirectory& directory, const std::string& command, const std::string& config,
                        const Environment& environment) const {
  HtmlPage page(title_, "resnet study " + name_);
  page.section("Question and answer");
  page.paragraph(question_);
  page.highlights(highlights_);
  for (const std::string& sentence : verdict_) page.paragraph(sentence);
  add_found(page);
  add_claims(page);
  add_method(page);
  page.section("How it was made");
  page.preformatted(command);
  page.preformatted(config, "Configuration (config.toml)");
  page.facts(environment);
  for (const Item& item : items_)
    for (const Figure& figure : item.figures) write_file(directory.figure(figure.file), figure.svg + "\n");
  write_file(directory.report(), page.text());
}

}  // namespace resnet
