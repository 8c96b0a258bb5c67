#pragma once
#include <stddef.h>

// Normalization of rows, and across neighbouring channels. Each function does the
// share of one worker.

/// y = scale (x - mean) / sqrt(variance + epsilon) + shift along each of `rows` rows of `n`
/// elements, scale and shift null for 1 and 0. Keeps each row's mean and 1
/// / sqrt(variance + epsilon). Not `centred`: the mean counts as 0, so that it is the root mean
/// square that divides.
void saker_row_norm_f32(const float *x, ptrdiff_t rows, ptrdiff_t n, const float *scale, const float *shift, float epsilon, int centred, float *y,
                        float *mean, float *inverse);
/// The gradient of x; and, unless null, those of scale and shift added to [n] each.
void saker_row_norm_gradient_f32(const float *x, const float *dy, ptrdiff_t rows, ptrdiff_t n, const float *scale, int centred, const float *mean,
                                 const float *inverse, float *dx, float *dscale, float *dshift);

/// Local response normalization of `pixels` pixels of channels-last memory: y = x d^-beta,
/// d = k + alpha (the sum of x^2 over the channels from `before` below to `after` above).
struct saker_response {
  float k, alpha, beta;
  int channels, before, after;
};
/// Numbers of workspace for one worker.
ptrdiff_t saker_response_workspace(struct saker_response response);
void saker_response_f32(const float *x, ptrdiff_t pixels, struct saker_response response, float *y, float *workspace);
void saker_response_gradient_f32(const float *x, const float *dy, ptrdiff_t pixels, struct saker_response response, float *dx, float *workspace);
