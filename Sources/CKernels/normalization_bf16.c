#include "bf16.h"
#include "columns.h"
#include "normalization.h"
#include "targets.h"

typedef uint16_t element;
#define NAME(function) function##_bf16
#define get load_bf16
#define put store_bf16
#define value_of bf16_value

#include "normalization_passes.h"

void saker_gradient_apply_bf16(const uint16_t *dz, const uint16_t *x, const normalization_gradient *by, uint16_t *dx, ptrdiff_t pixels, int channels) {
  gradient_apply(dz, x, by, dx, pixels, channels);
}
