#include "optimizers.h"

#include "targets.h"

// The library's sqrtf would have to set errno, one number at a time.
#define ROOT(x) __builtin_elementwise_sqrt(x)
#define INLINE static inline __attribute__((always_inline))

// Sums in lanes of their own, as vectors: the compiler may not change the order of
// additions by itself.
typedef double lanes __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(32), aligned(4)));
typedef double doubles __attribute__((vector_size(64), aligned(8)));
#define FLOATS(a) __builtin_convertvector(*(const floats *)(a), lanes)
#define DOUBLES(a) (*(const doubles *)(a))

#define TOTAL(name, parameters, vector, single)                 \
  SAKER_TARGETS double name parameters {                        \
    lanes even = {0}, odd = {0};                                \
    double total = 0;                                           \
    ptrdiff_t i = 0;                                            \
    while (i + 16 <= n) {                                       \
      even += vector;                                           \
      i += 8;                                                   \
      odd += vector;                                            \
      i += 8;                                                   \
    }                                                           \
    for (; i < n; i++) total += single;                         \
    even += odd;                                                \
    for (int lane = 0; lane < 8; lane++) total += even[lane];   \
    return total;                                               \
  }

TOTAL(saker_sum_of_squares_f32, (const float *a, ptrdiff_t n), FLOATS(a + i) * FLOATS(a + i), (double)a[i] * a[i])
TOTAL(saker_dot_f32, (const float *a, const float *b, ptrdiff_t n), FLOATS(a + i) * FLOATS(b + i), (double)a[i] * b[i])
TOTAL(saker_dot_f64, (const double *a, const double *b, ptrdiff_t n), DOUBLES(a + i) * DOUBLES(b + i), a[i] * b[i])
TOTAL(saker_sum_of_magnitudes_f32, (const float *a, ptrdiff_t n), __builtin_elementwise_abs(FLOATS(a + i)), __builtin_fabs(a[i]))

SAKER_TARGETS float saker_largest_magnitude_f32(const float *a, ptrdiff_t n) {
  // Without their sign, floating numbers are in the order of their bits as whole numbers; above
  // infinity is what is no number.
  const uint32_t *bits = (const uint32_t *)a;
  uint32_t most = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    uint32_t b = bits[i] & 0x7FFFFFFFu;
    b = b > 0x7F800000u ? 0 : b;
    most = b > most ? b : most;
  }
  float value;
  __builtin_memcpy(&value, &most, sizeof value);
  return value;
}

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

SAKER_TARGETS void saker_sgd_inside_f32(float *restrict p, const float *restrict g, float *restrict velocity, ptrdiff_t n, float rate,
                                        float momentum, float decay, int nesterov) {
  if (nesterov) {
    for (ptrdiff_t i = 0; i < n; i++) {
      float step = rate * (g[i] + decay * p[i]), v = momentum * velocity[i] + step;
      velocity[i] = v;
      p[i] -= step + momentum * v;
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) {
      float v = momentum * velocity[i] + rate * (g[i] + decay * p[i]);
      velocity[i] = v;
      p[i] -= v;
    }
  }
}

SAKER_TARGETS void saker_adam_f32(float *restrict p, const float *restrict g, float *restrict m, float *restrict v, float *restrict most,
                                  ptrdiff_t n, const struct saker_adam *rule) {
  // A copy, which no write to p can change.
  const struct saker_adam r = *rule;
  if (most) {
    for (ptrdiff_t i = 0; i < n; i++) {
      float d = g[i] + r.decay * p[i], mean = m[i] + r.mean_share * (d - m[i]), square = r.kept * v[i] + r.square_share * d * d;
      m[i] = mean;
      v[i] = square;
      // What is not a number stays, as in the plain form.
      most[i] = square <= most[i] ? most[i] : square;
      p[i] = r.shrink * p[i] - (r.of_mean * mean + r.of_gradient * d) / (r.root * ROOT(most[i]) + r.epsilon);
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) {
      float d = g[i] + r.decay * p[i], mean = m[i] + r.mean_share * (d - m[i]), square = r.kept * v[i] + r.square_share * d * d;
      m[i] = mean;
      v[i] = square;
      p[i] = r.shrink * p[i] - (r.of_mean * mean + r.of_gradient * d) / (r.root * ROOT(square) + r.epsilon);
    }
  }
}

SAKER_TARGETS void saker_adagrad_f32(float *restrict p, const float *restrict g, float *restrict sum, ptrdiff_t n, float rate, float inside,
                                     float outside, float decay) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float d = g[i] + decay * p[i], s = sum[i] + d * d;
    sum[i] = s;
    p[i] -= rate * d / (ROOT(s + inside) + outside);
  }
}

