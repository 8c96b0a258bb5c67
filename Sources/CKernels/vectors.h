// Vectors of LANES channels, and what happens to them beside transforms and products. Included by
// each form (see form.h).

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float loose __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int mask __attribute__((vector_size(4 * LANES)));

#ifndef LOAD_PART
INLINE vec load_part(const float *p, int n) {
  vec v = {0};
  for (int i = 0; i < n; i++) v[i] = p[i];
  return v;
}
INLINE void store_part(float *p, int n, vec v) {
  for (int i = 0; i < n; i++) p[i] = v[i];
}
#define LOAD_PART(p, n) load_part(p, n)
#define STORE_PART(p, n, v) store_part(p, n, v)
#endif

/// The first `part` channels, zeros after them; all if `part` is 0.
INLINE vec load(const float *p, int part) { return part ? LOAD_PART(p, part) : *(const loose *)p; }
INLINE void store(float *p, int part, vec v) {
  if (part) STORE_PART(p, part, v);
  else *(loose *)p = v;
}

/// How many channels from `c` on are not a whole vector; 0 if they are.
INLINE int part_of(int channels, int c) { return channels - c >= LANES ? 0 : channels - c; }
INLINE int padded(int channels) { return (channels + LANES - 1) / LANES * LANES; }

INLINE vec blend(mask m, vec a, vec b) { return (vec)((m & (mask)a) | (~m & (mask)b)); }
INLINE vec kept(mask m, vec a) { return (vec)(m & (mask)a); }

/// e^x within 2 units of the last place. With n = round(x / ln 2) and r = x - n ln 2, e^x = 2^n
/// e^r; e^r by its series on |r| <= 0.35.
INLINE vec exponential(vec x) {
  const float magic = 12582912;  // 1.5 * 2^23: adding it rounds to whole numbers
  x = blend(x > 88, (vec){0} + 88, blend(x < -87, (vec){0} - 87, x));
  vec n = (x * 1.44269504f + magic) - magic;
  vec r = x - n * 0.693145752f - n * 1.42860677e-6f;
  vec sum = 1 + r * (1 + r * (0.5f + r * (1 / 6.f + r * (1 / 24.f + r * (1 / 120.f + r * (1 / 720.f))))));
  mask bits = (__builtin_convertvector(n, mask) + 127) << 23;
  return sum * (vec)bits;
}

INLINE vec sigmoid(vec x) { return 1 / (1 + exponential(-x)); }

INLINE vec activate(vec v, struct saker_activation a) {
  if (a.swish) return v * sigmoid(v);
  if (a.slope == 0) v = kept(~(v < 0), v);
  else if (a.slope != 1) v = blend(v < 0, v * a.slope, v);
  return a.cap < __builtin_inff() ? blend(v > a.cap, (vec){0} + a.cap, v) : v;
}

/// g times the activation's derivative at `v`.
INLINE vec activation_gradient(vec g, vec v, struct saker_activation a) {
  if (a.swish) {
    vec s = sigmoid(v);
    return g * (s * (1 + v * (1 - s)));
  }
  if (a.slope == 0) g = kept(~(v <= 0), g);
  else if (a.slope != 1) g = blend(v <= 0, g * a.slope, g);
  return a.cap < __builtin_inff() ? kept(~(v >= a.cap), g) : g;
}

// Transposition of LANES x LANES numbers: exchanges, for each bit d of the indices, what stands d
// to the right with what stands d below.
#define UPPER(i, d) ((i) & (d) ? LANES + (i) - (d) : (i))
#define LOWER(i, d) ((i) & (d) ? LANES + (i) : (i) + (d))
#define FOUR(side, i, d) side(i, d), side(i + 1, d), side(i + 2, d), side(i + 3, d)
#if LANES == 4
#define LANE_LIST(side, d) FOUR(side, 0, d)
#elif LANES == 8
#define LANE_LIST(side, d) FOUR(side, 0, d), FOUR(side, 4, d)
#else
#define LANE_LIST(side, d) FOUR(side, 0, d), FOUR(side, 4, d), FOUR(side, 8, d), FOUR(side, 12, d)
#endif
#define EXCHANGE(rows, d)                                                     \
  for (int r = 0; r < LANES; r++)                                             \
    if (!(r & d)) {                                                           \
      vec a = rows[r], b = rows[r + d];                                       \
      rows[r] = __builtin_shufflevector(a, b, LANE_LIST(UPPER, d));           \
      rows[r + d] = __builtin_shufflevector(a, b, LANE_LIST(LOWER, d));       \
    }

static void transpose(vec *rows) {
  vec t[LANES];
  for (int r = 0; r < LANES; r++) t[r] = rows[r];
  EXCHANGE(t, 1)
  EXCHANGE(t, 2)
#if LANES > 4
  EXCHANGE(t, 4)
#endif
#if LANES > 8
  EXCHANGE(t, 8)
#endif
  for (int r = 0; r < LANES; r++) rows[r] = t[r];
}
