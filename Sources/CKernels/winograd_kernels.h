// The kernels of one form, in four layers: tiles in memory, transforms, products, and the passes
// that walk a map. Included after a form (see form.h) with FORM, the name of what they make.
#include "winograd_transforms.h"

// MARK: walking tiles

/// A run of tiles whose transforms lie together: for each position, the channels of each
/// tile that uses it.
struct chunk {
  const struct grid *grid;
  int first, count;
  int capacity;  // tiles a position has room for
};

/// Where a chunk's transforms are. As rows of channels: one row a tile. In groups: ROWS tiles
/// side by side, vector by vector of channels, so that a product finds its ROWS numbers at
/// constant distances.
struct layout {
  size_t position, step;  // floats from a position to the next, and from a vector of channels to the next
  int channels, grouped;
};

/// One more vector keeps the positions of a tile from falling into one set of the
/// first-level cache.
INLINE struct layout layout_of(int channels, int capacity, int grouped) {
  size_t room = grouped ? (capacity + ROWS - 1) / ROWS * ROWS : capacity;
  int row = padded(channels);
  return (struct layout){room * row + LANES, grouped ? ROWS * LANES : LANES, row, grouped};
}

INLINE size_t slot_at(const struct layout *l, int slot) {
  return l->grouped ? (size_t)(slot / ROWS) * ROWS * l->channels + slot % ROWS * LANES : (size_t)slot * l->channels;
}

/// A tile on the walk through a chunk, and its row among those of each kind.
struct cursor {
  const struct grid *grid;
  int picture, row, column;
  int slots[4];
};

static struct cursor cursor_at(const struct chunk *c, int tile) {
  const struct grid *g = c->grid;
  int per = g->rows.tiles * g->columns.tiles;
  struct cursor at = {g, tile / per, tile % per / g->columns.tiles, tile % g->columns.tiles, {0}};
  for (int kind = 0; kind < 4; kind++) at.slots[kind] = tiles_before(g, tile, kind) - tiles_before(g, c->first, kind);
  return at;
}

INLINE int height_of(const struct cursor *at) { return at->row < at->grid->rows.full ? at->grid->rows.size : at->grid->rows.rest; }
INLINE int width_of(const struct cursor *at) { return at->column < at->grid->columns.full ? at->grid->columns.size : at->grid->columns.rest; }

static void advance(struct cursor *at) {
  const struct grid *g = at->grid;
  int tall = at->row < g->rows.full, wide = at->column < g->columns.full;
  at->slots[0]++;
  at->slots[1] += tall;
  at->slots[2] += wide;
  at->slots[3] += tall && wide;
  if (++at->column < g->columns.tiles) return;
  at->column = 0;
  if (++at->row < g->rows.tiles) return;
  at->row = 0;
  at->picture++;
}

/// Where a tile's positions begin, in their order, and the kind of tiles that each counts; for
/// tiles of each kind: full in height, in width.
struct positions {
  size_t first[4][36];
  unsigned char kinds[4][36];
  int counts[4];
  int is_even;  // all tiles are full
};

static void set_positions(struct positions *all, const struct grid *g, const struct layout *l) {
  int columns = points_of(g->columns.points);
  all->is_even = !g->rows.rest && !g->columns.rest;
  for (int kind = 0; kind < 4; kind++) {
    int height = kind & 1 ? g->rows.size : g->rows.rest, width = kind & 2 ? g->columns.size : g->columns.rest;
    all->counts[kind] = 0;
    if (!height || !width || (kind & 1 && !g->rows.full) || (kind & 2 && !g->columns.full)) continue;
    for (int i = 0; i < height + 2; i++)
      for (int j = 0; j < width + 2; j++) {
        int p = point_lists[height][i], q = point_lists[width][j], n = all->counts[kind]++;
        all->first[kind][n] = (rank_of(g->rows.points, p) * columns + rank_of(g->columns.points, q)) * l->position;
        all->kinds[kind][n] = (g->rows.common >> p & 1 ? 0 : 1) | (g->columns.common >> q & 1 ? 0 : 2);
      }
  }
}

/// Where the transforms of a tile's positions are.
static void places_of(const struct positions *all, const struct layout *l, const struct cursor *at, size_t *places) {
  if (all->is_even) {
    size_t slot = slot_at(l, at->slots[0]);
    for (int i = 0; i < all->counts[3]; i++) places[i] = all->first[3][i] + slot;
    return;
  }
  size_t slots[4];
  for (int kind = 0; kind < 4; kind++) slots[kind] = slot_at(l, at->slots[kind]);
  int kind = (at->row < at->grid->rows.full ? 1 : 0) | (at->column < at->grid->columns.full ? 2 : 0);
  for (int i = 0; i < all->counts[kind]; i++) places[i] = all->first[kind][i] + slots[all->kinds[kind][i]];
}

