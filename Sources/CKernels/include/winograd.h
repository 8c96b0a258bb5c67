#pragma once
#include <stddef.h>

// 3x3 convolution with stride 1 and padding 1 on channels-last float32 memory by Winograd's minimal filtering F(4x4, 3x3): 36 products a tile of
// 16 results instead of 144. Lavin & Gray, arXiv:1509.09308, section 4.3. Channels, in and out, are multiples of 16.
//
// Each function is one worker's share: call it with every `id` of `of` workers. Workspaces are 64-byte aligned, one for each worker.

struct saker_winograd {
  int pictures, height, width, in, out;
};

/// Whether this processor can run them (AVX-512).
int saker_winograd_available(void);

/// Floats of packed weights, of a worker's workspace in the convolution, and in the weight gradient.
size_t saker_winograd_packed(struct saker_winograd shape);
size_t saker_winograd_workspace(struct saker_winograd shape);
size_t saker_winograd_gradient_workspace(struct saker_winograd shape);

/// Transforms weights `[out][in][3][3]`; or, turned, `[in][out][3][3]` as the gradient of the input needs them.
void saker_winograd_pack(struct saker_winograd shape, const float *weights, int turned, float *packed, int id, int of);

/// y `[pictures][height][width][out]` = x `[...][in]` convolved, plus `bias` `[out]` unless null, cut off at 0 if `relu`.
void saker_winograd_convolve(struct saker_winograd shape, const float *x, const float *packed, const float *bias, int relu, float *y,
                             float *workspace, int id, int of);

/// This worker's sums for the gradients of weights and bias, left in its workspace.
void saker_winograd_gradient(struct saker_winograd shape, const float *x, const float *dy, float *workspace, int id, int of);

/// Gradients `[out][in][3][3]`, and `[out]` unless null, from the workspaces of `workers` workers, each `stride` floats after the one before.
void saker_winograd_finish(struct saker_winograd shape, const float *workspaces, size_t stride, int workers, float *dw, float *db, int id,
                           int of);
