#include "depthwise.h"

#include "columns.h"
#include "targets.h"

// 16 channels are one vector, and a kernel's sums for them stay in registers along a row. Rows are
// walked in the order of memory, all channels of one before the next, so that what a row of the
// gradient meets is still in the second-level cache when the next row meets it again.

typedef struct saker_depthwise shape;

static int blocks_of(shape s) { return (s.channels + lanes - 1) / lanes; }

/// Where a vector of channels begins: the last one reaches back over channels that another has,
/// too, rather than beyond the end.
static int block_start(shape s, int block) {
  int start = block * lanes, last = s.channels - lanes;
  return last > 0 && start > last ? last : start;
}

static size_t part_size(shape s) { return (size_t)blocks_of(s) * s.kernel_height * s.kernel_width * lanes; }

size_t saker_depthwise_workspace(shape s) { return saker_depthwise_parts * part_size(s); }

/// Adds to the K sums of a kernel's row what a row of the gradient and the row of the input that it
/// meets there give, for n channels.
INLINE void row_sums(const int K, const shape *s, const float *x, const float *dy, float *sums, const int n) {
  v16 even[saker_depthwise_widest], odd[saker_depthwise_widest];
  ptrdiff_t step = s->channels, advance = (ptrdiff_t)s->stride_x * step;
  // From `first` to `end` the whole window lies in the row.
  int first = (s->left + s->stride_x - 1) / s->stride_x, room = s->width + s->left - K;
  int end = room < 0 ? 0 : room / s->stride_x + 1;
  if (end > s->columns) end = s->columns;
  if (first > end) first = end;
#pragma clang loop unroll(full)
  for (int k = 0; k < K; k++) {
    even[k] = *(const v16u *)(sums + k * lanes);
    odd[k] = 0.0f;
  }
  for (int side = 0; side < 2; side++) {
    for (int column = side ? end : 0; column < (side ? s->columns : first); column++) {
      v16 g, v;
      load(&g, dy + column * step, n);
      int from = column * s->stride_x - s->left;
#pragma clang loop unroll(full)
      for (int k = 0; k < K; k++) {
        if (from + k < 0 || from + k >= s->width) continue;
        load(&v, x + (from + k) * step, n);
        even[k] += g * v;
      }
    }
  }
  const float *at = x + ((ptrdiff_t)first * s->stride_x - s->left) * step;
  int column = first;
  for (; column + 2 <= end; column += 2, at += 2 * advance) {
    v16 g, h, v, w;
    load(&g, dy + column * step, n);
    load(&h, dy + (column + 1) * step, n);
#pragma clang loop unroll(full)
    for (int k = 0; k < K; k++) {
      load(&v, at + k * step, n);
      load(&w, at + advance + k * step, n);
      even[k] += g * v;
      odd[k] += h * w;
    }
  }
  if (column < end) {
    v16 g, v;
    load(&g, dy + column * step, n);
#pragma clang loop unroll(full)
    for (int k = 0; k < K; k++) {
      load(&v, at + k * step, n);
      even[k] += g * v;
    }
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < K; k++) *(v16u *)(sums + k * lanes) = even[k] + odd[k];
}

INLINE void rows_of(const int K, shape s, const float *x, const float *dy, int first, int end, float *workspace) {
  ptrdiff_t row = (ptrdiff_t)s.width * s.channels, step = (ptrdiff_t)s.kernel_width * lanes;
  ptrdiff_t total = (ptrdiff_t)s.pictures * s.rows;
  for (int part = first; part < end; part++) {
    float *part_sums = workspace + part * part_size(s);
    memset(part_sums, 0, part_size(s) * sizeof *part_sums);
    for (ptrdiff_t r = total * part / saker_depthwise_parts; r < total * (part + 1) / saker_depthwise_parts; r++) {
      const float *picture = x + r / s.rows * s.height * row, *gradient = dy + r * s.columns * s.channels;
      int top = (int)(r % s.rows) * s.stride_y - s.top;
      for (int block = 0; block < blocks_of(s); block++) {
        int c = block_start(s, block);
        for (int i = 0; i < s.kernel_height; i++) {
          if (top + i < 0 || top + i >= s.height) continue;
          const float *from = picture + (top + i) * row + c;
          float *sums = part_sums + ((ptrdiff_t)block * s.kernel_height + i) * step;
          if (s.channels >= lanes) row_sums(K, &s, from, gradient + c, sums, lanes);
          else row_sums(K, &s, from, gradient + c, sums, s.channels);
        }
      }
    }
  }
}

#define WIDTH(K)                                                                                                                       \
  SAKER_TARGETS static void rows_##K(shape s, const float *x, const float *dy, int first, int end, float *workspace) {                 \
    rows_of(K, s, x, dy, first, end, workspace);                                                                                       \
  }
WIDTH(1)
WIDTH(2)
WIDTH(3)
WIDTH(4)
WIDTH(5)
WIDTH(6)
WIDTH(7)

void saker_depthwise_gradient(shape s, const float *x, const float *dy, int first, int end, float *workspace) {
  void (*const loops[])(shape, const float *, const float *, int, int, float *) = {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6, rows_7};
  loops[s.kernel_width - 1](s, x, dy, first, end, workspace);
}

void saker_depthwise_merge(shape s, const float *workspace, float *dw) {
  int taps = s.kernel_height * s.kernel_width;
  for (int block = 0; block < blocks_of(s); block++) {
    int start = block_start(s, block);
    for (int lane = 0; lane < lanes && start + lane < s.channels; lane++)
      for (int tap = 0; tap < taps; tap++) {
        double sum = 0;
        for (int part = 0; part < saker_depthwise_parts; part++) sum += workspace[part * part_size(s) + ((size_t)block * taps + tap) * lanes + lane];
        dw[(size_t)(start + lane) * taps + tap] = (float)sum;
      }
  }
}