/// Tiles of the chunk that use a position.
static int count_of(const struct chunk *c, int kind) {
  return tiles_before(c->grid, c->first + c->count, kind) - tiles_before(c->grid, c->first, kind);
}

// MARK: tiles in memory

/// A map as tiles are cut from it.
struct map {
  source from;
  int height, width, channels;
  ptrdiff_t pixel;
};

/// `height` x `width` pixels from (y, x) on, at most 6 x 6, in rows of 6; zeros outside the map.
INLINE void load_tile(const int kind, const struct map *m, int picture, int y, int x, int height, int width, int c, vec *d) {
  int top = most(0, -y), bottom = least(height, m->height - y), left = most(0, -x), right = least(width, m->width - x);
  if (top || left || bottom < height || right < width) memset(d, 0, 36 * sizeof *d);
  int part = part_of(m->channels, c);
  ptrdiff_t origin = (((ptrdiff_t)picture * m->height + y) * m->width + x) * m->pixel, line = m->width * m->pixel;
  struct reader r = reader_of(kind, &m->from, c, part);
  for (int p = top; p < bottom; p++)
    for (int q = left; q < right; q++) d[p * 6 + q] = fetch(kind, &r, origin + p * line + q * m->pixel, part);
}

// MARK: transforms

/// o[m+2][n+2] = B^T d B of d[m+2][n+2] in rows of 6, stored to rows of u.
INLINE void store_input(const int m, const int n, const vec *d, float *u, const size_t *places) {
  vec t[36];
  for (int q = 0; q < n + 2; q++) {
    vec column[6], out[6];
    for (int p = 0; p < m + 2; p++) column[p] = d[p * 6 + q];
    EACH_SIZE(input_side, m, column, out)
    for (int p = 0; p < m + 2; p++) t[p * 6 + q] = out[p];
  }
  for (int p = 0; p < m + 2; p++) {
    vec out[6];
    EACH_SIZE(input_side, n, t + p * 6, out)
    for (int q = 0; q < n + 2; q++) *(vec *)(u + places[p * (n + 2) + q]) = out[q];
  }
}

/// The same for A g A^T of g[m][n] in rows of 6.
INLINE void store_gradient(const int m, const int n, const vec *g, float *u, const size_t *places) {
  vec t[36];
  for (int q = 0; q < n; q++) {
    vec column[4], out[6];
    for (int p = 0; p < m; p++) column[p] = g[p * 6 + q];
    EACH_SIZE(gradient_side, m, column, out)
    for (int p = 0; p < m + 2; p++) t[p * 6 + q] = out[p];
  }
  for (int p = 0; p < m + 2; p++) {
    vec out[6];
    EACH_SIZE(gradient_side, n, t + p * 6, out)
    for (int q = 0; q < n + 2; q++) *(vec *)(u + places[p * (n + 2) + q]) = out[q];
  }
}

/// o[m][n], in rows of 4, = A^T s A of s[m+2][n+2] read from rows of `sums`.
INLINE void load_output(const int m, const int n, const float *sums, const size_t *places, vec *o) {
  vec t[24];
  for (int q = 0; q < n + 2; q++) {
    vec column[6], out[4];
    for (int p = 0; p < m + 2; p++) column[p] = *(const vec *)(sums + places[p * (n + 2) + q]);
    EACH_SIZE(output_side, m, column, out)
    for (int p = 0; p < m; p++) t[p * 6 + q] = out[p];
  }
  for (int p = 0; p < m; p++) {
    vec out[4];
    EACH_SIZE(output_side, n, t + p * 6, out)
    for (int q = 0; q < n; q++) o[p * 4 + q] = out[q];
  }
}

