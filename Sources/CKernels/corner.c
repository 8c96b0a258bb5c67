#include "corner.h"

#include "targets.h"

SAKER_TARGETS void saker_running_max_back(const float *y, const float *earlier, const float *gradient, float *total, float *before, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    // What is not a number rises once, and stays.
    int rises = y[i] > earlier[i] || (y[i] != y[i] && earlier[i] == earlier[i]);
    float arrived = total[i];
    total[i] = rises ? arrived : 0;
    before[i] = gradient[i] + (rises ? 0 : arrived);
  }
}
