// What --help shows.
#pragma once

#include "cli/verb.hpp"

#include <span>
#include <string>

namespace resnet::cli {

/// The verbs and how to go on.
std::string program_help(std::span<const Verb> verbs);

/// Gives a verb's help its form: no column of environment variables but one line about them.
void shape_help(CLI::App& app);
/// To be called once the options are there: one of them is the example of how the environment is read.
void add_footer(CLI::App& app);

}  // namespace resnet::cli
