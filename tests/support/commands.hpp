// Programs of others that tests ask.
#pragma once

#include <optional>
#include <string>

namespace resnet::test {

/// Whether a shell command ends well; what it prints is dropped.
bool works(const std::string& command);

/// What a shell command prints, or nothing if it fails.
std::optional<std::string> output_of(const std::string& command);

/// What it prints as a number; a failed test that shows all output, and a number above all others, if it fails.
double number_from(const std::string& command);

/// 'FILE' for a file under tests/, as a shell wants it.
std::string quoted_test_file(const std::string& file);

}  // namespace resnet::test
