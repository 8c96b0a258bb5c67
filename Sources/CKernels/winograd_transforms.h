// The transforms of one column or row, for tiles of m results; derived in docs/winograd.md and by
// WinogradMathematicsTests. Position order: points 0, 1, -1, 2, -2, infinity. All share G, so that
// tiles of all sizes multiply the same transformed weights.

/// G g: 3 in, 6 out. The rows of G are [1 a a^2] for the points a, times 1/4, -1/6, -1/6, 1/24,
/// 1/24; [0 0 1] for infinity.
INLINE void weight_side(const vec *g, int step, vec *o, int to) {
  vec a = (g[0] + g[2 * step]) * (-1 / 6.f), b = g[step] * (1 / 6.f), c = g[0] * (1 / 24.f) + g[2 * step] * (1 / 6.f), d = g[step] * (1 / 12.f);
  o[0] = g[0] * 0.25f;
  o[to] = a - b;
  o[2 * to] = a + b;
  o[3 * to] = c + d;
  o[4 * to] = c - d;
  o[5 * to] = g[2 * step];
}

/// G^T s: 6 in, 3 out.
INLINE void weight_gradient_side(const vec *s, int step, vec *o, int to) {
  vec a = (s[step] + s[2 * step]) * (-1 / 6.f), b = s[2 * step] - s[step], c = s[3 * step] + s[4 * step], d = s[3 * step] - s[4 * step];
  o[0] = s[0] * 0.25f + a + c * (1 / 24.f);
  o[to] = b * (1 / 6.f) + d * (1 / 12.f);
  o[2 * to] = a + c * (1 / 6.f) + s[5 * step];
}

/// B^T d: m + 2 in, m + 2 out.
INLINE void input_side(const int m, const vec *d, vec *o) {
  if (m == 4) {
    vec a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], c = d[4] - d[2], e = 2 * (d[3] - d[1]);
    o[0] = 4 * d[0] - 5 * d[2] + d[4];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = c + e;
    o[4] = c - e;
    o[5] = 4 * d[1] - 5 * d[3] + d[5];
  } else if (m == 3) {
    vec a = d[3] - d[1];
    o[0] = 4 * (d[0] - d[2]) + 2 * a;
    o[1] = 3 * (d[3] - d[2] - 2 * d[1]);
    o[2] = 2 * d[1] - 3 * d[2] + d[3];
    o[3] = 4 * a;
    o[4] = d[4] - d[2] - 2 * a;
  } else if (m == 2) {
    o[0] = 4 * (d[0] - d[2]);
    o[1] = -3 * (d[1] + d[2]);
    o[2] = 3 * (d[1] - d[2]);
    o[3] = d[3] - d[1];
  } else {
    o[0] = 4 * (d[0] - d[1]);
    o[1] = -6 * d[1];
    o[2] = d[2] - d[1];
  }
}

/// A^T s: m + 2 in, m out.
INLINE void output_side(const int m, const vec *s, vec *o) {
  if (m == 1) {
    o[0] = s[0] + s[1] + s[2];
    return;
  }
  vec a = s[1] + s[2], b = s[1] - s[2];
  if (m == 4) {
    vec c = s[3] + s[4], d = s[3] - s[4];
    o[0] = s[0] + a + c;
    o[1] = b + 2 * d;
    o[2] = a + 4 * c;
    o[3] = b + 8 * d + s[5];
  } else if (m == 3) {
    o[0] = s[0] + a + s[3];
    o[1] = b + 2 * s[3];
    o[2] = a + 4 * s[3] + s[4];
  } else {
    o[0] = s[0] + a;
    o[1] = b + s[3];
  }
}

/// A g: m in, m + 2 out.
INLINE void gradient_side(const int m, const vec *g, vec *o) {
  if (m == 1) {
    o[0] = o[1] = o[2] = g[0];
    return;
  }
  o[0] = g[0];
  if (m == 4) {
    vec a = g[0] + g[2], b = g[1] + g[3], c = g[0] + 4 * g[2], d = 2 * g[1] + 8 * g[3];
    o[1] = a + b;
    o[2] = a - b;
    o[3] = c + d;
    o[4] = c - d;
    o[5] = g[3];
  } else if (m == 3) {
    vec a = g[0] + g[2];
    o[1] = a + g[1];
    o[2] = a - g[1];
    o[3] = g[0] + 2 * g[1] + 4 * g[2];
    o[4] = g[2];
  } else {
    o[1] = g[0] + g[1];
    o[2] = g[0] - g[1];
    o[3] = g[1];
  }
}

/// Calls `side` with its size as a constant.
#define EACH_SIZE(side, m, ...)           \
  switch (m) {                            \
    case 4: side(4, __VA_ARGS__); break;  \
    case 3: side(3, __VA_ARGS__); break;  \
    case 2: side(2, __VA_ARGS__); break;  \
    default: side(1, __VA_ARGS__); break; \
  }
