#pragma once
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

/// Decodes a still WebP as 8-bit RGB into `pixels`, which holds exactly `width * height * 3` bytes;
/// alpha is dropped. Returns the library's status: 0 (VP8_STATUS_OK), 7
/// (VP8_STATUS_NOT_ENOUGH_DATA) for a file that ends early, others.
static inline int saker_webp_read(const unsigned char *input, size_t count, unsigned char *pixels, int width, int height) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return VP8_STATUS_UNSUPPORTED_FEATURE;
  int status = WebPGetFeatures(input, count, &config.input);
  if (status != VP8_STATUS_OK) return status;
  if (config.input.width != width || config.input.height != height) return VP8_STATUS_BITSTREAM_ERROR;
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = width * 3;
  config.output.u.RGBA.size = (size_t)width * height * 3;
  status = WebPDecode(input, count, &config);
  WebPFreeDecBuffer(&config.output);
  return status;
}

/// Decodes the first frame of an animated WebP, on its transparent black canvas, as
/// `saker_webp_read` does. Returns 0, or -1.
static inline int saker_webp_read_first(const unsigned char *input, size_t count, unsigned char *pixels, int width, int height) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) return -1;
  options.color_mode = MODE_RGBA;
  WebPData data = {input, count};
  WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
  if (!decoder) return -1;
  WebPAnimInfo info;
  uint8_t *frame = NULL;
  int timestamp = 0, result = -1;
  if (WebPAnimDecoderGetInfo(decoder, &info) && info.canvas_width == (uint32_t)width && info.canvas_height == (uint32_t)height &&
      WebPAnimDecoderGetNext(decoder, &frame, &timestamp)) {
    for (size_t i = 0, n = (size_t)width * height; i < n; i++) memcpy(pixels + 3 * i, frame + 4 * i, 3);
    result = 0;
  }
  WebPAnimDecoderDelete(decoder);
  return result;
}
