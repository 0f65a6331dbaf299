// The speed of the image path on one core, for bench/peers/compare_decode: decode, cut a window, resize to 224x224,
// normalise.
//   bench_decode_images LIST SCALE_FOR SECONDS STEP
// LIST holds a line "TOP LEFT HEIGHT WIDTH FILE" for each picture; SCALE_FOR is DecodeOptions::scale_for; STEP is how
// far to go: window, resize or normalise. Prints pictures a second of processor time, the median over passes through
// the list.
#include "base/files.hpp"
#include "data/decode.hpp"
#include "data/resize.hpp"
#include "data/transforms.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace resnet;

constexpr int size = 224;

struct Row {
  std::string bytes;
  Rectangle window;
};

std::vector<Row> read_rows(const std::string& list) {
  std::ifstream stream(list);
  std::vector<Row> rows;
  std::string file;
  for (Rectangle window; stream >> window.top >> window.left >> window.height >> window.width;) {
    std::getline(stream >> std::ws, file);
    rows.push_back({read_file(file, uint64_t{1} << 30), window});
  }
  return rows;
}

// One picture; returns something that depends on all of it, so that no step can be left out.
float process(const Row& row, int scale_for, const std::string& step, const NormalisationTable& table,
              std::vector<float>& out) {
  const DecodedWindow part = decode_window(std::as_bytes(std::span(row.bytes)), {.scale_for = scale_for},
                                           [&](int, int) { return row.window; });
  if (step == "window") return part.image.pixels.back();
  const Image image = resize(part.image, size, size, Filter::bilinear, part.box);
  if (step == "resize") return image.pixels.back();
  normalise(image, table, out);
  return out.back();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const std::vector<Row> rows = read_rows(arguments[1]);
  const int scale_for = std::atoi(arguments[2]);
  const double seconds = std::atof(arguments[3]);
  const NormalisationTable table = normalisation_table(
      {.height = size, .width = size, .mean = {.485f, .456f, .406f}, .deviation = {.229f, .224f, .225f}});
  std::vector<float> out(3 * size * size);
  std::vector<double> rates;
  float sum = 0;
  const auto now = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  for (const double begin = now(); now() - begin < seconds || rates.empty();) {
    const double start = now();
    for (const Row& row : rows) sum += process(row, scale_for, arguments[4], table, out);
    rates.push_back(static_cast<double>(rows.size()) / (now() - start));
  }
  std::nth_element(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2), rates.end());
  std::printf("%.1f %g\n", rates[rates.size() / 2], static_cast<double>(sum));
}
