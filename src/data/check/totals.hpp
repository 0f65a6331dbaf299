// What shows only over all images: missing and small classes, odd sizes and grey among colour.
#pragma once

#include "data/check/check.hpp"

namespace resnet {

void find_in_totals(CheckResult& result);

}  // namespace resnet
