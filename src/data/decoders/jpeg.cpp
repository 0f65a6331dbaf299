// JPEG through libjpeg-turbo with its default settings (accurate DCT, smooth upsampling), so that pixels equal those of
// every other program that uses them. libjpeg reports errors by a callback that must not return: a longjmp out of it
// ends in JpegReader::call, which throws.
#include "base/error.hpp"
#include "data/decoders/decoders.hpp"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <utility>
#include <vector>
// jpeglib.h needs size_t and FILE from above.
#include <jerror.h>
#include <jpeglib.h>

namespace resnet::decoders {
namespace {

/// A progressive file may name the same pixels again and again; so many pixels over all scans are enough for any
/// honest one (at least 20 scans of the largest picture) and take seconds, not hours.
constexpr int64_t most_scanned_pixels = 2'000'000'000;
constexpr int most_scans = 500;

class JpegReader {
 public:
  JpegReader(Bytes bytes, bool strict) : bytes_(bytes), strict_(strict) {
    info_.err = jpeg_std_error(&errors_);
    info_.client_data = this;
    errors_.error_exit = [](j_common_ptr info) { self(info).stop(); };
    errors_.emit_message = [](j_common_ptr info, int level) { self(info).on_message(level); };
    call([this] { jpeg_create_decompress(&info_); });
    set_source();
    progress_.progress_monitor = [](j_common_ptr info) { self(info).check_scans(); };
    info_.progress = &progress_;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  jpeg_decompress_struct& info() { return info_; }

  /// Runs `action`, which must keep nothing with a destructor while libjpeg may fail.
  template <class Action>
  void call(Action action) {
    if (setjmp(escape_) != 0) fail_data(message_.data());
    action();
  }

  void read_header() {
    call([this] { jpeg_read_header(&info_, TRUE); });
    const int components = info_.num_components;
    if (components != 1 && components != 3 && components != 4)
      fail_data("JPEG with ", components, " components; grey (1), colour (3) and CMYK (4) can be read");
  }
  /// After read_header.
  Samples samples() const {
    return info_.num_components == 1   ? Samples::grey
           : info_.num_components == 3 ? Samples::rgb
                                       : Samples::cmyk_inverted;
  }

  /// The bytes ended before the picture did.
  [[noreturn]] void stop_truncated() {
    stop("JPEG is cut short: its data end after row ", static_cast<int>(info_.output_scanline), " of ",
         static_cast<int>(info_.output_height));
  }
  bool ran_out() const { return ran_out_; }

 private:
  static JpegReader& self(j_common_ptr info) { return *static_cast<JpegReader*>(info->client_data); }
  static JpegReader& self(j_decompress_ptr info) { return *static_cast<JpegReader*>(info->client_data); }

  void set_source() {
    source_.next_input_byte = bytes_.data();
    source_.bytes_in_buffer = bytes_.size();
    source_.init_source = [](j_decompress_ptr) {};
    source_.term_source = [](j_decompress_ptr) {};
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.fill_input_buffer = [](j_decompress_ptr info) { return self(info).feed_end(); };
    source_.skip_input_data = [](j_decompress_ptr info, long count) { self(info).skip(count); };
    info_.src = &source_;
  }

  // Past the last byte libjpeg gets an end-of-image marker, as its own sources do; data that lack no more than that
  // are whole.
  boolean feed_end() {
    static constexpr JOCTET end[2] = {0xFF, JPEG_EOI};
    ran_out_ = true;
    source_.next_input_byte = end;
    source_.bytes_in_buffer = 2;
    return TRUE;
  }

  void skip(long count) {
    if (count <= 0) return;
    if (static_cast<std::size_t>(count) > source_.bytes_in_buffer) {
      feed_end();
      return;
    }
    source_.next_input_byte += count;
    source_.bytes_in_buffer -= static_cast<std::size_t>(count);
  }

  void check_scans() {
    const int64_t scans = info_.input_scan_number;
    const int64_t pixels = int64_t{info_.image_width} * int64_t{info_.image_height};
    if (scans > most_scans || scans * pixels > std::max(most_scanned_pixels, 2 * pixels))
      stop("JPEG with too many scans: stopped at scan ", scans);
  }

  void on_message(int level) {
    if (level >= 0) return;  // a trace, not a warning
    // A marker amid the data of a picture without restart points: what follows is lost.
    if (errors_.msg_code == JWRN_HIT_MARKER && (ran_out_ || info_.restart_interval == 0)) stop_truncated();
    if (strict_) stop("JPEG is damaged: ", text().data());
  }

  // Ends `call` with libjpeg's own message.
  [[noreturn]] void stop() {
    if (ran_out_ && errors_.msg_code == JERR_NO_IMAGE) stop("JPEG is cut short in its header");
    stop("JPEG cannot be read: ", text().data());
  }
  std::array<char, JMSG_LENGTH_MAX> text() {
    std::array<char, JMSG_LENGTH_MAX> message = {};
    errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), message.data());
    return message;
  }
  template <class... Parts>
  [[noreturn]] void stop(const Parts&... parts) {
    std::size_t used = 0;
    const auto add = [&](const auto& part) {
      const auto result = fmt::format_to_n(message_.data() + used, message_.size() - 1 - used, "{}", part);
      used = static_cast<std::size_t>(result.out - message_.data());
    };
    (add(parts), ...);
    message_[used] = 0;
    std::longjmp(escape_, 1);
  }

