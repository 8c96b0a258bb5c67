#include "lanes.h"

#include <math.h>
#include <string.h>

#include "functions.h"
#include "rows.h"
#include "targets.h"

enum { chunk = 256 };

SAKER_TARGETS void saker_sum_lanes_f32(const float *x, ptrdiff_t size, ptrdiff_t inner, float *out) {
  float part[chunk];
  for (ptrdiff_t first = 0; first < inner; first += chunk) {
    ptrdiff_t n = inner - first < chunk ? inner - first : chunk;
    float *restrict to = out + first;
    for (ptrdiff_t i = 0; i < n; i++) to[i] = 0;
    for (ptrdiff_t start = 0; start < size; start += 128) {
      ptrdiff_t end = start + 128 < size ? start + 128 : size;
      for (ptrdiff_t i = 0; i < n; i++) part[i] = 0;
      for (ptrdiff_t step = start; step < end; step++) {
        const float *restrict from = x + step * inner + first;
        for (ptrdiff_t i = 0; i < n; i++) part[i] += from[i];
      }
      for (ptrdiff_t i = 0; i < n; i++) to[i] += part[i];
    }
  }
}

SAKER_TARGETS void saker_softmax_lanes_f32(const float *x, ptrdiff_t size, ptrdiff_t inner, ptrdiff_t first, ptrdiff_t end, int log,
                                           float *y) {
  float most[chunk], total[chunk];
  for (ptrdiff_t at = first; at < end; at += chunk) {
    ptrdiff_t n = end - at < chunk ? end - at : chunk;
    for (ptrdiff_t i = 0; i < n; i++) most[i] = x[at + i];
    for (ptrdiff_t step = 1; step < size; step++) {
      const float *from = x + step * inner + at;
      for (ptrdiff_t i = 0; i < n; i++) most[i] = from[i] > most[i] || from[i] != from[i] ? from[i] : most[i];
    }
    for (ptrdiff_t i = 0; i < n; i++) total[i] = 0;
    for (ptrdiff_t step = 0; step < size; step++) {
      const float *restrict from = x + step * inner + at;
      float *restrict to = y + step * inner + at;
      for (ptrdiff_t i = 0; i < n; i++) {
        float d = from[i] - most[i], e = exponential(d);
        total[i] += e;
        to[i] = log ? d : e;
      }
    }
    if (log)
      for (ptrdiff_t i = 0; i < n; i++) total[i] = logf(total[i]);
    else
      for (ptrdiff_t i = 0; i < n; i++) total[i] = 1 / total[i];
    for (ptrdiff_t step = 0; step < size; step++) {
      float *restrict to = y + step * inner + at;
      if (log)
        for (ptrdiff_t i = 0; i < n; i++) to[i] -= total[i];
      else
        for (ptrdiff_t i = 0; i < n; i++) to[i] *= total[i];
    }
  }
}

SAKER_TARGETS void saker_softmax_lanes_gradient_f32(const float *y, const float *g, ptrdiff_t size, ptrdiff_t inner, ptrdiff_t first,
                                                    ptrdiff_t end, int log, float *dx) {
  float total[chunk];
  for (ptrdiff_t at = first; at < end; at += chunk) {
    ptrdiff_t n = end - at < chunk ? end - at : chunk;
    for (ptrdiff_t i = 0; i < n; i++) total[i] = 0;
    for (ptrdiff_t step = 0; step < size; step++) {
      const float *by = g + step * inner + at, *of = y + step * inner + at;
      if (log)
        for (ptrdiff_t i = 0; i < n; i++) total[i] += by[i];
      else
        for (ptrdiff_t i = 0; i < n; i++) total[i] += by[i] * of[i];
    }
    for (ptrdiff_t step = 0; step < size; step++) {
      const float *restrict by = g + step * inner + at, *restrict of = y + step * inner + at;
      float *restrict to = dx + step * inner + at;
      if (log)
        for (ptrdiff_t i = 0; i < n; i++) to[i] = by[i] - exponential(of[i]) * total[i];
      else
        for (ptrdiff_t i = 0; i < n; i++) to[i] = of[i] * (by[i] - total[i]);
    }
  }
}

// Several rows at a time: each addition waits for the one before it in its row.
SAKER_TARGETS void saker_cumulative_rows_f32(const float *x, ptrdiff_t rows, ptrdiff_t size, float *out) {
  ptrdiff_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const float *a = x + row * size, *b = a + size, *c = b + size, *d = c + size;
    float *restrict p = out + row * size, *restrict q = p + size, *restrict r = q + size, *restrict s = r + size;
    double ta = 0, tb = 0, tc = 0, td = 0;
    for (ptrdiff_t i = 0; i < size; i++) {
      ta += a[i];
      tb += b[i];
      tc += c[i];
      td += d[i];
      p[i] = (float)ta;
      q[i] = (float)tb;
      r[i] = (float)tc;
      s[i] = (float)td;
    }
  }
  for (; row < rows; row++) {
    double total = 0;
    for (ptrdiff_t i = 0; i < size; i++) {
      total += x[row * size + i];
      out[row * size + i] = (float)total;
    }
  }
}

