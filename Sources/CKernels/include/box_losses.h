#pragma once
#include <stddef.h>

/// Losses of n pairs of boxes, each left, top, right, bottom. `form`: 0: 1 - IoU; 1: -log IoU, IoU
/// at least `epsilon`; 2: GIoU; 3: DIoU; 4: CIoU, whose alpha counts as a constant. Writes the
/// losses to `loss` and their derivatives by the corners of x (4 n numbers) to `slope`, either may
/// be null; returns the sum of the losses. Where two corners are equal, each has half of the slope.
double saker_box_loss_f32(int form, const float *x, const float *y, float epsilon, float *loss, float *slope, ptrdiff_t n);
