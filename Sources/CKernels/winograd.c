#include "isa.h"
#include "winograd_shape.h"

static const struct form *form(void) {
  switch (saker_isa()) {
#if defined(__x86_64__)
    case AVX512: return &saker_winograd_avx512;
    case AVX2: return &saker_winograd_avx2;
#endif
    default: return &saker_winograd_portable;
  }
}

const char *saker_winograd_form(void) { return form()->name; }
size_t saker_winograd_packed(shape s) { return form()->packed(s); }
size_t saker_winograd_workspace(shape s, int threads) { return form()->workspace(s, threads); }
size_t saker_winograd_gradient_workspace(shape s, int threads) { return form()->gradient_workspace(s, threads); }

int saker_winograd_blocks(shape s, int *counts) {
  struct grid g = grid_of(s);
  int block = form()->block(s), blocks = (g.tiles + block - 1) / block;
  for (int b = 0; counts && b < blocks; b++) {
    counts[b] = 0;
    for (int tile = b * block; tile < least(g.tiles, (b + 1) * block); tile++) {
      struct place at = place_of(&g, tile);
      counts[b] += at.height * at.width;
    }
  }
  return blocks;
}

void saker_winograd_pack(shape s, const float *weights, int turned, float *packed, int threads) {
  form()->pack(s, weights, turned, packed, threads);
}

void saker_winograd_convolve(shape s, source x, const float *packed, epilogue e, float *y, float *workspace, int threads) {
  form()->convolve(s, x, packed, e, y, workspace, threads);
}

void saker_winograd_gradient(shape s, source x, source dy, float *dw, float *db, float *workspace, int threads) {
  form()->gradient(s, x, dy, dw, db, workspace, threads);
}
