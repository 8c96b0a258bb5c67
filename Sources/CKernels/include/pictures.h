#pragma once
#include <stddef.h>
#include <stdint.h>

/// One axis of a separable resize: output `i` is the sum over `t < count` of weight (i, t) times
/// input `firsts[i] + t`. Weight (i, t) of rows is `weights[i * count + t]`; those of columns lie
/// in groups of four outputs, `weights[i / 4 * 4 * count + 4 * t + i % 4]`, and `firsts` and
/// `weights` go on to the end of the last group.
struct saker_taps {
  const int *firsts;
  const float *weights;
  int count;
  int outputs;
};

/// Resizes 8-bit RGB. Each result is rounded to a whole level 0...255, then written to `bytes`
/// (rows of `bytes_stride` bytes) and, if `floats` is not null, as `level * scales[c] + biases[c]`
/// to `floats` (rows of `floats_stride` elements). Either destination may be null.
/// `scratch` holds 3 * (source_width + horizontal.outputs) + 32 floats; `scales` and `biases` hold
/// 3 * horizontal.outputs, one period a pixel.
void saker_resize_rgb(const uint8_t *source, ptrdiff_t source_stride, int source_width, const struct saker_taps *vertical,
                      const struct saker_taps *horizontal, float *scratch, uint8_t *bytes, ptrdiff_t bytes_stride, float *floats,
                      ptrdiff_t floats_stride, const float *scales, const float *biases);

/// `floats[i] = bytes[i] * scales[i] + biases[i]` over `rows` rows of `count` elements; the
/// source's rows lie `stride` bytes apart.
void saker_normalize_rgb(const uint8_t *bytes, ptrdiff_t stride, int rows, int count, float *floats, ptrdiff_t floats_stride,
                         const float *scales, const float *biases);

/// Turns or mirrors 8-bit RGB over a diagonal: pixel (x, y) of the `width` x `height` result is the
/// source's pixel `start + x * step_x + y`, or `start + x * step_x - y` if `backwards`.
void saker_turn_rgb(const uint8_t *source, uint8_t *result, int width, int height, ptrdiff_t start, ptrdiff_t step_x, int backwards);

/// Copies rows with left and right swapped, `width` x `height` 8-bit RGB; the source's rows lie
/// `stride` bytes apart, which may be negative.
void saker_mirror_rgb(const uint8_t *source, ptrdiff_t stride, uint8_t *result, int width, int height);

/// Swaps left and right in place, `width` x `height` 8-bit RGB.
void saker_flip_rgb(uint8_t *pixels, int width, int height);

/// Inverted CMYK, as JPEG files store it, to RGB: `rgb = (255 - k)(255 - c) / 255`, rounded
/// like Pillow does.
void saker_rgb_from_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t pixels);

/// `level = clamp(level * factor + offset)`, the fraction dropped, in place.
void saker_blend_constant(uint8_t *levels, size_t count, float factor, float offset);

/// Mean over all pixels of `floor(0.2989 r + 0.587 g + 0.114 b)`.
double saker_mean_gray(const uint8_t *rgb, size_t pixels);

/// `level = clamp(level * factor + gray * (1 - factor))` with each pixel's own gray (as above), the
/// fraction dropped, in place.
void saker_blend_gray(uint8_t *rgb, size_t pixels, float factor);

/// Turns the hue by `turn` (1 is the whole circle) by way of HSV, in place.
void saker_turn_hue(uint8_t *rgb, size_t pixels, float turn);
