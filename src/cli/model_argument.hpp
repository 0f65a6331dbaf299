// The argument MODEL of verbs that need weights.
#pragma once

#include <string>

namespace resnet::cli {

/// Error (usage): `model` is a name of the zoo without weights, or with published ones that have not been fetched; says
/// what to do. Error (bad model): nothing is there.
void expect_weights(const std::string& verb, const std::string& model);

}  // namespace resnet::cli
