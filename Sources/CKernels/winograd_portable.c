#include "winograd_shape.h"

#define FORM saker_winograd_portable
#include "form_portable.h"
#include "winograd_kernels.h"
