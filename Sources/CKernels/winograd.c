#include "winograd.h"

#include <string.h>

#if defined(__x86_64__)

// 16 channels are one vector, so all transforms are plain vector arithmetic on tiles held in registers. Tiles are taken in blocks whose transformed
// input and output stay in the second-level cache; the 36 products use a register block of 12 tiles by 32 channels.
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)

typedef float v16 __attribute__((vector_size(64), aligned(64)));
typedef float v16u __attribute__((vector_size(64), aligned(4)));
typedef int v16i __attribute__((vector_size(64), aligned(64)));
typedef struct saker_winograd shape;
#define INLINE static inline __attribute__((always_inline))

int saker_winograd_available(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

static int tile_rows(shape s) { return (s.height + 3) / 4; }
static int tile_columns(shape s) { return (s.width + 3) / 4; }
static int tiles(shape s) { return s.pictures * tile_rows(s) * tile_columns(s); }
static int least(int a, int b) { return a < b ? a : b; }

/// Tiles a block: a multiple of 12 whose transforms fit into `bytes`.
static int block_tiles(shape s, long bytes) {
  long fit = bytes / (36 * 4 * ((long)s.in + s.out)) / 12 * 12;
  return fit < 12 ? 12 : fit > 144 ? 144 : (int)fit;
}
static int convolution_block(shape s) { return block_tiles(s, 700000); }
static int gradient_block(shape s) {
  int block = block_tiles(s, 2400000);
  return block < 48 ? 48 : block;
}

size_t saker_winograd_packed(shape s) { return (size_t)36 * s.in * s.out; }
size_t saker_winograd_workspace(shape s) { return (size_t)36 * convolution_block(s) * (s.in + s.out); }
size_t saker_winograd_gradient_workspace(shape s) {
  return (size_t)36 * s.in * s.out + s.out + (size_t)36 * gradient_block(s) * (s.in + s.out);
}

// MARK: transforms; each works on one column or row of a tile, `s` and `so` apart

/// B^T d: 6 in, 6 out.
INLINE void input_transform(const v16 *d, int s, v16 *o, int so) {
  v16 d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], d4 = d[4 * s], d5 = d[5 * s];
  v16 a = d4 - 4 * d2, b = d3 - 4 * d1, c = d4 - d2, e = 2 * (d3 - d1);
  o[0] = 4 * d0 - 5 * d2 + d4;
  o[so] = a + b;
  o[2 * so] = a - b;
  o[3 * so] = c + e;
  o[4 * so] = c - e;
  o[5 * so] = 4 * d1 - 5 * d3 + d5;
}

/// A^T m: 6 in, 4 out.
INLINE void output_transform(const v16 *m, int s, v16 *o, int so) {
  v16 a = m[s] + m[2 * s], b = m[s] - m[2 * s], c = m[3 * s] + m[4 * s], d = m[3 * s] - m[4 * s];
  o[0] = m[0] + a + c;
  o[so] = b + 2 * d;
  o[2 * so] = a + 4 * c;
  o[3 * so] = b + 8 * d + m[5 * s];
}

/// A dy: 4 in, 6 out.
INLINE void gradient_transform(const v16 *d, int s, v16 *o, int so) {
  v16 d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s], e = d0 + d2, f = d1 + d3, g = d0 + 4 * d2, h = 2 * d1 + 8 * d3;
  o[0] = d0;
  o[so] = e + f;
  o[2 * so] = e - f;
  o[3 * so] = g + h;
  o[4 * so] = g - h;
  o[5 * so] = d3;
}

static const float G[6][3] = {{1 / 4.f, 0, 0},
                              {-1 / 6.f, -1 / 6.f, -1 / 6.f},
                              {-1 / 6.f, 1 / 6.f, -1 / 6.f},
                              {1 / 24.f, 1 / 12.f, 1 / 6.f},
                              {1 / 24.f, -1 / 12.f, 1 / 6.f},
                              {0, 0, 1}};

// MARK: products; R rows and W vectors are constants at every call, so that the accumulators are registers

