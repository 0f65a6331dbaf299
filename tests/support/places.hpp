// Where the tests find their fixtures, and the sample data that lie beside a checkout on some machines.
#pragma once

#include <filesystem>
#include <string>

namespace resnet::test {

/// The folder tests/ of the source tree.
std::filesystem::path tests_folder();

/// ../shared/data/NAME beside the source tree. It may not exist: a test that needs it then skips and says so.
std::filesystem::path shared_data(const std::string& name);

}  // namespace resnet::test