/// `store_input` of a whole 4 x 4 tile straight from the map.
INLINE void transform_whole(const int kind, const struct map *m, int picture, int y, int x, int c, float *u, const size_t *places) {
  ptrdiff_t origin = (((ptrdiff_t)picture * m->height + y) * m->width + x) * m->pixel, line = m->width * m->pixel;
  struct reader r = reader_of(kind, &m->from, c, 0);
  vec t[36];
  for (int q = 0; q < 6; q++) {
    vec column[6], out[6];
#pragma clang loop unroll(full)
    for (int p = 0; p < 6; p++) {
      ptrdiff_t at = origin + p * line + q * m->pixel;
      column[p] = fetch(kind, &r, at, 0);
      // The next tile's columns that this one has not read.
      if (q > 1) {
        __builtin_prefetch(r.map + at + 4 * m->pixel);
        if (is_pending(kind)) __builtin_prefetch(r.raw + at + 4 * m->pixel);
      }
    }
    input_side(4, column, out);
    for (int p = 0; p < 6; p++) t[p * 6 + q] = out[p];
  }
  for (int p = 0; p < 6; p++) {
    vec out[6];
    input_side(4, t + p * 6, out);
    for (int q = 0; q < 6; q++) *(vec *)(u + places[p * 6 + q]) = out[q];
  }
}

// Tiles of 4 x 4 are nearly all: their loops unroll.
static void transform_input(int m, int n, const vec *d, float *u, const size_t *places) {
  if (m == 4 && n == 4) store_input(4, 4, d, u, places);
  else store_input(m, n, d, u, places);
}
static void transform_gradient(int m, int n, const vec *g, float *u, const size_t *places) {
  if (m == 4 && n == 4) store_gradient(4, 4, g, u, places);
  else store_gradient(m, n, g, u, places);
}
static void transform_output(int m, int n, const float *sums, const size_t *places, vec *o) {
  if (m == 4 && n == 4) load_output(4, 4, sums, places, o);
  else load_output(m, n, sums, places, o);
}

/// Transforms tiles [from, end) of a chunk into `u`, with their borders of 1 pixel.
INLINE void load_inputs(const int kind, const struct map *m, const struct chunk *c, int top, int left, int grouped, float *u, int from, int end) {
  struct layout l = layout_of(m->channels, c->capacity, grouped);
  size_t places[36];
  struct positions positions;
  set_positions(&positions, c->grid, &l);
  vec d[36];
  struct cursor at = cursor_at(c, from);
  int size = c->grid->rows.size;
  for (int tile = from; tile < end; tile++, advance(&at)) {
    int height = height_of(&at), width = width_of(&at), y = at.row * size - top, x = at.column * size - left;
    int whole = height == 4 && width == 4 && y >= 0 && x >= 0 && y + 6 <= m->height && x + 6 <= m->width;
    places_of(&positions, &l, &at, places);
    float *to = u;
    for (int k = 0; k < m->channels; k += LANES, to += l.step) {
      if (whole && m->channels - k >= LANES) {
        transform_whole(kind, m, at.picture, y, x, k, to, places);
        continue;
      }
      load_tile(kind, m, at.picture, y, x, height + 2, width + 2, k, d);
      transform_input(height, width, d, to, places);
    }
  }
}

/// Transforms the gradients of tiles [from, end); their sums go to `sums` unless null.
INLINE void load_gradients(const int kind, const struct map *m, const struct chunk *c, float *u, float *sums, int from, int end) {
  struct layout l = layout_of(m->channels, c->capacity, 0);
  size_t places[36];
  struct positions positions;
  set_positions(&positions, c->grid, &l);
  vec d[36];
  struct cursor at = cursor_at(c, from);
  int size = c->grid->rows.size;
  if (sums) memset(sums, 0, m->channels * sizeof *sums);
  for (int tile = from; tile < end; tile++, advance(&at)) {
    int height = height_of(&at), width = width_of(&at);
    places_of(&positions, &l, &at, places);
    float *to = u;
    for (int k = 0; k < m->channels; k += LANES, to += l.step) {
      load_tile(kind, m, at.picture, at.row * size, at.column * size, height, width, k, d);
      transform_gradient(height, width, d, to, places);
      if (!sums) continue;
      vec sum = {0};
      for (int p = 0; p < height; p++)
        for (int q = 0; q < width; q++) sum += d[p * 6 + q];
      int part = part_of(m->channels, k);
      store(sums + k, part, load(sums + k, part) + sum);
    }
  }
}

static void load_input_tiles(const struct map *m, const struct chunk *c, int top, int left, int grouped, float *u, int from, int end) {
  EACH_KIND(load_inputs, &m->from, m, c, top, left, grouped, u, from, end)
}
static void load_gradient_tiles(const struct map *m, const struct chunk *c, float *u, float *sums, int from, int end) {
  EACH_KIND(load_gradients, &m->from, m, c, u, sums, from, end)
}

// MARK: products

/// Where a panel of a position begins in `[positions][panels][in][two vectors or one]`.
INLINE size_t panel_at(shape s, int index, int panel) { return ((size_t)index * padded(s.out) + (size_t)panel * PANEL) * s.in; }

