#include "element_losses.h"

#include "targets.h"
#include "functions.h"

// Losses stay in the first-level cache until they are summed.
enum { BLOCK = 512, LANES = 16 };

static inline double sum_of(const float *x, ptrdiff_t n) {
  float lanes[LANES] = {0};
  ptrdiff_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++) lanes[lane] += x[i + lane];
  double total = 0;
  for (int lane = 0; lane < LANES; lane++) total += lanes[lane];
  for (; i < n; i++) total += x[i];
  return total;
}

typedef struct {
  float loss, slope;
} Element;

#define LOOP(name, w, a, b)                                       \
  for (ptrdiff_t i = 0; i < count; i++) {                         \
    Element e = name(x[first + i], y[first + i], w, a, b);        \
    losses[i] = e.loss;                                           \
    slopes[i] = e.slope;                                          \
  }

// With loops of their own for no factors, and for the exponents that everybody uses: as literals
// they leave no logarithm.
#define LOSS(name, usual_a, usual_b)                                                                                              \
  SAKER_TARGETS double saker_##name##_f32(const float *x, const float *y, const float *factor, float a, float b, float *loss,     \
                                          float *slope, ptrdiff_t n) {                                                            \
    float losses[BLOCK], slopes[BLOCK];                                                                                           \
    double total = 0;                                                                                                             \
    for (ptrdiff_t first = 0; first < n; first += BLOCK) {                                                                        \
      ptrdiff_t count = n - first < BLOCK ? n - first : BLOCK;                                                                    \
      if (factor) {                                                                                                               \
        LOOP(name, factor[first + i], a, b)                                                                                       \
      } else if (a == (usual_a) && b == (usual_b)) {                                                                              \
        LOOP(name, 1, usual_a, usual_b)                                                                                           \
      } else {                                                                                                                    \
        LOOP(name, 1, a, b)                                                                                                       \
      }                                                                                                                           \
      if (loss) memcpy(loss + first, losses, sizeof(float) * (size_t)count);                                                      \
      if (slope) memcpy(slope + first, slopes, sizeof(float) * (size_t)count);                                                    \
      total += sum_of(losses, count);                                                                                             \
    }                                                                                                                             \
    return total;                                                                                                                 \
  }

// p = sigmoid(x), n = 1 - p and their negative logarithms, each without cancellation.
typedef struct {
  float p, n, minus_log_p, minus_log_n;
} Sigmoid;

SAKER_INLINE Sigmoid sigmoid(float x) {
  float e = exponential_within(-fabsf(x)), far = e / (1 + e), near = 1 / (1 + e), tail = logarithm_of_one_plus(e);
  Sigmoid s;
  s.p = x >= 0 ? near : far;
  s.n = x >= 0 ? far : near;
  s.minus_log_p = tail + (x < 0 ? -x : 0);
  s.minus_log_n = tail + (x > 0 ? x : 0);
  return s;
}

// q^g for q in 0...1; by selection, which becomes vector code whatever g is.
SAKER_INLINE float power(float q, float g) {
  float result = exponential_within(g * logarithm(q));
  result = q > 0 ? result : q == 0 ? 0 : q;
  result = g == 2 ? q * q : g == 4 ? (q * q) * (q * q) : result;
  return g == 0 ? 1 : result;
}

SAKER_INLINE Element binary_cross_entropy(float x, float y, float factor, float a, float b) {
  (void)a, (void)b;
  Sigmoid s = sigmoid(x);
  // No differences of large numbers: a sure prediction keeps all digits of its small loss.
  Element e;
  e.loss = factor * y * s.minus_log_p + (1 - y) * s.minus_log_n;
  e.slope = (1 - y) * s.p - factor * y * s.n;
  return e;
}

SAKER_INLINE Element binary_cross_entropy_of_probabilities(float x, float y, float factor, float a, float b) {
  (void)factor, (void)a, (void)b;
  float log_p = logarithm(x), log_n = logarithm_of_one_plus(-x), variance = x * (1 - x);
  log_p = log_p < -100 ? -100 : log_p;
  log_n = log_n < -100 ? -100 : log_n;
  Element e;
  e.loss = (y - 1) * log_n - y * log_p;
  e.slope = (x - y) / (variance < 1e-12f ? 1e-12f : variance);
  return e;
}

SAKER_INLINE Element sigmoid_focal(float x, float y, float factor, float a, float b) {
  (void)factor;
  Sigmoid s = sigmoid(x);
  float entropy = y * s.minus_log_p + (1 - y) * s.minus_log_n;
  float q = s.p * (1 - y) + s.n * y;
  float modulation = power(q, b), w = a < 0 ? 1 : a * y + (1 - a) * (1 - y);
  // (q^b)' = b q^b (q' / q), with q' = p n (1 - 2 y); where q is 0, so is q^b.
  float share = s.p * s.n * (1 - 2 * y) / (q > 0 ? q : 1);
  Element e;
  e.loss = w * modulation * entropy;
  // p - y, as above.
  float difference = s.p * (1 - y) - s.n * y;
  e.slope = w * modulation * (difference + b * entropy * share);
  return e;
}

SAKER_INLINE Element focal(float x, float y, float factor, float a, float b) {
  (void)y, (void)a;
  float t = exponential_within(-x);
  // 1 - exp(-x): by its series where the difference would lose digits.
  float series = x * (1 - x * (0.5f - x * (1.0f / 6 - x * (1.0f / 24 - x * (1.0f / 120)))));
  float q = x < 0.1f ? series : 1 - t, modulation = power(q, b);
  Element e;
  e.loss = factor * modulation * x;
  // q^b + b q^b t (x / q), where x / q goes to 1 with x.
  e.slope = factor * modulation * (1 + b * t * (q > 0 ? x / q : 1));
  return e;
}

SAKER_INLINE Element heatmap_focal(float x, float y, float factor, float a, float b) {
  (void)factor;
  Sigmoid s = sigmoid(x);
  float near = power(s.n, a), far = power(s.p, a) * power(1 - y, b);
  Element e;
  int peak = y >= 1;
  e.loss = peak ? near * s.minus_log_p : far * s.minus_log_n;
  e.slope = peak ? near * (-s.n - a * s.p * s.minus_log_p) : far * (s.p + a * s.n * s.minus_log_n);
  return e;
}

LOSS(binary_cross_entropy, 0, 0)
LOSS(binary_cross_entropy_of_probabilities, 0, 0)
LOSS(sigmoid_focal, a, 2)
LOSS(focal, 0, 2)
LOSS(heatmap_focal, 2, 4)
