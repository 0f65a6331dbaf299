#include "data/check/copies.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace resnet {
namespace {

using Members = std::vector<int64_t>;

/// What a set of copies means: the worst that is true of it.
Problem meaning_of(const Members& members, const CheckResult& result, bool exact) {
  std::set<int> classes, splits;
  for (const int64_t member : members) {
    const CheckedImage& image = result.images[static_cast<std::size_t>(member)];
    classes.insert(image.label);
    splits.insert(image.split);
  }
  if (classes.size() > 1) return exact ? Problem::contradiction : Problem::near_contradiction;
  if (splits.size() > 1) return exact ? Problem::leak : Problem::near_leak;
  return exact ? Problem::duplicate : Problem::near_duplicate;
}

/// Images by their pixels, in the order of the first of each. Blank ones are no copies of one another.
std::vector<Members> by_content(std::span<const Fingerprint* const> fingerprints) {
  std::map<std::array<uint64_t, 2>, std::size_t> places;
  std::vector<Members> sets;
  for (std::size_t index = 0; index < fingerprints.size(); ++index) {
    if (!fingerprints[index] || fingerprints[index]->blank) continue;
    const auto [place, is_new] = places.emplace(fingerprints[index]->content, sets.size());
    if (is_new) sets.emplace_back();
    sets[place->second].push_back(static_cast<int64_t>(index));
  }
  return sets;
}

}  // namespace

void find_copies(std::span<const Fingerprint* const> fingerprints, CheckResult& result) {
  const std::vector<Members> exact = by_content(fingerprints);
  std::vector<const Fingerprint*> heads;
  for (const Members& members : exact) {
    heads.push_back(fingerprints[static_cast<std::size_t>(members.front())]);
    if (members.size() > 1)
      result.findings.push_back({.problem = meaning_of(members, result, true), .images = members, .detail = {}});
  }
  for (const std::vector<int64_t>& set : near_sets(heads)) {
    Members members;
    for (const int64_t head : set) {
      const Members& copies = exact[static_cast<std::size_t>(head)];
      members.insert(members.end(), copies.begin(), copies.end());
    }
    std::ranges::sort(members);
    const Problem problem = meaning_of(members, result, false);
    result.findings.push_back({.problem = problem, .images = std::move(members), .detail = {}});
  }
}

std::vector<Removal> removals(const CheckResult& result) {
  std::map<int64_t, Removal> found;  // the first reason counts: findings begin with the worst
  for (const Finding& finding : result.findings) {
    const auto add = [&](int64_t image, std::string reason) {
      found.try_emplace(image, Removal{.image = image, .problem = finding.problem, .reason = std::move(reason)});
    };
    switch (finding.problem) {
      case Problem::empty_file:
      case Problem::unreadable:
      case Problem::damaged:
        if (!finding.images.empty()) add(finding.images.front(), finding.detail);  // none: left out when it was opened
        break;
      case Problem::contradiction:
        for (const int64_t image : finding.images) {
          const int64_t other = finding.images.front() == image ? finding.images.back() : finding.images.front();
          add(image, "equals " + result.images[static_cast<std::size_t>(other)].name);
        }
        break;
      case Problem::leak:
      case Problem::duplicate: {
        // Splits are in the order train, val, test: the copy that stays is the first one of the last split.
        const auto split = [&](int64_t image) { return result.images[static_cast<std::size_t>(image)].split; };
        const int64_t kept = *std::ranges::max_element(finding.images, {}, split);
        for (const int64_t image : finding.images)
          if (image != kept) add(image, "equals " + result.images[static_cast<std::size_t>(kept)].name);
        break;
      }
      default: break;
    }
  }
  std::vector<Removal> list;
  for (auto& [image, removal] : found) list.push_back(std::move(removal));
  return list;
}

}  // namespace resnet
