#pragma once
#include <stddef.h>
#include <stdint.h>

// One axis of dense memory: `size` steps of `inner` neighbouring elements.

/// The sums along the axis, in float32 by blocks of 128 steps.
void saker_sum_lanes_f32(const float *x, ptrdiff_t size, ptrdiff_t inner, float *out);
/// Shares of the exponentials, or their logarithms if `log`, of the lanes `first` up to `end`.
void saker_softmax_lanes_f32(const float *x, ptrdiff_t size, ptrdiff_t inner, ptrdiff_t first, ptrdiff_t end, int log, float *y);
void saker_softmax_lanes_gradient_f32(const float *y, const float *g, ptrdiff_t size, ptrdiff_t inner, ptrdiff_t first, ptrdiff_t end,
                                      int log, float *dx);
/// The sums up to each element of rows of `size`, in double precision.
void saker_cumulative_rows_f32(const float *x, ptrdiff_t rows, ptrdiff_t size, float *out);
/// In double precision.
double saker_row_product_f32(const float *x, ptrdiff_t n);
/// The first largest or smallest element of a row, or the first that is not a number.
ptrdiff_t saker_row_argmax_f32(const float *x, ptrdiff_t n);
ptrdiff_t saker_row_argmin_f32(const float *x, ptrdiff_t n);

/// out[r * to_stride + c] = in[c * from_stride + r]
void saker_transpose_32(const uint32_t *in, ptrdiff_t from_stride, uint32_t *out, ptrdiff_t to_stride, ptrdiff_t rows, ptrdiff_t columns);
/// Each element `times` after another.
void saker_repeat_32(const uint32_t *in, ptrdiff_t n, ptrdiff_t times, uint32_t *out);
/// out[i] = in[n - 1 - i]
void saker_reverse_32(const uint32_t *in, uint32_t *out, ptrdiff_t n);

/// out[j][i] = x[index[j][i]][i] for `count` steps of indices, which count from the end below 0.
/// -1, or the first index that is out of range.
ptrdiff_t saker_gather_lanes_32(const uint32_t *x, ptrdiff_t size, ptrdiff_t inner, const int64_t *index, ptrdiff_t count, uint32_t *out);
/// out[index[j][i]][i] += x[j][i]
ptrdiff_t saker_scatter_add_lanes_f32(const float *x, ptrdiff_t size, ptrdiff_t inner, const int64_t *index, ptrdiff_t count, float *out);

ptrdiff_t saker_count_true(const uint8_t *x, ptrdiff_t n);
/// The positions of what is not 0; `out` has room for one more than there are. How many.
ptrdiff_t saker_true_positions(const uint8_t *x, ptrdiff_t n, ptrdiff_t first, ptrdiff_t step, int64_t *out);

/// out = A x for rows that lie densely.
void saker_rows_times_vector_f32(const float *a, const float *x, ptrdiff_t rows, ptrdiff_t n, float *out);
/// C = A B, for small matrices: strides of rows and columns; C is dense.
void saker_small_product_f32(const float *a, ptrdiff_t ar, ptrdiff_t ac, const float *b, ptrdiff_t br, ptrdiff_t bc, float *c, ptrdiff_t m,
                             ptrdiff_t k, ptrdiff_t n);
