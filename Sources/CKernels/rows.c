#include "rows.h"

#include "targets.h"

#define ROW_EXTREME(name, relation)                                                              \
  SAKER_TARGETS float saker_row_##name##_f32(const float *a, ptrdiff_t n) {                      \
    float lanes[16], best = a[0];                                                                \
    int nan = 0;                                                                                 \
    for (int lane = 0; lane < 16; lane++) lanes[lane] = a[0];                                    \
    ptrdiff_t i = 0;                                                                             \
    for (; i + 16 <= n; i += 16)                                                                 \
      for (int lane = 0; lane < 16; lane++) {                                                    \
        float x = a[i + lane];                                                                   \
        nan |= x != x;                                                                           \
        lanes[lane] = x relation lanes[lane] ? x : lanes[lane];                                  \
      }                                                                                          \
    for (; i < n; i++) {                                                                         \
      nan |= a[i] != a[i];                                                                       \
      lanes[0] = a[i] relation lanes[0] ? a[i] : lanes[0];                                       \
    }                                                                                            \
    for (int lane = 0; lane < 16; lane++) best = lanes[lane] relation best ? lanes[lane] : best; \
    return nan ? __builtin_nanf("") : best;                                                      \
  }

ROW_EXTREME(max, >)
ROW_EXTREME(min, <)
