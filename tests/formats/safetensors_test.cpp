// The tensor format: what is written comes back, equal contents are equal bytes, and no bad file gets through.
#include "formats/safetensors.hpp"

#include "formats/format_test.hpp"
#include "formats/half.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <sstream>

namespace resnet {
namespace {

template <class T>
Tensor counting(const Shape& shape, T first) {
  Tensor tensor(shape, dtype_of<T>);
  std::iota(tensor.data<T>().begin(), tensor.data<T>().end(), first);
  return tensor;
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::ranges::equal(a.bytes(), b.bytes());
}

TensorReferences references(const std::map<std::string, Tensor>& tensors) {
  TensorReferences result;
  for (const auto& [name, tensor] : tensors) result[name] = &tensor;
  return result;
}

std::map<std::string, Tensor> one_of_each() {
  return {{"a.u8", counting<uint8_t>({3}, 250)},
          {"b.f32", counting<float>({2, 3}, -1.5f)},
          {"c.f64", counting<double>({1, 2, 1, 2, 1, 2}, 0.1)},
          {"d.i64", counting<int64_t>({}, -7)},
          {"e.i32", counting<int32_t>({2, 2}, -2)},
          {"empty", Tensor({0, 4})},
          {"quote \" and \\ and \n", counting<float>({1}, 1)}};
}

TEST(Safetensors, RoundTrip) {
  const TemporaryFolder folder;
  const auto tensors = one_of_each();
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"text", "{\"a\": \"\\\n\xc3\xa4\"}"}};
  write_safetensors(folder / "x.safetensors", references(tensors), metadata);
  const TensorFile file = read_safetensors(folder / "x.safetensors");
  EXPECT_EQ(file.metadata, metadata);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) EXPECT_TRUE(equal(file.tensors.at(name), tensor)) << name;
}

TEST(Safetensors, NothingAtAllIsAFileToo) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", {});
  const TensorFile file = read_safetensors(folder / "x");
  EXPECT_TRUE(file.tensors.empty());
  EXPECT_TRUE(file.metadata.empty());
}

TEST(Safetensors, TheBytesAreTheFormats) {
  const TemporaryFolder folder;
  const auto tensors = std::map<std::string, Tensor>{{"b", counting<float>({1, 2}, 1)},
                                                     {"c", counting<uint8_t>({1}, 9)},
                                                     {"a", counting<uint8_t>({2}, 7)},
                                                     {"z", counting<int64_t>({}, 5)}};
  write_safetensors(folder / "x", references(tensors), {{"k", "v"}});
  std::string header =
      R"({"__metadata__":{"k":"v"},"z":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"a":{"dtype":"U8","shape":[2],"data_offsets":[16,18]},)"
      R"("c":{"dtype":"U8","shape":[1],"data_offsets":[18,19]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string bytes = read_file(folder / "x", 1 << 30);
  EXPECT_EQ(bytes.substr(8, header.size()), header);
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length, header.size());
  EXPECT_EQ(bytes.size(), 8 + header.size() + 19);
  EXPECT_EQ(bytes.substr(bytes.size() - 3), "\x07\x08\x09");
}

TEST(Safetensors, EqualContentsAreEqualBytes) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", references(one_of_each()), {{"b", "2"}, {"a", "1"}});
  const TensorFile file = read_safetensors(folder / "x");
  write_safetensors(folder / "y", references(file.tensors), file.metadata);
  EXPECT_EQ(read_file(folder / "x", 1 << 30), read_file(folder / "y", 1 << 30));
}

TEST(Safetensors, AFailedWriteChangesNothing) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", references(one_of_each()));
  const std::string before = read_file(folder / "x", 1 << 30);
  for (int good_writes = 0; good_writes < 4; ++good_writes) {
    int writes = 0;
    set_write_fault([&](const fs::path&) { return writes++ == good_writes ? ENOSPC : 0; });
    const auto other = std::map<std::string, Tensor>{{"y", counting<float>({5}, 0)}, {"z", counting<float>({5}, 0)}};
    const Error error = error_of([&] { write_safetensors(folder / "x", references(other)); });
    set_write_fault({});
    EXPECT_EQ(error.code(), ExitCode::failed);
    EXPECT_EQ(read_file(folder / "x", 1 << 30), before);
    EXPECT_EQ(folder.entries(), 1);
  }
}

// --- reading what others wrote ---------------------------------------------------------------------------------------