/// The sums over input channels, for units [from, to) of position and panel.
static void multiply(shape s, const struct chunk *c, const float *u, const float *packed, float *m, int from, int to) {
  struct layout in = layout_of(s.in, c->capacity, 1), out = layout_of(s.out, c->capacity, 0);
  int panels = panels_of(s.out);
  for (int unit = from; unit < to; unit++) {
    int index = unit / panels, panel = unit % panels, count = count_of(c, c->grid->at[index].kind);
    const float *by = packed + panel_at(s, index, panel), *next = unit + 1 < to ? by + (size_t)vectors_of(s.out, panel) * LANES * s.in : by;
    for (int slot = 0; slot < count; slot += ROWS, next += slot < 2 * ROWS ? (size_t)LANES * s.in : 0) {
      const float *a = u + index * in.position + slot_at(&in, slot);
      float *sums = m + index * out.position + slot_at(&out, slot) + (size_t)panel * PANEL;
      int R = least(ROWS, count - slot), W = vectors_of(s.out, panel);
      for (int c = 0; c < s.in; c += LENGTH) {
        const float *from = a + (size_t)c * ROWS, *v = by + (size_t)c * LANES * W, *ahead = next + (size_t)c * LANES;
        int length = least(LENGTH, s.in - c);
        if (W == 2) EACH_ROWS(product, R, 2, from, v, sums, length, out.channels, LANES, c > 0, ahead)
        else EACH_ROWS(product, R, 1, from, v, sums, length, out.channels, LANES, c > 0, ahead)
      }
    }
  }
}

/// The sums over tiles, for positions [begin, end), of input channels [from, from + channels) times
/// a panel, `[positions][channels][two vectors or one]`; added to what is there if `add`.
static void multiply_transposed(shape s, const struct chunk *c, const float *u, const float *d, float *sums, int panel, int from, int channels,
                                int add, int begin, int end) {
  struct layout in = layout_of(s.in, c->capacity, 0), out = layout_of(s.out, c->capacity, 0);
  int parts = (channels + ROWS - 1) / ROWS, W = vectors_of(s.out, panel);
  size_t size = (size_t)channels * LANES * W;
  sums += begin * size;
  for (int index = begin; index < end; index++, sums += size) {
    int count = count_of(c, c->grid->at[index].kind);
    if (count == 0 && !add) memset(sums, 0, size * sizeof *sums);
    for (int t = 0; t < count; t += DEPTH) {
      const float *a = u + index * in.position + slot_at(&in, t) + from;
      const float *b = d + index * out.position + slot_at(&out, t) + (size_t)panel * PANEL;
      int depth = least(DEPTH, count - t), adds = add || t > 0;
      for (int part = 0; part < parts; part++) {
        int first = channels * part / parts, R = channels * (part + 1) / parts - first;
        if (W == 2) EACH_ROWS(transposed_product, R, 2, a + first, b, sums + (size_t)first * PANEL, depth, in.channels, out.channels, PANEL, adds)
        else EACH_ROWS(transposed_product, R, 1, a + first, b, sums + (size_t)first * LANES, depth, in.channels, out.channels, LANES, adds)
      }
    }
  }
}

// MARK: results

/// Transforms the sums of tiles [from, end), a whole block, back, and writes what becomes of them.
static void store_tiles(shape s, const struct chunk *c, const float *m, const epilogue *e, float *y, int block, int from, int end) {
  struct layout l = layout_of(s.out, c->capacity, 0);
  size_t places[36];
  struct positions positions;
  set_positions(&positions, c->grid, &l);
  ptrdiff_t pixel = s.out_stride, line = s.columns * pixel;
  // Tiles begin at even rows and columns: they hold whole windows, but for odd last ones,
  // which belong to none.
  int half_rows = s.rows / 2, half_columns = s.columns / 2, half_tile = s.tile / 2;
  struct target to = target_of(e, y, pixel, line, s.out, block);
  vec o[16];
  struct cursor at = cursor_at(c, from);
  for (int tile = from; tile < end; tile++, advance(&at)) {
    int height = height_of(&at), width = width_of(&at);
    ptrdiff_t origin = (((ptrdiff_t)at.picture * s.rows + at.row * s.tile) * s.columns + at.column * s.tile) * pixel;
    places_of(&positions, &l, &at, places);
    for (int k = 0; k < s.out; k += LANES) {
      int part = part_of(s.out, k);
      transform_output(height, width, m + k, places, o);
      if (e->pooled) {
        ptrdiff_t row = (ptrdiff_t)at.picture * half_rows + at.row * half_tile, first = (row * half_columns + at.column * half_tile) * pixel;
        if (height == 4 && width == 4) emit_pooled(o, 4, 4, &to, origin, first, half_columns * pixel, k, part);
        else emit_pooled(o, height, width, &to, origin, first, half_columns * pixel, k, part);
        continue;
      }
      if (height == 4 && width == 4) emit(o, 4, 4, &to, tile == from, origin, k, part);
      else emit(o, height, width, &to, tile == from, origin, k, part);
    }
  }
}

