// What the kernels of one form share. A form defines NAME, LANES (channels in a vector), ROWS (rows
// of a product's register block, two vectors wide) and, if it has them, LOAD_PART and STORE_PART.
#include <string.h>

#include "common.h"
#include "include/parallel.h"
#include "vectors.h"
// After the vectors that they compute with.
#include "epilogues.h"
#include "products.h"
#include "readers.h"