std::string with_length(const std::string& header, const std::string& data = {}) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

TensorFile read_bytes(const std::string& bytes, const ReadLimits& limits = {}) {
  std::istringstream stream(bytes);
  return read_safetensors(stream, "file.safetensors", limits);
}

TEST(Safetensors, SixteenBitFloatsAreWidened) {
  const uint16_t bits[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x3555, 0x8000, 0x3f80, 0xc000};
  const std::string data(reinterpret_cast<const char*>(bits), sizeof bits);
  const TensorFile file = read_bytes(with_length(R"({"h":{"dtype":"F16","shape":[6],"data_offsets":[0,12]},)"
                                                 R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[12,16]}})",
                                                 data));
  const auto half = file.tensors.at("h").data<float>();
  EXPECT_EQ(half[0], 1);
  EXPECT_EQ(half[1], -2);
  EXPECT_EQ(half[2], 0x1p-24f);
  EXPECT_EQ(half[3], std::numeric_limits<float>::infinity());
  EXPECT_EQ(half[4], 0.333251953125f);
  EXPECT_TRUE(half[5] == 0 && std::signbit(half[5]));
  EXPECT_EQ(file.tensors.at("b").data<float>()[0], 1);
  EXPECT_EQ(file.tensors.at("b").data<float>()[1], -2);
}

// Every half, against its definition.
TEST(Safetensors, EveryHalfIsExact) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_f16(static_cast<uint16_t>(bits));
    const uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), fraction != 0);
      continue;
    }
    const double magnitude =
        exponent ? std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25) : std::ldexp(fraction, -24);
    ASSERT_EQ(value, bits & 0x8000 ? -magnitude : magnitude) << bits;
  }
}

struct Hostile {
  const char* what;
  std::string bytes;
  const char* message;  // part of it
};

std::string one_tensor(const std::string& fields, std::size_t data_bytes = 4) {
  return with_length("{\"t\":{" + fields + "}}", std::string(data_bytes, 'x'));
}
std::string two_tensors(const std::string& first, const std::string& second, std::size_t data_bytes) {
  return with_length(R"({"a":{"dtype":"U8","shape":)" + first + R"(},"b":{"dtype":"U8","shape":)" + second + "}}",
                     std::string(data_bytes, 'x'));
}
std::string length_only(uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}

