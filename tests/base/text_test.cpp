#include "base/text.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/preprocessing.hpp"
#include "base/progress.hpp"
#include "base/shape.hpp"
#include "base/tensor.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace resnet {
namespace {

TEST(Error, SaysWhereWhatAndWithWhichCode) {
  try {
    with_context("node 'conv1'", [] { fail_model("conv: weight ", Shape{64, 32, 3, 3}, " expects 32 channels"); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "node 'conv1': conv: weight [64x32x3x3] expects 32 channels");
    EXPECT_EQ(error.code(), ExitCode::bad_model);
  }
}

TEST(Tensor, ConvertsBetweenTypes) {
  Tensor x(Shape{3}, DType::f64);
  x.data<double>()[1] = -2.5;
  EXPECT_EQ(convert(x, DType::f32).data<float>()[1], -2.5f);
  EXPECT_EQ(convert(x, DType::i32).data<int32_t>()[1], -2);
  EXPECT_THROW(convert(x, DType::bf16), Error);
}

TEST(Text, CountsInWords) {
  EXPECT_EQ(plural(1, "epoch"), "1 epoch");
  EXPECT_EQ(plural(60, "epoch"), "60 epochs");
  EXPECT_EQ(plural(2, "batch"), "2 batches");
  EXPECT_EQ(plural(2, "class"), "2 classes");
}

TEST(Progress, SaysDurationsShortly) {
  EXPECT_EQ(duration_text(12.4), "12s");
  EXPECT_EQ(duration_text(185), "3m 05s");
  EXPECT_EQ(duration_text(3725), "1h 02m");
}

TEST(Nearest, FewestEdits) {
  const std::vector<std::string> names = {"resnet20", "resnet32", "plain20"};
  EXPECT_EQ(did_you_mean("resne20", names), "; did you mean resnet20?");
  EXPECT_EQ(did_you_mean("plan20", names), "; did you mean plain20?");
  EXPECT_EQ(did_you_mean("resnet33", names), "; did you mean resnet32?");
  const std::vector<std::string> options = {"size", "count", "noise"};
  EXPECT_EQ(did_you_mean("cont", options), "; did you mean count?");
  EXPECT_EQ(did_you_mean("zise", options), "; did you mean size?");
  EXPECT_EQ(did_you_mean("x", {}), "");
  EXPECT_EQ(did_you_mean("mobilenet", names), "");  // too far from all
}

TEST(Preprocessing, SurvivesItsText) {
  const Preprocessing cifar{.mean = {0.4914f, 0.4822f, 0.4465f}, .deviation = {0.247f, 0.2435f, 0.2616f}};
  EXPECT_EQ(preprocessing_from_json(to_json_text(cifar)), cifar);
  const Preprocessing photos{.height = 224, .width = 192, .resize = 256, .filter = Filter::bicubic};
  EXPECT_EQ(preprocessing_from_json(to_json_text(photos)), photos);
}

TEST(Preprocessing, RefusesWhatDoesNotFit) {
  for (const char* text : {"", "[]", "{}", R"({"channels":3,"height":32,"width":32,"mean":[0],"std":[1,1,1]})",
                           R"({"channels":1,"height":32,"width":32,"mean":[0],"std":[0]})",
                           R"({"channels":1,"height":0,"width":32,"mean":[0],"std":[1]})",
                           R"({"channels":"1","height":1,"width":32,"mean":[0],"std":[1]})"})
    EXPECT_THROW(preprocessing_from_json(text), Error) << text;
}

}  // namespace
}  // namespace resnet
