#pragma once
#include <stddef.h>

// Deformable convolution as a product of matrices: each result's taps, read between the pixels,
// become a row of `columns`. One channels-last image; results are counted row by row.

struct saker_deformable {
  int height, width, channels;  // of the image
  int out_width;                // of the result
  int kernel_height, kernel_width, stride_y, stride_x, top, left, dilation_y, dilation_x;
  int offset_groups, groups;
  /// The results that the columns hold: `count` from `first` on.
  ptrdiff_t first, count;
};

/// `columns[groups][count][taps][channels / groups]` for the results `from..<to`. Of each result:
/// `offset[offset_groups][taps][2]`, (y, x), added to the tap's place, and
/// `mask[offset_groups][taps]`, a factor, or null. Outside the image are zeros.
void saker_deformable_columns(const struct saker_deformable *s, const float *x, const float *offset, const float *mask, float *columns, ptrdiff_t from,
                              ptrdiff_t to);

/// Adds the gradient of the columns to that of the image, in its channels `from..<to`.
void saker_deformable_scatter(const struct saker_deformable *s, const float *columns, const float *offset, const float *mask, float *dx, int from, int to);

/// The gradients of offsets and masks (may be null) of the results `from..<to`, for the
/// gradient `columns`.
void saker_deformable_offsets(const struct saker_deformable *s, const float *x, const float *offset, const float *mask, const float *columns,
                              float *doffset, float *dmask, ptrdiff_t from, ptrdiff_t to);
