// Tar files: the headers that programs write, shards as data sets, and headers that lie.
#include "data/tar.hpp"
#include "data/open.hpp"
#include "expect_error.hpp"
#include "support/pictures.hpp"
#include "temporary_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

namespace resnet {
namespace {

using Names = std::vector<std::string>;

void set_checksum(std::string& header) {
  std::memset(header.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header.data() + 148, 8, "%06o", sum);
}

std::string header_of(const std::string& name, std::size_t bytes, char type = '0', const std::string& prefix = "") {
  std::string header(512, '\0');
  std::memcpy(header.data(), name.data(), std::min<std::size_t>(name.size(), 100));
  std::snprintf(header.data() + 124, 12, "%011zo", bytes);
  header[156] = type;
  std::memcpy(header.data() + 257, "ustar\00000", 8);
  std::memcpy(header.data() + 345, prefix.data(), prefix.size());
  set_checksum(header);
  return header;
}

std::string entry(const std::string& name, const std::string& content, char type = '0',
                  const std::string& prefix = "") {
  std::string result = header_of(name, content.size(), type, prefix) + content;
  result.resize((result.size() + 511) / 512 * 512, '\0');
  return result;
}

std::string pax(const std::string& key, const std::string& value) {
  const std::string body = " " + key + "=" + value + "\n";
  std::size_t length = body.size() + 2;
  if (std::to_string(length).size() != 2) length = body.size() + std::to_string(length).size();
  return entry("PaxHeader", std::to_string(length) + body, 'x');
}

const std::string end_of_tar(1024, '\0');

class Tar : public testing::Test {
 protected:
  std::string picture(int seed) { return test::picture_bytes(9, 11, seed); }
  std::string file() { return (folder.path() / "set.tar").string(); }
  DataSplit open(const std::string& bytes, double validation = 0.1) {
    folder.put("set.tar", bytes);
    return open_data(file(), {.threads = 1, .validation = validation});
  }
  TemporaryFolder folder;
};

Names files_of(const Dataset& dataset) {
  Names names;
  for (int64_t index = 0; index < dataset.size(); ++index) names.push_back(dataset.name_of(index));
  return names;
}

TEST_F(Tar, ClassFoldersInsideAreADataSet) {
  const DataSplit split =
      open(entry("./", "", '5') + entry("./train/a/1.ppm", picture(1)) + entry("1.ppm", picture(2), '0', "train/b") +
           entry("val/b/2.ppm", picture(3)) + entry("train/a/._1.ppm", "apple") + end_of_tar);
  EXPECT_EQ(files_of(*split.train), (Names{"train/a/1.ppm", "train/b/1.ppm"}));
  EXPECT_EQ(files_of(*split.test), (Names{"val/b/2.ppm"}));
  const std::string second = picture(2);
  EXPECT_EQ(split.train->picture(1, {}).image, decode_image(std::as_bytes(std::span(second))));
  EXPECT_EQ(split.name, "set");
}

TEST_F(Tar, LongNamesOfGnuAndPaxAreRead) {
  const std::string long_name = "train/a/" + std::string(150, 'x') + ".ppm";
  const DataSplit split = open(entry("././@LongLink", long_name + std::string(1, '\0'), 'L') +
                               entry(long_name, picture(1)) + pax("path", "train/b/pax.ppm") +
                               entry("short", picture(2)) + entry("test/a/1.ppm", picture(3)) + end_of_tar);
  EXPECT_EQ(files_of(*split.train), (Names{long_name, "train/b/pax.ppm"}));
}

TEST_F(Tar, PairsOfWebDatasetHaveTheirLabelBesideThem) {
  folder.put("shards/train-000.tar", entry("0001.ppm", picture(1)) + entry("0001.cls", "7\n") +
                                         entry("0001.json", "{}") + entry("0002.cls", "3") +
                                         entry("0002.ppm", picture(2)) + end_of_tar);
  folder.put("shards/val-000.tar", entry("0001.ppm", picture(3)) + entry("0001.cls", "3") + end_of_tar);
  const DataSplit split = open_data((folder.path() / "shards").string(), {.threads = 1});
  EXPECT_EQ(split.train->classes(), (Names{"3", "7"}));
  EXPECT_EQ(files_of(*split.train), (Names{"train/3/0002.ppm", "train/7/0001.ppm"}));
  EXPECT_EQ(files_of(*split.test), (Names{"val/3/0001.ppm"}));
  expect_error(
      [&] { open(entry("1.ppm", picture(1)) + entry("1.cls", "a") + entry("2.ppm", picture(2)) + end_of_tar); },
      ExitCode::bad_data, {"set.tar", "2.ppm", "no .cls file"});
}

TEST_F(Tar, HostileHeadersAreRefused) {
  const std::string good = entry("a/1.ppm", picture(1)) + entry("b/1.ppm", picture(2)) + entry("b/2.ppm", picture(3));
  EXPECT_EQ(open(good, 0.5).train->size(), 2);  // the blocks of zeros at the end may be missing
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{600}, good.size() - 600})
    expect_error([&] { open(good.substr(0, bytes)); }, ExitCode::bad_data, {"set.tar", "cut short"});
  std::string wrong = good;
  wrong[3] ^= 1;
  expect_error([&] { open(wrong); }, ExitCode::bad_data, {"no tar header at byte 0"});
  for (const char* size : {"77777777777", "-0000000001", "zzzzzzzzzzz"}) {
    std::string header = header_of("a/1.ppm", 0);
    std::memcpy(header.data() + 124, size, 11);
    set_checksum(header);
    expect_error([&] { open(header + end_of_tar); }, ExitCode::bad_data, {"set.tar", "entry at byte 0"});
  }
  std::string huge = header_of("a/1.ppm", 0);
  huge[124] = '\x80';
  std::memset(huge.data() + 125, 0xff, 11);
  set_checksum(huge);
  expect_error([&] { open(huge + end_of_tar); }, ExitCode::bad_data, {"entry at byte 0"});
  expect_error([&] { open(entry("long", std::string(70'000, 'x'), 'L') + good); }, ExitCode::bad_data,
               {"extended header of 70000 bytes"});
  expect_error([&] { open(pax("size", "99999999") + good); }, ExitCode::bad_data, {"claims 99999999 bytes"});
  expect_error([&] { open("not a tar file at all" + std::string(1000, ' ')); }, ExitCode::bad_data, {"no tar header"});
}

TEST_F(Tar, EveryFlippedByteIsReadOrRefused) {
  const std::string good =
      pax("path", "a/9.ppm") + entry("a/1.ppm", picture(1)) + entry("b/1.ppm", picture(2)) + end_of_tar;
  for (std::size_t at = 0; at < 2 * 1024; at += 5) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    folder.put("set.tar", bytes);
    const int descriptor = ::open(file().c_str(), O_RDONLY);
    try {
      for (const TarEntry& found : tar_entries(descriptor, bytes.size()))
        EXPECT_LE(found.offset + found.bytes, bytes.size()) << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    }
    ::close(descriptor);
  }
}

}  // namespace
}  // namespace resnet
