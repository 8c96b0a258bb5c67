#pragma once
#include <stddef.h>

#include "maps.h"

// 1x1 convolution with stride 1 on channels-last float32 memory: a product of matrices whose
// operands go through a prologue on their way in, and whose results go through an epilogue before
// they are written. Sources and epilogues are those of winograd.h.
//
// The functions compute on `threads` of OpenMP's threads. Their results do not depend on how many.

struct saker_pointwise {
  int pixels;                 // of all pictures
  int in, out;                // channels
  int in_stride, out_stride;  // floats from a pixel to the next, at least the channels
};

/// Whether it runs on matrix units, whose packed weights are different ones: with few channels
/// tiles would be mostly empty, and few pixels are not worth splitting the weights.
int saker_pointwise_is_tiled(struct saker_pointwise shape);

/// Floats of packed weights; of the workspaces that the passes need.
size_t saker_pointwise_packed(struct saker_pointwise shape);
size_t saker_pointwise_workspace(struct saker_pointwise shape, int threads);
size_t saker_pointwise_gradient_workspace(struct saker_pointwise shape, int threads);

/// Pixels of a block of results, the last one of a map fewer: `statistics` and `sums` have
/// a record of each.
int saker_pointwise_block(struct saker_pointwise shape);

/// Packs weights `[out][in]`; or, turned, `[in][out]` as the gradient of the input needs them.
void saker_pointwise_pack(struct saker_pointwise shape, const float *weights, int turned, float *packed, int threads);

/// y `[pixels][out]` = x `[pixels][in]` times the weights.
void saker_pointwise_convolve(struct saker_pointwise shape, struct saker_source x, const float *packed, struct saker_epilogue epilogue, float *y,
                              float *workspace, int threads);

/// The gradients `[out][in]` of the weights, and `[out]` of the bias unless null, from
/// that of the result.
void saker_pointwise_gradient(struct saker_pointwise shape, struct saker_source x, struct saker_source dy, float *dw, float *db, float *workspace,
                              int threads);