/// m[R][16 W] = u[R][channels] v[channels][16 W]
INLINE void product(const int R, const int W, const float *u, const float *v, float *m, int channels, int stride) {
  v16 a[12][2] = {{{0}}};
  for (int c = 0; c < channels; c++) {
    v16 b[2];
    for (int w = 0; w < W; w++) b[w] = *(const v16 *)(v + (size_t)c * 16 * W + 16 * w);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
      for (int w = 0; w < W; w++) a[r][w] += u[(size_t)r * channels + c] * b[w];
  }
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) *(v16 *)(m + (size_t)r * stride + 16 * w) = a[r][w];
}

INLINE void products(const int W, const float *u, const float *v, float *m, int count, int channels, int stride) {
  int i = 0;
  for (; i + 12 <= count; i += 12) product(12, W, u + (size_t)i * channels, v, m + (size_t)i * stride, channels, stride);
  for (; i + 4 <= count; i += 4) product(4, W, u + (size_t)i * channels, v, m + (size_t)i * stride, channels, stride);
  for (; i < count; i++) product(1, W, u + (size_t)i * channels, v, m + (size_t)i * stride, channels, stride);
}

/// v[R][16 W] += u[count][R]^T d[count][16 W]
INLINE void transposed_product(const int R, const int W, const float *u, const float *d, float *v, int count, int in, int out) {
  v16 a[12][2];
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) a[r][w] = *(const v16 *)(v + (size_t)r * out + 16 * w);
  for (int t = 0; t < count; t++) {
    v16 b[2];
    for (int w = 0; w < W; w++) b[w] = *(const v16 *)(d + (size_t)t * out + 16 * w);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++)
      for (int w = 0; w < W; w++) a[r][w] += u[(size_t)t * in + r] * b[w];
  }
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++) *(v16 *)(v + (size_t)r * out + 16 * w) = a[r][w];
}

INLINE void transposed_products(const int W, const float *u, const float *d, float *v, int count, int in, int out) {
  int c = 0;
  for (; c + 12 <= in; c += 12) transposed_product(12, W, u + c, d, v + (size_t)c * out, count, in, out);
  for (; c < in; c += 4) transposed_product(4, W, u + c, d, v + (size_t)c * out, count, in, out);
}

// MARK: tiles

struct place {
  int picture, y, x;
};

static struct place place_of(shape s, int tile) {
  int per = tile_rows(s) * tile_columns(s), rest = tile % per;
  return (struct place){tile / per, rest / tile_columns(s) * 4, rest % tile_columns(s) * 4};
}

/// `side` x `side` pixels from (y, x) on, zeros outside the picture.
INLINE void load_tile(const float *map, shape s, int picture, int y, int x, int channels, int c, const int side, v16 *d) {
  const float *base = map + (((long)picture * s.height + y) * s.width + x) * channels + c;
  int inside = y >= 0 && x >= 0 && y + side <= s.height && x + side <= s.width;
  for (int p = 0; p < side; p++)
    for (int q = 0; q < side; q++) {
      int real = inside || (y + p >= 0 && y + p < s.height && x + q >= 0 && x + q < s.width);
      d[p * side + q] = real ? *(const v16u *)(base + ((long)p * s.width + q) * channels) : (v16){0};
    }
}

/// u[36][stride], at one tile's place: B^T d B of its 6 x 6 pixels.
static void transform_input(const float *x, shape s, int tile, float *u, size_t stride) {
  struct place at = place_of(s, tile);
  v16 d[36], t[36];
  for (int c = 0; c < s.in; c += 16) {
    load_tile(x, s, at.picture, at.y - 1, at.x - 1, s.in, c, 6, d);
    for (int q = 0; q < 6; q++) input_transform(d + q, 6, t + q, 6);
    for (int p = 0; p < 6; p++) input_transform(t + p * 6, 1, d + p * 6, 1);
    for (int p = 0; p < 36; p++) *(v16 *)(u + p * stride + c) = d[p];
  }
}

