#pragma once
#include <stddef.h>

// Depthwise convolution, one kernel for each channel, on channels-last float32 memory: the
// gradient of its weights.

struct saker_depthwise {
  int pictures, channels;
  int height, width;  // of the input
  int rows, columns;  // of the result
  int kernel_height, kernel_width;
  int stride_y, stride_x;
  int top, left;  // zeros above and left of the picture
};

/// Parts of the result's rows, counted over all pictures, whose sums are kept apart: as many
/// whatever the number of threads, for the same bits.
enum { saker_depthwise_parts = 16 };

/// The widest kernel that there is a loop for.
enum { saker_depthwise_widest = 7 };

/// Floats of the workspace.
size_t saker_depthwise_workspace(struct saker_depthwise shape);
/// Parts `first` to `end` of the sums, the share of one worker: to the workspace.
void saker_depthwise_gradient(struct saker_depthwise shape, const float *x, const float *dy, int first, int end, float *workspace);
/// dw `[channels][kernel height][kernel width]`, all parts together.
void saker_depthwise_merge(struct saker_depthwise shape, const float *workspace, float *dw);
