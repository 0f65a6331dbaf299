// The cache of decoded photos: the same bytes with it and without, whatever happened while it was written or since.
#include "data/cache.hpp"
#include "data/cache_file.hpp"
#include "data/open.hpp"
#include "support.hpp"
#include "support/pictures.hpp"

#include <sys/wait.h>

#include <csignal>
#include <fstream>

namespace resnet {
namespace {

class Cache : public QuietRun {
 protected:
  void SetUp() override {
    QuietRun::SetUp();
    test::put_photos(folder / "photos", 16);
  }
  TrainRequest request(const std::string& run, bool cached) {
    TrainRequest request = small_request(folder / run);
    request.data = (folder / "photos").string();
    request.preprocessing = {.size = 16, .resize = 18};
    request.recipe.augmentation = {.pad = 0, .resized_crop = 0.3};
    request.recipe.epochs = 1;
    if (cached) request.cache = folder / "cache";
    return request;
  }
  /// The bytes that a training without a cache ends with.
  std::string expected() {
    static int count = 0;
    const std::string run = "plain" + std::to_string(++count);
    train(request(run, false));
    return last_bytes(folder / run);
  }
  std::string with_a_cache() {
    static int count = 0;
    const std::string run = "cached" + std::to_string(++count);
    train(request(run, true));
    return last_bytes(folder / run);
  }
  fs::path file() { return cache_file(folder / "cache", (folder / "photos").string()); }
  std::vector<std::string> files_in_cache() {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder / "cache"))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(Cache, ChangesNoByteAndIsUsed) {
  const std::string bytes = expected();
  EXPECT_EQ(with_a_cache(), bytes);
  const fs::file_time_type written = fs::last_write_time(file());
  EXPECT_EQ(with_a_cache(), bytes);
  EXPECT_EQ(fs::last_write_time(file()), written);
  // It is the cache that is read: what it holds counts, as long as its own hash says that it is whole.
  const DataSplit data = open_data((folder / "photos").string());
  {
    CacheWriter writer(file());
    for (const auto& part : {data.train, data.test})
      for (int64_t index = 0; index < part->size(); ++index) {
        Image image = part->picture(index, {}).image;
        for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(255 - pixel);
        writer.add(part->hash(index), image);
      }
    writer.commit();
  }
  EXPECT_NE(with_a_cache(), bytes);
}

TEST_F(Cache, AWriterThatWasKilledLeavesNothingThatCounts) {
  const std::string bytes = expected();
  const pid_t child = fork();
  if (child == 0) {
    set_write_fault([writes = 0](const fs::path& path) mutable {
      if (path.extension() == ".cache" && ++writes == 9) std::raise(SIGKILL);
      return 0;
    });
    train(request("killed", true));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_FALSE(path_exists(file()));
  EXPECT_EQ(files_in_cache().size(), 2u);  // what was begun, and the lock
  EXPECT_EQ(with_a_cache(), bytes);
  EXPECT_EQ(files_in_cache(),
            (std::vector<std::string>{file().filename().string(), file().filename().string() + ".lock"}));
}

TEST_F(Cache, AFullDiskIsGotAlongWithout) {
  const std::string bytes = expected();
  for (const int last : {0, 5, 31}) {
    set_write_fault([last, writes = 0](const fs::path& path) mutable {
      return path.extension() == ".cache" && ++writes > last ? ENOSPC : 0;
    });
    EXPECT_EQ(with_a_cache(), bytes);
    set_write_fault({});
    EXPECT_FALSE(path_exists(file())) << last;
    EXPECT_EQ(files_in_cache().size(), 1u) << last;
  }
  EXPECT_EQ(with_a_cache(), bytes);
  EXPECT_TRUE(path_exists(file()));
}

TEST_F(Cache, AChangedPhotoIsDecodedAnew) {
  with_a_cache();
  const fs::path photo = folder / "photos" / "dark" / "4.ppm";
  const fs::file_time_type before = fs::last_write_time(photo);
  std::string bytes = read_file(photo, 1 << 20);
  for (std::size_t i = bytes.size() - 300; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
  test::put(photo, bytes);
  fs::last_write_time(photo, before);  // neither its size nor its time tells
  const std::string plain = expected();
  EXPECT_EQ(with_a_cache(), plain);
  test::put_photos(folder / "photos", 2, 40);
  const std::string more = expected();
  EXPECT_NE(more, plain);
  EXPECT_EQ(with_a_cache(), more);
}

TEST_F(Cache, DamageIsNoticed) {
  const std::string bytes = expected();
  with_a_cache();
  const std::string whole = read_file(file(), 1 << 24);
  for (const std::size_t at :
       {std::size_t{10}, whole.size() / 2, whole.size() - 200, whole.size() - 20, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    test::put(file(), damaged);
    EXPECT_EQ(with_a_cache(), bytes) << at;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, whole.size() - 40, whole.size() - 1}) {
    test::put(file(), whole.substr(0, size));
    EXPECT_EQ(with_a_cache(), bytes) << size;
  }
}

TEST_F(Cache, BadPhotosStayBad) {
  const fs::path photo = folder / "photos" / "dark" / "4.ppm";
  const std::string bytes = read_file(photo, 1 << 20);
  test::put(photo, bytes.substr(0, bytes.size() - 9));
  const std::string plain = expected();
  EXPECT_EQ(with_a_cache(), plain);
  const fs::file_time_type written = fs::last_write_time(file());
  EXPECT_EQ(with_a_cache(), plain);
  EXPECT_EQ(fs::last_write_time(file()), written);
}

TEST_F(Cache, ARunGoesOnWithItOrWithout) {
  TrainRequest whole = request("whole", false);
  whole.recipe.epochs = 2;
  train(whole);
  for (const bool cached : {false, true}) {
    TrainRequest wanted = request(cached ? "a" : "b", !cached);
    wanted.recipe.epochs = 2;
    set_step_hook([](int64_t step) { set_interrupted(step == 3); });
    EXPECT_THROW(train(wanted), Error);
    set_step_hook({});
    set_interrupted(false);
    resume({.run = wanted.out, .cache = cached ? folder / "cache" : fs::path()});
    EXPECT_EQ(last_bytes(wanted.out), last_bytes(whole.out));
  }
}

}  // namespace
}  // namespace resnet
