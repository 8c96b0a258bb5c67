// The kernels of one form for 1x1 convolutions. Included after a form (see form.h) with FORM, the
// name of what they make.
//
// Rows are pixels. ROWS of them, a group, come in through the prologue and meet the weights panel
// by panel; what a group and a panel give goes through the epilogue while it is in the
// first-level cache.

// MARK: weights, `[panels][in][two vectors or one]`

static size_t packed_size(shape s) { return (size_t)padded(s.out) * s.in; }

INLINE const float *panel_at(shape s, const float *packed, int panel) { return packed + (size_t)panel * PANEL * s.in; }

struct pack_job {
  shape shape;
  const float *weights;
  int turned;
  float *packed;
};

/// A vector of output channels for each input channel.
static void pack_worker(void *argument, int id, int of) {
  struct pack_job *job = argument;
  shape s = job->shape;
  int vectors = padded(s.out) / LANES;
  for (int vector = vectors * id / of; vector < vectors * (id + 1) / of; vector++) {
    int k = vector * LANES, panel = k / PANEL, step = LANES * vectors_of(s.out, panel), lanes = least(LANES, s.out - k);
    float *to = job->packed + (size_t)panel * PANEL * s.in + k % PANEL;
    if (job->turned) {
      int part = part_of(s.out, k);
      for (int c = 0; c < s.in; c++) *(vec *)(to + (size_t)c * step) = load(job->weights + (size_t)c * s.out + k, part);
      continue;
    }
    for (int c = 0; c < s.in; c += LANES) {
      vec square[LANES];
      int part = part_of(s.in, c);
      for (int lane = 0; lane < LANES; lane++) square[lane] = lane < lanes ? load(job->weights + (size_t)(k + lane) * s.in + c, part) : (vec){0};
      transpose(square);
      for (int i = 0; i < least(LANES, s.in - c); i++) *(vec *)(to + (size_t)(c + i) * step) = square[i];
    }
  }
}

static void pack(shape s, const float *weights, int turned, float *packed, int threads) {
  struct pack_job job = {s, weights, turned, packed};
  saker_parallel(pack_worker, &job, threads);
}

// MARK: convolution

/// Floats from a row to the next where rows are brought in: a vector more than they have keeps them
/// from falling into one set of the first-level cache.
INLINE size_t row_size(int channels) { return padded(channels) + LANES; }

/// Brings rows [from, end) of the input in through the prologue.
INLINE void load_kind(const int kind, shape s, const source *x, float *u, int from, int end) {
  for (int c = 0; c < s.in; c += LANES) {
    int part = part_of(s.in, c);
    struct reader r = reader_of(kind, x, c, part);
    float *to = u + c;
    ptrdiff_t at = (ptrdiff_t)from * s.in_stride;
    for (int row = from; row < end; row++, at += s.in_stride, to += row_size(s.in)) *(vec *)to = fetch(kind, &r, at, part);
  }
}

static void load_rows(shape s, const source *x, float *u, int from, int end) {
  for (int first = from; first < end; first += ROWS, u += ROWS * row_size(s.in)) EACH_KIND(load_kind, x, s, x, u, first, least(end, first + ROWS))
}

/// How a pass walks: blocks of rows, each by one thread, a strip of them at a time; or, `staged`,
/// chunks of rows by all threads together, which share the panels: then many channels' weights are
/// read once a chunk, and few rows have work for all. Records of sums are for blocks either way.
/// Rows without a prologue are read where they are.
struct plan {
  int block, strip, staged, chunk;
};

static int block_of(shape s) {
  long share = (s.pixels + ROWS * 32L - 1) / (ROWS * 32L) * ROWS, most_rows = 480 / ROWS * ROWS;
  return (int)(share < most_rows ? share : most_rows);
}

#ifndef STRIP_BYTES
#define STRIP_BYTES 24000
#endif
#ifndef STAGED_BYTES
#define STAGED_BYTES 1500000
#endif

static struct plan plan_of(shape s, int threads) {
  struct plan plan = {.block = block_of(s)};
  long row = 4L * row_size(s.in);
  plan.strip = most(ROWS, least(plan.block, (int)(STRIP_BYTES / row / ROWS * ROWS)));
  int blocks = (s.pixels + plan.block - 1) / plan.block;
  plan.staged = packed_size(s) * 4 > STAGED_BYTES || blocks < threads;
  if (plan.staged) plan.chunk = plan.block * most(1, least(blocks, (int)(16000000 / row / plan.block)));
  return plan;
}

