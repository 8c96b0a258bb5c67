// Products in float32 on matrix units that multiply bfloat16 (Henry, Tang & Heinecke,
// arXiv:1904.06376). A number of 24 significant bits is the exact sum of three of 8 bits:
// x = x1 + x2 + x3. Of the nine products of two such numbers the six largest are taken; the other
// three are below 2^-25 of the whole, less than float32 rounds away. Sums are float32's, of 32
// products at a time, which rounds less often than adding one by one.
//
// Infinities come out as not-a-number (their second part is infinity - infinity), and so do numbers
// within 2^-8 of the largest; parts below 1.2e-38 count as 0.

/// Tiles are 16 rows of 64 bytes. A left tile is 16 rows by 32 numbers of a sum; a right one 32
/// numbers of a sum, in pairs, by 16 columns.
#define TILE 1024
/// Numbers of a sum in a tile.
#define DEEP 32
/// Bytes of the three parts of a pair of tiles: 32 rows, or 32 columns. All that a pair's sums need
/// lies together: `[block of a sum][part][2 tiles]`.
#define PAIR (6 * TILE)

typedef unsigned words __attribute__((vector_size(64)));

/// The parts, each in the upper half of its words.
INLINE void split(vec x, words *parts) {
  words bits = ((words)x + 0x8000) & 0xffff0000;
  parts[0] = bits;
  x -= (vec)bits;
  bits = ((words)x + 0x8000) & 0xffff0000;
  parts[1] = bits;
  parts[2] = (words)(x - (vec)bits);
}

/// Stores a block's 32 numbers of row `row` of a pair's left tiles.
INLINE void store_left(char *block, int row, vec x, vec next) {
  // The upper halves of all words, one after the other.
  const __m512i halves = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7,
                                          5, 3, 1);
  words low[3], high[3];
  split(x, low);
  split(next, high);
  for (int part = 0; part < 3; part++)
    *(__m512i *)(block + row * 64 + part * 2 * TILE) = _mm512_permutex2var_epi16((__m512i)low[part], halves, (__m512i)high[part]);
}

/// Stores numbers `pair * 2` and the next of a block, of 16 columns: the first or (`half`) second
/// 16 of a pair's right tiles.
INLINE void store_right(char *block, int pair, int half, vec x, vec next) {
  words low[3], high[3];
  split(x, low);
  split(next, high);
  char *to = block + half * TILE + pair * 64;
  for (int part = 0; part < 3; part++) *(words *)(to + part * 2 * TILE) = low[part] >> 16 | (high[part] & 0xffff0000);
}

struct tile_configuration {
  unsigned char palette, start, zero[14];
  unsigned short bytes[16];
  unsigned char rows[16];
};

/// To be called by each thread before the others, and `_tile_release()` after them.
static void configure_tiles(void) {
  struct tile_configuration c = {.palette = 1};
  for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = 16;
  _tile_loadconfig(&c);
}

// Sums are tiles 0 to 3, rows by rows; left tiles 4 and 5, right tiles 6 and 7.
#define LEFT(part)                                    \
  do {                                                \
    _tile_loadd(4, a + (part) * 2 * TILE, 64);        \
    if (two) _tile_loadd(5, a + ((part) * 2 + 1) * TILE, 64); \
  } while (0)
#define RIGHT(part)                            \
  do {                                         \
    _tile_loadd(6, b + (part) * 2 * TILE, 64); \
    _tile_loadd(7, b + ((part) * 2 + 1) * TILE, 64); \
  } while (0)
#define MULTIPLY()          \
  do {                      \
    _tile_dpbf16ps(0, 4, 6); \
    _tile_dpbf16ps(1, 4, 7); \
    if (two) {              \
      _tile_dpbf16ps(2, 5, 6); \
      _tile_dpbf16ps(3, 5, 7); \
    }                       \
  } while (0)

/// Adds the product of 32 (or, unless `two`, 16) rows and 32 columns to the sums, over `blocks`
/// blocks of DEEP. Each part of the right tiles is loaded once.
INLINE void tile_product(const int two, const char *a, const char *b, int blocks) {
  for (int block = 0; block < blocks; block++, a += PAIR, b += PAIR) {
    RIGHT(0);
    LEFT(2);
    MULTIPLY();
    LEFT(1);
    MULTIPLY();
    LEFT(0);
    MULTIPLY();
    RIGHT(1);
    MULTIPLY();
    LEFT(1);
    MULTIPLY();
    RIGHT(2);
    LEFT(0);
    MULTIPLY();
  }
}

INLINE void zero_sums(void) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

/// Reads or writes sums whose rows lie `row` floats apart, and whose columns from 16 on `across`
/// floats from the first.
INLINE void load_sums(const float *from, size_t row, size_t across) {
  _tile_loadd(0, from, row * 4);
  _tile_loadd(1, from + across, row * 4);
  _tile_loadd(2, from + 16 * row, row * 4);
  _tile_loadd(3, from + 16 * row + across, row * 4);
}
INLINE void store_sums(const int two, float *to, size_t row, size_t across) {
  _tile_stored(0, to, row * 4);
  _tile_stored(1, to + across, row * 4);
  if (!two) return;
  _tile_stored(2, to + 16 * row, row * 4);
  _tile_stored(3, to + 16 * row + across, row * 4);
}
