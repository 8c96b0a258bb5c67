// Runs the convolution kernels, 3x3 and 1x1, on small odd shapes, every buffer hard against a page
// that must not be touched: first behind it, then before it. Results are compared with sums in
// double precision, and buffers start as NaN, so that a number that was never written shows.
// Scripts/check-memory.sh builds this with the sanitizers. usage: convolution_memory [THREADS
// [STEP]]; the form comes from SAKER_ISA; a
// STEP of n takes each n-th run.
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parallel.h"
#include "pointwise.h"
#include "winograd.h"

// MARK: threads of our own, which sanitizers understand, unlike OpenMP's

static pthread_barrier_t barrier;

struct call {
  void (*body)(void *, int, int);
  void *context;
  int id, of;
};

static void *enter(void *argument) {
  struct call *call = argument;
  call->body(call->context, call->id, call->of);
  return 0;
}

void saker_parallel(void (*body)(void *, int, int), void *context, int threads) {
  enum { MOST = 16 };
  struct call calls[MOST];
  pthread_t handles[MOST];
  if (threads > MOST) threads = MOST;
  pthread_barrier_init(&barrier, 0, (unsigned)threads);
  for (int i = 1; i < threads; i++) {
    calls[i] = (struct call){body, context, i, threads};
    if (pthread_create(&handles[i], 0, enter, &calls[i])) abort();
  }
  body(context, 0, threads);
  for (int i = 1; i < threads; i++) pthread_join(handles[i], 0);
  pthread_barrier_destroy(&barrier);
}

void saker_barrier(int of) {
  if (of > 1) pthread_barrier_wait(&barrier);
}

// MARK: buffers between guard pages

enum { MOST_BUFFERS = 64 };
static struct {
  void *map;
  size_t bytes;
} mapped[MOST_BUFFERS];
static int buffers;
static int guard_before;

/// `floats` NaNs. The guard follows the last one, or, `aligned`, at most 63 bytes behind it; or it
/// stands before the first one.
static float *buffer(size_t floats, int aligned) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = floats * sizeof(float), room = (bytes + page - 1) / page * page;
  char *map = mmap(0, room + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED || buffers == MOST_BUFFERS) {
    fprintf(stderr, "convolution_memory: no memory for %zu bytes\n", bytes);
    exit(2);
  }
  mprotect(map, page, PROT_NONE);
  mprotect(map + page + room, page, PROT_NONE);
  mapped[buffers].map = map;
  mapped[buffers++].bytes = room + 2 * page;
  size_t offset = guard_before ? 0 : aligned ? (room - bytes) / 64 * 64 : room - bytes;
  float *start = (float *)(map + page + offset);
  // Through a pointer of bytes, so that memory sanitizer can be told afterwards that
  // nothing is there.
  for (size_t i = 0; i < floats; i++) start[i] = NAN;
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
  void __msan_poison(const volatile void *, size_t);
  __msan_poison(start, bytes);
#endif
#endif
  return start;
}

static void release(void) {
  while (buffers) {
    buffers--;
    munmap(mapped[buffers].map, mapped[buffers].bytes);
  }
}

static uint64_t state;
static float draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (float)((double)(state >> 40) / (1 << 23) - 1);
}

static float *filled(size_t floats, float around) {
  float *p = buffer(floats, 0);
  for (size_t i = 0; i < floats; i++) p[i] = around + draw();
  return p;
}

// MARK: the definition

struct test {
  int pictures, height, width, top, left, bottom, right, in, out, tile;
  int in_more, out_more;  // channels of other groups in each pixel
  int kernel;             // its side; 3 if 0
};

static double activated(double v, struct saker_activation a) {
  if (a.swish) return v / (1 + exp(-v));
  if (v < 0) v *= a.slope;
  return v > a.cap ? a.cap : v;
}

static double derivative(double v, struct saker_activation a) {
  if (a.swish) {
    double s = 1 / (1 + exp(-v));
    return s * (1 + v * (1 - s));
  }
  return v <= 0 ? a.slope : v >= a.cap ? 0 : 1;
}

