#include "report/html.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "report/charts.hpp"
#include "well_formed.hpp"

#include <gtest/gtest.h>
#include <png.h>

#include <cstdlib>

namespace resnet {
namespace {

std::string from_base64(std::string_view text) {
  const std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0;
  int held = 0;
  for (const char digit : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<uint32_t>(digits.find(digit));
    held += 6;
    if (held >= 8) bytes += static_cast<char>(bits >> (held -= 8) & 255);
  }
  return bytes;
}

// [C, H, W] pixels that libpng reads from a data URI.
std::vector<uint8_t> decode(const std::string& uri, int channels) {
  const std::string prefix = "data:image/png;base64,";
  EXPECT_TRUE(uri.starts_with(prefix));
  const std::string bytes = from_base64(std::string_view(uri).substr(prefix.size()));
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&header, bytes.data(), bytes.size())) << header.message;
  header.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(header));
  EXPECT_TRUE(png_image_finish_read(&header, nullptr, pixels.data(), 0, nullptr)) << header.message;
  return pixels;
}

TEST(Base64, HasTheVectorsOfTheStandard) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xff\xfe"), "///+");
}

TEST(Png, LibpngReadsBackEveryPixel) {
  for (const int channels : {1, 3}) {
    const int height = 3, width = 5, plane = height * width;
    std::vector<uint8_t> pixels;
    for (int index = 0; index < channels * plane; ++index) pixels.push_back(static_cast<uint8_t>(index * 5));
    const auto read = decode(png_data_uri({channels, height, width, pixels}), channels);
    ASSERT_EQ(read.size(), pixels.size());
    for (int channel = 0; channel < channels; ++channel)
      for (int index = 0; index < plane; ++index)
        EXPECT_EQ(read[static_cast<std::size_t>(index * channels + channel)],
                  pixels[static_cast<std::size_t>(channel * plane + index)]);
  }
}

TEST(Png, RefusesWhatIsNoImage) {
  const std::vector<uint8_t> pixels(12);
  EXPECT_THROW(png_bytes({3, 2, 3, pixels}), Error);
  EXPECT_THROW(png_bytes({2, 2, 3, pixels}), Error);
  EXPECT_THROW(png_bytes({3, 0, 3, {}}), Error);
}

TEST(Escape, CoversMarkupControlsAndBrokenUtf8) {
  EXPECT_EQ(escape_html("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escape_html("größe – ×\n\t"), "größe – ×\n\t");
  EXPECT_EQ(escape_html(std::string_view("a\0b", 3)),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(escape_html("\xC3"), "\xEF\xBF\xBD");
  EXPECT_EQ(escape_html("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate";
  EXPECT_EQ(escape_html("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "an overlong slash";
  EXPECT_EQ(character_count("größe"), 5U);
  EXPECT_EQ(shortened("größe", 4), "grö…");
  EXPECT_EQ(shortened("abc", 3), "abc");
}

// A page with everything in it, hostile text included.
std::string sample_page() {
  const std::vector<uint8_t> pixels(3 * 8 * 4, 77);
  const std::string evil = "</pre><script>alert('x')</script>\x01";
  HtmlPage page("run <1>", evil);
  page.highlights({{"top-1", "91.3 %"}, {evil, evil}});
  page.section("Curves & more");
  page.figure(draw(LineChart{.series = {{evil, {1, 2}, {3, 4}}}}), evil);
  page.figure(draw(BarChart{}), "");
  page.paragraph(evil);
  page.figure(draw(HeatMap{}), "alone", true);
  page.section(evil);
  page.facts({{evil, evil}});
  page.preformatted(evil, evil);
  Table table({{evil}, {"n", Align::right}});
  table.row({evil, "1"});
  page.table(table);
  page.section("Images");
  const std::vector<GalleryItem> items = {{{3, 8, 4, pixels}, evil, evil, Mark::wrong},
                                          {{3, 4, 8, pixels}, "a", "", {}}};
  page.gallery(items);
  page.gallery({});
  return page.text();
}

TEST(HtmlPage, IsWellFormedAndEscaped) {
  const std::string page = sample_page();
  EXPECT_EQ(xml_fault(page), "");
  EXPECT_EQ(page.find("<script"), page.npos);
  EXPECT_EQ(xml_fault(HtmlPage("").text()), "");
}

TEST(HtmlPage, LoadsNothingFromOutside) {
  std::string page = sample_page();
  const std::string name_space = "http://www.w3.org/2000/svg";  // a name, never fetched
  for (std::size_t at = page.find(name_space); at != page.npos; at = page.find(name_space))
    page.erase(at, name_space.size());
  for (const std::string outside : {"http", "//", "@import", "url(", "<link"}) {
    const std::size_t at = page.find(outside);
    // base64 may hold "//" by chance
    EXPECT_TRUE(at == page.npos || page.rfind("base64,", at) > page.rfind('<', at)) << page.substr(at, 80);
  }
  EXPECT_NE(page.find("default-src 'none'"), page.npos);
}

TEST(HtmlPage, TheXmlReaderOfTheseTestsFindsFaults) {
  for (const std::string broken :
       {"", "<a>", "<a></b>", "<a>&</a>", "<a><b></a></b>", "<a/><b/>", "<a b=\"<\"/>", "x<a/>"})
    EXPECT_NE(xml_fault(broken), "") << broken;
  EXPECT_EQ(xml_fault("<a b=\">\"><c/>&amp;</a>"), "");
}

}  // namespace
}  // namespace resnet
