#include "winograd_shape.h"

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)

#define FORM saker_winograd_avx512
#define NAME "avx512"
#define LANES 16
#define ROWS 12
#define LOAD_PART(p, n) ((vec)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p))
#define STORE_PART(p, n, v) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
#include "winograd_kernels.h"

#pragma clang attribute pop
#endif
