#include "data/check/check.hpp"

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "data/check/copies.hpp"
#include "data/check/listing.hpp"
#include "data/check/scan.hpp"
#include "data/check/totals.hpp"

#include <algorithm>
#include <atomic>
#include <tuple>
#include <utility>

namespace resnet {
namespace {

constexpr int64_t images_of_task = 16;

/// scan(index) for all, on several threads; reports progress from the calling one.
template <class Scan>
void scan_all(int64_t count, const CheckOptions& options, Scan&& scan) {
  std::atomic<int64_t> done = 0;
  ThreadPool pool(options.threads > 0 ? options.threads : available_cores());
  pool.run(static_cast<int>((count + images_of_task - 1) / images_of_task), [&](int task, int worker) {
    for (int64_t index = task * images_of_task; index < std::min(count, (task + 1) * images_of_task); ++index) {
      if (interrupted()) return;
      scan(index);
      const int64_t so_far = ++done;
      if (worker == 0 && options.progress) options.progress(so_far, count);
    }
  });
  if (interrupted()) fail_as(ExitCode::interrupted, "interrupted after ", done.load(), " of ", count, " images");
}

/// What the images say one by one; returns their fingerprints in the order of result.images, from which files that are
/// no images are taken out.
std::vector<const Fingerprint*> take_over(std::vector<ScannedImage>& scanned, CheckResult& result) {
  std::vector<const Fingerprint*> fingerprints;
  std::vector<CheckedImage> images;
  for (std::size_t at = 0; at < scanned.size(); ++at) {
    ScannedImage& image = scanned[at];
    CheckedImage& checked = result.images[at];
    for (auto& [problem, detail] : image.problems) {
      Finding finding{.problem = problem, .images = {}, .detail = std::move(detail)};
      if (image.is_image)
        finding.images.push_back(static_cast<int64_t>(images.size()));
      else
        finding.detail = checked.name + (finding.detail.empty() ? "" : ": " + finding.detail);
      result.findings.push_back(std::move(finding));
    }
    if (!image.is_image) continue;
    checked.height = image.height;
    checked.width = image.width;
    checked.stored_grey = image.stored_grey;
    images.push_back(std::move(checked));
    fingerprints.push_back(image.fingerprint ? &*image.fingerprint : nullptr);
  }
  result.images = std::move(images);
  return fingerprints;
}

void finish(std::vector<ScannedImage>& scanned, CheckResult& result) {
  find_copies(take_over(scanned, result), result);
  find_in_totals(result);
  std::ranges::stable_sort(result.findings, {}, [](const Finding& finding) {
    return std::pair(finding.problem, finding.images.empty() ? -1 : finding.images.front());
  });
}

ScannedImage scan_picture(const Dataset& dataset, int64_t index) {
  try {
    return scan_image(dataset.picture(index, {.channels = static_cast<int>(dataset.image_shape()[0])}).image);
  } catch (const Error& error) {
    ScannedImage scanned;
    scanned.problems.emplace_back(Problem::unreadable, error.what());
    return scanned;
  }
}

}  // namespace

std::vector<std::vector<int64_t>> CheckResult::counts() const {
  std::vector<std::vector<int64_t>> counts(splits.size(), std::vector<int64_t>(classes.size()));
  for (const CheckedImage& image : images)
    ++counts[static_cast<std::size_t>(image.split)][static_cast<std::size_t>(image.label)];
  return counts;
}

bool CheckResult::has(Severity severity) const {
  return std::ranges::any_of(findings,
                             [&](const Finding& finding) { return row_of(finding.problem).severity == severity; });
}

CheckResult check_folder(const fs::path& folder, const CheckOptions& options) {
  Listing listing = list_folder(folder);
  CheckResult result{.splits = listing.splits, .classes = listing.classes, .images = {}, .findings = {}};
  for (std::string& name : listing.outside)
    result.findings.push_back({.problem = Problem::outside_classes, .images = {}, .detail = std::move(name)});
  for (ListedFile& file : listing.files)
    result.images.push_back({.name = std::move(file.name), .split = file.split, .label = file.label});
  std::vector<ScannedImage> scanned(result.images.size());
  scan_all(static_cast<int64_t>(scanned.size()), options, [&](int64_t index) {
    const auto at = static_cast<std::size_t>(index);
    scanned[at] = scan_file((folder / result.images[at].name).string(), options.limits);
  });
  finish(scanned, result);
  if (result.images.empty())
    fail_data(folder.string(),
              ": no images in class folders; expected FOLDER/CLASS/image.jpg or "
              "FOLDER/train/CLASS/image.jpg");
  return result;
}

CheckResult check_dataset(const DataSplit& data, const CheckOptions& options) {
  CheckResult result{.splits = {}, .classes = data.test->classes(), .images = {}, .findings = {}};
  std::vector<std::pair<const Dataset*, int64_t>> places;
  for (const auto& [part, name] :
       {std::pair(data.train.get(), std::string("train")), {data.test.get(), data.test_name}}) {
    if (!part) continue;
    for (int64_t index = 0; index < part->size(); ++index) {
      places.emplace_back(part, index);
      result.images.push_back({.name = has_one_size(*part) ? text_of(name, " ", index) : part->name_of(index),
                               .split = static_cast<int>(result.splits.size()),
                               .label = part->label(index)});
    }
    result.splits.push_back(name == "all" ? "" : name);
  }
  for (const BadImage& bad : data.bad)
    result.findings.push_back({.problem = Problem::unreadable, .images = {}, .detail = bad.file + ": " + bad.reason});
  std::vector<ScannedImage> scanned(result.images.size());
  scan_all(static_cast<int64_t>(scanned.size()), options, [&](int64_t index) {
    const auto& [part, place] = places[static_cast<std::size_t>(index)];
    scanned[static_cast<std::size_t>(index)] = scan_picture(*part, place);
  });
  finish(scanned, result);
  return result;
}

bool holds_image_files(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  const Listing listing = list_folder(folder);
  return std::ranges::any_of(listing.files, [](const ListedFile& file) {
    return format_of_extension(fs::path(file.name).extension().string()).has_value();
  });
}

}  // namespace resnet
