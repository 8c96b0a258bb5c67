// The form for processors with matrix units (AMX): to be included first, and "#pragma clang
// attribute pop" to follow the kernels. Vectors are those of AVX-512; products are of three
// bfloat16 parts of each number (see thirds.h).
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,amx-tile,amx-bf16"))), apply_to = function)

#define NAME "amx"
#define LANES 16
#define ROWS 12
#define LOAD_PART(p, n) ((vec)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), p))
#define STORE_PART(p, n, v) _mm512_mask_storeu_ps(p, (__mmask16)((1u << (n)) - 1), (__m512)(v))
#include "form.h"
#include "thirds.h"
