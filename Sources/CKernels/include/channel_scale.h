#pragma once
#include <stddef.h>

// Channels of a channels-last picture, each times a number of its own.

/// y = scale x
void saker_scale_channels_f32(const float *x, const float *scale, float *y, ptrdiff_t pixels, int channels);
/// dx = scale dy, and sums `[channels]` of x dy over the pixels.
void saker_scale_channels_gradient_f32(const float *x, const float *scale, const float *dy, float *dx, float *sums, ptrdiff_t pixels, int channels);
