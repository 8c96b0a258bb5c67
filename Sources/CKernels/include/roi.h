#pragma once
#include <stddef.h>
#include <stdint.h>

// Regions of channels-last maps `x[N][height][width][channels]`, pooled to
// `y[rois][rows][columns][depth]`.

struct saker_roi {
  int height, width, channels;
  int rows, columns;
  /// Channels of the result: all, or, where each cell reads channels of its own
  /// (position-sensitive), channels / (rows columns).
  int depth;
  float scale;
  /// Points a cell and axis; 0: as many as the cell is pixels long, rounded up.
  int sampling;
  /// Taken from the box's corners, and the least size of a box; both in pixels of the map.
  float shift, least;
};

/// Means of bilinear samples, of the rows of cells `from..<to`, counted over all regions.
/// `rois[n][5]`: picture, left, top, right, bottom.
void saker_roi_align(const struct saker_roi *s, const float *x, const float *rois, float *y, ptrdiff_t from, ptrdiff_t to);

/// Adds to the gradient of the maps what comes from `count` regions, in the result's
/// channels `from..<to`.
void saker_roi_align_back(const struct saker_roi *s, const float *rois, const float *dy, float *dx, ptrdiff_t count, int from, int to);

/// Largest values over whole pixels, and the pixels where they stand (row * width + column, -1 for
/// an empty cell, which gives 0).
void saker_roi_pool(const struct saker_roi *s, const float *x, const float *rois, float *y, int32_t *positions, ptrdiff_t from, ptrdiff_t to);

/// Adds to the gradient of the maps, in channels `from..<to`.
void saker_roi_pool_back(const struct saker_roi *s, const float *rois, const float *dy, const int32_t *positions, float *dx, ptrdiff_t count, int from,
                         int to);

/// Means over the whole pixels of position-sensitive cells, 0 for an empty cell; of the rows of
/// cells `from..<to`.
void saker_ps_roi_pool(const struct saker_roi *s, const float *x, const float *rois, float *y, ptrdiff_t from, ptrdiff_t to);

/// Adds to the gradient of the maps, in the result's channels `from..<to`.
void saker_ps_roi_pool_back(const struct saker_roi *s, const float *rois, const float *dy, float *dx, ptrdiff_t count, int from, int to);