// MARK: workers

void saker_winograd_pack(shape s, const float *weights, int turned, float *packed, int id, int of) {
  int blocks = s.out / 16;
  for (int block = blocks * id / of; block < blocks * (id + 1) / of; block++) {
    // Blocks of 32 channels, the last one of 16 if there is a rest.
    int k = block * 16, first = k / 32 * 32, wide = least(32, s.out - first);
    for (int c = 0; c < s.in; c++) {
      v16 g[9], t[18];
      for (int lane = 0; lane < 16; lane++) {
        const float *w = weights + (turned ? ((size_t)c * s.out + k + lane) : ((size_t)(k + lane) * s.in + c)) * 9;
        for (int i = 0; i < 9; i++) g[i][lane] = w[turned ? 8 - i : i];
      }
      for (int p = 0; p < 6; p++)
        for (int q = 0; q < 3; q++) t[p * 3 + q] = G[p][0] * g[q] + G[p][1] * g[3 + q] + G[p][2] * g[6 + q];
      for (int p = 0; p < 6; p++)
        for (int q = 0; q < 6; q++)
          *(v16 *)(packed + ((size_t)(p * 6 + q) * s.out + first) * s.in + (size_t)c * wide + (k - first)) =
              t[p * 3] * G[q][0] + t[p * 3 + 1] * G[q][1] + t[p * 3 + 2] * G[q][2];
    }
  }
}

void saker_winograd_convolve(shape s, const float *x, const float *packed, const float *bias, int relu, float *y, float *workspace, int id,
                             int of) {
  int size = convolution_block(s), all = tiles(s), blocks = (all + size - 1) / size;
  float *u = workspace, *m = workspace + (size_t)36 * size * s.in;
  v16 d[36], t[24], o[16];
  for (int b = (int)((long)blocks * id / of); b < (int)((long)blocks * (id + 1) / of); b++) {
    int first = b * size, count = least(size, all - first);
    for (int i = 0; i < count; i++) transform_input(x, s, first + i, u + (size_t)i * s.in, (size_t)size * s.in);
    for (int p = 0; p < 36; p++)
      for (int k = 0; k < s.out; k += 32) {
        const float *from = u + (size_t)p * size * s.in, *by = packed + ((size_t)p * s.out + k) * s.in;
        float *to = m + (size_t)p * size * s.out + k;
        if (s.out - k >= 32) products(2, from, by, to, count, s.in, s.out);
        else products(1, from, by, to, count, s.in, s.out);
      }
    for (int i = 0; i < count; i++) {
      struct place at = place_of(s, first + i);
      int rows = least(4, s.height - at.y), columns = least(4, s.width - at.x);
      float *corner = y + (((size_t)at.picture * s.height + at.y) * s.width + at.x) * s.out;
      for (int k = 0; k < s.out; k += 16) {
        for (int p = 0; p < 36; p++) d[p] = *(v16 *)(m + ((size_t)p * size + i) * s.out + k);
        for (int q = 0; q < 6; q++) output_transform(d + q, 6, t + q, 6);
        for (int p = 0; p < 4; p++) output_transform(t + p * 6, 1, o + p * 4, 1);
        v16 plus = bias ? *(const v16u *)(bias + k) : (v16){0};
        for (int p = 0; p < rows; p++)
          for (int q = 0; q < columns; q++) {
            v16 value = o[p * 4 + q] + plus;
            // What is below 0 goes; NaN is not, and passes.
            if (relu) value = (v16)((v16i)value & ~(value < 0));
            *(v16u *)(corner + ((size_t)p * s.width + q) * s.out + k) = value;
          }
      }
    }
  }
}

