// WebP through libwebp; the first frame of an animation through libwebpdemux, which puts it on its canvas.
#include "base/error.hpp"
#include "data/channels.hpp"
#include "data/decoders/decoders.hpp"

#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>
#include <utility>

namespace resnet::decoders {
namespace {

const char* text_of_status(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return "WebP is cut short";
    case VP8_STATUS_OUT_OF_MEMORY: return "WebP needs more memory than there is";
    case VP8_STATUS_UNSUPPORTED_FEATURE: return "WebP uses a feature that libwebp does not know";
    default: return "WebP is damaged";
  }
}

WebPBitstreamFeatures features_of(Bytes bytes) {
  WebPBitstreamFeatures features;
  const VP8StatusCode status = WebPGetFeatures(bytes.data(), bytes.size(), &features);
  if (status != VP8_STATUS_OK) fail_data(text_of_status(status));
  return features;
}

void decode_still(Bytes bytes, Image& image) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) fail("libwebp is of another version than its headers");
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {image.pixels.data(), image.width * image.channels, image.pixels.size()};
  const VP8StatusCode status = WebPDecode(bytes.data(), bytes.size(), &config);
  if (status != VP8_STATUS_OK) fail_data(text_of_status(status));
}

void decode_first_frame(Bytes bytes, Image& image) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) fail("libwebpdemux is of another version than its headers");
  const WebPData data{bytes.data(), bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, decltype(&WebPAnimDecoderDelete)> decoder(WebPAnimDecoderNew(&data, &options),
                                                                                   &WebPAnimDecoderDelete);
  WebPAnimInfo info;
  uint8_t* canvas = nullptr;
  int time = 0;
  if (!decoder || !WebPAnimDecoderGetInfo(decoder.get(), &info) ||
      info.canvas_width != static_cast<uint32_t>(image.width) ||
      info.canvas_height != static_cast<uint32_t>(image.height) ||
      !WebPAnimDecoderGetNext(decoder.get(), &canvas, &time))
    fail_data("WebP is damaged: its animation has no first frame that can be read");
  for (std::size_t from = 0, to = 0; to < image.pixels.size(); from += 4, to += 3)
    for (std::size_t c = 0; c < 3; ++c) image.pixels[to + c] = canvas[from + c];
}

}  // namespace

ImageInfo probe_webp(Bytes bytes) {
  const WebPBitstreamFeatures features = features_of(bytes);
  return {.height = features.height,
          .width = features.width,
          .channels = features.has_alpha ? 4 : 3,
          .alpha = features.has_alpha != 0,
          .animated = features.has_animation != 0};
}

Image decode_webp(Bytes bytes, const ImageInfo& info, int channels) {
  Image image{.channels = 3, .height = info.height, .width = info.width};
  image.pixels.resize(static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width) * 3);
  info.animated ? decode_first_frame(bytes, image) : decode_still(bytes, image);
  return with_channels(std::move(image), channels);
}

}  // namespace resnet::decoders
