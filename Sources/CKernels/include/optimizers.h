#pragma once
#include <stddef.h>
#include <stdint.h>

// Whole updates of one parameter p by its gradient g, each in one pass over memory.

/// `velocity` is null without momentum, and is not read when `is_first`: then it becomes the gradient.
void saker_sgd_f32(float *p, const float *g, float *velocity, ptrdiff_t n, float rate, float momentum, float dampening, float decay,
                   int nesterov, int is_first);

/// `p -= step m / (sqrt(v) / root_correction + epsilon)`. `decay` is added to the gradient, `shrink` multiplies p first.
void saker_adam_f32(float *p, const float *g, float *m, float *v, ptrdiff_t n, float step, float root_correction, float beta1, float beta2,
                    float epsilon, float decay, float shrink);

/// a += share (b - a)
void saker_mix_f32(float *a, const float *b, ptrdiff_t n, float share);
/// The sum of squares, in double precision.
double saker_sum_of_squares_f32(const float *a, ptrdiff_t n);
/// out = a factor
void saker_scale_f32(const float *a, float factor, float *out, ptrdiff_t n);
/// out = a, cut off at -limit and limit; NaN stays.
void saker_clip_f32(const float *a, float limit, float *out, ptrdiff_t n);
/// How many are infinite or not a number.
ptrdiff_t saker_count_nonfinite_f32(const float *a, ptrdiff_t n);