static size_t workspace(shape s, int threads) {
  struct plan plan = plan_of(s, threads);
  return (plan.staged ? plan.chunk : threads * plan.strip) * row_size(s.in);
}

struct convolve_job {
  shape shape;
  struct plan plan;
  source x;
  const float *packed;
  epilogue epilogue;
  float *y, *workspace;
  int next;
};

/// Rows as products read them.
struct rows {
  const float *first;
  size_t step;
};

/// Results of `count` rows from `row` on, which `u` are, by a panel. `is_first`: of their block. On
/// the way it asks for a vector for each channel from `ahead` on.
static void multiply(shape s, struct rows u, const float *packed, int panel, const struct target *to, int is_first, int row, int count,
                     const float *ahead) {
  float space[ROWS * PANEL] __attribute__((aligned(4 * LANES)));
  const float *by = panel_at(s, packed, panel);
  int W = vectors_of(s.out, panel);
  ptrdiff_t origin = (ptrdiff_t)row * s.out_stride;
  // What goes through no epilogue needs no stop on the way.
  int is_plain = to->is_plain && s.out - panel * PANEL >= W * LANES;
  float *sums = is_plain ? to->y + origin + panel * PANEL : space;
  size_t step = is_plain ? (size_t)s.out_stride : LANES, across = is_plain ? LANES : ROWS * LANES;
  for (int c = 0; c < s.in; c += LENGTH) {
    const float *from = u.first + c, *v = by + (size_t)c * LANES * W, *next = ahead + (size_t)c * LANES;
    int length = least(LENGTH, s.in - c);
    if (W == 2) EACH_ROWS(rows_product, count, 2, from, u.step, v, sums, length, step, across, c > 0, next)
    else EACH_ROWS(rows_product, count, 1, from, u.step, v, sums, length, step, across, c > 0, next)
  }
  for (int w = 0; w < W && !is_plain; w++) {
    int k = panel * PANEL + w * LANES, part = part_of(s.out, k);
    vec *o = (vec *)space + w * ROWS;
    if (count == ROWS) emit(o, 1, ROWS, to, is_first, origin, k, part);
    else emit(o, 1, count, to, is_first, origin, k, part);
  }
}

/// What to ask for while a panel is multiplied: the maps' rows from `row` on, as the first panels
/// have time for them, then the next panel.
INLINE const float *ahead(const struct convolve_job *job, int panel, int row) {
  shape s = job->shape;
  const source *x = &job->x;
  if (panel == 0 && row < s.pixels) return x->map + (ptrdiff_t)row * s.in_stride;
  if (panel == 1 && row < s.pixels && x->gradient) return x->gradient->x + (ptrdiff_t)row * s.in_stride;
  return panel_at(s, job->packed, least(panel + 1, panels_of(s.out) - 1));
}