  Bytes bytes_;
  bool strict_;
  bool ran_out_ = false;
  jpeg_decompress_struct info_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_source_mgr source_ = {};
  jpeg_progress_mgr progress_ = {};
  std::array<char, 2 * JMSG_LENGTH_MAX> message_ = {};  // not a string: longjmp runs no destructors
  std::jmp_buf escape_ = {};
};

// Several scans refine coefficients that are kept until the last: 64 of 16 bits for each block.
void check_memory(jpeg_decompress_struct& info, uint64_t limit) {
  uint64_t bytes = 0;
  for (int c = 0; jpeg_has_multiple_scans(&info) && c < info.num_components; ++c)
    bytes += uint64_t{info.comp_info[c].width_in_blocks} * uint64_t{info.comp_info[c].height_in_blocks} * 64 * 2;
  if (bytes > limit)
    fail_data("decoding needs ", bytes, " bytes for the scans of this JPEG, above the limit of ", limit);
}

void start(JpegReader& reader, const JpegRequest& request) {
  jpeg_decompress_struct& info = reader.info();
  const Samples samples = reader.samples();
  info.out_color_space = samples == Samples::grey ? JCS_GRAYSCALE : samples == Samples::rgb ? JCS_RGB : JCS_CMYK;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(request.denominator);
  check_memory(info, request.memory);
  reader.call([&] {
    jpeg_start_decompress(&info);
    // Several scans are read to their end at once, so a missing end says that scans may be missing.
    if (reader.ran_out() && jpeg_has_multiple_scans(&info)) reader.stop_truncated();
  });
}

// Where the scans of a progressive file leave coefficients out, libjpeg smooths over its blocks, and what it smooths
// with depends on the columns and rows asked for. A window of such a picture is cut from the whole.
bool smooths_blocks(const jpeg_decompress_struct& info) {
  if (!info.progressive_mode || !info.coef_bits) return false;
  const auto incomplete = [](int unknown_bits) { return unknown_bits != 0; };
  for (int c = 0; c < info.num_components; ++c)
    if (std::any_of(info.coef_bits[c], info.coef_bits[c] + DCTSIZE2, incomplete)) return true;
  return false;
}

/// Columns [first, first + width) are what libjpeg decodes, the wanted ones among them.
struct Columns {
  JDIMENSION first = 0, width = 0;
};

// Smooth upsampling mixes neighbours, so columns at a cut differ from those of the whole picture. With a few columns
// more on each side (libjpeg adds to them up to the edge of its block) the wanted ones are the same.
Columns cut_columns(JpegReader& reader, const Rectangle& window) {
  constexpr int margin = 8;
  jpeg_decompress_struct& info = reader.info();
  const int all = static_cast<int>(info.output_width);
  const int first = std::max(window.left - margin, 0);
  const int last = std::min(window.left + window.width + margin, all);
  if (last - first == all || smooths_blocks(info)) return {0, info.output_width};
  Columns columns{static_cast<JDIMENSION>(first), static_cast<JDIMENSION>(last - first)};
  reader.call([&] { jpeg_crop_scanline(&info, &columns.first, &columns.width); });
  return columns;
}

// Rows above the window are skipped: their coefficients must be read but not transformed. Smooth upsampling needs the
// rows around a row, so the last of the blocks above it are decoded.
void skip_to_row(JpegReader& reader, int row) {
  jpeg_decompress_struct& info = reader.info();
  const int block_rows = info.max_v_samp_factor * info.min_DCT_scaled_size;
  const int skipped = (row / block_rows - 1) * block_rows;
  if (skipped > 0 && !smooths_blocks(info))
    reader.call([&] { jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(skipped)); });
}

