#include "include/instructions.h"
#include "isa.h"
#include "pointwise_shape.h"

int saker_pointwise_is_tiled(shape s) { return s.in >= 32 && s.out >= 32 && s.pixels >= 600 && saker_amx(); }

static const struct pointwise_form *form(shape s) {
#if defined(__x86_64__)
  if (saker_pointwise_is_tiled(s)) return &saker_pointwise_amx;
#endif
  switch (saker_isa()) {
#if defined(__x86_64__)
    case AVX512: return &saker_pointwise_avx512;
    case AVX2: return &saker_pointwise_avx2;
#endif
    default: return &saker_pointwise_portable;
  }
}

size_t saker_pointwise_packed(shape s) { return form(s)->packed(s); }
size_t saker_pointwise_workspace(shape s, int threads) { return form(s)->workspace(s, threads); }
size_t saker_pointwise_gradient_workspace(shape s, int threads) { return form(s)->gradient_workspace(s, threads); }
int saker_pointwise_block(shape s) { return form(s)->block(s); }

void saker_pointwise_pack(shape s, const float *weights, int turned, float *packed, int threads) {
  form(s)->pack(s, weights, turned, packed, threads);
}

void saker_pointwise_convolve(shape s, source x, const float *packed, epilogue e, float *y, float *workspace, int threads) {
  form(s)->convolve(s, x, packed, e, y, workspace, threads);
}

void saker_pointwise_gradient(shape s, source x, source dy, float *dw, float *db, float *workspace, int threads) {
  form(s)->gradient(s, x, dy, dw, db, workspace, threads);
}
