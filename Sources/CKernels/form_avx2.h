// The form for processors with AVX2 and FMA: to be included first, and "#pragma clang attribute
// pop" to follow the kernels.
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

static const int mask_ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

#define NAME "avx2"
#define LANES 8
#define ROWS 6
#define PART(n) _mm256_loadu_si256((const __m256i *)(mask_ones + 8 - (n)))
#define LOAD_PART(p, n) ((vec)_mm256_maskload_ps(p, PART(n)))
#define STORE_PART(p, n, v) _mm256_maskstore_ps(p, PART(n), (__m256)(v))
#include "form.h"
