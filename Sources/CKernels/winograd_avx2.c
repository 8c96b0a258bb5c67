#include "winograd_shape.h"

#if defined(__x86_64__)
#define FORM saker_winograd_avx2
#include "form_avx2.h"
#include "winograd_kernels.h"
#pragma clang attribute pop
#endif
