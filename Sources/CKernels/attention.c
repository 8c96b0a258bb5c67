#include "attention.h"

#include <math.h>

#include "columns.h"
#include "functions.h"
#include "targets.h"

enum { query_block = 32, key_block = 64 };

/// `rows` rows (up to 4) and `parts` vectors of 16 columns of c += a b, the last vector
/// `last` numbers wide.
INLINE void tile(const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t depth,
                 const int rows, const int parts, int last) {
  v16 sum[4][2];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)
    _Pragma("clang loop unroll(full)") for (int p = 0; p < parts; p++)
      load(&sum[i][p], c + i * c_row + p * lanes, p == parts - 1 ? last : lanes);
  for (ptrdiff_t e = 0; e < depth; e++) {
    v16 right[2];
    _Pragma("clang loop unroll(full)") for (int p = 0; p < parts; p++)
      load(&right[p], b + e * b_row + p * lanes, p == parts - 1 ? last : lanes);
    _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)
      _Pragma("clang loop unroll(full)") for (int p = 0; p < parts; p++)
        sum[i][p] += a[i * a_row + e * a_step] * right[p];
  }
  _Pragma("clang loop unroll(full)") for (int i = 0; i < rows; i++)
    _Pragma("clang loop unroll(full)") for (int p = 0; p < parts; p++)
      store(c + i * c_row + p * lanes, &sum[i][p], p == parts - 1 ? last : lanes);
}

INLINE void strip(const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row, ptrdiff_t columns,
                  ptrdiff_t depth, const int rows) {
  ptrdiff_t j = 0;
  for (; j + 2 * lanes <= columns; j += 2 * lanes) tile(a, a_row, a_step, b + j, b_row, c + j, c_row, depth, rows, 2, lanes);
  if (j + lanes <= columns) {
    tile(a, a_row, a_step, b + j, b_row, c + j, c_row, depth, rows, 1, lanes);
    j += lanes;
  }
  if (j < columns) tile(a, a_row, a_step, b + j, b_row, c + j, c_row, depth, rows, 1, (int)(columns - j));
}

/// c += a b: element (i, e) of a lies at i a_row + e a_step, so that a may be turned; b
/// and c lie by rows.
SAKER_TARGETS static void multiply(const float *a, ptrdiff_t a_row, ptrdiff_t a_step, const float *b, ptrdiff_t b_row, float *c, ptrdiff_t c_row,
                                   ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth) {
  ptrdiff_t i = 0;
  for (; i + 4 <= rows; i += 4) strip(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, columns, depth, 4);
  for (; i < rows; i++) strip(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row, c_row, columns, depth, 1);
}

