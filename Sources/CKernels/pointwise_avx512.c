#include "pointwise_shape.h"

#if defined(__x86_64__)
#define FORM saker_pointwise_avx512
#include "form_avx512.h"
#include "pointwise_kernels.h"
#pragma clang attribute pop
#endif
