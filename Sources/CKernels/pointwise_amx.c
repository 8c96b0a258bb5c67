#include "pointwise_shape.h"

#if defined(__x86_64__)
#include "form_amx.h"

// 1x1 convolutions on matrix units. Rows are pixels: GROUP of them, brought in through the prologue
// and split, meet the weights' panels of as many output channels; what a group and a panel give
// goes through the epilogue while it is in the first-level cache.
#define GROUP 32
/// Of a block.
#define MOST_ROWS 480

INLINE int groups_of(long count) { return (int)((count + GROUP - 1) / GROUP); }
INLINE int deep_of(int count) { return (count + DEEP - 1) / DEEP; }

/// Bytes of 32 rows or columns with sums of `count` numbers.
INLINE size_t side_size(int count) { return (size_t)deep_of(count) * PAIR; }
INLINE size_t floats(size_t bytes) { return bytes / sizeof(float); }

// MARK: weights, `[panels][blocks of input channels][parts][2 tiles]`

static size_t packed_size(shape s) { return floats(groups_of(s.out) * side_size(s.in)); }

struct pack_job {
  shape shape;
  const float *weights;
  int turned;
  char *packed;
};

static void pack_worker(void *argument, int id, int of) {
  struct pack_job *job = argument;
  shape s = job->shape;
  int vectors = groups_of(s.out) * 2;
  for (int vector = vectors * id / of; vector < vectors * (id + 1) / of; vector++) {
    int k = vector * LANES, lanes = least(LANES, s.out - k), part = lanes == LANES ? 0 : lanes;
    char *panel = job->packed + vector / 2 * side_size(s.in);
    for (int c = 0; c < deep_of(s.in) * DEEP; c += LANES) {
      vec columns[LANES];
      int channels = least(LANES, s.in - c);
      for (int i = 0; i < LANES; i++) {
        if (job->turned) columns[i] = i < channels && lanes > 0 ? load(job->weights + (size_t)(c + i) * s.out + k, part) : (vec){0};
        else columns[i] = i < lanes && channels > 0 ? load(job->weights + (size_t)(k + i) * s.in + c, part_of(s.in, c)) : (vec){0};
      }
      if (!job->turned) transpose(columns);
      for (int i = 0; i < LANES; i += 2) store_right(panel + c / DEEP * PAIR, (c % DEEP + i) / 2, vector % 2, columns[i], columns[i + 1]);
    }
  }
}

static void pack(shape s, const float *weights, int turned, float *packed, int threads) {
  struct pack_job job = {s, weights, turned, (char *)packed};
  saker_parallel(pack_worker, &job, threads);
}

// MARK: convolution

/// Asks for numbers that are fetched soon: rows are far apart, so the processor does
/// not see them coming.
INLINE void ask(const int kind, const struct reader *r, ptrdiff_t at) {
  __builtin_prefetch(r->map + at);
  if (is_pending(kind)) __builtin_prefetch(r->raw + at);
}

/// Brings rows [from, end), at most GROUP, in through the prologue.
INLINE void load_kind(const int kind, shape s, const source *x, char *u, int from, int end) {
  for (int c = 0; c < s.in; c += DEEP, u += PAIR) {
    int part = part_of(s.in, c), is_wide = c + LANES < s.in, next_part = is_wide ? part_of(s.in, c + LANES) : 0;
    struct reader r = reader_of(kind, x, c, part), next = r;
    if (is_wide) next = reader_of(kind, x, c + LANES, next_part);
    ptrdiff_t at = (ptrdiff_t)from * s.in_stride;
    for (int row = from; row < end; row++, at += s.in_stride) {
      store_left(u, row - from, fetch(kind, &r, at, part), is_wide ? fetch(kind, &next, at, next_part) : (vec){0});
      ask(kind, &r, at + GROUP * s.in_stride);
      ask(kind, &next, at + GROUP * s.in_stride);
    }
  }
}

static void load_rows(shape s, const source *x, char *u, int from, int end) {
  for (int first = from; first < end; first += GROUP, u += side_size(s.in)) EACH_KIND(load_kind, x, s, x, u, first, least(end, first + GROUP))
}

