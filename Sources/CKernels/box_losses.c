#include "box_losses.h"

#include "targets.h"
#include "functions.h"

enum { LINEAR, LOGARITHM, GENERALIZED, DISTANCE, COMPLETE };
enum { BLOCK = 128 };

typedef struct {
  float loss, slope[4];
} Pair;

// How much of the larger of two numbers is the first: 1, 0, or half when equal.
SAKER_INLINE float share(float a, float b) { return a > b ? 1 : a < b ? 0 : a == b ? 0.5f : a + b; }
SAKER_INLINE float larger(float a, float b) { return a > b || a != a ? a : b; }
SAKER_INLINE float smaller(float a, float b) { return a < b || a != a ? a : b; }

// atan(w / h), and pi / 2 or 0 for a box without height.
SAKER_INLINE float angle(float w, float h) { return arctangent(w == 0 ? 0 : w / h); }

SAKER_INLINE Pair compare(int form, const float *a, const float *b, float epsilon) {
  // Shares of a in the inner left and top and in the outer right and bottom; the other sides
  // have what is left.
  float left = share(a[0], b[0]), top = share(a[1], b[1]), right = share(a[2], b[2]), bottom = share(a[3], b[3]);
  float w = a[2] - a[0], h = a[3] - a[1], other_w = b[2] - b[0], other_h = b[3] - b[1];

  float inner_w = smaller(a[2], b[2]) - larger(a[0], b[0]), inner_h = smaller(a[3], b[3]) - larger(a[1], b[1]);
  float touching = inner_w <= 0 || inner_h <= 0 ? 0 : 1;
  float inner = touching != 0 ? inner_w * inner_h : 0;
  float inner_slope[4] = {touching * -inner_h * left, touching * -inner_w * top, touching * inner_h * (1 - right),
                          touching * inner_w * (1 - bottom)};
  float join = w * h + other_w * other_h - inner, below = join + epsilon, iou = inner / below;
  float join_slope[4] = {-h - inner_slope[0], -w - inner_slope[1], h - inner_slope[2], w - inner_slope[3]};
  Pair result;
  result.loss = 1 - iou;
  for (int k = 0; k < 4; k++) result.slope[k] = -(inner_slope[k] - iou * join_slope[k]) / below;

  if (form == LOGARITHM) {
    float bounded = iou < epsilon ? epsilon : iou, factor = iou < epsilon ? 0 : 1 / bounded;
    result.loss = -logarithm(bounded);
    for (int k = 0; k < 4; k++) result.slope[k] *= factor;
    return result;
  }
  if (form == LINEAR) return result;

  float hull_w = larger(a[2], b[2]) - smaller(a[0], b[0]), hull_h = larger(a[3], b[3]) - smaller(a[1], b[1]);
  float w_slope[4] = {left - 1, 0, right, 0}, h_slope[4] = {0, top - 1, 0, bottom};
  if (form == GENERALIZED) {
    float hull = hull_w * hull_h, under = hull + epsilon, waste = (hull - join) / under;
    result.loss += waste;
    for (int k = 0; k < 4; k++) {
      float hull_slope = hull_h * w_slope[k] + hull_w * h_slope[k];
      result.slope[k] += (hull_slope - join_slope[k] - waste * hull_slope) / under;
    }
    return result;
  }

  float diagonal = hull_w * hull_w + hull_h * hull_h + epsilon;
  float x = 0.5f * ((a[0] + a[2]) - (b[0] + b[2])), y = 0.5f * ((a[1] + a[3]) - (b[1] + b[3]));
  float distance = (x * x + y * y) / diagonal;
  float centre_slope[4] = {x, y, x, y};
  result.loss += distance;
  for (int k = 0; k < 4; k++)
    result.slope[k] += (centre_slope[k] - distance * 2 * (hull_w * w_slope[k] + hull_h * h_slope[k])) / diagonal;
  if (form == DISTANCE) return result;

  const float scale = 0.405284735f;  // 4 / pi^2
  float difference = angle(other_w, other_h) - angle(w, h), v = scale * difference * difference;
  float alpha = v / (1 - iou + v + epsilon), square = w * w + h * h;
  float factor = -2 * scale * alpha * difference / (square > 0 ? square : 1);
  result.loss += alpha * v;
  result.slope[0] += factor * -h;
  result.slope[1] += factor * w;
  result.slope[2] += factor * h;
  result.slope[3] += factor * -w;
  return result;
}

// Compiled once for each form.
SAKER_INLINE double run(int form, const float *x, const float *y, float epsilon, float *loss, float *slope,
                                                        ptrdiff_t n) {
  float losses[BLOCK], slopes[4 * BLOCK];
  double total = 0;
  for (ptrdiff_t first = 0; first < n; first += BLOCK) {
    ptrdiff_t count = n - first < BLOCK ? n - first : BLOCK;
    for (ptrdiff_t i = 0; i < count; i++) {
      Pair pair = compare(form, x + 4 * (first + i), y + 4 * (first + i), epsilon);
      losses[i] = pair.loss;
      slopes[4 * i] = pair.slope[0];
      slopes[4 * i + 1] = pair.slope[1];
      slopes[4 * i + 2] = pair.slope[2];
      slopes[4 * i + 3] = pair.slope[3];
    }
    if (loss) memcpy(loss + first, losses, sizeof(float) * (size_t)count);
    if (slope) memcpy(slope + 4 * first, slopes, 4 * sizeof(float) * (size_t)count);
    for (ptrdiff_t i = 0; i < count; i++) total += losses[i];
  }
  return total;
}

SAKER_TARGETS double saker_box_loss_f32(int form, const float *x, const float *y, float epsilon, float *loss, float *slope, ptrdiff_t n) {
  switch (form) {
  case LOGARITHM: return run(LOGARITHM, x, y, epsilon, loss, slope, n);
  case GENERALIZED: return run(GENERALIZED, x, y, epsilon, loss, slope, n);
  case DISTANCE: return run(DISTANCE, x, y, epsilon, loss, slope, n);
  case COMPLETE: return run(COMPLETE, x, y, epsilon, loss, slope, n);
  default: return run(LINEAR, x, y, epsilon, loss, slope, n);
  }
}