/// Both flags are constants where it is called, so that each form is a loop without questions.
INLINE void rmsprop(float *restrict p, const float *restrict g, float *restrict s, float *restrict mean, float *restrict velocity, ptrdiff_t n,
                    const struct saker_rmsprop r, int centered, int summed) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float d = g[i] + r.decay * p[i], square = r.kept * s[i] + r.share * d * d, variance = square;
    s[i] = square;
    if (centered) {
      float average = mean[i] + r.share * (d - mean[i]);
      mean[i] = average;
      variance = square - average * average;
      // Rounding can make it less than nothing, and the root of that is no number.
      variance = variance < 0 ? 0 : variance;
    }
    float step = d / (ROOT(variance + r.inside) + r.outside);
    if (summed) {
      step += r.momentum * velocity[i];
      velocity[i] = step;
    }
    p[i] -= r.rate * step;
  }
}

SAKER_TARGETS void saker_rmsprop_f32(float *restrict p, const float *restrict g, float *restrict s, float *restrict mean,
                                     float *restrict velocity, ptrdiff_t n, const struct saker_rmsprop *rule) {
  if (mean && velocity) rmsprop(p, g, s, mean, velocity, n, *rule, 1, 1);
  else if (mean) rmsprop(p, g, s, mean, velocity, n, *rule, 1, 0);
  else if (velocity) rmsprop(p, g, s, mean, velocity, n, *rule, 0, 1);
  else rmsprop(p, g, s, mean, velocity, n, *rule, 0, 0);
}

SAKER_TARGETS void saker_adadelta_f32(float *restrict p, const float *restrict g, float *restrict s, float *restrict past, ptrdiff_t n,
                                      float rate, float kept, float share, float epsilon, float decay) {
  if (past) {
    for (ptrdiff_t i = 0; i < n; i++) {
      float d = g[i] + decay * p[i], square = kept * s[i] + share * d * d;
      float step = d * ROOT(past[i] + epsilon) / ROOT(square + epsilon);
      s[i] = square;
      past[i] = kept * past[i] + share * step * step;
      p[i] -= rate * step;
    }
  } else {
    for (ptrdiff_t i = 0; i < n; i++) {
      float d = g[i] + decay * p[i], square = kept * s[i] + share * d * d;
      s[i] = square;
      p[i] -= rate * d / ROOT(square + epsilon);
    }
  }
}

SAKER_TARGETS void saker_lion_f32(float *restrict p, const float *restrict g, float *restrict m, ptrdiff_t n, float rate, float look,
                                  float look_share, float share, float shrink) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float c = look * m[i] + look_share * g[i];
    // 0 and what is not a number stay what they are.
    p[i] = shrink * p[i] - rate * (c > 0 ? 1 : c < 0 ? -1 : c);
    m[i] += share * (g[i] - m[i]);
  }
}

SAKER_TARGETS void saker_lamb_measure_f32(const float *restrict p, const float *restrict g, float *restrict m, float *restrict v, ptrdiff_t n,
                                          const struct saker_lamb *rule, double sums[2]) {
  enum { PIECE = 256 };
  const struct saker_lamb r = *rule;
  float direction[PIECE];
  for (ptrdiff_t start = 0; start < n; start += PIECE) {
    ptrdiff_t length = n - start < PIECE ? n - start : PIECE;
    const float *restrict w = p + start, *restrict d = g + start;
    float *restrict mean = m + start, *restrict square = v + start;
    for (ptrdiff_t i = 0; i < length; i++) {
      mean[i] += r.mean_share * (d[i] - mean[i]);
      square[i] = r.kept * square[i] + r.square_share * d[i] * d[i];
      direction[i] = r.of_mean * mean[i] / (r.root * ROOT(square[i]) + r.epsilon) + r.decay * w[i];
    }
    sums[0] += saker_sum_of_squares_f32(w, length);
    sums[1] += saker_sum_of_squares_f32(direction, length);
  }
}

SAKER_TARGETS void saker_lamb_step_f32(float *restrict p, const float *restrict m, const float *restrict v, ptrdiff_t n, float rate,
                                       const struct saker_lamb *rule) {
  const struct saker_lamb r = *rule;
  for (ptrdiff_t i = 0; i < n; i++) p[i] -= rate * (r.of_mean * m[i] / (r.root * ROOT(v[i]) + r.epsilon) + r.decay * p[i]);
}

SAKER_TARGETS void saker_lookahead_f32(float *restrict p, float *restrict slow, ptrdiff_t n, float share) {
  for (ptrdiff_t i = 0; i < n; i++) {
    float s = slow[i] + share * (p[i] - slow[i]);
    slow[i] = s;
    p[i] = s;
  }
}

SAKER_TARGETS void saker_mix_f32(float *restrict a, const float *restrict b, ptrdiff_t n, float share) {
  for (ptrdiff_t i = 0; i < n; i++) a[i] += share * (b[i] - a[i]);
}

SAKER_TARGETS void saker_add_scaled_f32(float *restrict y, float factor, const float *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] += factor * x[i];
}

SAKER_TARGETS void saker_add_scaled_f64(double *restrict y, double factor, const double *restrict x, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] += factor * x[i];
}

SAKER_TARGETS void saker_sum_scaled_f32(float *restrict out, const float *restrict a, float factor, const float *restrict b, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = a[i] + factor * b[i];
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
