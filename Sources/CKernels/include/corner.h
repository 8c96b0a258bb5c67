#pragma once
#include <stddef.h>

/// One step back of a running maximum's gradient: `total` has what arrives at a row of results `y`,
/// `before` gets, on top of its own gradient, what goes on to the row before, `earlier` in the
/// scan. It stays where `y` is a new maximum.
void saker_running_max_back(const float *y, const float *earlier, const float *gradient, float *total, float *before, ptrdiff_t n);
