#pragma once
#include <stddef.h>

/// Memory aligned to 64 bytes, large blocks to 2 MiB with huge pages asked for; null when there is none. Freed by `saker_free`.
void *saker_allocate(size_t bytes);
void saker_free(void *block);
