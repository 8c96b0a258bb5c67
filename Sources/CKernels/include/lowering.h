#pragma once
#include <stddef.h>

// Convolutions as products of matrices ("im2col", Chellapilla, Puri & Simard 2006): a row for
// each pixel of the result holds the pixels that it reads, tap by tap, all channels of each. Maps
// are channels-last.

struct saker_lowering {
  int height, width;      // of the map that is read
  int rows, columns;      // of the result
  int bytes;              // of a pixel: all its channels
  int taps[2], stride[2], before[2], dilation[2];  // by rows and by columns
};

/// Rows [from, to) of the matrix, of `pictures * rows * columns`, to `y` on; zeros
/// where the map ends.
void saker_lower(const void *x, struct saker_lowering shape, int from, int to, void *y);
