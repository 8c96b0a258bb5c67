#include "winograd_shape.h"

#if defined(__x86_64__)
#define FORM saker_winograd_avx512
#include "form_avx512.h"
#include "winograd_kernels.h"
#pragma clang attribute pop
#endif