INLINE ptrdiff_t smaller(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/// Columns of a block become rows.
INLINE void turn(const float *from, ptrdiff_t rows, ptrdiff_t columns, float *to) {
  for (ptrdiff_t j = 0; j < columns; j++)
    for (ptrdiff_t i = 0; i < rows; i++) to[j * key_block + i] = from[i * columns + j];
}

INLINE ptrdiff_t blocks_of(ptrdiff_t keys) { return (keys + key_block - 1) / key_block; }

ptrdiff_t saker_attention_workspace(struct saker_attention attention) {
  return blocks_of(attention.keys) * key_block * attention.width + 2 * query_block * key_block + 2 * query_block;
}

ptrdiff_t saker_attention_gradient_workspace(struct saker_attention attention) {
  return key_block * (attention.width + attention.value_width) + 2 * query_block * key_block;
}

/// scale q kT + mask of the queries from `first` and keys from `start`; hidden ones
/// are minus infinity.
INLINE void scores(const struct saker_attention *at, const float *q, const float *turned, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t start,
                   ptrdiff_t columns, float *s) {
  memset(s, 0, sizeof(float) * query_block * key_block);
  multiply(q + first * at->width, at->width, 1, turned, key_block, s, key_block, rows, columns, at->width);
  const float scale = at->scale;
  for (ptrdiff_t i = 0; i < rows; i++) {
    float *row = s + i * key_block;
    if (at->mask) {
      const float *mask = at->mask + (first + i) * at->mask_step + start;
      for (ptrdiff_t j = 0; j < columns; j++) row[j] = row[j] * scale + mask[j];
    } else {
      for (ptrdiff_t j = 0; j < columns; j++) row[j] *= scale;
    }
    if (at->causal)
      for (ptrdiff_t j = first + i + 1 > start ? first + i + 1 - start : 0; j < columns; j++) row[j] = -INFINITY;
  }
}

/// The largest number of a row and `top`; NaN if there is nothing else but minus infinity.
INLINE float greatest(const float *row, ptrdiff_t n, float top) {
  float part[lanes];
  for (int lane = 0; lane < lanes; lane++) part[lane] = top;
  ptrdiff_t j = 0;
  for (; j + lanes <= n; j += lanes)
    for (int lane = 0; lane < lanes; lane++) part[lane] = row[j + lane] > part[lane] ? row[j + lane] : part[lane];
  for (; j < n; j++) top = row[j] > top ? row[j] : top;
  for (int lane = 0; lane < lanes; lane++) top = part[lane] > top ? part[lane] : top;
  if (top == -INFINITY)
    for (j = 0; j < n; j++) top = row[j] != row[j] ? row[j] : top;
  return top;
}

/// row = exp(row - shift), and its sum.
INLINE float exponentials(float *row, ptrdiff_t n, float shift) {
  float part[lanes] = {0};
  ptrdiff_t j = 0;
  for (; j + lanes <= n; j += lanes)
    for (int lane = 0; lane < lanes; lane++) {
      row[j + lane] = exponential(row[j + lane] - shift);
      part[lane] += row[j + lane];
    }
  float sum = 0;
  for (; j < n; j++) sum += row[j] = exponential(row[j] - shift);
  for (int lane = 0; lane < lanes; lane++) sum += part[lane];
  return sum;
}

// The softmax of a row grows block by block: when a block has a larger score than all before, what
// was summed so far shrinks by the exponential of the difference (Milakov & Gimelshein,
// arXiv:1805.02867; Dao et al., arXiv:2205.14135).
SAKER_TARGETS void saker_attention_f32(struct saker_attention at, ptrdiff_t from, ptrdiff_t to, const float *q, const float *k, const float *v,
                                       float *y, float *log_sums, float *workspace) {
  float *turned = workspace, *s = turned + blocks_of(at.keys) * key_block * at.width, *largest = s + query_block * key_block,
        *sums = largest + query_block;
  const ptrdiff_t w = at.value_width, reach = at.causal ? smaller(at.keys, to) : at.keys;
  memset(y + from * w, 0, sizeof(float) * (size_t)((to - from) * w));
  for (ptrdiff_t start = 0; start < reach; start += key_block)
    turn(k + start * at.width, smaller(key_block, reach - start), at.width, turned + start * at.width);
  for (ptrdiff_t first = from; first < to; first += query_block) {
    const ptrdiff_t rows = smaller(query_block, to - first);
    for (ptrdiff_t i = 0; i < rows; i++) largest[i] = -INFINITY, sums[i] = 0;
    const ptrdiff_t end = at.causal ? smaller(at.keys, first + rows) : at.keys;
    for (ptrdiff_t start = 0; start < end; start += key_block) {
      const ptrdiff_t columns = smaller(key_block, end - start);
      scores(&at, q, turned + start * at.width, first, rows, start, columns, s);
      for (ptrdiff_t i = 0; i < rows; i++) {
        float *row = s + i * key_block, *out = y + (first + i) * w, top = greatest(row, columns, largest[i]);
        if (top == -INFINITY) {
          for (ptrdiff_t j = 0; j < columns; j++) row[j] = 0;
          continue;
        }
        const float shrink = top == largest[i] ? 1 : exponential(largest[i] - top);
        sums[i] = sums[i] * shrink + exponentials(row, columns, top);
        if (shrink != 1)
          for (ptrdiff_t e = 0; e < w; e++) out[e] *= shrink;
        largest[i] = top;
      }
      multiply(s, key_block, 1, v + start * w, w, y + first * w, w, rows, w, columns);
    }
    for (ptrdiff_t i = 0; i < rows; i++) {
      float *out = y + (first + i) * w;
      log_sums[first + i] = largest[i] == -INFINITY ? -INFINITY : largest[i] + logf(sums[i]);
      if (largest[i] != -INFINITY) {
        const float inverse = 1 / sums[i];
        for (ptrdiff_t e = 0; e < w; e++) out[e] *= inverse;
      }
    }
  }
}

// The weights p are computed again from the kept sums. With d = the sum of dy y along a row:
// dv = pT dy, ds = p (dy vT - d), dq = scale ds k and dk = scale dsT q.
SAKER_TARGETS void saker_attention_gradient_f32(struct saker_attention at, const float *q, const float *k, const float *v, const float *y,
                                                const float *log_sums, const float *dy, float *dq, float *dk, float *dv, float *workspace) {
  const ptrdiff_t w = at.value_width;
  float *turned = workspace, *turned_value = turned + key_block * at.width, *s = turned_value + key_block * w, *ds = s + query_block * key_block;
  memset(dq, 0, sizeof(float) * (size_t)(at.queries * at.width));
  memset(dk, 0, sizeof(float) * (size_t)(at.keys * at.width));
  memset(dv, 0, sizeof(float) * (size_t)(at.keys * w));
  for (ptrdiff_t start = 0; start < at.keys; start += key_block) {
    const ptrdiff_t columns = smaller(key_block, at.keys - start);
    turn(k + start * at.width, columns, at.width, turned);
    turn(v + start * w, columns, w, turned_value);
    const ptrdiff_t from = at.causal ? start / query_block * query_block : 0;
    for (ptrdiff_t first = from; first < at.queries; first += query_block) {
      const ptrdiff_t rows = smaller(query_block, at.queries - first);
      scores(&at, q, turned, first, rows, start, columns, s);
      memset(ds, 0, sizeof(float) * query_block * key_block);
      multiply(dy + first * w, w, 1, turned_value, key_block, ds, key_block, rows, columns, w);
      for (ptrdiff_t i = 0; i < rows; i++) {
        float *row = s + i * key_block, *slope = ds + i * key_block, sum = 0;
        const float *g = dy + (first + i) * w, *out = y + (first + i) * w;
        if (log_sums[first + i] == -INFINITY) {
          for (ptrdiff_t j = 0; j < columns; j++) row[j] = slope[j] = 0;
          continue;
        }
        for (ptrdiff_t e = 0; e < w; e++) sum += g[e] * out[e];
        exponentials(row, columns, log_sums[first + i]);
        for (ptrdiff_t j = 0; j < columns; j++) slope[j] = at.scale * row[j] * (slope[j] - sum);
      }
      multiply(s, 1, key_block, dy + first * w, w, dv + start * w, w, columns, w, rows);
      multiply(ds, key_block, 1, k + start * at.width, at.width, dq + first * at.width, at.width, rows, at.width, columns);
      multiply(ds, 1, key_block, q + first * at.width, at.width, dk + start * at.width, at.width, columns, at.width, rows);
    }
  }
}
