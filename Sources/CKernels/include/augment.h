// Kernels of augmentation. Pictures are 8-bit RGB, interleaved, rows without gaps unless a stride
// is given; masks have one byte a pixel.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// `255 - level`, in place and into other memory.
void saker_invert(uint8_t *levels, size_t count);
void saker_inverted(const uint8_t *levels, uint8_t *result, size_t count);

/// Keeps the highest `bits` of each level, in place and into other memory.
void saker_posterize(uint8_t *levels, size_t count, int bits);
void saker_posterized(const uint8_t *levels, uint8_t *result, size_t count, int bits);

/// `255 - level` where `level >= threshold`, in place.
void saker_solarize(uint8_t *levels, size_t count, int threshold);

/// Each level by a table of its channel, in place; `tables` holds 256 entries for red, then
/// green, then blue.
void saker_lookup_rgb(uint8_t *rgb, size_t pixels, const uint8_t *tables);

/// How often each level occurs in each channel: 256 counts of red, then green, then blue.
void saker_histograms_rgb(const uint8_t *rgb, size_t pixels, uint32_t *counts);

/// The lowest and the highest level of each channel.
void saker_extrema_rgb(const uint8_t *rgb, size_t pixels, uint8_t *lows, uint8_t *highs);

/// `clamp((level - offset) * scale)` with an offset and a scale a channel, the fraction
/// dropped, in place.
void saker_stretch_rgb(uint8_t *rgb, size_t pixels, const float *offsets, const float *scales);

/// All three channels become `floor(0.2989 r + 0.587 g + 0.114 b)`, in place.
void saker_gray_rgb(uint8_t *rgb, size_t pixels);

/// Turns the hue by `turn` (1 is the whole circle) and multiplies saturation and value (both cut at
/// their ends), in place.
void saker_hsv_rgb(uint8_t *rgb, size_t pixels, float turn, float saturation, float value);

/// `round(level * share + other * (1 - share))`, in place.
void saker_mix(uint8_t *levels, const uint8_t *others, size_t count, float share);

/// Adds normal noise of `deviation` levels, a number of its own to each level, in place. Element
/// i's number depends on `seed` and i only.
void saker_normal_noise(uint8_t *levels, size_t count, float deviation, uint64_t seed);

/// Turns a share of the pixels black or white, each half of the times, in place; `share` of 2^32.
void saker_impulse_noise(uint8_t *rgb, size_t pixels, uint32_t share, uint64_t seed);

/// Uniform noise in 0...255 over `rows` rows of `count` bytes.
void saker_uniform_noise(uint8_t *levels, ptrdiff_t stride, int rows, int count, uint64_t seed);

/// Swaps left and right in place, one byte a pixel.
void saker_flip_mask(uint8_t *pixels, int width, int height);

/// Swaps top and bottom of rows of `bytes` bytes, in place.
void saker_flip_rows(uint8_t *rows, size_t bytes, int height);

/// Copies `rows` rows of `bytes` bytes.
void saker_copy_rows(const uint8_t *source, ptrdiff_t source_stride, uint8_t *result, ptrdiff_t stride, size_t bytes, int rows);

/// Copies the pixels whose mask is not 0.
void saker_paste_rgb(const uint8_t *rgb, const uint8_t *mask, uint8_t *result, size_t pixels);

/// First and last column and row that hold `value`, as left, top, right + 1, bottom + 1; all 0 if
/// there is none. Returns how many pixels do.
size_t saker_mask_bounds(const uint8_t *mask, int width, int height, uint8_t value, int *bounds);

/// A separable filter over `channels` interleaved channels, mirrored at the border without
/// repeating it. Each result is rounded to a level. `wx` holds 2 * rx + 1 weights, `wy` 2 * ry + 1;
/// rx < width, ry < height; `scratch` holds (width + 2 * rx) * channels + 64 floats.
void saker_filter(const uint8_t *source, uint8_t *result, int width, int height, int channels, const float *wx, int rx, const float *wy,
                  int ry, float *scratch);

/// `clamp(level * factor + smooth * (1 - factor))`, the fraction dropped, where `smooth` is the
/// mean of the pixel's 3x3 neighbours with 5 times the weight on itself, rounded. Border pixels
/// stay. Sides are at least 3; `scratch` holds 3 * width numbers.
void saker_sharpen_rgb(const uint8_t *source, uint8_t *result, int width, int height, float factor, uint16_t *scratch);

/// A picture seen through a map of the plane.
struct saker_warp {
  const uint8_t *source;
  ptrdiff_t source_stride;
  int source_width, source_height;
  uint8_t *result;
  ptrdiff_t stride;
  /// Columns `left..<right` and rows `top..<bottom` of the result are written.
  int left, top, right, bottom;
  /// Row by row: from the middle of a result's pixel, (x + 0.5, y + 0.5, 1), to the source's plane.
  float map[9];
  uint8_t fill[4];
  /// 1: pixels between four of the source's are mixed, with `fill` outside. 0: each shows the
  /// source's pixel it falls on.
  int bilinear;
  /// 1: pixels that fall outside the source keep what they had, and at the source's border
  /// nothing is mixed in.
  int keeps;
};
void saker_warp_rgb(const struct saker_warp *warp);
void saker_warp_mask(const struct saker_warp *warp);
