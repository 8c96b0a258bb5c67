#pragma once
#include <stddef.h>

// Losses of single elements, one pass for value and slope. Each function reads n predictions x
// and targets y, writes the losses to `loss` and their derivatives by x to `slope` (either may be
// null), and returns the sum of the losses. `factor`, where it is used, has one number an
// element, or is null.

/// Binary cross-entropy of logits, `(1 - y) x + (1 + (p - 1) y) log(1 + exp(-x))`, p from
/// `factor`, else 1.
double saker_binary_cross_entropy_f32(const float *x, const float *y, const float *factor, float a, float b, float *loss, float *slope,
                                      ptrdiff_t n);
/// Binary cross-entropy of probabilities; logarithms are at least -100, and x (1 - x) in the
/// slope at least 1e-12.
double saker_binary_cross_entropy_of_probabilities_f32(const float *x, const float *y, const float *factor, float a, float b, float *loss,
                                                       float *slope, ptrdiff_t n);
/// Focal loss of logits, `w q^b BCE` with q = p (1 - y) + (1 - p) y and w = a y + (1 - a) (1 - y),
/// or w = 1 for a < 0.
double saker_sigmoid_focal_f32(const float *x, const float *y, const float *factor, float a, float b, float *loss, float *slope,
                               ptrdiff_t n);
/// Focal loss of a cross-entropy x: `(1 - exp(-x))^b x`, times `factor`. y is not used.
double saker_focal_f32(const float *x, const float *y, const float *factor, float a, float b, float *loss, float *slope, ptrdiff_t n);
/// CornerNet's focal loss of logits and Gaussian targets: `-(1 - p)^a log p` where y = 1, elsewhere
/// `-(1 - y)^b p^a log(1 - p)`.
double saker_heatmap_focal_f32(const float *x, const float *y, const float *factor, float a, float b, float *loss, float *slope,
                               ptrdiff_t n);
