// PyTorch files that no honest program writes: each is refused with one line, as a bad model file, at once and without
// memory for what it claims. Nothing of their content is run.
#include "formats/format_test.hpp"
#include "formats/hostile.hpp"
#include "formats/pytorch.hpp"
#include "formats/zip.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace resnet {
namespace {

using namespace test;

const std::string four_floats(16, '\0');

WeightsFile read(const std::string& bytes) {
  std::istringstream stream(bytes);
  return read_pytorch(stream, "file.pth");
}

void expect_refused(const std::string& bytes, const std::string& because) {
  const Error error = error_of([&] { read(bytes); });
  EXPECT_EQ(error.code(), ExitCode::bad_model);
  EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
  EXPECT_TRUE(std::string(error.what()).starts_with("file.pth")) << error.what();
}

void expect_pickle_refused(const std::string& value, const std::string& because) {
  expect_refused(pytorch_zip(value, four_floats), because);
}

std::string good_tensor() { return tensor(storage(4), 0, {2, 2}, {2, 1}); }

TEST(HostilePyTorch, HonestFileIsRead) {
  const WeightsFile file = read(pytorch_zip(dict({{"w", good_tensor()}}), four_floats));
  ASSERT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(file.tensors[0].name, "w");
  EXPECT_EQ(file.tensors[0].tensor.shape(), (Shape{2, 2}));
  EXPECT_TRUE(file.foreign.empty());
}

TEST(HostilePyTorch, BystandersAreListedAndSkipped) {
  const std::string command = call(global("os", "system"), {text("touch /tmp/must-not-exist")});
  const WeightsFile file =
      read(pytorch_zip(dict({{"args", command}, {"epoch", integer(3)}, {"w", good_tensor()}}), four_floats));
  EXPECT_EQ(file.tensors.size(), 1u);
  EXPECT_EQ(file.foreign, std::vector<std::string>{"os.system"});
  EXPECT_EQ(file.other, (std::vector<std::string>{"args: made by os.system, skipped", "epoch = 3"}));
  EXPECT_FALSE(path_exists("/tmp/must-not-exist"));
}

TEST(HostilePyTorch, CallsThatMakeTheContentAreRefused) {
  expect_pickle_refused(call(global("os", "system"), {text("true")}), "os.system");
  expect_pickle_refused(call(global("builtins", "eval"), {text("1")}), "builtins.eval");
  const std::string getattr = call(global("builtins", "getattr"), {global("os", "path"), text("join")});
  expect_pickle_refused(call(getattr, {text("x")}), "a computed function");
  expect_pickle_refused("(" + text("true") + "ios\nsystem\n", "os.system");               // INST
  expect_pickle_refused("(" + global("os", "system") + text("true") + "o", "os.system");  // OBJ
  expect_pickle_refused(global("os", "system") + tuple({}) + "\x81", "os.system");        // NEWOBJ
}

TEST(HostilePyTorch, TensorsThatDependOnForeignObjectsAreRefused) {
  const std::string storage_call = call(global("os", "system"), {text("true")});
  expect_pickle_refused(dict({{"w", tensor(storage_call, 0, {2}, {1})}}), "depends on the foreign object os.system");
  expect_pickle_refused(dict({{"w", call(global("mine", "Wrapped"), {good_tensor()})}}), "mine.Wrapped");
  const std::string nested = call(global("a", "b"), {call(global("c", "d"), {tuple({tuple({good_tensor()})})})});
  expect_pickle_refused(dict({{"w", nested}}), "a.b");
  expect_pickle_refused(dict({{"w", tensor(storage(4, "0", "EvilStorage"), 0, {2}, {1})}}), "Evil");
}

TEST(HostilePyTorch, MalformedPicklesAreRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("."), std::string("\x80\x09."), std::string("t."), std::string("(."),
        std::string("R."), std::string("h\x05."), std::string("}" + text("k") + "u."), std::string("NNs."),
        std::string("\x82\x01."), std::string("\x97."), std::string("Ix\n."), std::string("N\x85"), std::string("(1.")})
    expect_refused(zip_of({{.name = "a/data.pkl", .bytes = bytes}}), "pickle");
}

