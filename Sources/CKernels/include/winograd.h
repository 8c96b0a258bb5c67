#pragma once
#include <stddef.h>

#include "maps.h"

// 3x3 convolution with stride 1 on channels-last float32 memory by Winograd's minimal filtering
// (Lavin & Gray, arXiv:1509.09308; docs/winograd.md). A side of n results is cut into tiles of 4
// and a last one of the rest; a tile of m x n results costs (m + 2)(n + 2) products instead of 9mn.
// All tile sizes interpolate at a subset of the points 0, 1, -1, 2, -2, infinity, so that they
// share one set of transformed weights.
//
// The functions compute on `threads` of OpenMP's threads. Their results do not depend on how many.

struct saker_winograd {
  int pictures;
  int height, width;          // of the input
  int rows, columns;          // of the result
  int top, left;              // zeros before the input; negative: pixels that are left out
  int in, out;                // channels
  int in_stride, out_stride;  // floats from a pixel to the next, at least the channels
  int tile;                   // 4, or 2 for less waste and less error
};

/// The form that runs: "avx512", "avx2" or "portable". The environment variable SAKER_ISA names a
/// lesser one than the processor's best.
const char *saker_winograd_form(void);

/// Floats of packed weights; of the workspaces that the passes need.
size_t saker_winograd_packed(struct saker_winograd shape);
size_t saker_winograd_workspace(struct saker_winograd shape, int threads);
size_t saker_winograd_gradient_workspace(struct saker_winograd shape, int threads);

/// Blocks of results that `statistics` and `sums` have records of; `counts`, unless null, gets
/// the results of each.
int saker_winograd_blocks(struct saker_winograd shape, int *counts);

/// Transforms weights `[out][in][3][3]`; or, turned, `[in][out][3][3]` as the gradient of the
/// input needs them.
void saker_winograd_pack(struct saker_winograd shape, const float *weights, int turned, float *packed, int threads);

/// y `[pictures][rows][columns][out]`, or half the rows and columns if `pooled`, = x
/// `[pictures][height][width][in]` convolved.
void saker_winograd_convolve(struct saker_winograd shape, struct saker_source x, const float *packed,
                             struct saker_epilogue epilogue, float *y, float *workspace, int threads);

/// The gradients `[out][in][3][3]` of the weights, and `[out]` of the bias unless null, from
/// that of the result.
void saker_winograd_gradient(struct saker_winograd shape, struct saker_source x, struct saker_source dy, float *dw, float *db,
                             float *workspace, int threads);
