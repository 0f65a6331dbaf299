// The format as others read and write it: a small reader in Python's standard library, and a file that the format's own
// library wrote.
#include "formats/format_test.hpp"
#include "formats/safetensors.hpp"
#include "support/commands.hpp"
#include "support/places.hpp"

#include <fmt/printf.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <numeric>
#include <optional>

namespace resnet {
namespace {

std::string hex(const std::string& text) {
  std::string digits;
  for (const char c : text) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return digits;
}

template <class T>
std::string values_of(const Tensor& tensor) {
  std::string line;
  for (const T value : tensor.data<T>()) line += fmt::sprintf(" %.9g", static_cast<double>(value));
  return line;
}

template <class T>
Tensor counting(const Shape& shape, T first) {
  Tensor tensor(shape, dtype_of<T>);
  std::iota(tensor.data<T>().begin(), tensor.data<T>().end(), first);
  return tensor;
}

TEST(Interoperation, PythonReadsTheSame) {
  if (!test::output_of("python3 -c 'import json, struct' 2>&1")) GTEST_SKIP() << "python3 is not installed";
  const TemporaryFolder folder;
  const Tensor a = counting<float>({2, 3}, 0.1f), b = counting<int64_t>({}, 12), c = counting<uint8_t>({5}, 200);
  const Tensor d = counting<double>({1, 4}, -2.25), e = counting<int32_t>({3}, -9);
  const std::string text = "{\"classes\": \"M\xc3\xbcnze\\\n\"}";
  write_safetensors(folder / "x", {{"a", &a}, {"b.num", &b}, {"c \xc3\xa4 \"", &c}, {"d", &d}, {"e", &e}},
                    {{"format", "pt"}, {"text", text}});
  const std::string script = (test::tests_folder() / "formats" / "read_safetensors.py").string();
  const auto printed = test::output_of("python3 '" + script + "' '" + (folder / "x").string() + "'");
  ASSERT_TRUE(printed);
  EXPECT_EQ(*printed, "metadata format " + hex("pt") + "\nmetadata text " + hex(text) + "\ntensor " + hex("a") +
                          " F32 [2x3]" + values_of<float>(a) + "\ntensor " + hex("b.num") + " I64 [] 12\ntensor " +
                          hex("c \xc3\xa4 \"") + " U8 [5] 200 201 202 203 204\ntensor " + hex("d") + " F64 [1x4]" +
                          values_of<double>(d) + "\ntensor " + hex("e") + " I32 [3] -9 -8 -7\n");
}

// Our writer orders and writes as the format's own library does, so a file of its comes out with the same bytes.
TEST(Interoperation, AFileOfTheFormatsLibraryComesOutTheSame) {
  const fs::path archive = test::shared_data("pt-st-files.tar.xz");
  if (!fs::exists(archive)) GTEST_SKIP() << "the sample files are not there: ../shared/data/pt-st-files.tar.xz";
  const auto bytes = test::output_of("tar -xJf '" + archive.string() +
                                     "' -O burn/crates/burn-store/safetensors-tests/tests/multi_layer/"
                                     "multi_layer.safetensors 2>&1");
  if (!bytes) GTEST_SKIP() << "tar or xz is not installed";
  const TemporaryFolder folder;
  write_file(folder / "sample", *bytes);
  const TensorFile file = read_safetensors(folder / "sample");
  EXPECT_EQ(file.tensors.size(), 9u);
  EXPECT_EQ(file.tensors.at("conv1.weight").shape(), (Shape{4, 3, 3, 3}));
  EXPECT_EQ(file.tensors.at("norm1.num_batches_tracked").shape(), Shape());
  EXPECT_EQ(file.tensors.at("norm1.num_batches_tracked").dtype(), DType::i64);
  TensorReferences tensors;
  for (const auto& [name, tensor] : file.tensors) tensors[name] = &tensor;
  write_safetensors(folder / "again", tensors, file.metadata);
  EXPECT_EQ(read_file(folder / "again", 1 << 30), *bytes);
}

}  // namespace
}  // namespace resnet
