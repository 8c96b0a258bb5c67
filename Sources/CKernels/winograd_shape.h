#pragma once
#include "common.h"
#include "include/winograd.h"

typedef struct saker_winograd shape;

/// The interpolation points, by position: 0, 1, -1, 2, -2, infinity. A tile of m results
/// uses m + 2 of them.
static const unsigned char point_sets[5] = {0, 0x23, 0x27, 0x2f, 0x3f};
static const unsigned char point_lists[5][6] = {{0}, {0, 1, 5}, {0, 1, 2, 5}, {0, 1, 2, 3, 5}, {0, 1, 2, 3, 4, 5}};

/// How one side is cut: `full` tiles of `size`, then one of `rest` unless that is 0.
struct cut {
  int size, full, rest, tiles;
  unsigned points;  // the positions that some tile uses
  unsigned common;  // those that all tiles use
};

static inline struct cut cut_side(int n, int size) {
  struct cut c = {.size = size, .full = n / size, .rest = n % size};
  c.tiles = c.full + (c.rest > 0);
  c.points = c.full ? point_sets[size] : point_sets[c.rest];
  c.common = c.rest ? point_sets[c.rest] : c.points;
  return c;
}

static inline int points_of(unsigned set) { return __builtin_popcount(set); }

/// The rank of position `p` in a set.
static inline int rank_of(unsigned set, int p) { return __builtin_popcount(set & ((1u << p) - 1)); }

/// One pair of points: which, and the kind of tiles that use it (see `tiles_before`).
struct position {
  int p, q, kind;
};

/// A picture's tiles. Products run by position over the tiles that use it, which lie together: a
/// position that only full tiles use skips the rest.
struct grid {
  struct cut rows, columns;
  int tiles;      // of all pictures
  int positions;  // pairs of points
  struct position at[36];
};

static inline struct grid grid_of(shape s) {
  struct grid g = {.rows = cut_side(s.rows, s.tile), .columns = cut_side(s.columns, s.tile)};
  g.tiles = s.pictures * g.rows.tiles * g.columns.tiles;
  for (int p = 0; p < 6; p++)
    for (int q = 0; q < 6; q++)
      if (g.rows.points >> p & 1 && g.columns.points >> q & 1)
        g.at[g.positions++] = (struct position){p, q, (g.rows.common >> p & 1 ? 0 : 1) | (g.columns.common >> q & 1 ? 0 : 2)};
  return g;
}

/// Where a tile is, and how large.
struct place {
  int picture, y, x, height, width;
};

static inline struct place place_of(const struct grid *g, int tile) {
  int per = g->rows.tiles * g->columns.tiles, rest = tile % per, row = rest / g->columns.tiles, column = rest % g->columns.tiles;
  return (struct place){tile / per, row * g->rows.size, column * g->columns.size, row < g->rows.full ? g->rows.size : g->rows.rest,
                        column < g->columns.full ? g->columns.size : g->columns.rest};
}

/// Tiles before `tile` that are full in height (if 1 is in `kind`) and in width (if 2 is).
static inline int tiles_before(const struct grid *g, int tile, int kind) {
  int per = g->rows.tiles * g->columns.tiles, picture = tile / per, rest = tile % per;
  int row = rest / g->columns.tiles, column = rest % g->columns.tiles;
  int wide = kind & 2 ? g->columns.full : g->columns.tiles;
  int in_row = kind & 2 ? least(column, g->columns.full) : column;
  if (!(kind & 1)) return picture * g->rows.tiles * wide + row * wide + in_row;
  return picture * g->rows.full * wide + (row < g->rows.full ? row * wide + in_row : g->rows.full * wide);
}

/// One instruction set's kernels.
struct form {
  const char *name;
  size_t (*packed)(shape);
  size_t (*workspace)(shape, int threads);
  size_t (*gradient_workspace)(shape, int threads);
  int (*block)(shape);
  void (*pack)(shape, const float *, int, float *, int);
  void (*convolve)(shape, source, const float *, epilogue, float *, float *, int);
  void (*gradient)(shape, source, source, float *, float *, float *, int);
};

extern const struct form saker_winograd_avx512, saker_winograd_avx2, saker_winograd_portable;
