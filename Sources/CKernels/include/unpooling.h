#pragma once
#include <stddef.h>
#include <stdint.h>

/// Windows over (depth, height, width) of a channels-last map.
struct saker_windows {
  int in[3], out[3], kernel[3], stride[3], before[3], dilation[3];
  int channels;
};

/// For the results `from..<to` and every channel the position of the window's largest
/// value, depth-row-column order; the first of equals, the last that is not a number where
/// one is. `positions[result][channels]`.
void saker_max_positions(const struct saker_windows *w, const float *x, int64_t *positions, ptrdiff_t from, ptrdiff_t to);

/// Whether all are in 0..<limit.
int saker_all_below(const int64_t *positions, ptrdiff_t n, int64_t limit);

// Each of `n` rows of `channels` numbers, and a place for each number in a map of rows: read,
// written (of several the last stays), and added up. In channels `from..<to`.

void saker_take_places(float *rows, const int64_t *places, float *map, ptrdiff_t n, int channels, int from, int to);
void saker_put_places(float *rows, const int64_t *places, float *map, ptrdiff_t n, int channels, int from, int to);
void saker_add_places(float *rows, const int64_t *places, float *map, ptrdiff_t n, int channels, int from, int to);
