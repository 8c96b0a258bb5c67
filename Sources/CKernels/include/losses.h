#pragma once
#include <stddef.h>
#include <stdint.h>

/// Softmax and cross-entropy of `rows` rows of `classes` logits. `target[row]` is a class, or
/// negative for a row to leave out, whose loss is 0. `weights` has a factor for each class, or is
/// null. Writes the loss of each row, and the logarithm of its softmax' denominator relative to
/// its largest logit.
void saker_cross_entropy_f32(const float *logits, const int32_t *target, const float *weights, float smoothing, ptrdiff_t rows,
                             ptrdiff_t classes, float *loss, float *denominator);
/// Its gradient, for the gradient of each row's loss.
void saker_cross_entropy_gradient_f32(const float *logits, const int32_t *target, const float *weights, float smoothing, ptrdiff_t rows,
                                      ptrdiff_t classes, const float *denominator, const float *gradient, float *out);

// Of d = x - y: |d|; d d / (2 beta) below beta, |d| - beta / 2 from there on; d d. The gradients
// are those of x, minus those of y.
void saker_l1_f32(const float *x, const float *y, float beta, float *out, ptrdiff_t n);
void saker_l1_gradient_f32(const float *x, const float *y, float beta, const float *gradient, float *out, ptrdiff_t n);
void saker_smooth_l1_f32(const float *x, const float *y, float beta, float *out, ptrdiff_t n);
void saker_smooth_l1_gradient_f32(const float *x, const float *y, float beta, const float *gradient, float *out, ptrdiff_t n);
void saker_squared_error_f32(const float *x, const float *y, float beta, float *out, ptrdiff_t n);
void saker_squared_error_gradient_f32(const float *x, const float *y, float beta, const float *gradient, float *out, ptrdiff_t n);