typedef double doubles __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(32), aligned(4)));

SAKER_TARGETS double saker_row_product_f32(const float *x, ptrdiff_t n) {
  doubles even, odd, third, fourth;
  double total = 1;
  for (int lane = 0; lane < 8; lane++) even[lane] = odd[lane] = third[lane] = fourth[lane] = 1;
  ptrdiff_t i = 0;
  for (; i + 32 <= n; i += 32) {
    even *= __builtin_convertvector(*(const floats *)(x + i), doubles);
    odd *= __builtin_convertvector(*(const floats *)(x + i + 8), doubles);
    third *= __builtin_convertvector(*(const floats *)(x + i + 16), doubles);
    fourth *= __builtin_convertvector(*(const floats *)(x + i + 24), doubles);
  }
  for (; i < n; i++) total *= x[i];
  even = (even * odd) * (third * fourth);
  for (int lane = 0; lane < 8; lane++) total *= even[lane];
  return total;
}

#define ROW_POSITION(name, extreme)                                                 \
  SAKER_TARGETS ptrdiff_t saker_row_##name##_f32(const float *x, ptrdiff_t n) {     \
    float best = extreme(x, n);                                                     \
    int nan = best != best;                                                         \
    for (ptrdiff_t start = 0; start < n; start += 64) {                             \
      ptrdiff_t end = start + 64 < n ? start + 64 : n;                              \
      int found = 0;                                                                \
      for (ptrdiff_t i = start; i < end; i++) found |= nan ? x[i] != x[i] : x[i] == best; \
      if (found)                                                                    \
        for (ptrdiff_t i = start; i < end; i++)                                     \
          if (nan ? x[i] != x[i] : x[i] == best) return i;                          \
    }                                                                               \
    return 0;                                                                       \
  }

ROW_POSITION(argmax, saker_row_max_f32)
ROW_POSITION(argmin, saker_row_min_f32)

