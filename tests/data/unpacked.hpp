// Sample archives of ../shared/data, unpacked for a test.
#pragma once

#include "data/temporary_folder.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <initializer_list>
#include <string>

namespace resnet {

/// For the folders of the tests that need these archives; the test is skipped where one is not there.
class UnpackedData : public testing::Test {
 protected:
  void unpack(std::initializer_list<const char*> archives) {
    for (const char* name : archives) {
      const std::filesystem::path archive = test::shared_data(name);
      if (!std::filesystem::exists(archive)) GTEST_SKIP() << archive << " is not there";
      const std::string command = "tar -xf '" + archive.string() + "' -C '" + folder_.path().string() + "'";
      ASSERT_EQ(std::system(command.c_str()), 0) << command;
    }
  }
  TemporaryFolder folder_;
};

}  // namespace resnet
