#include "winograd_shape.h"

// Vectors of 4, which every processor of today has; written without any one's own instructions.
#define FORM saker_winograd_portable
#define NAME "portable"
#define LANES 4
#if defined(__aarch64__)
#define ROWS 12
#else
#define ROWS 6
#endif
#include "winograd_kernels.h"
