// The page of study "degradation": curves over iterations, final errors over depth, numbers beside the paper's, and
// what follows from them.
#include "base/text.hpp"
#include "study/degradation/degradation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace resnet {
namespace {

std::string label_of(const DegradationNetwork& network) { return title_of(network.family, network.depth); }

std::vector<const DegradationNetwork*> family_of(const DegradationResult& result, const std::string& family) {
  std::vector<const DegradationNetwork*> networks;
  for (const DegradationNetwork& network : result.networks)
    if (network.family == family) networks.push_back(&network);
  return networks;
}

void add_point(Series& series, double x, const Spread& spread) {
  const double half = spread.count > 1 ? spread.deviation : 0;
  series.x.push_back(x);
  series.y.push_back(spread.mean);
  series.low.push_back(spread.mean - half);
  series.high.push_back(spread.mean + half);
}

/// As figure 6 is cut at 20 %: what matters are the ends, not the first epochs.
double top_of(const DegradationResult& result) {
  double largest = 0;
  for (const DegradationNetwork& network : result.networks)
    if (!network.curve.empty())
      for (const double error : {network.curve.back().train.mean, network.curve.back().test.mean})
        if (std::isfinite(error)) largest = std::max(largest, error);
  return std::clamp(5 * std::ceil(1.4 * largest / 5), 5.0, 100.0);
}

std::string curves(const DegradationResult& result, const std::string& family, bool training) {
  LineChart chart{.title = text_of(family == "plain" ? "Plain networks, " : "ResNets, ",
                                   training ? "training" : result.test_name, " error"),
                  .x_label = "step",
                  .y_label = "error (%)",
                  .y_low = 0,
                  .y_high = top_of(result)};
  Series published{.name = "published (table 6)", .open = true};
  for (const DegradationNetwork* network : family_of(result, family)) {
    Series series{.name = label_of(*network)};
    for (const ErrorPoint& point : network->curve)
      add_point(series, static_cast<double>(point.step), training ? point.train : point.test);
    const std::optional<double> error = published_error(family, network->depth);
    if (error && !series.x.empty() && !training && result.beside_paper()) {
      published.x.push_back(series.x.back());
      published.y.push_back(*error);
    }
    chart.series.push_back(std::move(series));
  }
  if (!published.x.empty()) chart.series.push_back(std::move(published));
  return draw(chart);
}

std::string over_depth(const DegradationResult& result, bool training) {
  LineChart chart{.title = text_of(training ? "Training" : result.test_name, " error at the end"),
                  .x_label = "layers",
                  .y_label = "error (%)",
                  .y_low = 0};
  chart.title.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(chart.title.front())));
  Series published{.name = "ResNet, published (table 6)", .open = true};
  for (const char* family : {"plain", "resnet"}) {
    Series series{.name = std::string(family) == "plain" ? "plain" : "ResNet"};
    for (const DegradationNetwork* network : family_of(result, family)) {
      const Spread spread = training ? network->train() : network->test();
      if (spread.count > 0) add_point(series, network->depth, spread);
      if (const auto error = published_error(family, network->depth); error && !training && result.beside_paper()) {
        published.x.push_back(network->depth);
        published.y.push_back(*error);
      }
    }
    if (!series.x.empty()) chart.series.push_back(std::move(series));
  }
  if (!published.x.empty()) chart.series.push_back(std::move(published));
  return draw(chart);
}

void add_figures(StudyReport& report, const DegradationOptions& options, const DegradationResult& result) {
  report.section(
      "Errors while training",
      "As figure 6 of He et al. 2015, with training and test error side by side instead of on top of each other.");
  const std::string spread = options.training.seeds > 1 ? fmt::format("Mean of {} trainings, ± one standard deviation.",
                                                                      options.training.seeds)
                                                        : "One training of each.";
  for (const char* family : {"plain", "resnet"}) {
    if (family_of(result, family).empty()) continue;
    report.figure(text_of(family, "-training"), curves(result, family, true),
                  spread + " Of the augmented images, over each epoch.");
    const bool marked = std::string(family) == "resnet" && result.beside_paper();
    report.figure(text_of(family, "-test"), curves(result, family, false),
                  spread + (marked ? " Open markers: what the paper reached after 64,000 steps." : ""));
  }
  report.section("Errors over depth");
  report.figure("depth-training", over_depth(result, true), spread + " After the last epoch.");
  report.figure("depth-test", over_depth(result, false), spread + " After the last epoch.");
}

void add_table(StudyReport& report, const DegradationResult& result) {
  std::vector<Column> columns = {{"network"},
                                 {"parameters", Align::right},
                                 {"runs", Align::right},
                                 {"training error %", Align::right},
                                 {result.test_name + " error %", Align::right}};
  if (result.beside_paper()) columns.push_back({"published test error %", Align::right});
  Table table(std::move(columns));
  for (const DegradationNetwork& network : result.networks) {
    std::vector<std::string> row = {label_of(network), with_thousands(network.parameters),
                                    std::to_string(network.test_errors.size()), text_of_spread(network.train()),
                                    text_of_spread(network.test())};
    if (result.beside_paper()) row.push_back(published_text(network.family, network.depth));
    table.row(std::move(row));
  }
  report.section("Numbers", "Mean ± standard deviation over the seeds, after the last epoch.");
  report.table(std::move(table));
  if (result.beside_paper())
    report.note(
        "Published: He et al. 2015, table 6, CIFAR-10, 64,000 steps on all 50,000 training images; best run, and mean "
        "and standard deviation where they are given. Plain networks are only drawn there (figure 6).");
  for (const DegradationNetwork& network : result.networks)
    for (const Trained& run : network.runs)
      if (!run.failure.empty()) report.note(text_of(run.name, " failed and is left out: ", run.failure));
}