void saker_winograd_gradient(shape s, const float *x, const float *dy, float *workspace, int id, int of) {
  int size = gradient_block(s), all = tiles(s), blocks = (all + size - 1) / size;
  size_t sums = (size_t)36 * s.in * s.out;
  float *v = workspace, *bias = v + sums, *u = bias + s.out, *g = u + (size_t)36 * size * s.in;
  memset(v, 0, (sums + s.out) * sizeof *v);
  v16 d[36], t[24], z[16];
  for (int b = (int)((long)blocks * id / of); b < (int)((long)blocks * (id + 1) / of); b++) {
    int first = b * size, count = least(size, all - first);
    for (int i = 0; i < count; i++) {
      transform_input(x, s, first + i, u + (size_t)i * s.in, (size_t)size * s.in);
      struct place at = place_of(s, first + i);
      for (int k = 0; k < s.out; k += 16) {
        load_tile(dy, s, at.picture, at.y, at.x, s.out, k, 4, z);
        v16 sum = z[0];
        for (int p = 1; p < 16; p++) sum += z[p];
        *(v16 *)(bias + k) += sum;
        for (int q = 0; q < 4; q++) gradient_transform(z + q, 4, t + q, 4);
        for (int p = 0; p < 6; p++) gradient_transform(t + p * 4, 1, d + p * 6, 1);
        for (int p = 0; p < 36; p++) *(v16 *)(g + ((size_t)p * size + i) * s.out + k) = d[p];
      }
    }
    for (int p = 0; p < 36; p++)
      for (int k = 0; k < s.out; k += 32) {
        float *to = v + (size_t)p * s.in * s.out + k;
        const float *from = u + (size_t)p * size * s.in, *by = g + (size_t)p * size * s.out + k;
        if (s.out - k >= 32) transposed_products(2, from, by, to, count, s.in, s.out);
        else transposed_products(1, from, by, to, count, s.in, s.out);
      }
  }
}

void saker_winograd_finish(shape s, const float *workspaces, size_t stride, int workers, float *dw, float *db, int id, int of) {
  for (int c = (int)((long)s.in * id / of); c < (int)((long)s.in * (id + 1) / of); c++)
    for (int k = 0; k < s.out; k += 16) {
      v16 m[36], t[18], out[9];
      for (int p = 0; p < 36; p++) {
        m[p] = (v16){0};
        for (int worker = 0; worker < workers; worker++)
          m[p] += *(const v16 *)(workspaces + worker * stride + ((size_t)p * s.in + c) * s.out + k);
      }
      for (int a = 0; a < 3; a++)
        for (int q = 0; q < 6; q++) {
          t[a * 6 + q] = (v16){0};
          for (int p = 0; p < 6; p++) t[a * 6 + q] += G[p][a] * m[p * 6 + q];
        }
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
          out[a * 3 + b] = (v16){0};
          for (int q = 0; q < 6; q++) out[a * 3 + b] += G[q][b] * t[a * 6 + q];
        }
      for (int lane = 0; lane < 16; lane++)
        for (int i = 0; i < 9; i++) dw[((size_t)(k + lane) * s.in + c) * 9 + i] = out[i][lane];
    }
  if (!db || id) return;
  const float *sums = workspaces + (size_t)36 * s.in * s.out;
  for (int k = 0; k < s.out; k++) {
    double sum = 0;
    for (int worker = 0; worker < workers; worker++) sum += sums[worker * stride + k];
    db[k] = (float)sum;
  }
}

#pragma clang attribute pop

#else

int saker_winograd_available(void) { return 0; }
size_t saker_winograd_packed(struct saker_winograd s) { return 0; }
size_t saker_winograd_workspace(struct saker_winograd s) { return 0; }
size_t saker_winograd_gradient_workspace(struct saker_winograd s) { return 0; }
void saker_winograd_pack(struct saker_winograd s, const float *w, int turned, float *packed, int id, int of) {}
void saker_winograd_convolve(struct saker_winograd s, const float *x, const float *packed, const float *bias, int relu, float *y, float *workspace,
                             int id, int of) {}
void saker_winograd_gradient(struct saker_winograd s, const float *x, const float *dy, float *workspace, int id, int of) {}
void saker_winograd_finish(struct saker_winograd s, const float *workspaces, size_t stride, int workers, float *dw, float *db, int id, int of) {}

#endif