/// A map's value as the kernels shall see it.
static double value(const struct saker_source *s, size_t at, int c) {
  if (s->gradient) {
    const struct saker_normalization_gradient *g = s->gradient;
    const struct saker_normalization *n = &g->normalization;
    double x = g->x[at];
    return g->a[c] * (s->map[at] * derivative(n->scale[c] * x + n->shift[c], n->activation)) + g->b[c] * (x - n->mean[c]) + g->c[c];
  }
  if (s->normalization) {
    const struct saker_normalization *n = s->normalization;
    return activated((double)n->scale[c] * s->map[at] + n->shift[c], n->activation);
  }
  return s->map[at];
}

static int failures;

/// Relative root of the mean square difference.
static void compare(const char *what, const struct test *t, const float *got, const double *exact, size_t count, double bound) {
  double wrong = 0, all = 0;
  for (size_t i = 0; i < count; i++) {
    wrong += (got[i] - exact[i]) * (got[i] - exact[i]);
    all += exact[i] * exact[i];
  }
  double error = sqrt(wrong / (all + 1e-30));
  if (error <= bound) return;
  failures++;
  fprintf(stderr, "convolution_memory: %s, %s: error %g of %d x %d x %d, padding %d %d %d %d, %d -> %d channels, tile %d\n", saker_winograd_form(), what,
          error, t->pictures, t->height, t->width, t->top, t->left, t->bottom, t->right, t->in, t->out, t->tile);
}

static struct saker_normalization normalization(int channels, struct saker_activation activation) {
  return (struct saker_normalization){filled(channels, 0), filled(channels, 2), filled(channels, 1), filled(channels, 0), activation};
}

/// Without what belongs to other groups.
static float *dense(const float *from, size_t pixels, int channels, int stride) {
  float *to = malloc(pixels * channels * sizeof *to);
  for (size_t p = 0; p < pixels; p++) memcpy(to + p * channels, from + p * stride, channels * sizeof *to);
  return to;
}

// MARK: both kernels by one face

static struct saker_pointwise flat(struct saker_winograd s) {
  return (struct saker_pointwise){s.pictures * s.rows * s.columns, s.in, s.out, s.in_stride, s.out_stride};
}

static size_t packed_size(int side, struct saker_winograd s) { return side == 1 ? saker_pointwise_packed(flat(s)) : saker_winograd_packed(s); }

static size_t workspace_size(int side, struct saker_winograd s, int threads) {
  return side == 1 ? saker_pointwise_workspace(flat(s), threads) : saker_winograd_workspace(s, threads);
}

static size_t gradient_workspace_size(int side, struct saker_winograd s, int threads) {
  return side == 1 ? saker_pointwise_gradient_workspace(flat(s), threads) : saker_winograd_gradient_workspace(s, threads);
}

static int blocks_of(int side, struct saker_winograd s, int *counts) {
  if (side != 1) return saker_winograd_blocks(s, counts);
  int pixels = flat(s).pixels, block = saker_pointwise_block(flat(s)), blocks = (pixels + block - 1) / block;
  for (int b = 0; b < blocks && counts; b++) counts[b] = b < blocks - 1 ? block : pixels - b * block;
  return blocks;
}

static void convolve(int side, struct saker_winograd s, struct saker_source x, const float *weights, int turned, struct saker_epilogue e, float *y,
                     int threads) {
  float *packed = buffer(packed_size(side, s), 1), *workspace = buffer(workspace_size(side, s, threads), 1);
  if (side == 1) {
    saker_pointwise_pack(flat(s), weights, turned, packed, threads);
    saker_pointwise_convolve(flat(s), x, packed, e, y, workspace, threads);
  } else {
    saker_winograd_pack(s, weights, turned, packed, threads);
    saker_winograd_convolve(s, x, packed, e, y, workspace, threads);
  }
}

