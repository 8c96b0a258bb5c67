#pragma once
#include <stddef.h>

// Functions of one whole row; `n` is at least 1.

/// The largest and the smallest element; not a number if one is.
float saker_row_max_f32(const float *a, ptrdiff_t n);
float saker_row_min_f32(const float *a, ptrdiff_t n);
