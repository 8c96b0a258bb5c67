#include "pointwise_shape.h"

#define FORM saker_pointwise_portable
#include "form_portable.h"
#include "pointwise_kernels.h"