typedef uint32_t eight __attribute__((vector_size(32), aligned(4)));
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW2(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH2(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

/// 8 rows of 8, turned around in registers.
static inline __attribute__((always_inline)) void turn(const uint32_t *in, ptrdiff_t from, uint32_t *out, ptrdiff_t to) {
#define ROW(i) *(const eight *)(in + (i) * from)
  eight a = ROW(0), b = ROW(1), c = ROW(2), d = ROW(3), e = ROW(4), f = ROW(5), g = ROW(6), h = ROW(7);
#undef ROW
  eight ab = LOW(a, b), AB = HIGH(a, b), cd = LOW(c, d), CD = HIGH(c, d), ef = LOW(e, f), EF = HIGH(e, f), gh = LOW(g, h), GH = HIGH(g, h);
  a = LOW2(ab, cd), b = HIGH2(ab, cd), c = LOW2(AB, CD), d = HIGH2(AB, CD);
  e = LOW2(ef, gh), f = HIGH2(ef, gh), g = LOW2(EF, GH), h = HIGH2(EF, GH);
#define PUT(i, v) *(eight *)(out + (i) * to) = v
  PUT(0, LOW4(a, e));
  PUT(1, LOW4(b, f));
  PUT(2, LOW4(c, g));
  PUT(3, LOW4(d, h));
  PUT(4, HIGH4(a, e));
  PUT(5, HIGH4(b, f));
  PUT(6, HIGH4(c, g));
  PUT(7, HIGH4(d, h));
#undef PUT
}

SAKER_TARGETS void saker_transpose_32(const uint32_t *in, ptrdiff_t from_stride, uint32_t *out, ptrdiff_t to_stride, ptrdiff_t rows,
                                      ptrdiff_t columns) {
  // Tiles of 32 rows and columns keep whole cache lines of both sides at hand.
  enum { TILE = 32 };
  for (ptrdiff_t top = 0; top < rows; top += TILE) {
    ptrdiff_t bottom = top + TILE < rows ? top + TILE : rows;
    for (ptrdiff_t left = 0; left < columns; left += TILE) {
      ptrdiff_t right = left + TILE < columns ? left + TILE : columns;
      ptrdiff_t r = top;
      for (; r + 8 <= bottom; r += 8) {
        ptrdiff_t c = left;
        for (; c + 8 <= right; c += 8) turn(in + c * from_stride + r, from_stride, out + r * to_stride + c, to_stride);
        for (; c < right; c++)
          for (ptrdiff_t k = r; k < r + 8; k++) out[k * to_stride + c] = in[c * from_stride + k];
      }
      for (; r < bottom; r++)
        for (ptrdiff_t c = left; c < right; c++) out[r * to_stride + c] = in[c * from_stride + r];
    }
  }
}

SAKER_TARGETS void saker_repeat_32(const uint32_t *in, ptrdiff_t n, ptrdiff_t times, uint32_t *out) {
  if (times == 2) {
    for (ptrdiff_t i = 0; i < 2 * n; i++) out[i] = in[i >> 1];
  } else if (times == 4) {
    typedef uint32_t four __attribute__((vector_size(16), aligned(4)));
    for (ptrdiff_t i = 0; i < n; i++) *(four *)(out + 4 * i) = (four){in[i], in[i], in[i], in[i]};
  } else {
    for (ptrdiff_t i = 0; i < n; i++)
      for (ptrdiff_t k = 0; k < times; k++) out[i * times + k] = in[i];
  }
}

SAKER_TARGETS void saker_reverse_32(const uint32_t *in, uint32_t *out, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) out[i] = in[n - 1 - i];
}

SAKER_TARGETS ptrdiff_t saker_gather_lanes_32(const uint32_t *x, ptrdiff_t size, ptrdiff_t inner, const int64_t *index, ptrdiff_t count,
                                              uint32_t *out) {
  if (inner == 1) {
    int64_t bad = 0;
    for (ptrdiff_t j = 0; j < count; j++) bad |= index[j] < -size || index[j] >= size;
    if (!bad) {
      for (ptrdiff_t j = 0; j < count; j++) out[j] = x[index[j] + (index[j] < 0 ? size : 0)];
      return -1;
    }
  }
  for (ptrdiff_t j = 0; j < count; j++)
    for (ptrdiff_t i = 0; i < inner; i++) {
      int64_t at = index[j * inner + i];
      if (at < -size || at >= size) return j * inner + i;
      out[j * inner + i] = x[(at < 0 ? at + size : at) * inner + i];
    }
  return -1;
}

SAKER_TARGETS ptrdiff_t saker_scatter_add_lanes_f32(const float *x, ptrdiff_t size, ptrdiff_t inner, const int64_t *index,
                                                    ptrdiff_t count, float *out) {
  for (ptrdiff_t j = 0; j < count; j++)
    for (ptrdiff_t i = 0; i < inner; i++) {
      int64_t at = index[j * inner + i];
      if (at < -size || at >= size) return j * inner + i;
      out[(at < 0 ? at + size : at) * inner + i] += x[j * inner + i];
    }
  return -1;
}

SAKER_TARGETS ptrdiff_t saker_count_true(const uint8_t *x, ptrdiff_t n) {
  ptrdiff_t count = 0;
  for (ptrdiff_t i = 0; i < n; i++) count += x[i] != 0;
  return count;
}

// Written always, kept or not: random truth would mislead any branch.
ptrdiff_t saker_true_positions(const uint8_t *x, ptrdiff_t n, ptrdiff_t first, ptrdiff_t step, int64_t *out) {
  ptrdiff_t found = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    out[found * step] = first + i;
    found += x[i] != 0;
  }
  return found;
}

typedef float sixteen __attribute__((vector_size(64), aligned(4)));

SAKER_TARGETS void saker_rows_times_vector_f32(const float *a, const float *x, ptrdiff_t rows, ptrdiff_t n, float *out) {
  for (ptrdiff_t row = 0; row < rows; row++, a += n) {
    sixteen s = {0}, t = {0}, u = {0}, v = {0};
    ptrdiff_t i = 0;
    for (; i + 64 <= n; i += 64) {
      s += *(const sixteen *)(a + i) * *(const sixteen *)(x + i);
      t += *(const sixteen *)(a + i + 16) * *(const sixteen *)(x + i + 16);
      u += *(const sixteen *)(a + i + 32) * *(const sixteen *)(x + i + 32);
      v += *(const sixteen *)(a + i + 48) * *(const sixteen *)(x + i + 48);
    }
    s = (s + t) + (u + v);
    float total = 0;
    for (; i < n; i++) total += a[i] * x[i];
    for (int lane = 0; lane < 16; lane++) total += s[lane];
    out[row] = total;
  }
}

void saker_small_product_f32(const float *a, ptrdiff_t ar, ptrdiff_t ac, const float *b, ptrdiff_t br, ptrdiff_t bc, float *c, ptrdiff_t m,
                             ptrdiff_t k, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < m; i++)
    for (ptrdiff_t j = 0; j < n; j++) {
      float total = 0;
      for (ptrdiff_t l = 0; l < k; l++) total += a[i * ar + l * ac] * b[l * br + j * bc];
      c[i * n + j] = total;
    }
}
