// Pictures that stand more than once: equal ones, and nearly equal ones.
#pragma once

#include "data/check/check.hpp"
#include "data/check/fingerprint.hpp"

#include <span>

namespace resnet {

/// Adds contradictions, leaks and duplicates, exact and near. `fingerprints` belong to result.images; null if there is
/// none.
void find_copies(std::span<const Fingerprint* const> fingerprints, CheckResult& result);

}  // namespace resnet
