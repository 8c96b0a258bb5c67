// The form with vectors of 4, which every processor of today has; written without any one's own
// instructions. To be included first.
#define NAME "portable"
#define LANES 4
#if defined(__aarch64__)
#define ROWS 12
#else
#define ROWS 6
#endif
#include "form.h"