static void gradient(int side, struct saker_winograd s, struct saker_source x, struct saker_source dy, float *dw, float *db, int threads) {
  float *workspace = buffer(gradient_workspace_size(side, s, threads), 1);
  if (side == 1) saker_pointwise_gradient(flat(s), x, dy, dw, db, workspace, threads);
  else saker_winograd_gradient(s, x, dy, dw, db, workspace, threads);
}

// MARK: one shape

static void run(struct test t, int turn, int threads) {
  int side = t.kernel ? t.kernel : 3, taps = side * side;
  int rows = t.height + t.top + t.bottom - side + 1, columns = t.width + t.left + t.right - side + 1;
  if (rows < 1 || columns < 1) return;
  state = (uint64_t)turn + 1;
  struct saker_winograd s = {t.pictures, t.height,         t.width,          rows,  columns, t.top, t.left, t.in,
                             t.out,      t.in + t.in_more, t.out + t.out_more, t.tile};
  size_t from = (size_t)t.pictures * t.height * t.width, to = (size_t)t.pictures * rows * columns;
  size_t from_floats = (from - 1) * s.in_stride + s.in, to_floats = (to - 1) * s.out_stride + s.out;
  static const struct saker_activation kinds[] = {{1, INFINITY, 0}, {0, INFINITY, 0}, {0, 6, 0}, {0.1f, INFINITY, 0}, {1, INFINITY, 1}};
  struct saker_activation activation = kinds[turn % 5];

  // Forward, with all that can go before and after.
  float *weights = filled((size_t)s.out * s.in * taps, 0), *bias = turn % 2 ? filled(s.out, 0) : 0;
  float *residual = turn % 3 == 1 ? filled(to_floats, 0) : 0;
  struct saker_normalization n = normalization(s.in, kinds[turn / 2 % 5]);
  struct saker_source x = {filled(from_floats, 0), turn % 4 == 2 ? &n : 0, 0};
  float *y = buffer(to_floats, 0);
  int blocks = blocks_of(side, s, 0), *counts = malloc(blocks * sizeof *counts);
  blocks_of(side, s, counts);
  struct saker_epilogue e = {.bias = bias, .residual = residual, .activation = activation};
  e.statistics = turn % 2 && !t.out_more ? buffer((size_t)blocks * 3 * s.out, 0) : 0;
  convolve(side, s, x, weights, 0, e, y, threads);

  double *exact = calloc(to * s.out, sizeof *exact), *exact_weights = calloc((size_t)s.out * s.in * taps, sizeof *exact);
  double *exact_input = calloc(from * s.in, sizeof *exact), *exact_bias = calloc(s.out, sizeof *exact);
  struct saker_source dy = {filled(to_floats, 0), 0, 0};
  struct saker_normalization_gradient through = {filled(to_floats, 0), normalization(s.out, kinds[turn / 3 % 5]), 0, 0, 0};
  through.a = filled(s.out, 0), through.b = filled(s.out, 0), through.c = filled(s.out, 0);
  if (turn % 4 == 3) dy.gradient = &through;
  for (int p = 0; p < t.pictures; p++)
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < columns; j++) {
        size_t there = ((size_t)p * rows + i) * columns + j;
        for (int k = 0; k < s.out; k++) {
          double g = value(&dy, there * s.out_stride + k, k), sum = 0;
          exact_bias[k] += g;
          for (int a = 0; a < taps; a++) {
            int h = i + a / side - t.top, w = j + a % side - t.left;
            if (h < 0 || h >= t.height || w < 0 || w >= t.width) continue;
            size_t here = ((size_t)p * t.height + h) * t.width + w;
            for (int c = 0; c < s.in; c++) {
              size_t weight = ((size_t)k * s.in + c) * taps + a;
              double v = value(&x, here * s.in_stride + c, c);
              sum += v * weights[weight];
              exact_weights[weight] += v * g;
              exact_input[here * s.in + c] += g * weights[weight];
            }
          }
          if (bias) sum += bias[k];
          if (residual) sum += residual[there * s.out_stride + k];
          exact[there * s.out + k] = activated(sum, activation);
        }
      }
  float *results = dense(y, to, s.out, s.out_stride);
  compare("forward", &t, results, exact, to * s.out, 1e-5);

  if (side == 3 && rows > 1 && columns > 1) {
    // The largest of each 2x2 window in its place.
    size_t half = (size_t)t.pictures * (rows / 2) * (columns / 2);
    float *y = buffer((half - 1) * s.out_stride + s.out, 0);
    struct saker_epilogue pooling = {.bias = bias, .residual = residual, .activation = activation, .pooled = 1};
    convolve(side, s, x, weights, 0, pooling, y, threads);
    double *truths = malloc(half * s.out * sizeof *truths);
    for (size_t i = 0; i < half * s.out; i++) {
      size_t row = i / s.out / (columns / 2), picture = row / (rows / 2);
      size_t first = ((picture * rows + row % (rows / 2) * 2) * columns + i / s.out % (columns / 2) * 2) * s.out + i % s.out;
      const double *top = exact + first, *bottom = top + (size_t)columns * s.out;
      truths[i] = fmax(fmax(top[0], top[s.out]), fmax(bottom[0], bottom[s.out]));
    }
    float *largest = dense(y, half, s.out, s.out_stride);
    compare("pooled", &t, largest, truths, half * s.out, 1e-5);
    free(truths), free(largest);
  }

  if (e.statistics) {
    // Mean and mean square of each channel, put together from the blocks.
    float *means = malloc(2 * s.out * sizeof *means);
    double *truths = calloc(2 * s.out, sizeof *truths);
    for (int k = 0; k < s.out; k++) {
      double sum = 0, square = 0;
      for (int b = 0; b < blocks; b++) {
        const float *record = e.statistics + (size_t)b * 3 * s.out + k;
        double pivot = record[0], first = record[s.out], second = record[2 * s.out];
        sum += first + counts[b] * pivot;
        square += second + 2 * pivot * first + counts[b] * pivot * pivot;
      }
      for (size_t i = 0; i < to; i++) {
        truths[k] += exact[i * s.out + k] / (double)to;
        truths[s.out + k] += exact[i * s.out + k] * exact[i * s.out + k] / (double)to;
      }
      means[k] = (float)(sum / (double)to);
      means[s.out + k] = (float)(square / (double)to);
    }
    compare("statistics", &t, means, truths, 2 * s.out, 2e-5);
    free(means);
    free(truths);
  }

  // Gradients of weights and bias.
  float *dw = buffer((size_t)s.out * s.in * taps, 0), *db = turn % 2 ? buffer(s.out, 0) : 0;
  gradient(side, s, x, dy, dw, db, threads);
  compare("weight gradient", &t, dw, exact_weights, (size_t)s.out * s.in * taps, 2e-5);
  if (db) compare("bias gradient", &t, db, exact_bias, s.out, 2e-5);

  // The gradient of the input, with the sums that the batch norm before it needs.
  struct saker_winograd turned = {t.pictures, rows, columns, t.height, t.width, side - 1 - t.top, side - 1 - t.left, s.out, s.in, s.out_stride, s.in_stride, t.tile};
  float *dx = buffer(from_floats, 0);
  struct saker_epilogue back = {.activation = kinds[0]};
  int turned_blocks = blocks_of(side, turned, 0);
  if (turn % 4 == 2 && !t.in_more) {
    back.sums = buffer((size_t)turned_blocks * 2 * s.in, 0);
    back.x = x.map;
    back.normalization = &n;
  }
  convolve(side, turned, dy, weights, 1, back, dx, threads);
  float *inputs = dense(dx, from, s.in, s.in_stride);
  compare("data gradient", &t, inputs, exact_input, from * s.in, 1e-5);
  if (back.sums) {
    float *sums = calloc(2 * s.in, sizeof *sums);
    double *truths = calloc(2 * s.in, sizeof *truths);
    for (int c = 0; c < s.in; c++) {
      for (int b = 0; b < turned_blocks; b++)
        for (int i = 0; i < 2; i++) sums[i * s.in + c] += back.sums[((size_t)b * 2 + i) * s.in + c];
      for (size_t i = 0; i < from; i++) {
        double v = x.map[i * s.in_stride + c], g = exact_input[i * s.in + c] * derivative(n.scale[c] * v + n.shift[c], n.activation);
        truths[c] += g;
        truths[s.in + c] += g * (v - n.mean[c]) * n.inverse[c];
      }
    }
    compare("sums for batch norm", &t, sums, truths, 2 * s.in, 5e-5);
    free(sums);
    free(truths);
  }
  free(counts), free(results), free(inputs), free(exact), free(exact_weights), free(exact_input), free(exact_bias);
  release();
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1, step = count > 2 ? atoi(arguments[2]) : 1;
  if (threads < 1 || threads > 16 || step < 1) {
    fprintf(stderr, "convolution_memory: expected 1 to 16 threads and a step of at least 1\n");
    return 2;
  }
  static const struct test tests[] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 1, 4, 0, 0},     {1, 1, 1, 2, 2, 2, 2, 16, 17, 4, 0, 0},  {2, 3, 3, 0, 0, 0, 0, 3, 5, 4, 0, 0},
      {1, 2, 7, 1, 1, 1, 1, 7, 33, 4, 0, 0},    {3, 7, 2, 1, 0, 2, 3, 15, 31, 4, 0, 0},  {1, 8, 8, 1, 1, 1, 1, 32, 32, 4, 0, 0},
      {2, 13, 14, 1, 1, 1, 1, 20, 12, 4, 0, 0}, {1, 9, 6, 3, 3, 3, 3, 4, 48, 4, 0, 0},   {2, 7, 7, 1, 1, 1, 1, 40, 24, 2, 0, 0},
      {1, 5, 5, 0, 2, 1, 0, 1, 64, 2, 0, 0},    {4, 4, 4, 1, 1, 1, 1, 17, 1, 4, 0, 0},   {1, 21, 19, 1, 1, 1, 1, 9, 9, 4, 9, 9},
      {2, 6, 11, 1, 1, 1, 1, 16, 16, 4, 5, 3},  {1, 40, 33, 1, 1, 1, 1, 8, 8, 4, 0, 0},  {1, 3, 40, 0, 1, 0, 1, 2, 100, 4, 0, 0},
      {1, 7, 7, 1, 1, 1, 1, 200, 136, 4, 0, 0}, {2, 24, 24, 1, 1, 1, 1, 96, 72, 4, 0, 0}, {4, 1, 1, 1, 1, 1, 1, 100, 33, 2, 0, 0},
      {1, 16, 64, 1, 1, 1, 1, 3, 16, 4, 0, 0},  {8, 30, 30, 1, 1, 1, 1, 6, 6, 2, 0, 0},
      // 1x1, by blocks and by stages, with and without other channels between the pixels.
      {1, 1, 1, 0, 0, 0, 0, 1, 1, 4, 0, 0, 1},   {2, 5, 7, 0, 0, 0, 0, 3, 17, 4, 0, 0, 1},  {1, 9, 9, 0, 0, 0, 0, 33, 48, 4, 0, 0, 1},
      {3, 13, 11, 0, 0, 0, 0, 20, 12, 4, 0, 0, 1}, {1, 30, 40, 0, 0, 0, 0, 16, 16, 4, 5, 3, 1}, {1, 4, 5, 0, 0, 0, 0, 300, 290, 4, 0, 0, 1},
      {2, 3, 3, 0, 0, 0, 0, 640, 620, 4, 0, 0, 1}, {4, 16, 16, 0, 0, 0, 0, 100, 31, 4, 0, 0, 1},
  };
  int runs = 0, number = 0;
  for (guard_before = 0; guard_before < 2; guard_before++)
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
      for (int turn = 0; turn < 4; turn++)
        if (number++ % step == 0) {
          run(tests[i], (int)i + turn, threads);
          runs++;
        }
  if (failures) return 1;
  printf("convolution_memory: %s, %d threads: %d runs are right\n", saker_winograd_form(), threads, runs);
  return 0;
}