std::string found_text(const DegradationNetwork& a, const DegradationNetwork& b) {
  return fmt::format("training error {} % of {}, {} % of {}", text_of_spread(a.train()), label_of(a),
                     text_of_spread(b.train()), label_of(b));
}

/// The training error of the first is claimed to be larger.
void claim(StudyReport& report, const DegradationNetwork* higher, const DegradationNetwork* lower,
           const std::string& source, const std::string& statement) {
  if (!higher || !lower) return;
  const Finding finding = larger(higher->train_errors, lower->train_errors);
  std::string found = found_text(*higher, *lower);
  if (finding == Finding::undecided) found += "; too few runs, or runs that overlap";
  report.claim({source, statement, found, finding});
}

void add_claims(StudyReport& report, const DegradationResult& result) {
  const auto plain = family_of(result, "plain"), residual = family_of(result, "resnet");
  const std::string source = "He et al. 2015, 4.2";
  if (plain.size() > 1)
    claim(report, plain.back(), plain.front(), source,
          text_of("Deeper plain networks have a higher training error: ", label_of(*plain.back()), " above ",
                  label_of(*plain.front()), "."));
  if (residual.size() > 1)
    claim(report, residual.front(), residual.back(), source,
          text_of("Deeper ResNets have a lower training error: ", label_of(*residual.back()), " below ",
                  label_of(*residual.front()), "."));
  if (!plain.empty() && !residual.empty())
    claim(report, result.find("plain", residual.back()->depth), residual.back(), source,
          "At the same depth the ResNet has a lower training error than the plain network.");
}

void add_family_verdict(StudyReport& report, const std::vector<const DegradationNetwork*>& family) {
  if (family.size() < 2) return;
  const DegradationNetwork &shallow = *family.front(), &deep = *family.back();
  if (shallow.train_errors.empty() || deep.train_errors.empty()) {
    for (const DegradationNetwork* network : family)
      if (network->train_errors.empty()) report.verdict(text_of(label_of(*network), " could not be trained."));
    return;
  }
  const double change = deep.train().mean - shallow.train().mean, test = deep.test().mean - shallow.test().mean;
  const Finding sure = larger(change > 0 ? deep.train_errors : shallow.train_errors,
                              change > 0 ? shallow.train_errors : deep.train_errors);
  const bool chance = sure != Finding::holds;
  const char* meaning = chance                   ? ""
                        : change > 0 && test > 0 ? ": degradation, not overfitting"
                        : change > 0             ? ""
                        : test > 0               ? ": overfitting, if anything"
                                                 : ": depth helps";
  report.verdict(fmt::format(
      "{} ends with a training error of {} %, {} with {} %: {:.2f} points {} in training, {:.2f} points {} in "
      "test{}.{}",
      label_of(deep), text_of_spread(deep.train()), label_of(shallow), text_of_spread(shallow.train()),
      std::abs(change), change > 0 ? "worse" : "better", std::abs(test), test > 0 ? "worse" : "better", meaning,
      !chance ? "" : " With so few runs, or runs that overlap, that may be chance."));
}

void add_verdict(StudyReport& report, const DegradationResult& result) {
  for (const char* family : {"plain", "resnet"}) add_family_verdict(report, family_of(result, family));
  for (const DegradationNetwork& network : result.networks)
    report.highlight(label_of(network) + ", training error",
                     network.train_errors.empty() ? "failed" : text_of_spread(network.train()) + " %");
}

void add_method(StudyReport& report, const DegradationOptions& options, const DegradationResult& result) {
  const RunConfig& config = result.networks.front().runs.front().config;
  report.method(fmt::format(
      "Networks of 6n + 2 layers for 32x32 images: a 3x3 convolution, then 2n each of 16, 32 and 64 channels, global "
      "average pooling and a linear layer; plain, or with a parameter-free shortcut around each pair (option A), so "
      "that both have the same parameters. Each is trained on {} images of {} and tested on {} ({} part), with recipe "
      "{}: {} steps of {} images, once for each of {}.",
      config.train.count, result.data_name, config.test.count, result.test_name, config.recipe.name,
      total_steps(config.recipe, std::max<int64_t>(1, config.train.count / config.recipe.batch)), config.recipe.batch,
      plural(options.training.seeds, "seed")));
  report.method(
      "The training error is counted over each epoch, on augmented images and while the weights change; the test error "
      "on whole images after the epoch, with the running statistics of batch norm. Of each run the last epoch counts, "
      "not the best one.");
  report.method(
      "That one network's error is larger than another's is said to hold if every run of the one is above every run of "
      "the other and there are at least as many runs as make that a chance of one in twenty (three of each).");
  report.method(precision_text(options.training));
  report.method(
      "Every training is an ordinary run directory in runs/, which eval, inspect, resume and other studies "
      "read.");
}

}  // namespace

StudyReport degradation_report(const DegradationOptions& options, const DegradationResult& result) {
  StudyReport report("degradation", "Degradation");
  report.question(
      "Does a deeper network have a higher training error than a shallower one, although it could represent the same "
      "function and more? And do shortcuts change that?");
  add_verdict(report, result);
  add_figures(report, options, result);
  add_table(report, result);
  add_claims(report, result);
  add_method(report, options, result);
  return report;
}

}  // namespace resnet