// Whether a picture is cut short must not depend on the window, so where the file does not end as it should the rest
// is read.
void check_end(JpegReader& reader, Bytes bytes, bool strict, uint8_t* row) {
  jpeg_decompress_struct& info = reader.info();
  const bool ends = bytes.size() >= 2 && bytes.starts_with("\xFF\xD9", bytes.size() - 2);
  if (!strict && (ends || jpeg_has_multiple_scans(&info))) return;
  reader.call([&] {
    while (info.output_scanline < info.output_height) jpeg_read_scanlines(&info, &row, 1);
    if (strict) jpeg_finish_decompress(&info);
  });
}

}  // namespace

ImageInfo probe_jpeg(Bytes bytes) {
  JpegReader reader(bytes, false);
  reader.read_header();
  const jpeg_decompress_struct& info = reader.info();
  return {.height = static_cast<int>(info.image_height),
          .width = static_cast<int>(info.image_width),
          .channels = info.num_components,
          .bits = info.data_precision,
          .cmyk = info.num_components == 4,
          .progressive = info.progressive_mode != 0};
}

Image decode_jpeg(Bytes bytes, const JpegRequest& request) {
  JpegReader reader(bytes, request.strict);
  reader.read_header();
  start(reader, request);
  jpeg_decompress_struct& info = reader.info();
  const Rectangle& window = request.window;
  const Samples samples = reader.samples();
  const int stored = count_of(samples);
  const Columns columns = cut_columns(reader, window);
  Image image{.channels = request.channels, .height = window.height, .width = window.width};
  const std::size_t row_bytes = static_cast<std::size_t>(window.width) * static_cast<std::size_t>(request.channels);
  image.pixels.resize(row_bytes * static_cast<std::size_t>(window.height));
  std::vector<uint8_t> row(std::size_t{columns.width} * static_cast<std::size_t>(stored));
  const std::size_t before = (static_cast<std::size_t>(window.left) - columns.first) * static_cast<std::size_t>(stored);
  const bool direct = stored == request.channels && static_cast<int>(columns.width) == window.width;
  skip_to_row(reader, window.top);
  reader.call([&] {
    uint8_t* line = row.data();
    while (static_cast<int>(info.output_scanline) < window.top) jpeg_read_scanlines(&info, &line, 1);
    uint8_t* out = image.pixels.data();
    for (int y = 0; y < window.height; ++y, out += row_bytes) {
      if (direct) line = out;
      jpeg_read_scanlines(&info, &line, 1);
      if (!direct) convert_row(line + before, samples, window.width, request.channels, out);
    }
  });
  check_end(reader, bytes, request.strict, row.data());
  return image;
}

}  // namespace resnet::decoders