static void convolve_blocks(struct convolve_job *job, int id) {
  shape s = job->shape;
  struct plan plan = job->plan;
  int blocks = (s.pixels + plan.block - 1) / plan.block, panels = panels_of(s.out), is_plain = kind_of(&job->x) == PLAIN;
  float *u = job->workspace + id * plan.strip * row_size(s.in);
  for (int b; (b = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < blocks;) {
    int first = b * plan.block, end = least(s.pixels, first + plan.block);
    struct target to = target_of(&job->epilogue, job->y, s.out_stride, 0, s.out, b);
    for (int from = first; from < end; from += plan.strip) {
      int rows = least(plan.strip, end - from);
      struct rows all = is_plain ? (struct rows){job->x.map + (ptrdiff_t)from * s.in_stride, (size_t)s.in_stride} : (struct rows){u, row_size(s.in)};
      if (!is_plain) load_rows(s, &job->x, u, from, from + rows);
      for (int panel = 0; panel < panels; panel++)
        for (int row = 0; row < rows; row += ROWS) {
          struct rows group = {all.first + row * all.step, all.step};
          multiply(s, group, job->packed, panel, &to, from + row == first, from + row, least(ROWS, rows - row), ahead(job, panel, from + row + plan.strip));
        }
    }
  }
}

static void convolve_stages(struct convolve_job *job, int id, int of) {
  shape s = job->shape;
  struct plan plan = job->plan;
  int panels = panels_of(s.out), is_plain = kind_of(&job->x) == PLAIN;
  for (int start = 0; start < s.pixels; start += plan.chunk) {
    int rows = least(plan.chunk, s.pixels - start), groups = (rows + ROWS - 1) / ROWS;
    int from = groups * id / of * ROWS, end = least(rows, groups * (id + 1) / of * ROWS);
    struct rows all = {job->workspace, row_size(s.in)};
    if (is_plain) {
      all = (struct rows){job->x.map + (ptrdiff_t)start * s.in_stride, (size_t)s.in_stride};
    } else {
      load_rows(s, &job->x, job->workspace + from * all.step, start + from, start + end);
      saker_barrier(of);
    }
    for (int panel = panels * id / of; panel < panels * (id + 1) / of; panel++)
      for (int row = 0; row < rows; row += ROWS) {
        struct target to = target_of(&job->epilogue, job->y, s.out_stride, 0, s.out, (start + row) / plan.block);
        struct rows group = {all.first + row * all.step, all.step};
        const float *next = panel_at(s, job->packed, least(panel + 1, panels - 1));
        multiply(s, group, job->packed, panel, &to, (start + row) % plan.block == 0, start + row, least(ROWS, rows - row), next);
      }
    if (!is_plain) saker_barrier(of);
  }
}

static void convolve_worker(void *argument, int id, int of) {
  struct convolve_job *job = argument;
  if (job->plan.staged) convolve_stages(job, id, of);
  else convolve_blocks(job, id);
}

static void convolve(shape s, source x, const float *packed, epilogue e, float *y, float *workspace, int threads) {
  struct convolve_job job = {s, plan_of(s, threads), x, packed, e, y, workspace, 0};
  saker_parallel(convolve_worker, &job, threads);
}

// MARK: gradient of the weights

/// Few weights: sums are kept by `parts` that do not depend on the threads, each over its own
/// blocks of rows, and added in their order. Many: all threads bring `stage` blocks in, then share
/// the sums among them.
struct gradient_plan {
  int block, parts, stage;
};

static int groups_of(int channels) { return (channels + ROWS - 1) / ROWS; }

/// A group's channels of a block's rows, and what its last vector writes beyond them.
static size_t group_size(int rows) { return (size_t)rows * ROWS + PANEL; }

/// A block of rows as products want it: of the input `[panels][rows][two vectors or one]`, then of
/// the gradient `[groups][rows][ROWS]`.
static size_t block_size(shape s, int rows) {
  return (size_t)rows * padded(s.in) + (groups_of(s.out) * group_size(rows) + LANES - 1) / LANES * LANES;
}

static size_t sums_size(shape s) { return (size_t)s.out * padded(s.in); }

static struct gradient_plan gradient_plan_of(shape s) {
  long row = 4L * (padded(s.in) + padded(s.out)), sums = 4 * (long)sums_size(s);
  long fit = 600000 / row / 16 * 16;
  struct gradient_plan plan = {.block = fit < 64 ? 64 : fit > 256 ? 256 : (int)fit};
  long blocks = (s.pixels + plan.block - 1) / plan.block;
  if (sums <= 1100000 && blocks >= 8) {
    plan.parts = 8;
    return plan;
  }
  plan.block = s.pixels < 256 ? s.pixels : 256;
  blocks = (s.pixels + plan.block - 1) / plan.block;
  long room = 16000000 / (row * plan.block);
  plan.stage = (int)(room < 1 ? 1 : room > blocks ? blocks : room);
  return plan;
}

/// Sums that are whole as they are need no place of their own.
static int sums_in_place(shape s, struct gradient_plan plan) { return !plan.parts && padded(s.in) == s.in; }

static size_t gradient_sums(shape s, struct gradient_plan plan) { return sums_in_place(s, plan) ? 0 : sums_size(s) * most(1, plan.parts); }

/// Panels of input channels and groups of output channels.
static int units_of(shape s) { return panels_of(s.in) * groups_of(s.out); }

#define BEGIN()
#define END()
#include "pointwise_gradient.h"

/// Brings rows [first, first + count) of the input to panels.
INLINE void load_panels(const int kind, shape s, const source *x, float *u, int block, int first, int count) {
  for (int from = 0; from < count; from += ROWS)
    for (int c = 0; c < s.in; c += LANES) {
      int panel = c / PANEL, step = LANES * vectors_of(s.in, panel), part = part_of(s.in, c), end = least(count, from + ROWS);
      struct reader r = reader_of(kind, x, c, part);
      float *to = u + (size_t)panel * PANEL * block + c % PANEL;
      ptrdiff_t at = (ptrdiff_t)(first + from) * s.in_stride;
      for (int row = from; row < end; row++, at += s.in_stride) {
        *(vec *)(to + (size_t)row * step) = fetch(kind, &r, at, part);
        if (0) __builtin_prefetch(r.map + at + (ptrdiff_t)ROWS * s.in_stride);
      }
    }
}

/// Brings rows of the gradient to groups; their sums go to `sums` unless null. Where ROWS is no
/// number of whole vectors, a row's last vector reaches into the next row's place, which is
/// therefore written after it: last vectors come first.
INLINE void load_gradients(const int kind, shape s, const source *dy, float *d, float *sums, int block, int first, int count) {
  if (sums) memset(sums, 0, s.out * sizeof *sums);
  for (int from = 0; from < count; from += ROWS)
    for (int k = 0; k < s.out; k += ROWS)
      for (int j = (ROWS - 1) / LANES * LANES; j >= 0; j -= LANES) {
        if (k + j >= s.out) continue;
        int part = part_of(s.out, k + j), end = least(count, from + ROWS);
        struct reader r = reader_of(kind, dy, k + j, part);
        float *to = d + k / ROWS * group_size(block) + j;
        ptrdiff_t at = (ptrdiff_t)(first + from) * s.out_stride;
        vec sum = {0};
        for (int row = from; row < end; row++, at += s.out_stride) {
          vec v = fetch(kind, &r, at, part);
          *(loose *)(to + (size_t)row * ROWS) = v;
          sum += v;
          __builtin_prefetch(r.map + at + (ptrdiff_t)ROWS * s.out_stride);
          if (is_pending(kind)) __builtin_prefetch(r.raw + at + (ptrdiff_t)ROWS * s.out_stride);
        }
        if (!sums) continue;
        int own = least(ROWS - j, s.out - k - j), lanes = own >= LANES ? 0 : own;
        store(sums + k + j, lanes, load(sums + k + j, lanes) + sum);
      }
}

static void load_block(const struct gradient_job *job, int index, float *u) {
  shape s = job->shape;
  int block = job->plan.block, first = index * block, count = least(block, s.pixels - first);
  float *d = u + (size_t)block * padded(s.in), *bias = job->db ? job->bias + (size_t)index * s.out : 0;
  EACH_KIND(load_panels, &job->x, s, &job->x, u, block, first, count)
  EACH_KIND(load_gradients, &job->dy, s, &job->dy, d, bias, block, first, count)
}

static void multiply_block(const struct gradient_job *job, int index, const float *u, float *sums, int add, int from, int end) {
  shape s = job->shape;
  int block = job->plan.block, count = least(block, s.pixels - index * block), groups = groups_of(s.out), row = padded(s.in);
  const float *d = u + (size_t)block * row;
  for (int unit = from; unit < end; unit++) {
    int panel = unit / groups, group = unit % groups, R = least(ROWS, s.out - group * ROWS);
    const float *a = d + group * group_size(block), *b = u + (size_t)panel * PANEL * block;
    float *to = sums + (size_t)group * ROWS * row + panel * PANEL;
    if (vectors_of(s.in, panel) == 2) EACH_ROWS(transposed_product, R, 2, a, b, to, count, ROWS, PANEL, row, add)
    else EACH_ROWS(transposed_product, R, 1, a, b, to, count, ROWS, LANES, row, add)
  }
}

static void write_sums(const struct gradient_job *job, int k) {
  shape s = job->shape;
  for (int c = 0; c < s.in; c += LANES) {
    const float *sums = job->sums + (size_t)k * padded(s.in) + c;
    vec sum = *(const vec *)sums;
    for (int part = 1; part < job->plan.parts; part++) sum += *(const vec *)(sums + part * sums_size(s));
    store(job->dw + (size_t)k * s.in + c, part_of(s.in, c), sum);
  }
}

const struct pointwise_form FORM = {packed_size, workspace, gradient_workspace, block_of, pack, convolve, gradient};
