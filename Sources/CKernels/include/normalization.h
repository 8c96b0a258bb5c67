#pragma once
#include <stddef.h>
#include <stdint.h>

#include "maps.h"

// Batch norm, activation, the addition of a residual and the 2x2 maximum as few passes over
// channels-last memory, float32 or bfloat16. Each function does the share of one worker. Whatever
// is summed is summed over blocks whose borders depend on the map alone, so that any number of
// threads gives the same bits.

/// How many pixels a block has, the last one of a map fewer.
int saker_block_pixels(int channels);

/// Of blocks `first` to `end`: partials [block][3][channels] with a pivot, the sum of v - pivot and
/// of its square; and each block's pixels.
void saker_statistics_f32(const float *x, ptrdiff_t pixels, int channels, ptrdiff_t first, ptrdiff_t end, float *partials, int *counts);
/// The means and biased variances of all blocks together, in double precision. `sums`
/// [2][channels] is workspace.
void saker_merge_statistics(const float *partials, const int *counts, ptrdiff_t blocks, int channels, double *sums, float *mean,
                            float *variance);

/// y = activation(scale x + shift + residual), `residual` null for none. y may be x or the
/// residual.
void saker_normalize_f32(const float *x, const struct saker_normalization *by, const float *residual, float *y, ptrdiff_t pixels, int channels);

/// Gradients of one map with a value for each of its pixels: partials [block][2][channels] of
/// blocks `first` to `end`, the sums of g = dz activation'(v) and of g x^. Unless null, `dv`
/// gets g; it may be dz.
void saker_gradient_sums_f32(const float *dz, const float *x, const struct saker_normalization *by, const float *residual, ptrdiff_t pixels,
                             int channels, ptrdiff_t first, ptrdiff_t end, float *partials, float *dv);
/// sums [2][channels] over all blocks.
void saker_merge_sums(const float *partials, ptrdiff_t blocks, int channels, double *sums);
/// The gradient of the raw map, see saker_normalization_gradient. dx may be dz.
void saker_gradient_apply_f32(const float *dz, const struct saker_normalization_gradient *by, float *dx, ptrdiff_t pixels, int channels);

/// The same added to dx, for the first `channels` of maps with `stride` numbers a pixel.
void saker_gradient_add_f32(const float *dz, const struct saker_normalization_gradient *by, float *dx, ptrdiff_t pixels, int channels, int stride);

// The passes for maps of bfloat16; coefficients, sums and the arithmetic are float32.
void saker_statistics_bf16(const uint16_t *x, ptrdiff_t pixels, int channels, ptrdiff_t first, ptrdiff_t end, float *partials, int *counts);
void saker_normalize_bf16(const uint16_t *x, const struct saker_normalization *by, const uint16_t *residual, uint16_t *y, ptrdiff_t pixels,
                          int channels);
void saker_gradient_sums_bf16(const uint16_t *dz, const uint16_t *x, const struct saker_normalization *by, const uint16_t *residual,
                              ptrdiff_t pixels, int channels, ptrdiff_t first, ptrdiff_t end, float *partials, uint16_t *dv);
/// `x` is given apart; that of `by` is not used.
void saker_gradient_apply_bf16(const uint16_t *dz, const uint16_t *x, const struct saker_normalization_gradient *by, uint16_t *dx,
                               ptrdiff_t pixels, int channels);

/// Maps whose 2x2 windows, 2 apart, are reduced to their largest values; what is left over at the
/// right and the bottom is in none.
struct saker_pooled {
  int height, width, channels;
};

// The same for such a map: the blocks are its rows of windows, counted over all pictures. Of equal
// values the first wins; NaN wins always.
void saker_normalize_pool_f32(const float *x, const struct saker_normalization *by, const float *residual, struct saker_pooled map,
                              ptrdiff_t first, ptrdiff_t end, float *y);
/// `dz` is that of the largest values. Unless null, `dv` gets g for each pixel of the map.
void saker_gradient_pool_sums_f32(const float *dz, const float *x, const struct saker_normalization *by, const float *residual,
                                  struct saker_pooled map, ptrdiff_t first, ptrdiff_t end, float *partials, float *dv);
void saker_gradient_pool_apply_f32(const float *dz, const struct saker_normalization_gradient *by, struct saker_pooled map, ptrdiff_t first,
                                   ptrdiff_t end, float *dx);
