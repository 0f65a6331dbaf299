#include "support/places.hpp"

namespace resnet::test {

std::filesystem::path tests_folder() { return RESNET_TESTS_FOLDER; }

std::filesystem::path shared_data(const std::string& name) {
  return tests_folder().parent_path().parent_path() / "shared" / "data" / name;
}

}  // namespace resnet::test