std::vector<Hostile> hostile_files() {
  const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  return {
      {"empty", "", "only 0 bytes"},
      {"seven bytes", "1234567", "only 7 bytes"},
      {"no header", length_only(100), "truncated"},
      {"huge header", length_only(~uint64_t{0}) + "{}", "above the limit"},
      {"wrapping header", length_only(~uint64_t{0} - 7) + "{}", "above the limit"},
      {"header of nothing", length_only(0), "does not start with"},
      {"not JSON", with_length("hello"), "does not start with"},
      {"pickle", "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", "above the limit"},
      {"broken JSON", with_length("{\"t\":"), "malformed header"},
      {"two JSON values", with_length("{}{}"), "malformed header"},
      {"invalid UTF-8", with_length("{\"\xff\":{}}"), "malformed header"},
      {"nested", with_length("{\"t\":" + std::string(1 << 20, '[')), "nested too deeply"},
      {"nested objects", with_length(R"({"t":{"a":{"b":{"c":{"d":1}}}}})"), "nested too deeply"},
      {"not an object", with_length("{\"t\":3}"), "expected an object"},
      {"list for a tensor", with_length("{\"t\":[1]}"), "expected an object"},
      {"no dtype", one_tensor(R"("shape":[1],"data_offsets":[0,4])"), "has no dtype"},
      {"no shape", one_tensor(R"("dtype":"F32","data_offsets":[0,4])"), "has no shape"},
      {"no offsets", one_tensor(R"("dtype":"F32","shape":[1])"), "has no data_offsets"},
      {"unknown dtype", one_tensor(R"("dtype":"C64","shape":[1],"data_offsets":[0,4])"), "not supported"},
      {"number for dtype", one_tensor(R"("dtype":7,"shape":[1],"data_offsets":[0,4])"), "not supported"},
      {"negative extent", one_tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), "at least 0, got -1"},
      {"fraction of an extent", one_tensor(R"("dtype":"F32","shape":[1.0],"data_offsets":[0,4])"), "got 1.0"},
      {"text for a shape", one_tensor(R"("dtype":"F32","shape":"1","data_offsets":[0,4])"), "expected a list"},
      {"overflowing extents", one_tensor(R"("dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4])"),
       "overflows"},
      {"extent beyond 63 bits", one_tensor(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4])"),
       "overflows"},
      {"bytes overflow", one_tensor(R"("dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4])"),
       "do not hold F32"},
      {"rank 7", one_tensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1],"data_offsets":[0,4])"), "rank 7"},
      {"too few bytes for the shape", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"),
       "4 bytes do not hold F32 [2]"},
      {"odd bytes", one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,5])", 5), "do not hold"},
      {"beyond the file", one_tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"), "leave the file's 4 bytes"},
      {"offsets beyond 64 bits", one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616])"),
       "data_offsets"},
      {"negative offset", one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[-4,0])"), "data_offsets"},
      {"backward offsets", one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), "leave the file"},
      {"three offsets", one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])"), "begin and end"},
      {"truncated data", one_tensor(good, 3), "leave the file's 3 bytes"},
      {"bytes after the end", one_tensor(good, 5), "belong to no tensor"},
      {"hole at the start", one_tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", 8), "a hole after byte 0"},
      {"hole between", two_tensors(R"([2],"data_offsets":[0,2])", R"([2],"data_offsets":[3,5])", 5),
       "a hole after byte 2"},
      {"overlap", two_tensors(R"([3],"data_offsets":[0,3])", R"([3],"data_offsets":[2,5])", 5),
       "inside the one before"},
      {"same bytes twice", two_tensors(R"([3],"data_offsets":[0,3])", R"([3],"data_offsets":[0,3])", 3),
       "inside the one before"},
      {"duplicate name", with_length("{\"t\":{" + good + "},\"t\":{" + good + "}}", "xxxx"), "has 't' twice"},
      {"duplicate field", one_tensor(good + R"(,"dtype":"F32")"), "has 'dtype' twice"},
      {"two metadata", with_length(R"({"__metadata__":{},"__metadata__":{}})"), "twice"},
      {"number in metadata", with_length(R"({"__metadata__":{"a":1}})"), "'a' is not a string"},
      {"object in metadata", with_length(R"({"__metadata__":{"a":{}}})"), "'a' is not a string"},
      {"list for metadata", with_length(R"({"__metadata__":["a"]})"), "expected an object of strings"},
      {"line break in a name", with_length("{\"" + std::string(10'000, 'x') + "\\n\":3}"), "expected an object"},
  };
}

TEST(Safetensors, HostileFilesAreRefused) {
  for (const Hostile& file : hostile_files()) {
    SCOPED_TRACE(file.what);
    const Error error = error_of([&] { read_bytes(file.bytes); });
    EXPECT_EQ(error.code(), ExitCode::bad_model);
    EXPECT_TRUE(std::string(error.what()).starts_with("file.safetensors: ")) << error.what();
    EXPECT_NE(std::string(error.what()).find(file.message), std::string::npos) << error.what();
  }
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", references(one_of_each()), {{"format", "pt"}});
  const std::string bytes = read_file(folder / "x", 1 << 30);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_EQ(error_of([&] { read_bytes(bytes.substr(0, length)); }).code(), ExitCode::bad_model) << length;
}

TEST(Safetensors, LimitsHold) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", references(one_of_each()));
  const std::string bytes = read_file(folder / "x", 1 << 30);
  EXPECT_EQ(error_of([&] { read_bytes(bytes, {.header_bytes = 100}); }).code(), ExitCode::bad_model);
  EXPECT_EQ(error_of([&] { read_bytes(bytes, {.tensors = 6}); }).code(), ExitCode::bad_model);
  EXPECT_EQ(error_of([&] { read_bytes(bytes, {.total_bytes = 200}); }).code(), ExitCode::bad_model);
  EXPECT_EQ(read_bytes(bytes, {.tensors = 7}).tensors.size(), 7u);
}

TEST(Safetensors, MissingFilesAndFoldersAreNamed) {
  const TemporaryFolder folder;
  for (const char* name : {"missing.safetensors", "."}) {
    const Error error = error_of([&] { read_safetensors(folder / name); });
    EXPECT_EQ(error.code(), ExitCode::bad_model);
    EXPECT_TRUE(std::string(error.what()).starts_with((folder / name).string())) << error.what();
  }
}

}  // namespace
}  // namespace resnet