TEST(HostilePyTorch, SizeBombsAreRefused) {
  expect_pickle_refused("\x8d" + number(uint64_t{1} << 60, 8), "pickle");  // a text of 2^60 bytes
  expect_pickle_refused("X" + number(0xffffffff, 4), "pickle");
  expect_pickle_refused("\x8b" + number(0x7fffffff, 4), "pickle");
  const uint32_t huge = 0x7fffffff;
  expect_pickle_refused(dict({{"w", tensor(storage(4), 0, {huge, huge, huge}, {0, 0, 0})}}), "overflows");
  expect_pickle_refused(dict({{"w", tensor(storage(4), 0, {huge, 16}, {0, 0})}}), "larger than the file");
  expect_pickle_refused(dict({{"w", tensor(storage(huge), 0, {2}, {1})}}), "storage");
  std::string many = "}(";
  for (int i = 0; i < 100; ++i) many += text(std::to_string(i)) + tensor(storage(4), 0, {1 << 20}, {0});
  expect_pickle_refused(many + "u", "larger than the file");
}

TEST(HostilePyTorch, NameBombsAreRefused) {
  expect_pickle_refused(global(std::string(2000, 'm'), "C"), "class name of 2001 bytes");
  // Class names made of class names would double 64 times: STACK_GLOBAL of two copies of what is remembered.
  std::string bomb = text("a") + text("b") + "\x93q\x01";
  for (int level = 0; level < 64; ++level) bomb += "0h\x01h\x01\x93q\x01";
  expect_pickle_refused(bomb, "a class whose name is no text");
}

TEST(HostilePyTorch, MemoBombsAreRefused) {
  // A list of two copies of the list before it, 64 times: 2^64 items for whoever walks it.
  std::string bomb = "]q\x01";
  for (int level = 0; level < 64; ++level)
    bomb +=
        "0](h\x01h\x01"
        "eq\x01";
  expect_pickle_refused(bomb, "nested too deeply");
  expect_pickle_refused(
      "]q\x01h\x01"
      "a",
      "hold themselves");
  expect_pickle_refused("}q\x01" + text("model") + "h\x01s", "hold themselves");
  // Each pair of bytes doubles nothing: pushing the same object again and again stays linear.
  std::string pushes = "]q\x01(";
  for (int i = 0; i < 1 << 20; ++i) pushes += "h\x01";
  expect_pickle_refused(pushes + "l", "limit");
}

TEST(HostilePyTorch, TensorsOutsideTheirStorageAreRefused) {
  expect_pickle_refused(dict({{"w", tensor(storage(4), 1, {2, 2}, {2, 1})}}), "reaches element 4");
  expect_pickle_refused(dict({{"w", tensor(storage(4), 0, {2, 2}, {0x7fffffff, 1})}}), "reaches element");
  expect_pickle_refused(dict({{"w", tensor(storage(4), 0xffffffff, {1}, {1})}}), "offset");
  expect_pickle_refused(dict({{"w", tensor(storage(4), 0, {0xffffffff}, {1})}}), "shape");
  expect_pickle_refused(dict({{"w", tensor(storage(5), 0, {2}, {1})}}), "20 are needed");
  expect_pickle_refused(dict({{"w", tensor(storage(4, "1"), 0, {2}, {1})}}), "no storage '1'");
  expect_pickle_refused(dict({{"w", tensor(storage(4), 0, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1})}}), "extents");
  expect_pickle_refused(dict({{"w", tensor(storage(2, "0", "ComplexFloatStorage"), 0, {2}, {1})}}), "ComplexFloat");
}

