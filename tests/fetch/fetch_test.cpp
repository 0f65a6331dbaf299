// The table, and what becomes of its rows in the cache.
#include "fetch/fetch.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "data/open.hpp"
#include "fetch/checksum.hpp"
#include "fetch/unpack.hpp"
#include "support/http_server.hpp"
#include "support/pictures.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <list>
#include <set>
#include <string>

namespace resnet {
namespace {

using test::WebReply;
using test::WebRequest;
using test::WebServer;

TEST(PublishedTest, RowsAreCompleteAndConsistent) {
  std::set<std::string_view> names;
  for (const Published& item : published()) {
    SCOPED_TRACE(item.name);
    EXPECT_TRUE(names.insert(item.name).second);
    EXPECT_FALSE(item.title.empty() || item.licence.empty() || item.files.empty());
    for (const PublishedFile& file : item.files) {
      EXPECT_TRUE(file.address.starts_with("http"));
      EXPECT_TRUE(file.sha256.size() == 64 || !item.is_data());
      EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"), std::string_view::npos);
      EXPECT_GT(file.most_bytes, 4000u);
    }
    if (!item.is_data()) {
      EXPECT_EQ(item.files.size(), 1u);
      EXPECT_NE(item.files[0].name().find(text_of("-", item.files[0].sha256, ".pth")), std::string_view::npos);
      EXPECT_TRUE(item.resize == 256 || item.resize == 232);
    }
  }
  EXPECT_EQ(names.size(), 27u);
}

TEST(PublishedTest, UnknownNamesAreAnsweredWithTheNearest) {
  EXPECT_EQ(find_published("resnet51"), nullptr);
  try {
    expect_published("resnet51");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_NE(std::string(error.what()).find("resnet50"), std::string::npos);
  }
}

TEST(ChecksumTest, IsThatOfTheStandard) {
  const fs::path file = fs::temp_directory_path() / ("resnet-sha-" + std::to_string(::getpid()));
  write_file(file, "abc");  // FIPS 180-2, B.1
  EXPECT_EQ(sha256_of_file(file), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  write_file(file, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");  // B.2
  EXPECT_EQ(sha256_of_file(file), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  fs::remove(file);
}

std::string gzip(const std::string& bytes) {
  z_stream stream = {};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(bytes.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(packed.size() - stream.avail_out);
  deflateEnd(&stream);
  return packed;
}

/// One entry of a tar file: header, content, padding.
std::string tar_entry(const std::string& name, const std::string& content, char type = '0',
                      const std::string& link = "") {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, name);
  put(100, "0000644");
  put(124, fmt::format("{:011o}", content.size()));
  put(136, "00000000000");
  put(148, "        ");
  header[156] = type;
  put(157, link);
  put(257, "ustar");
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  put(148, fmt::format("{:06o}", sum));
  header[154] = '\0';
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

class FetchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::error);
    std::string pattern = (fs::temp_directory_path() / "resnet-fetch-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override {
    set_log_level(LogLevel::info);
    fs::remove_all(folder_);
  }
  FetchOptions options(const WebServer& server) const {
    return {.cache = folder_ / "cache", .mirror = server.address() + "/mirror/", .patience = {.attempts = 1}};
  }
  /// A row for `content`, which the test's server will have.
  Published row(PublishedKind kind, const std::string& content, std::string_view address) {
    write_file(folder_ / "content", content);
    checksums_.push_back(sha256_of_file(folder_ / "content"));
    return {.name = "thing",
            .kind = kind,
            .title = "a thing",
            .licence = "free",
            .files = {{address, checksums_.back(), content.size()}}};
  }

  fs::path folder_;
  std::list<std::string> checksums_;
};

TEST_F(FetchTest, PutsWeightsIntoTheCacheAndFindsThemThere) {
  const std::string content = "these are weights";
  const WebServer server([&](const WebRequest& asked, WebReply& reply) { reply.send(test::served(asked, content)); });
  const Published item = row(PublishedKind::weights, content, "https://files.example/models/thing-1234.pth");
  EXPECT_FALSE(find_fetched(item, folder_ / "cache"));
  const fs::path place = fetch(item, options(server));
  EXPECT_EQ(place, folder_ / "cache" / "weights" / "thing-1234.pth");
  EXPECT_EQ(read_file(place, 100), content);
  EXPECT_EQ(server.requests().at(0).path, "/mirror/thing-1234.pth");
  FetchOptions offline = options(server);
  offline.offline = true;
  EXPECT_EQ(fetch(item, offline), place);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(FetchTest, OfflineRefusesWhatIsNotThere) {
  const Published item = row(PublishedKind::weights, "x", "https://files.example/thing.pth");
  EXPECT_THROW(fetch(item, {.cache = folder_ / "cache", .offline = true}), Error);
}

TEST_F(FetchTest, KeepsPackedFilesAsTheyAre) {
  const WebServer server([&](const WebRequest& asked, WebReply& reply) { reply.send(test::served(asked, "packed")); });
  Published item = row(PublishedKind::packed, "packed", "https://files.example/a.gz");
  item.files.push_back(item.files[0]);
  item.files[1].address = "https://files.example/b.gz";
  const fs::path place = fetch(item, options(server));
  EXPECT_EQ(place, folder_ / "cache" / "data" / "thing");
  EXPECT_TRUE(path_exists(place / "a.gz") && path_exists(place / "b.gz"));
  fs::remove(place / "a.gz");
  EXPECT_FALSE(find_fetched(item, folder_ / "cache"));
}

TEST_F(FetchTest, UnpacksArchivesThatCanThenBeOpened) {
  std::string record(3073, '\x40'), batch;
  for (int k = 0; k < 20; ++k) batch += static_cast<char>(k % 10) + record.substr(1);
  const std::string archive =
      gzip(tar_entry("cifar-10-batches-bin/", "", '5') + tar_entry("cifar-10-batches-bin/data_batch_1.bin", batch) +
           tar_entry("cifar-10-batches-bin/test_batch.bin", batch) +
           tar_entry("cifar-10-batches-bin/link", "", '2', "/etc/passwd") + std::string(1024, '\0'));
  const WebServer server([&](const WebRequest& asked, WebReply& reply) { reply.send(test::served(asked, archive)); });
  const Published item = row(PublishedKind::unpacked, archive, "https://files.example/cifar-10-binary.tar.gz");
  const fs::path place = fetch(item, options(server));
  EXPECT_EQ(open_data(place.string()).train->size(), 20);
  EXPECT_FALSE(path_exists(place / "cifar-10-batches-bin" / "link"));
  for (const fs::directory_entry& entry : fs::directory_iterator(place.parent_path()))
    EXPECT_EQ(entry.path().filename(), "thing") << "the archive and all that was temporary are gone";
}

TEST_F(FetchTest, ReadsPhotosOfAnArchiveWhereTheyLie) {
  std::string tar;
  for (const char* part : {"train", "val"})
    for (const char* synset : {"n01440764", "n02102040"})
      for (int k = 0; k < 3; ++k)
        tar +=
            tar_entry(text_of("imagenette2-160/", part, "/", synset, "/", k, ".ppm"), test::picture_bytes(20, 24, k));
  const std::string archive = gzip(tar + std::string(1024, '\0'));
  const WebServer server([&](const WebRequest& asked, WebReply& reply) { reply.send(test::served(asked, archive)); });
  const Published item = row(PublishedKind::decompressed, archive, "https://files.example/imagenette2-160.tgz");
  const DataSplit data = open_data(fetch(item, options(server)).string());
  EXPECT_EQ(data.train->size(), 6);
  EXPECT_EQ(data.test->size(), 6);
  EXPECT_EQ(data.test->classes(), (std::vector<std::string>{"n01440764", "n02102040"}));
}

TEST_F(FetchTest, UnpacksNothingThatLeadsOutOfItsFolder) {
  for (const char* name : {"../evil.bin", "a/../../evil.bin"}) {
    SCOPED_TRACE(name);
    const fs::path archive = folder_ / "evil.tar.gz";
    write_file(archive, gzip(tar_entry("good.bin", "x") + tar_entry(name, "x") + std::string(1024, '\0')));
    try {
      unpack_tar_gz(archive, folder_ / "inside" / "target", 1 << 20);
      ADD_FAILURE() << "unpacked";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
    EXPECT_FALSE(path_exists(folder_ / "inside" / "target"));
    EXPECT_FALSE(path_exists(folder_ / "evil.bin"));
  }
}

TEST_F(FetchTest, PutsAbsoluteNamesInside) {
  const fs::path archive = folder_ / "absolute.tar.gz";
  write_file(archive, gzip(tar_entry("/tmp/thing.bin", "x") + std::string(1024, '\0')));
  unpack_tar_gz(archive, folder_ / "target", 1 << 20);
  EXPECT_TRUE(path_exists(folder_ / "target" / "tmp" / "thing.bin"));
}

TEST_F(FetchTest, RefusesBombsAndDamagedArchives) {
  const fs::path archive = folder_ / "bomb.tar.gz", target = folder_ / "target";
  write_file(archive, gzip(tar_entry("zeros", std::string(4 << 20, '\0'))));
  EXPECT_THROW(unpack_tar_gz(archive, target, 1 << 20), Error);
  const std::string good = gzip(tar_entry("a", std::string(4000, 'a')) + std::string(1024, '\0'));
  write_file(archive, good.substr(0, good.size() / 2));
  EXPECT_THROW(unpack_tar_gz(archive, target, 1 << 20), Error);
  write_file(archive, "not gzip at all");
  EXPECT_THROW(unpack_tar_gz(archive, target, 1 << 20), Error);
  EXPECT_FALSE(path_exists(target));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1) << "nothing is left over";
}

}  // namespace
}  // namespace resnet