/// How a pass walks: blocks of rows, each by one thread, a strip of them at a time, which stays in
/// the second-level cache while all weights pass by; or, where there are fewer blocks than threads,
/// `staged`: chunks of rows by all threads together, which share the panels. Records of sums are
/// for blocks either way.
struct plan {
  int block, strip, staged, chunk;
};

static int block_of(shape s) { return most(1, least(MOST_ROWS / GROUP, groups_of(s.pixels) / 12)) * GROUP; }

static struct plan plan_of(shape s, int threads) {
  struct plan plan = {.block = block_of(s)};
  long group = (long)side_size(s.in);
  plan.strip = most(1, least(plan.block / GROUP, (int)(1000000 / group))) * GROUP;
  int blocks = (s.pixels + plan.block - 1) / plan.block;
  plan.staged = blocks < threads;
  if (plan.staged) plan.chunk = plan.block * most(1, least(blocks, (int)(16000000 / group * GROUP / plan.block)));
  return plan;
}

static size_t workspace(shape s, int threads) {
  struct plan plan = plan_of(s, threads);
  return floats(groups_of(plan.staged ? plan.chunk : threads * plan.strip) * side_size(s.in));
}

struct convolve_job {
  shape shape;
  struct plan plan;
  source x;
  const char *packed;
  epilogue epilogue;
  float *y;
  char *workspace;
  int next;
};

/// Blocks of a sum whose right tiles stay in the first-level cache while all groups of a strip pass
/// by. More of them, or asking for the next ones beforehand, was slower.
#define SPAN 2

/// Results of `count` rows from `row` on, at most a block and all of one, which `u` are, by a
/// panel. `is_first`: they begin their block.
static void multiply(shape s, const char *u, const char *packed, int panel, const struct target *to, int is_first, int row, int count) {
  // Sums of each group, `[2 vectors][GROUP rows]`.
  float space[MOST_ROWS * 2 * LANES] __attribute__((aligned(64)));
  int k = panel * GROUP, deep = deep_of(s.in), is_whole = to->is_plain && s.out - k >= GROUP;
  size_t group = side_size(s.in);
  const char *by = packed + panel * group;
  for (int first = 0; first < deep; first += SPAN)
    for (int at = 0; at < count; at += GROUP) {
      int rows = least(GROUP, count - at), two = rows > LANES, blocks = least(SPAN, deep - first), is_last = first + SPAN >= deep;
      float *sums = space + at * 2 * LANES;
      ptrdiff_t origin = (ptrdiff_t)(row + at) * s.out_stride;
      const char *a = u + at / GROUP * group + first * PAIR, *b = by + first * PAIR;
      if (first) load_sums(sums, LANES, GROUP * LANES);
      else zero_sums();
      if (two) tile_product(1, a, b, blocks);
      else tile_product(0, a, b, blocks);
      if (is_last && is_whole && rows == GROUP) {
        store_sums(1, to->y + origin + k, (size_t)s.out_stride, LANES);
        continue;
      }
      store_sums(1, sums, LANES, GROUP * LANES);
      for (int w = 0; is_last && w < 2 && k + w * LANES < s.out; w++) {
        int part = part_of(s.out, k + w * LANES), starts = is_first && at == 0;
        vec *o = (vec *)sums + w * GROUP;
        if (rows == GROUP) emit(o, 1, GROUP, to, starts, origin, k + w * LANES, part);
        else emit(o, 1, rows, to, starts, origin, k + w * LANES, part);
      }
    }
}