TEST(HostilePyTorch, ArchivesThatLieAreRefused) {
  const std::string content = pickle(dict({{"w", good_tensor()}}));
  const ZipItem object{.name = "a/data.pkl", .bytes = content};
  expect_refused(zip_of({object, {.name = "../../etc/passwd", .bytes = "x"}}), "leaves the archive");
  expect_refused(zip_of({object, {.name = "/etc/passwd", .bytes = "x"}}), "leaves the archive");
  expect_refused(zip_of({object, object}), "twice");
  expect_refused(zip_of({object, {.name = "a/data/0", .bytes = four_floats, .header = 0}}), "overlap");
  expect_refused(zip_of({object, {.name = "a/data/0", .bytes = four_floats, .header = 1 << 30}}), "outside the file");
  expect_refused(zip_of({object, {.name = "a/data/0", .bytes = four_floats, .checksum = 1}}), "checksum");
  expect_refused(zip_of({object, {.name = "a/data/0", .bytes = four_floats, .method = 12}}), "method 12");
  expect_refused(zip_of({object, {.name = "a/data/0", .bytes = "x", .method = 8, .size = 1u << 31}}), "deflate");
  expect_refused(zip_of({object, {.name = "a/data/0", .bytes = "not deflated", .method = 8, .size = 16}}), "damaged");
  expect_refused(zip_of({object, {.name = "a/constants.pkl", .bytes = "x"}}), "TorchScript");
  expect_refused(zip_of({{.name = "a/other", .bytes = "x"}}), "data.pkl");
}

TEST(HostilePyTorch, EveryShorterFileIsRefused) {
  const std::string whole = pytorch_zip(dict({{"w", good_tensor()}}), four_floats);
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(error_of([&] { read(whole.substr(0, length)); }).code(), ExitCode::bad_model) << length;
}

TEST(HostilePyTorch, ADamagedByteIsAnErrorOrAnotherFile) {
  const std::string whole = pytorch_zip(dict({{"w", good_tensor()}, {"other", integer(7)}}), four_floats);
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char flipped : {'\x01', '\x80', '\xff'}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flipped);
      try {
        read(damaged);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_model) << at << ": " << error.what();
      }
    }
}

// --- the older stream ---

std::string stream_of(const std::string& value, const std::string& keys, const std::string& storages) {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e", 15);
  const std::string little = "}" + text("little_endian") + "\x88s";
  return magic + pickle("M" + number(1001, 2)) + pickle(little) + pickle(value) + pickle(keys) + storages;
}

TEST(HostilePyTorch, OlderStreamIsReadAndChecked) {
  const std::string content = dict({{"w", tensor(storage(4), 0, {2, 2}, {1, 2})}}), keys = "](" + text("0") + "e";
  std::string floats(16, '\0');
  floats[6] = '\x80', floats[7] = '\x3f';  // element 1 is 1.0
  const WeightsFile file = read(stream_of(content, keys, number(4, 8) + floats));
  EXPECT_EQ(file.tensors.at(0).tensor.data<float>()[2], 1.0f);  // column-major
  expect_refused(stream_of(content, keys, number(4, 8) + floats.substr(1)), "truncated");
  expect_refused(stream_of(content, keys, number(3, 8) + floats), "are needed");
  expect_refused(stream_of(content, keys, number(uint64_t{1} << 62, 8) + floats), "absurd");
  expect_refused(stream_of(content, "](" + text("0") + text("0") + "e", number(4, 8) + floats + number(4, 8) + floats),
                 "twice");
  expect_refused(stream_of(content, "](" + text("9") + "e", number(4, 8) + floats), "belongs to no tensor");
  expect_refused(stream_of(content, "]", ""), "has no storage");
  const std::string whole = stream_of(content, keys, number(4, 8) + floats);
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_EQ(error_of([&] { read(whole.substr(0, length)); }).code(), ExitCode::bad_model) << length;
}

}  // namespace
}  // namespace resnet
