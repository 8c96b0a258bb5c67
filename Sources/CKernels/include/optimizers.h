#pragma once
#include <stddef.h>
#include <stdint.h>

// Whole updates of one parameter p by its gradient g, each in one pass over memory. `decay` is
// added to the gradient, `decay` times p; `shrink` multiplies p before the step.

/// `velocity` is null without momentum, and is not read when `is_first`: then it
/// becomes the gradient.
void saker_sgd_f32(float *p, const float *g, float *velocity, ptrdiff_t n, float rate, float momentum, float dampening, float decay,
                   int nesterov, int is_first);

/// With the rate inside of the velocity, which is 0 before the first step:
/// `v = momentum v + rate g`, `p = p - v`, or, looking ahead, `p = p - (momentum v + rate g)`.
void saker_sgd_inside_f32(float *p, const float *g, float *velocity, ptrdiff_t n, float rate, float momentum, float decay, int nesterov);

/// Adam and its relatives: `p = shrink p - (of_mean m + of_gradient g) / (root sqrt(v) +
/// epsilon)`, with m and v the means of g and of its square: `m += mean_share (g - m)`, `v = kept
/// v + square_share g^2`.
struct saker_adam {
  float mean_share, kept, square_share, decay, shrink, of_mean, of_gradient, root, epsilon;
};
/// `most`, unless it is null, becomes the largest v so far and is taken in its place (AMSGrad).
void saker_adam_f32(float *p, const float *g, float *m, float *v, float *most, ptrdiff_t n, const struct saker_adam *rule);

/// `sum += g^2`, `p -= rate g / (sqrt(sum + inside) + outside)`
void saker_adagrad_f32(float *p, const float *g, float *sum, ptrdiff_t n, float rate, float inside, float outside, float decay);

/// `s = kept s + share g^2`, and by it the step is
/// `rate g / (sqrt(s - mean^2 + inside) + outside)`. `mean`, unless it is null, becomes the mean of
/// the gradients with the same shares; else it counts as 0. `velocity`, unless it is null, sums up
/// steps: `velocity = momentum velocity + g / ...`.
struct saker_rmsprop {
  float rate, kept, share, momentum, inside, outside, decay;
};
void saker_rmsprop_f32(float *p, const float *g, float *s, float *mean, float *velocity, ptrdiff_t n, const struct saker_rmsprop *rule);

/// `s = kept s + share g^2`, `d = g sqrt(past + epsilon) / sqrt(s + epsilon)`,
/// `past = kept past + share d^2`, `p -= rate d`. With `past` null, the root of it counts as 1.
void saker_adadelta_f32(float *p, const float *g, float *s, float *past, ptrdiff_t n, float rate, float kept, float share, float epsilon,
                        float decay);

/// `p = shrink p - rate sign(look m + (1 - look) g)`, then `m += share (g - m)`;
/// `look_share` is 1 - look.
void saker_lion_f32(float *p, const float *g, float *m, ptrdiff_t n, float rate, float look, float look_share, float share, float shrink);

/// LAMB's direction is `r = of_mean m / (root sqrt(v) + epsilon) + decay p`. The first pass makes
/// m and v as in Adam, and adds the sums of squares of p and of r to `sums`; the second one
/// steps: `p -= rate r`.
struct saker_lamb {
  float mean_share, kept, square_share, of_mean, root, epsilon, decay;
};
void saker_lamb_measure_f32(const float *p, const float *g, float *m, float *v, ptrdiff_t n, const struct saker_lamb *rule, double sums[2]);
void saker_lamb_step_f32(float *p, const float *m, const float *v, ptrdiff_t n, float rate, const struct saker_lamb *rule);

/// `slow += share (p - slow)`, `p = slow`
void saker_lookahead_f32(float *p, float *slow, ptrdiff_t n, float share);

/// a += share (b - a)
void saker_mix_f32(float *a, const float *b, ptrdiff_t n, float share);
/// The sum of squares, in double precision.
double saker_sum_of_squares_f32(const float *a, ptrdiff_t n);
/// The sum of products, in double precision.
double saker_dot_f32(const float *a, const float *b, ptrdiff_t n);
double saker_dot_f64(const double *a, const double *b, ptrdiff_t n);
/// The sum of magnitudes, in double precision.
double saker_sum_of_magnitudes_f32(const float *a, ptrdiff_t n);
/// The largest magnitude; 0 of none. What is not a number is passed over.
float saker_largest_magnitude_f32(const float *a, ptrdiff_t n);
/// y += factor x
void saker_add_scaled_f32(float *y, float factor, const float *x, ptrdiff_t n);
void saker_add_scaled_f64(double *y, double factor, const double *x, ptrdiff_t n);
/// out = a + factor b
void saker_sum_scaled_f32(float *out, const float *a, float factor, const float *b, ptrdiff_t n);
/// out = a factor
void saker_scale_f32(const float *a, float factor, float *out, ptrdiff_t n);
/// out = a, cut off at -limit and limit; NaN stays.
void saker_clip_f32(const float *a, float limit, float *out, ptrdiff_t n);
/// How many are infinite or not a number.
ptrdiff_t saker_count_nonfinite_f32(const float *a, ptrdiff_t n);