// MARK: weights

static size_t packed_size(shape s) {
  struct grid g = grid_of(s);
  return (size_t)g.positions * padded(s.out) * s.in;
}

struct pack_job {
  shape shape;
  const float *weights;
  int turned;
  float *packed;
};

/// LANES output channels from `k` on of LANES input channels from `c` on: w[input channel][9], a
/// vector of output channels each.
static void gather_weights(const struct pack_job *job, int k, int c, vec (*w)[9]) {
  shape s = job->shape;
  int lanes = least(LANES, s.out - k), channels = least(LANES, s.in - c);
  if (job->turned) {
    float numbers[9][LANES] __attribute__((aligned(64))) = {{0}};
    for (int i = 0; i < channels; i++) {
      const float *from = job->weights + ((size_t)(c + i) * s.out + k) * 9;
      for (int lane = 0; lane < lanes; lane++)
        for (int j = 0; j < 9; j++) numbers[8 - j][lane] = from[lane * 9 + j];
      for (int j = 0; j < 9; j++) w[i][j] = *(const vec *)numbers[j];
    }
    return;
  }
  // Nine squares: each lane's weights lie together.
  for (int j = 0; j < channels * 9; j += LANES) {
    vec square[LANES];
    int part = part_of(channels * 9, j);
    for (int lane = 0; lane < LANES; lane++)
      square[lane] = lane < lanes ? load(job->weights + ((size_t)(k + lane) * s.in + c) * 9 + j, part) : (vec){0};
    transpose(square);
    for (int i = 0; i < LANES && j + i < channels * 9; i++) w[(j + i) / 9][(j + i) % 9] = square[i];
  }
}

/// V = G g G^T for each pair of channels.
static void pack_worker(void *argument, int id, int of) {
  struct pack_job *job = argument;
  shape s = job->shape;
  struct grid g = grid_of(s);
  int vectors = padded(s.out) / LANES, runs = padded(s.in) / LANES;
  vec w[LANES][9], t[18], v[36];
  for (int unit = (int)((long)vectors * runs * id / of); unit < (int)((long)vectors * runs * (id + 1) / of); unit++) {
    int k = unit / runs * LANES, c = unit % runs * LANES, panel = k / PANEL, W = vectors_of(s.out, panel);
    gather_weights(job, k, c, w);
    for (int i = 0; i < least(LANES, s.in - c); i++) {
      for (int q = 0; q < 3; q++) weight_side(w[i] + q, 3, t + q, 3);
      for (int p = 0; p < 6; p++) weight_side(t + p * 3, 1, v + p * 6, 1);
      float *to = job->packed + panel_at(s, 0, panel) + (size_t)(c + i) * LANES * W + k % PANEL;
      for (int index = 0; index < g.positions; index++, to += (size_t)padded(s.out) * s.in) *(vec *)to = v[g.at[index].p * 6 + g.at[index].q];
    }
  }
}

static void pack(shape s, const float *weights, int turned, float *packed, int threads) {
  struct pack_job job = {s, weights, turned, packed};
  saker_parallel(pack_worker, &job, threads);
}

// MARK: convolution

/// Tiles of a block: as many as have their transforms in `bytes` of the second-level cache, and so
/// few that there are `blocks` of them.
static int fitting(shape s, const struct grid *g, long bytes, int blocks) {
  long fit = bytes / (4L * g->positions * (padded(s.in) + padded(s.out))) / 12 * 12;
  int share = (g->tiles + 12 * blocks - 1) / (12 * blocks) * 12;
  return most(12, least(least(144, share), (int)fit));
}

static int block_of(shape s) {
  struct grid g = grid_of(s);
  return fitting(s, &g, 700000, 16);
}

/// How a pass walks: blocks of tiles, each by one thread from load to store; or, `staged`, chunks
/// of tiles by all threads together, stage after stage: then many channels' weights are read once a
/// chunk, and few tiles have work for all. Records of sums are for blocks either way.
struct plan {
  int block, staged, chunk;
};