static void convolve_blocks(struct convolve_job *job, int id) {
  shape s = job->shape;
  struct plan plan = job->plan;
  int blocks = (s.pixels + plan.block - 1) / plan.block, panels = groups_of(s.out);
  size_t group = side_size(s.in);
  char *u = job->workspace + id * (plan.strip / GROUP) * group;
  for (int b; (b = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < blocks;) {
    int first = b * plan.block, end = least(s.pixels, first + plan.block);
    struct target to = target_of(&job->epilogue, job->y, s.out_stride, 0, s.out, b);
    for (int from = first; from < end; from += plan.strip) {
      int rows = least(plan.strip, end - from);
      load_rows(s, &job->x, u, from, from + rows);
      for (int panel = 0; panel < panels; panel++) multiply(s, u, job->packed, panel, &to, from == first, from, rows);
    }
  }
}

static void convolve_stages(struct convolve_job *job, int id, int of) {
  shape s = job->shape;
  struct plan plan = job->plan;
  int panels = groups_of(s.out);
  size_t group = side_size(s.in);
  for (int start = 0; start < s.pixels; start += plan.chunk) {
    int rows = least(plan.chunk, s.pixels - start), groups = groups_of(rows);
    int from = groups * id / of * GROUP, end = least(rows, groups * (id + 1) / of * GROUP);
    load_rows(s, &job->x, job->workspace + from / GROUP * group, start + from, start + end);
    saker_barrier(of);
    for (int panel = panels * id / of; panel < panels * (id + 1) / of; panel++)
      for (int row = 0; row < rows; row += plan.block) {
        struct target to = target_of(&job->epilogue, job->y, s.out_stride, 0, s.out, (start + row) / plan.block);
        multiply(s, job->workspace + row / GROUP * group, job->packed, panel, &to, 1, start + row, least(plan.block, rows - row));
      }
    saker_barrier(of);
  }
}

static void convolve_worker(void *argument, int id, int of) {
  struct convolve_job *job = argument;
  configure_tiles();
  if (job->plan.staged) convolve_stages(job, id, of);
  else convolve_blocks(job, id);
  _tile_release();
}

static void convolve(shape s, source x, const float *packed, epilogue e, float *y, float *workspace, int threads) {
  struct convolve_job job = {s, plan_of(s, threads), x, (const char *)packed, e, y, (char *)workspace, 0};
  saker_parallel(convolve_worker, &job, threads);
}

// MARK: gradient of the weights

/// As in pointwise_kernels.h. A block's rows are the numbers of a sum; its gradients are left
/// tiles, a pair for each GROUP of output channels, its inputs right tiles.
struct gradient_plan {
  int block, parts, stage;
};

INLINE int columns_of(shape s) { return groups_of(s.in) * GROUP; }

static size_t block_size(shape s, int rows) { return floats((groups_of(s.in) + groups_of(s.out)) * side_size(rows)); }
static size_t sums_size(shape s) { return (size_t)groups_of(s.out) * GROUP * columns_of(s); }

static struct gradient_plan gradient_plan_of(shape s) {
  long fit = 250000 / (long)block_size(s, DEEP), sums = 4 * (long)sums_size(s);
  struct gradient_plan plan = {.block = DEEP * (fit < 2 ? 2 : fit > 16 ? 16 : (int)fit)};
  if (sums <= 1100000 && s.pixels > 7 * plan.block) {
    plan.parts = 8;
    return plan;
  }
  plan.block = least(512, deep_of(s.pixels) * DEEP);
  long room = 6000000 / (long)block_size(s, plan.block);
  plan.stage = room < 1 ? 1 : least((int)room, (s.pixels + plan.block - 1) / plan.block);
  return plan;
}

static size_t gradient_sums(shape s, struct gradient_plan plan) { return sums_size(s) * most(1, plan.parts); }
/// Panels of 32 input channels.
static int units_of(shape s) { return groups_of(s.in); }

#define BEGIN() configure_tiles()
#define END() _tile_release()
#include "pointwise_gradient.h"

/// Brings rows [first, first + count) of the input to right tiles.
INLINE void load_inputs(const int kind, shape s, const source *x, char *u, size_t pair, int first, int count) {
  for (int from = 0; from < count; from += DEEP)
    for (int c = 0; c < columns_of(s); c += LANES) {
      char *to = u + c / GROUP * pair + from / DEEP * PAIR;
      int half = c / LANES % 2, part = part_of(s.in, c), end = c < s.in ? least(DEEP, count - from) : 0;
      struct reader r = {0};
      if (end) r = reader_of(kind, x, c, part);
      ptrdiff_t at = (ptrdiff_t)(first + from) * s.in_stride;
      for (int row = 0; row < DEEP; row += 2, at += 2 * s.in_stride) {
        vec v = row < end ? fetch(kind, &r, at, part) : (vec){0}, next = row + 1 < end ? fetch(kind, &r, at + s.in_stride, part) : (vec){0};
        store_right(to, row / 2, half, v, next);
        ask(kind, &r, at + DEEP * s.in_stride);
        ask(kind, &r, at + (DEEP + 1) * s.in_stride);
      }
    }
}

/// Brings rows of the gradient, turned, to left tiles; their sums go to `sums` unless null.
INLINE void load_gradients(const int kind, shape s, const source *dy, char *d, size_t pair, float *sums, int first, int count) {
  if (sums) memset(sums, 0, s.out * sizeof *sums);
  for (int from = 0; from < count; from += DEEP)
    for (int k = 0; k < s.out; k += LANES) {
      char *to = d + k / GROUP * pair + from / DEEP * PAIR;
      int part = part_of(s.out, k), end = least(DEEP, count - from);
      struct reader r = reader_of(kind, dy, k, part);
      vec sum = {0}, rows[DEEP];
      ptrdiff_t at = (ptrdiff_t)(first + from) * s.out_stride;
      for (int row = 0; row < DEEP; row++, at += s.out_stride) {
        rows[row] = row < end ? fetch(kind, &r, at, part) : (vec){0};
        sum += rows[row];
        ask(kind, &r, at + DEEP * s.out_stride);
      }
      transpose(rows);
      transpose(rows + LANES);
      for (int i = 0; i < LANES; i++) store_left(to, k % GROUP + i, rows[i], rows[LANES + i]);
      if (sums) store(sums + k, part, load(sums + k, part) + sum);
    }
}

static void load_block(const struct gradient_job *job, int index, float *to) {
  shape s = job->shape;
  char *u = (char *)to;
  int block = job->plan.block, first = index * block, count = least(block, s.pixels - first);
  size_t pair = side_size(block);
  char *d = u + groups_of(s.in) * pair;
  float *bias = job->db ? job->bias + (size_t)index * s.out : 0;
  EACH_KIND(load_inputs, &job->x, s, &job->x, u, pair, first, count)
  EACH_KIND(load_gradients, &job->dy, s, &job->dy, d, pair, bias, first, count)
}

/// Sums are `[panels][groups][32 output channels][32]`.
static void multiply_block(const struct gradient_job *job, int index, const float *rows, float *sums, int add, int from, int end) {
  shape s = job->shape;
  const char *u = (const char *)rows;
  int block = job->plan.block, deep = deep_of(least(block, s.pixels - index * block)), groups = groups_of(s.out);
  size_t pair = side_size(block);
  const char *d = u + groups_of(s.in) * pair;
  for (int panel = from; panel < end; panel++)
    for (int first = 0; first < deep; first += SPAN)
      for (int group = 0; group < groups; group++) {
        float *to = sums + ((size_t)panel * groups + group) * GROUP * GROUP;
        if (add || first) load_sums(to, GROUP, LANES);
        else zero_sums();
        tile_product(1, d + group * pair + first * PAIR, u + panel * pair + first * PAIR, least(SPAN, deep - first));
        store_sums(1, to, GROUP, LANES);
      }
}

static void write_sums(const struct gradient_job *job, int k) {
  shape s = job->shape;
  for (int c = 0; c < s.in; c += LANES) {
    const float *sums = job->sums + (((size_t)(c / GROUP) * groups_of(s.out) + k / GROUP) * GROUP + k % GROUP) * GROUP + c % GROUP;
    vec sum = *(const vec *)sums;
    for (int part = 1; part < job->plan.parts; part++) sum += *(const vec *)(sums + part * sums_size(s));
    store(job->dw + (size_t)k * s.in + c, part_of(s.in, c), sum);
  }
}

const struct pointwise_form saker_pointwise_amx = {packed_size, workspace, gradient_workspace, block_of, pack, convolve, gradient};
#pragma clang attribute pop
#endif
