#include "optimizers.h"

#include "targets.h"

SAKER_TARGETS void saker_sgd_f32(float *restrict p, const float *restrict g, float *restrict velocity, ptrdiff_t n, float rate,
                                 float momentum, float dampening, float decay, int nesterov, int is_first) {
  if (!velocity) {
    for (ptrdiff_t i = 0; i < n; i++) p[i] -= rate * (g[i] + decay * p[i]);
    return;
  }
  float share = is_first ? 1 : 1 - dampening, keep = is_first ? 0 : momentum;
  if (is_first)
    for (ptrdiff_t i = 0; i < n; i++) velocity[i] = 0;
  if (nesterov) {
    for (ptrdiff_t i = 0; i < n; i++) {
      float d = g[i] + decay * p[i], v = keep * velocity[i] + share * d;
      velocity[i] = v;
      p[i] -= rate * (d + momentum * v);
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) {
      float v = keep * velocity[i] + share * (g[i] + decay * p[i]);
      velocity[i] = v;
      p[i] -= rate * v;
    }
  }
}

SAKER_TARGETS void saker_adam_f32(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, ptrdiff_t n, float step,
                                  float root_correction, float beta1, float beta2, float epsilon, float decay, float shrink) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float d = g[i] + decay * p[i];
    m[i] += (1 - beta1) * (d - m[i]);
    v[i] = beta2 * v[i] + (1 - beta2) * d * d;
    // sqrtf would have to set errno, one number at a time.
    p[i] = shrink * p[i] - step * m[i] / (__builtin_elementwise_sqrt(v[i]) / root_correction + epsilon);
  }
}

SAKER_TARGETS void saker_mix_f32(float *restrict a, const float *restrict b, ptrdiff_t n, float share) {
  for (ptrdiff_t i = 0; i < n; i++) a[i] += share * (b[i] - a[i]);
}

SAKER_TARGETS double saker_sum_of_squares_f32(const float *a, ptrdiff_t n) {
  double lanes[8] = {0}, total = 0;
  ptrdiff_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int lane = 0; lane < 8; lane++) lanes[lane] += (double)a[i + lane] * a[i + lane];
  for (; i < n; i++) total += (double)a[i] * a[i];
  for (int lane = 0; lane < 8; lane++) total += lanes[lane];
  return total;
}

SAKER_TARGETS void saker_scale_f32(const float *a, float factor, float *out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = a[i] * factor;
}

SAKER_TARGETS void saker_clip_f32(const float *a, float limit, float *out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = a[i] > limit ? limit : a[i] < -limit ? -limit : a[i];
}

SAKER_TARGETS ptrdiff_t saker_count_nonfinite_f32(const float *a, ptrdiff_t n) {
  const uint32_t *bits = (const uint32_t *)a;
  ptrdiff_t count = 0;
  for (ptrdiff_t i = 0; i < n; i++) count += (bits[i] & 0x7F800000u) == 0x7F800000u;
  return count;
}