static struct plan plan_of(shape s, int threads) {
  struct grid g = grid_of(s);
  struct plan plan = {.block = block_of(s)};
  int blocks = (g.tiles + plan.block - 1) / plan.block;
  plan.staged = packed_size(s) * 4 > 1500000 || blocks < threads;
  if (!plan.staged) return plan;
  long bytes = 16000000 + 2 * (long)packed_size(s) * 4, fit = bytes / (4L * g.positions * (padded(s.in) + padded(s.out)));
  plan.chunk = plan.block * most(1, least(blocks, (int)(fit / plan.block)));
  return plan;
}

/// Floats of both transforms of a chunk.
static size_t chunk_size(shape s, int capacity, int grouped) {
  return grid_of(s).positions * (layout_of(s.in, capacity, grouped).position + layout_of(s.out, capacity, 0).position);
}

static size_t workspace(shape s, int threads) {
  struct plan plan = plan_of(s, threads);
  return plan.staged ? chunk_size(s, plan.chunk, 1) : threads * chunk_size(s, plan.block, 1);
}

struct convolve_job {
  shape shape;
  struct grid grid;
  struct plan plan;
  struct map x;
  const float *packed;
  epilogue epilogue;
  float *y, *workspace;
  int next;
};

static void convolve_blocks(struct convolve_job *job, int id) {
  shape s = job->shape;
  int block = job->plan.block, blocks = (job->grid.tiles + block - 1) / block, units = job->grid.positions * panels_of(s.out);
  float *u = job->workspace + id * chunk_size(s, block, 1), *m = u + job->grid.positions * layout_of(s.in, block, 1).position;
  for (int b; (b = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < blocks;) {
    struct chunk c = {&job->grid, b * block, least(block, job->grid.tiles - b * block), block};
    load_input_tiles(&job->x, &c, s.top, s.left, 1, u, c.first, c.first + c.count);
    multiply(s, &c, u, job->packed, m, 0, units);
    store_tiles(s, &c, m, &job->epilogue, job->y, b, c.first, c.first + c.count);
  }
}

static void convolve_stages(struct convolve_job *job, int id, int of) {
  shape s = job->shape;
  int block = job->plan.block, units = job->grid.positions * panels_of(s.out);
  float *u = job->workspace, *m = u + job->grid.positions * layout_of(s.in, job->plan.chunk, 1).position;
  for (int first = 0; first < job->grid.tiles; first += job->plan.chunk) {
    struct chunk c = {&job->grid, first, least(job->plan.chunk, job->grid.tiles - first), job->plan.chunk};
    int blocks = (c.count + block - 1) / block, from = blocks * id / of, to = blocks * (id + 1) / of;
    for (int b = from; b < to; b++)
      load_input_tiles(&job->x, &c, s.top, s.left, 1, u, first + b * block, first + least(c.count, (b + 1) * block));
    saker_barrier(of);
    multiply(s, &c, u, job->packed, m, units * id / of, units * (id + 1) / of);
    saker_barrier(of);
    for (int b = from; b < to; b++)
      store_tiles(s, &c, m, &job->epilogue, job->y, first / block + b, first + b * block, first + least(c.count, (b + 1) * block));
  }
}

static void convolve_worker(void *argument, int id, int of) {
  struct convolve_job *job = argument;
  if (job->plan.staged) convolve_stages(job, id, of);
  else convolve_blocks(job, id);
}

static void convolve(shape s, source x, const float *packed, epilogue e, float *y, float *workspace, int threads) {
  struct convolve_job job = {s, grid_of(s), plan_of(s, threads), {x, s.height, s.width, s.in, s.in_stride}, packed, e, y, workspace, 0};
  saker_parallel(convolve_worker, &job, threads);
}

// MARK: gradient of the weights

/// Input channels whose sums with a panel, over all positions, stay in the second-level cache.
#define RUN 96

/// Few channels: sums are kept by `parts` that do not depend on the threads, each over its own
/// blocks, and added in their order. Many: by chunks of all tiles that memory allows, whose sums
/// are split by channels.
struct gradient_plan {
  int block, parts, chunk, local;
};

static struct gradient_plan gradient_plan_of(shape s) {
  struct grid g = grid_of(s);
  long tile = 4L * g.positions * (padded(s.in) + padded(s.out)), sums = 4 * (long)packed_size(s);
  struct gradient_plan plan = {.block = most(48, fitting(s, &g, 2400000, 8))};
  int blocks = (g.tiles + plan.block - 1) / plan.block;
  if (sums <= 2500000 && blocks >= 8) {
    plan.parts = sums > 1000000 ? 4 : 8;
    return plan;
  }
  // So few that handing them from thread to thread costs more than adding their sums.
  if (sums <= 700000 && g.tiles >= 48 && g.tiles <= 96) {
    plan.block = 24;
    plan.parts = (g.tiles + 23) / 24;
    return plan;
  }
  plan.block = 12;
  blocks = (g.tiles + plan.block - 1) / plan.block;
  plan.chunk = plan.block * most(1, least(blocks, (int)(16000000 / tile / plan.block)));
  // Reading the transforms again for each run of sums, against writing and reading all sums.
  double again = (double)panels_of(s.out) * padded(s.in) + (double)((s.in + RUN - 1) / RUN) * padded(s.out);
  plan.local = plan.chunk >= g.tiles && 4.0 * g.positions * g.tiles * again < 1.5 * sums;
  return plan;
}

/// Sums of a run of input channels by a panel: `[panels][runs][positions][channels of the
/// run][vectors of the panel]`.
static size_t sums_at(shape s, int positions, int panel, int first) {
  return (size_t)positions * ((size_t)panel * PANEL * s.in + (size_t)first * vectors_of(s.out, panel) * LANES);
}

static int gradient_blocks(shape s) {
  int block = gradient_plan_of(s).block;
  return (grid_of(s).tiles + block - 1) / block;
}

static size_t gradient_tiles(shape s, struct gradient_plan plan, int threads) {
  return plan.parts ? threads * chunk_size(s, plan.block, 0) : chunk_size(s, plan.chunk, 0);
}

static size_t gradient_workspace(shape s, int threads) {
  struct gradient_plan plan = gradient_plan_of(s);
  return packed_size(s) * most(1, plan.parts) + gradient_tiles(s, plan, threads) + (size_t)gradient_blocks(s) * s.out;
}

struct gradient_job {
  shape shape;
  struct grid grid;
  struct gradient_plan plan;
  struct map x, dy;
  float *dw, *db;
  float *sums, *tiles, *bias;
  int next;
};

static void load_both(struct gradient_job *job, const struct chunk *c, float *u, float *d, int block, int from, int end) {
  load_input_tiles(&job->x, c, job->shape.top, job->shape.left, 0, u, from, end);
  load_gradient_tiles(&job->dy, c, d, job->db ? job->bias + (size_t)block * job->shape.out : 0, from, end);
}

/// dw = G^T (sum of the parts) G for a run of input channels and a panel, from sums of which each
/// part's lie `step` apart.
static void finish(const struct gradient_job *job, const float *sums, size_t step, int panel, int first) {
  shape s = job->shape;
  const struct grid *g = &job->grid;
  int W = vectors_of(s.out, panel), channels = least(RUN, s.in - first);
  vec m[36] = {{0}}, t[18], w[LANES * 9], square[LANES];
  for (int v = 0; v < W; v++)
    for (int c = 0; c < channels; c += LANES) {
      int k = panel * PANEL + v * LANES, lanes = least(LANES, s.out - k), count = least(LANES, channels - c);
      for (int i = 0; i < count; i++) {
        const float *from = sums + (size_t)(c + i) * LANES * W + v * LANES;
        for (int index = 0; index < g->positions; index++, from += (size_t)channels * LANES * W) {
          vec sum = *(const vec *)from;
          for (int part = 1; part < job->plan.parts; part++) sum += *(const vec *)(from + part * step);
          m[g->at[index].p * 6 + g->at[index].q] = sum;
        }
        for (int q = 0; q < 6; q++) weight_gradient_side(m + q, 6, t + q, 6);
        for (int a = 0; a < 3; a++) weight_gradient_side(t + a * 6, 1, w + i * 9 + a * 3, 1);
      }
      for (int j = 0; j < count * 9; j += LANES) {
        for (int i = 0; i < LANES; i++) square[i] = j + i < count * 9 ? w[j + i] : (vec){0};
        transpose(square);
        int part = part_of(count * 9, j);
        for (int lane = 0; lane < lanes; lane++) store(job->dw + ((size_t)(k + lane) * s.in + first + c) * 9 + j, part, square[lane]);
      }
    }
}

/// Units [from, to) of position and panel: a position's transforms are read once from the
/// second-level cache.
static void multiply_positions(const struct gradient_job *job, const struct chunk *c, const float *u, const float *d, float *sums, int add, int from,
                               int to) {
  shape s = job->shape;
  int panels = panels_of(s.out);
  for (int unit = from; unit < to; unit++) {
    int index = unit / panels, panel = unit % panels;
    for (int first = 0; first < s.in; first += RUN)
      multiply_transposed(s, c, u, d, sums + sums_at(s, job->grid.positions, panel, first), panel, first, least(RUN, s.in - first), add, index,
                          index + 1);
  }
}

static void finish_all(const struct gradient_job *job, int id, int of) {
  shape s = job->shape;
  int runs = (s.in + RUN - 1) / RUN, units = panels_of(s.out) * runs;
  for (int unit = units * id / of; unit < units * (id + 1) / of; unit++) {
    int panel = unit / runs, first = unit % runs * RUN;
    finish(job, job->sums + sums_at(s, job->grid.positions, panel, first), packed_size(s), panel, first);
  }
}

static void gradient_parts(struct gradient_job *job, int id, int of) {
  shape s = job->shape;
  int block = job->plan.block, blocks = (job->grid.tiles + block - 1) / block, panels = panels_of(s.out);
  size_t step = packed_size(s);
  float *u = job->tiles + id * chunk_size(s, block, 0), *d = u + job->grid.positions * layout_of(s.in, block, 0).position;
  for (int part; (part = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < job->plan.parts;) {
    int from = blocks * part / job->plan.parts, to = blocks * (part + 1) / job->plan.parts;
    for (int b = from; b < to; b++) {
      struct chunk c = {&job->grid, b * block, least(block, job->grid.tiles - b * block), block};
      load_both(job, &c, u, d, b, c.first, c.first + c.count);
      multiply_positions(job, &c, u, d, job->sums + part * step, b > from, 0, job->grid.positions * panels);
    }
  }
  saker_barrier(of);
  finish_all(job, id, of);
}

static void gradient_stages(struct gradient_job *job, int id, int of) {
  shape s = job->shape;
  int block = job->plan.block, panels = panels_of(s.out), runs = (s.in + RUN - 1) / RUN, units = panels * runs;
  float *u = job->tiles, *d = u + job->grid.positions * layout_of(s.in, job->plan.chunk, 0).position;
  for (int start = 0; start < job->grid.tiles; start += job->plan.chunk) {
    struct chunk c = {&job->grid, start, least(job->plan.chunk, job->grid.tiles - start), job->plan.chunk};
    int blocks = (c.count + block - 1) / block;
    for (int b = blocks * id / of; b < blocks * (id + 1) / of; b++)
      load_both(job, &c, u, d, start / block + b, start + b * block, start + least(c.count, (b + 1) * block));
    saker_barrier(of);
    if (job->plan.local) {
      // Sums that are finished at once need no place of their own: the thread's first unit's.
      int place = units * id / of;
      float *sums = job->sums + sums_at(s, job->grid.positions, place / runs, place % runs * RUN);
      for (int unit = place; unit < units * (id + 1) / of; unit++) {
        int panel = unit / runs, first = unit % runs * RUN;
        multiply_transposed(s, &c, u, d, sums, panel, first, least(RUN, s.in - first), 0, 0, job->grid.positions);
        finish(job, sums, 0, panel, first);
      }
      return;
    }
    int pairs = job->grid.positions * panels;
    multiply_positions(job, &c, u, d, job->sums, start > 0, pairs * id / of, pairs * (id + 1) / of);
    saker_barrier(of);
  }
  finish_all(job, id, of);
}

static void gradient_worker(void *argument, int id, int of) {
  struct gradient_job *job = argument;
  shape s = job->shape;
  if (job->plan.parts) gradient_parts(job, id, of);
  else gradient_stages(job, id, of);
  if (!job->db) return;
  int blocks = gradient_blocks(s);
  for (int k = s.out * id / of; k < s.out * (id + 1) / of; k++) {
    double sum = 0;
    for (int b = 0; b < blocks; b++) sum += job->bias[(size_t)b * s.out + k];
    job->db[k] = (float)sum;
  }
}

static void gradient(shape s, source x, source dy, float *dw, float *db, float *workspace, int threads) {
  struct gradient_plan plan = gradient_plan_of(s);
  struct grid g = grid_of(s);
  size_t sums = packed_size(s) * most(1, plan.parts), tiles = gradient_tiles(s, plan, threads);
  struct gradient_job job = {s, g, plan, {x, s.height, s.width, s.in, s.in_stride}, {dy, s.rows, s.columns, s.out, s.out_stride}, dw, db,
                             workspace, workspace + sums, workspace + sums + tiles, 0};
  saker_parallel(gradient_worker, &job, threads);
}

const struct form FORM = {NAME, packed_size, workspace, gradient_workspace, block_of, pack, convolve, gradient};
