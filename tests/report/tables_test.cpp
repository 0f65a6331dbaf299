#include "report/tables.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace resnet {
namespace {

Table sample() {
  Table table({{"model"}, {"parameters", Align::right}, {"note"}});
  table.row({"resnet20", "269,722", "a, \"b\""});
  table.row({"größe", "1", "x | y\nz"});
  return table;
}

TEST(Table, AlignsByCharactersWithoutTrailingBlanks) {
  EXPECT_EQ(to_text(sample()),
            "model     parameters  note\n"
            "--------  ----------  -------\n"
            "resnet20     269,722  a, \"b\"\n"
            "größe              1  x | y z\n");
}

TEST(Table, WritesMarkdownAndCsv) {
  EXPECT_EQ(to_markdown(sample()),
            "| model | parameters | note |\n|---|---:|---|\n"
            "| resnet20 | 269,722 | a, \"b\" |\n| größe | 1 | x \\| y z |\n");
  EXPECT_EQ(to_csv(sample()), "model,parameters,note\nresnet20,\"269,722\",\"a, \"\"b\"\"\"\ngröße,1,\"x | y\nz\"\n");
}

TEST(Table, EmptyCellsKeepTheirCommas) {
  Table table({{"a"}, {"b"}, {"c"}});
  table.row({"", "1", ""});
  EXPECT_EQ(to_csv(table), "a,b,c\n,1,\n");
}

TEST(Table, WithoutRowsHasItsTitles) {
  EXPECT_EQ(to_text(Table({{"a"}, {"b"}})), "a  b\n-  -\n");
  EXPECT_EQ(to_csv(Table(std::vector<Column>{})), "\n");
}

TEST(Table, RefusesARowOfAnotherLength) { EXPECT_THROW(Table({{"a"}}).row({"1", "2"}), Error); }

TEST(Numbers, Thousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(-269722), "-269,722");
  EXPECT_EQ(with_thousands(-999), "-999");
  EXPECT_EQ(with_thousands(25557032), "25,557,032");
  EXPECT_EQ(with_thousands(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Numbers, SuffixesAndBytes) {
  EXPECT_EQ(with_suffix(512), "512");
  EXPECT_EQ(with_suffix(269722), "270 k");
  EXPECT_EQ(with_suffix(41.2e6), "41.2 M");
  EXPECT_EQ(with_suffix(1.814e9), "1.81 G");
  EXPECT_EQ(with_suffix(999'999), "1.00 M");
  EXPECT_EQ(with_suffix(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(bytes_text(12.0 * 1024 * 1024), "12.0 MiB");
}

}  // namespace
}  // namespace resnet
