// resnet check: what it prints, its JSON, its list of files, its exit code.
#include "cli/program.hpp"
#include "support/places.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace resnet::test {
namespace {

/// Two classes of two pictures each, and a broken file if wanted.
void write_photos(const fs::path& folder, bool broken) {
  const fs::path images = tests_folder() / "data/check/images";
  fs::create_directories(folder / "cat");
  fs::create_directories(folder / "dog");
  fs::copy(images / "photo.jpg", folder / "cat/1.jpg");
  fs::copy(images / "really_webp.webp", folder / "cat/2.webp");
  fs::copy(images / "rotated.jpg", folder / "dog/1.jpg");
  fs::copy(images / "alpha.png", folder / "dog/2.png");
  if (!broken) return;
  std::ofstream(folder / "cat/odd name.png") << "";
  fs::copy(images / "photo.jpg", folder / "dog/3.jpg");
}

TEST(CheckVerb, PassesASetThatOnlyNeedsCare) {
  const Workplace here;
  write_photos(here.path() / "photos", false);
  const Outcome outcome = here.run({"check", "photos"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("photos: 4 images, 2 classes\n")) << outcome.out;
  EXPECT_EQ(outcome.out.find("Hurts"), std::string::npos);
  EXPECT_NE(outcome.out.find("dog/1.jpg (orientation 6)"), std::string::npos) << outcome.out;
  const nlohmann::json json = here.run({"check", "photos", "--json"}).json();
  EXPECT_EQ(json["ok"], true);
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["counts"], (nlohmann::json{{"alpha", 1}, {"rotated", 1}}));
  EXPECT_EQ(json["splits"][0]["classes"]["cat"], 2);
}

TEST(CheckVerb, EndsWith3AndListsWhatToRemove) {
  const Workplace here;
  write_photos(here.path() / "photos", true);
  const Outcome outcome = here.run({"check", "photos", "--fix-list", "list.txt"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("error: photos: 2 findings hurt training\n"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.out.find("cat/1.jpg = dog/3.jpg"), std::string::npos) << outcome.out;
  EXPECT_EQ(here.bytes("list.txt"),
            "photos/cat/1.jpg\tcontradiction: equals dog/3.jpg\n"
            "photos/cat/odd name.png\tempty-file: 0 bytes\n"
            "photos/dog/3.jpg\tcontradiction: equals cat/1.jpg\n");
  EXPECT_EQ(here.run({"check", "photos", "--fix-list", "list0", "--print0"}).code, 3);
  EXPECT_EQ(here.bytes("list0"), std::string("photos/cat/1.jpg\0photos/cat/odd name.png\0photos/dog/3.jpg\0", 58));
  const nlohmann::json json = nlohmann::json::parse(here.run({"check", "photos", "--json"}).out);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["findings"][0]["problem"], "empty-file");
  EXPECT_EQ(json["findings"][1]["images"], (nlohmann::json{"cat/1.jpg", "dog/3.jpg"}));
}

TEST(CheckVerb, LooksAtGeneratedSets) {
  const Workplace here;
  const Outcome outcome = here.run({"check", "builtin:shapes?train=200&test=50"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out,
            "builtin:shapes?train=200&test=50: 250 images, 10 classes, train 200, test 50\nnothing found\n");
}

TEST(CheckVerb, AnswersWrongUse) {
  const Workplace here;
  EXPECT_EQ(here.run({"check"}).code, 2);
  EXPECT_EQ(here.run({"check", "nowhere"}).code, 3);
  const Outcome outcome = here.run({"check", "builtin:shapes?train=50&test=50", "--print0"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_TRUE(is_one_line(outcome.err)) << outcome.err;
}

}  // namespace
}  // namespace resnet::test
