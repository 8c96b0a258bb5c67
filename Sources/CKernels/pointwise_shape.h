#pragma once
#include "common.h"
#include "include/pointwise.h"

typedef struct saker_pointwise shape;

/// One instruction set's kernels.
struct pointwise_form {
  size_t (*packed)(shape);
  size_t (*workspace)(shape, int threads);
  size_t (*gradient_workspace)(shape, int threads);
  int (*block)(shape);
  void (*pack)(shape, const float *, int, float *, int);
  void (*convolve)(shape, source, const float *, epilogue, float *, float *, int);
  void (*gradient)(shape, source, source, float *, float *, float *, int);
};

extern const struct pointwise_form saker_pointwise_amx, saker_pointwise_avx512, saker_pointwise_avx2, saker_pointwise_portable;
