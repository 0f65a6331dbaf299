// Every defect planted in a clean set is found, as itself and as nothing else; a clean set raises nothing.
#include "data/check/check.hpp"

#include "base/interrupt.hpp"
#include "base/random.hpp"
#include "data/builtin.hpp"
#include "data/expect_error.hpp"
#include "data/temporary_folder.hpp"
#include "data/unpacked.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace resnet {
namespace {

/// A picture unlike any with another key: waves in three colours.
std::string painted_scene(uint64_t key, int side) {
  Rng rng(key, "scene");
  std::string pixels(static_cast<std::size_t>(3 * side * side), '\0');
  std::array<std::array<double, 3>, 8> waves{};
  for (auto& wave : waves) wave = {rng.uniform(-12, 12), rng.uniform(-12, 12), rng.uniform(0, 6)};
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (int c = 0; c < 3; ++c) {
        double value = 128;
        for (const auto& [along, down, phase] : waves)
          value += 14 * std::cos((along * x + down * y) / side + phase + 0.3 * c);
        pixels[static_cast<std::size_t>((y * side + x) * 3 + c)] = static_cast<char>(std::clamp(value, 0.0, 255.0));
      }
  return "P6\n" + std::to_string(side) + " " + std::to_string(side) + "\n255\n" + pixels;
}

const std::string& scene(uint64_t key, int side = 64) {
  static std::map<std::pair<uint64_t, int>, std::string> scenes;
  std::string& scene = scenes[{key, side}];
  if (scene.empty()) scene = painted_scene(key, side);
  return scene;
}

std::string planted(const std::string& name) {
  return read_file(test::tests_folder() / "data/check/images" / name, 1 << 20);
}

/// train and val of the classes cat and dog, ten and four images each.
struct CleanSet {
  TemporaryFolder folder;
  CleanSet() {
    uint64_t key = 0;
    for (const auto& [split, count] : {std::pair("train", 10), std::pair("val", 4)})
      for (const char* name : {"cat", "dog"})
        for (int k = 0; k < count; ++k)
          folder.put(std::string(split) + "/" + name + "/" + std::to_string(k) + ".ppm", scene(++key));
  }
  CheckResult check(int threads = 2) const { return check_folder(folder.path(), {.threads = threads}); }
};

/// "near-leak: train/cat/a.jpg val/cat/b.png" for each finding, without details.
std::vector<std::string> lines_of(const CheckResult& result) {
  std::vector<std::string> lines;
  for (const Finding& finding : result.findings) {
    std::string line = std::string(row_of(finding.problem).name) + ":";
    for (const int64_t image : finding.images) line += " " + result.images[static_cast<std::size_t>(image)].name;
    lines.push_back(line);
  }
  return lines;
}

TEST(Check, ACleanSetRaisesNothing) {
  const CleanSet set;
  const CheckResult result = set.check();
  EXPECT_EQ(lines_of(result), std::vector<std::string>{});
  EXPECT_EQ(result.images.size(), 28u);
  EXPECT_EQ(result.splits, (std::vector<std::string>{"train", "val"}));
  EXPECT_EQ(result.counts(), (std::vector<std::vector<int64_t>>{{10, 10}, {4, 4}}));
  EXPECT_TRUE(removals(result).empty());
}

struct Planted {
  std::string file, bytes;
  std::vector<std::string> found;
};

/// One at a time, so that each is found as what it is.
TEST(Check, EachPlantedDefectIsFoundAsItself) {
  const std::string photo = planted("photo.jpg");
  const std::vector<Planted> defects = {
      {"train/cat/e.jpg", "", {"empty-file: train/cat/e.jpg"}},
      {"train/cat/t.jpg", photo.substr(0, photo.size() / 2), {"unreadable: train/cat/t.jpg"}},
      {"train/cat/h.jpg", photo.substr(0, 30), {"unreadable: train/cat/h.jpg"}},
      {"train/cat/p.png", planted("palette.png").substr(0, 700), {"unreadable: train/cat/p.png"}},
      {"train/cat/x.jpg", "no picture at all", {"unreadable: train/cat/x.jpg"}},
      {"train/cat/g.jpg", planted("really_a.gif"), {"unreadable: train/cat/g.jpg"}},
      {"train/cat/w.jpg", planted("really_webp.webp"), {"extension: train/cat/w.jpg"}},
      {"train/cat/w.dat", planted("really_webp.webp"), {"extension: train/cat/w.dat"}},
      {"train/cat/d.jpg", planted("damaged.jpg"), {"damaged: train/cat/d.jpg"}},
      {"train/cat/c.jpg", planted("cmyk.jpg"), {"cmyk: train/cat/c.jpg"}},
      {"train/cat/s.png",
       planted("sixteen.png"),
       {"sixteen-bits: train/cat/s.png", "grey-among-colour: train/cat/s.png"}},
      {"train/cat/p2.png", planted("palette.png"), {"palette: train/cat/p2.png"}},
      {"train/cat/a.png", planted("alpha.png"), {"alpha: train/cat/a.png"}},
      {"train/cat/b.jpg", planted("grey.jpg"), {"grey-among-colour: train/cat/b.jpg"}},
      {"train/cat/r.jpg", planted("rotated.jpg"), {"rotated: train/cat/r.jpg"}},
      {"train/cat/m.webp", planted("moving.webp"), {"animated: train/cat/m.webp"}},
      {"train/cat/o.png", planted("blank.png"), {"blank: train/cat/o.png"}},
      {"train/cat/tiny.ppm", scene(900, 6), {"tiny: train/cat/tiny.ppm"}},
      {"train/cat/notes.txt", "labelled by hand", {"not-an-image:"}},
      {"train/stray.ppm", scene(901), {"outside-classes:"}},
      {"train/cat/again.ppm", scene(3), {"duplicate: train/cat/2.ppm train/cat/again.ppm"}},
      {"train/dog/again.ppm", scene(3), {"contradiction: train/cat/2.ppm train/dog/again.ppm"}},
      {"val/cat/again.ppm", scene(3), {"leak: train/cat/2.ppm val/cat/again.ppm"}},
      {"val/bird/1.ppm", scene(902), {"untrained-class:"}},
      {"train/bird/1.ppm", scene(903), {"missing-class:"}},
  };
  for (const Planted& defect : defects) {
    const CleanSet set;
    set.folder.put(defect.file, defect.bytes);
    EXPECT_EQ(lines_of(set.check()), defect.found) << defect.file;
  }
}

TEST(Check, FindsLinksThatLeadNowhere) {
  const CleanSet set;
  std::filesystem::create_symlink("/nowhere/photo.jpg", set.folder.path() / "train/cat/photo.jpg");
  std::filesystem::create_symlink("/nowhere/notes.txt", set.folder.path() / "train/cat/notes.txt");
  EXPECT_EQ(lines_of(set.check()), std::vector<std::string>{"unreadable: train/cat/photo.jpg"});
}

TEST(Check, ListsBesideTheClassesAreNoImages) {
  const CleanSet set;
  for (const char* file : {"classes.txt", "train/notes.txt", "docs/readme.md", ".git/config"})
    set.folder.put(file, "text");
  EXPECT_EQ(lines_of(set.check()), std::vector<std::string>{});
  set.folder.put("docs/figure.ppm", scene(904));
  EXPECT_EQ(lines_of(set.check()), std::vector<std::string>{"outside-classes:"});
}

TEST(Check, FindsNearCopiesInOtherQualityAndSize) {
  const CleanSet set;
  set.folder.put("train/cat/photo.jpg", planted("photo.jpg"));
  set.folder.put("train/cat/again.jpg", planted("photo_again.jpg"));
  EXPECT_EQ(lines_of(set.check()), std::vector<std::string>{"near-duplicate: train/cat/again.jpg train/cat/photo.jpg"});
  set.folder.put("val/cat/small.png", planted("photo_smaller.png"));
  EXPECT_EQ(lines_of(set.check()),
            std::vector<std::string>{"near-leak: train/cat/again.jpg train/cat/photo.jpg val/cat/small.png"});
  set.folder.put("val/dog/small.png", planted("photo_smaller.png"));
  EXPECT_EQ(lines_of(set.check()),
            (std::vector<std::string>{
                "contradiction: val/cat/small.png val/dog/small.png",
                "near-contradiction: train/cat/again.jpg train/cat/photo.jpg val/cat/small.png val/dog/small.png"}));
}

TEST(Check, FindsImbalance) {
  const CleanSet set;
  for (uint64_t k = 0; k < 100; ++k) set.folder.put("train/dog/more" + std::to_string(k) + ".ppm", scene(1000 + k));
  const CheckResult result = set.check();
  EXPECT_EQ(lines_of(result), std::vector<std::string>{"imbalance:"});
  EXPECT_EQ(result.findings[0].detail, "train: class cat has 10 images, dog has 110");
}

TEST(Check, RemovalsKeepOneCopyAndWhatEvaluationUses) {
  const CleanSet set;
  set.folder.put("val/cat/again.ppm", scene(3));     // leak: the training copy goes
  set.folder.put("train/dog/twice.ppm", scene(12));  // duplicate of train/dog/1: one goes
  set.folder.put("val/dog/both.ppm", scene(4));      // train/cat/3 in another class: both go
  set.folder.put("train/cat/empty.png", "");
  set.folder.put("train/cat/photo.jpg", planted("photo.jpg"));
  set.folder.put("train/cat/photo2.jpg", planted("photo_again.jpg"));  // nearly equal: a person decides
  const CheckResult result = set.check();
  std::vector<std::string> names;
  for (const Removal& removal : removals(result))
    names.push_back(result.images[static_cast<std::size_t>(removal.image)].name + ": " + removal.reason);
  EXPECT_EQ(names, (std::vector<std::string>{"train/cat/2.ppm: equals val/cat/again.ppm",
                                             "train/cat/3.ppm: equals val/dog/both.ppm", "train/cat/empty.png: 0 bytes",
                                             "train/dog/twice.ppm: equals train/dog/1.ppm",
                                             "val/dog/both.ppm: equals train/cat/3.ppm"}));
}

TEST(Check, ThreadsChangeNothing) {
  const CleanSet set;
  for (uint64_t k = 0; k < 40; ++k) {
    set.folder.put("train/dog/m" + std::to_string(k) + ".ppm", scene(k % 3 ? 100 + k : k + 1));
    if (k % 7 == 0) set.folder.put("train/cat/z" + std::to_string(k) + ".jpg", planted("damaged.jpg").substr(k));
  }
  const std::vector<std::string> expected = lines_of(set.check(1));
  EXPECT_GT(expected.size(), 10u);
  for (const int threads : {2, 5}) EXPECT_EQ(lines_of(set.check(threads)), expected);
}

TEST(Check, TakesFoldersWithoutSplitsAndNestedOnes) {
  const TemporaryFolder folder;
  for (uint64_t k = 0; k < 6; ++k)
    folder.put("photos/" + std::string(k % 2 ? "a" : "b") + "/deep/er/" + std::to_string(k) + ".ppm", scene(k));
  const CheckResult result = check_folder(folder.path(), {.threads = 1});
  EXPECT_EQ(lines_of(result), std::vector<std::string>{});
  EXPECT_EQ(result.splits, std::vector<std::string>{""});
  EXPECT_EQ(result.images.front().name, "photos/a/deep/er/1.ppm");
}

TEST(Check, LooksAtSetsWithoutFiles) {
  const DataSplit shapes = generate_shapes({.train = 200, .test = 60}, 2);
  EXPECT_EQ(lines_of(check_dataset(shapes, {.threads = 2})), std::vector<std::string>{});
  std::vector<uint8_t> pixels(4 * 3 * 32 * 32);
  for (int64_t k = 0; k < 3; ++k)
    render_shape(1, "train", k, static_cast<int>(k),
                 std::span(pixels).subspan(static_cast<std::size_t>(k) * 3072, 3072));
  render_shape(1, "train", 0, 0, std::span(pixels).subspan(3 * 3072, 3072));
  DataSplit copies;
  copies.train = memory_dataset({"a", "b"}, {3, 32, 32}, {pixels.begin(), pixels.begin() + 2 * 3072}, {0, 1});
  copies.test = memory_dataset({"a", "b"}, {3, 32, 32}, {pixels.begin() + 2 * 3072, pixels.end()}, {1, 0});
  EXPECT_EQ(lines_of(check_dataset(copies, {.threads = 1})), std::vector<std::string>{"leak: train 0 test 1"});
}

TEST(Check, StopsWhenInterrupted) {
  const CleanSet set;
  set_interrupted(true);
  expect_error([&] { set.check(); }, ExitCode::interrupted, {"interrupted"});
  set_interrupted(false);
}

TEST(Check, RefusesFoldersWithoutImages) {
  const TemporaryFolder folder;
  folder.put("a/readme.txt", "nothing");
  expect_error([&] { check_folder(folder.path(), {}); }, ExitCode::bad_data, {"no images"});
  EXPECT_FALSE(holds_image_files(folder.path()));
  expect_error([&] { check_folder(folder.path() / "none", {}); }, ExitCode::bad_data, {"none"});
}

class CheckSlow : public UnpackedData {};

TEST_F(CheckSlow, PhotosRaiseNothing) {
  unpack({"hymenoptera-small.tar"});
  if (IsSkipped()) return;
  EXPECT_EQ(lines_of(check_folder(folder_.path(), {})), std::vector<std::string>{});
}

TEST_F(CheckSlow, DigitsOfAClassAreNotTakenForCopies) {
  unpack({"mnist-small.tar.xz"});
  if (IsSkipped()) return;
  EXPECT_EQ(lines_of(check_folder(folder_.path(), {})), std::vector<std::string>{});
}

TEST_F(CheckSlow, TinyImagenetHasGreyImagesAndNothingElse) {
  unpack({"tiny-imagenet-10c.tar"});
  if (IsSkipped()) return;
  const CheckResult result = check_folder(folder_.path(), {});
  EXPECT_EQ(result.images.size(), 2500u);
  const auto count = [&](Problem problem) {
    return std::ranges::count_if(result.findings, [&](const Finding& finding) { return finding.problem == problem; });
  };
  EXPECT_EQ(count(Problem::grey_among_colour), 70) << "as Pillow's modes say";
  EXPECT_EQ(result.findings.size(), 70u) << "classes.txt is no image";
}

TEST(CheckRows, AreInTheirOrder) {
  std::set<std::string_view> names;
  for (std::size_t k = 0; k < problems().size(); ++k) {
    EXPECT_EQ(problems()[k].problem, static_cast<Problem>(k));
    EXPECT_TRUE(k == 0 || problems()[k - 1].severity <= problems()[k].severity);
    names.insert(problems()[k].name);
  }
  EXPECT_EQ(names.size(), problems().size());
}

}  // namespace
}  // namespace resnet
