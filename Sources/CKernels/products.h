// Products of blocks that stay in registers: ROWS rows, two vectors wide. Included by each
// form after vectors.h.

/// Products are two vectors of channels wide.
#define PANEL (2 * LANES)

// R rows and W vectors are constants at every call, so that the accumulators are registers.

/// m[R][W], set or added to, = u[R][channels] v[channels][W], u in a group; `to` floats of m from
/// a row to the next, `across` from a vector to the next. On the way it asks for a vector for
/// each channel from `ahead` on: weights of the next panel, which would else all be waited for in
/// its first product.
INLINE void product(const int R, const int W, const float *u, const float *v, float *m, int channels, size_t to, size_t across, int add,
                    const float *ahead) {
  vec a[ROWS][2] = {{{0}}};
  for (int first = 0; first < channels; first += LANES, u += ROWS * LANES)
    for (int c = 0; c < least(LANES, channels - first); c++, v += LANES * W, ahead += LANES) {
      __builtin_prefetch(ahead, 0, 2);
      vec b[2];
      for (int w = 0; w < W; w++) b[w] = *(const vec *)(v + LANES * w);
#pragma clang loop unroll(full)
      for (int r = 0; r < R; r++)
        for (int w = 0; w < W; w++) a[r][w] += u[r * LANES + c] * b[w];
    }
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) {
      vec *sum = (vec *)(m + r * to + across * w);
      *sum = add ? *sum + a[r][w] : a[r][w];
    }
}

/// The same of rows `from` floats apart.
INLINE void rows_product(const int R, const int W, const float *u, size_t from, const float *v, float *m, int channels, size_t to, size_t across, int add,
                         const float *ahead) {
  // Every third row has a pointer, which reaches the next two by the processor's own addressing;
  // the compiler would rather keep twelve, or none.
  const float *pointers[ROWS / 3];
  for (int i = 0; i < ROWS / 3; i++) pointers[i] = u + 3 * i * from;
  vec a[ROWS][2] = {{{0}}};
#pragma clang loop unroll(disable)
  for (int c = 0; c < channels; c++, v += LANES * W, ahead += LANES) {
    __builtin_prefetch(ahead, 0, 2);
    vec b[2];
    for (int w = 0; w < W; w++) b[w] = *(const vec *)(v + LANES * w);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
      float x = pointers[r / 3][r % 3 * from];
      for (int w = 0; w < W; w++) a[r][w] += x * b[w];
    }
    for (int i = 0; i < (R + 2) / 3; i++) {
      pointers[i]++;
      __asm__("" : "+r"(pointers[i]));
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) {
      loose *sum = (loose *)(m + r * to + across * w);
      *sum = add ? *sum + a[r][w] : a[r][w];
    }
}

/// v[R][W], set or added to, = u[count][R]^T d[count][W]; `to` floats of v from a row to the next.
INLINE void transposed_product(const int R, const int W, const float *u, const float *d, float *v, int count, size_t from, size_t by, size_t to,
                               int add) {
  vec a[ROWS][2] = {{{0}}};
  for (int t = 0; t < count; t++) {
    vec b[2];
    for (int w = 0; w < W; w++) b[w] = *(const vec *)(d + t * by + LANES * w);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
      for (int w = 0; w < W; w++) a[r][w] += u[t * from + r] * b[w];
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) {
      loose *sum = (loose *)(v + r * to + LANES * w);
      *sum = add ? *sum + a[r][w] : a[r][w];
    }
}

/// Calls with the number of rows as a constant.
#if ROWS == 12
#define MORE_ROWS(product, W, ...)               \
  case 7: product(7, W, __VA_ARGS__); break;     \
  case 8: product(8, W, __VA_ARGS__); break;     \
  case 9: product(9, W, __VA_ARGS__); break;     \
  case 10: product(10, W, __VA_ARGS__); break;   \
  case 11: product(11, W, __VA_ARGS__); break;   \
  case 12: product(12, W, __VA_ARGS__); break;
#else
#define MORE_ROWS(product, W, ...)
#endif
#define EACH_ROWS(product, rows, W, ...)       \
  switch (rows) {                              \
    case 1: product(1, W, __VA_ARGS__); break; \
    case 2: product(2, W, __VA_ARGS__); break; \
    case 3: product(3, W, __VA_ARGS__); break; \
    case 4: product(4, W, __VA_ARGS__); break; \
    case 5: product(5, W, __VA_ARGS__); break; \
    case 6: product(6, W, __VA_ARGS__); break; \
      MORE_ROWS(product, W, __VA_ARGS__)       \
  }

/// Panels of weights for `out` channels.
INLINE int panels_of(int out) { return (padded(out) + PANEL - 1) / PANEL; }
INLINE int vectors_of(int out, int panel) { return padded(out) - panel * PANEL >= PANEL ? 2 : 1; }
/// Numbers that are added up in registers; longer sums are sums of such, which halves
/// their rounding errors.
#define LENGTH 256

/// Tiles whose transforms stay in the first-level cache while all channels pass by.
#define DEPTH 128
