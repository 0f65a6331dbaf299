// What a study found, laid out alike for all of them: the question, the answer computed from the data, the method with
// its formula and source, the figures, what the paper or the notebook says beside what was found, and the numbers.
#pragma once

#include "report/charts.hpp"
#include "report/html.hpp"
#include "report/tables.hpp"
#include "study/run.hpp"
#include "train/environment.hpp"

#include <string>
#include <utility>
#include <vector>

namespace resnet {

/// What became of a statement when it was held against the data; decided by a comparison of numbers.
enum class Finding { holds, fails, undecided };

/// A statement of somebody else beside what was found here.
struct Claim {
  std::string source;     // "He et al. 2015, 4.1"
  std::string statement;  // their words or their number
  std::string found;      // the numbers of this run that bear on it
  Finding finding = Finding::undecided;
};

/// A formula, what it is for, and where it comes from.
struct Formula {
  std::string text;    // "dL/dx = dL/dy (dF/dx + I)"
  std::string source;  // "He et al. 2016, eq. 4"
};

/// A small picture with its pixels: planes one after the other, [channels, height, width].
struct Picture {
  int channels = 3, height = 0, width = 0;
  std::vector<uint8_t> pixels = {};
  std::string title = {}, caption = {};
};

class StudyReport {
 public:
  /// `name` is the study's; the title is for people.
  StudyReport(std::string name, std::string title) : name_(std::move(name)), title_(std::move(title)) {}

  void question(std::string text) { question_ = std::move(text); }
  /// One paragraph of the method.
  void method(std::string text) { method_.push_back(std::move(text)); }
  void formula(Formula formula) { formulas_.push_back(std::move(formula)); }
  /// A large number at the top: {"plain, first/last", "2.76"}.
  void highlight(std::string name, std::string value) { highlights_.emplace_back(std::move(name), std::move(value)); }
  /// One sentence of the answer, made from numbers of this run.
  void verdict(std::string sentence) { verdict_.push_back(std::move(sentence)); }
  /// Begins a group of figures, galleries and tables under a title of its own.
  void section(std::string title, std::string text = {});
  /// Drawn by report/charts; also written to figures/NAME.svg. `alone` gives it a row of its own.
  void figure(std::string file, std::string svg, std::string caption, bool alone = false);
  /// Enlarged to `side` CSS pixels.
  void gallery(std::vector<Picture> pictures, int side = 112);
  void table(Table table, std::string text = {});
  /// A paragraph below what was added last.
  void note(std::string text);
  void claim(Claim claim) { claims_.push_back(std::move(claim)); }

  const std::vector<std::string>& verdicts() const { return verdict_; }
  const std::vector<Claim>& claims() const { return claims_; }

  /// Writes figures/*.svg and report.html.
  void write(const StudyDirectory& directory, const std::string& command, const std::string& config,
             const Environment& environment) const;

 private:
  struct Figure {
    std::string file, svg, caption;
    bool alone = false;
  };
  /// One of a title, a figure, a gallery or a table, in the order in which they were added.
  struct Item {
    std::string title, text;
    std::vector<Figure> figures;
    std::vector<Picture> pictures;
    int side = 0;
    std::vector<Table> tables;
  };

  void add_found(HtmlPage& page) const;
  void add_claims(HtmlPage& page) const;
  void add_method(HtmlPage& page) const;

  std::string name_, title_, question_;
  std::vector<std::string> method_, verdict_;
  std::vector<Formula> formulas_;
  std::vector<std::pair<std::string, std::string>> highlights_;
  std::vector<Item> items_;
  std::vector<Claim> claims_;
};

/// "holds", "does not hold", "not decided"
std::string_view name_of(Finding finding);

}  // namespace resnet
