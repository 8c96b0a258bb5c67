#pragma once
#include <stddef.h>
#include <stdint.h>

/// Memory aligned to 64 bytes; null when there is none. Freed by `saker_free`.
void *saker_allocate(size_t bytes);
void saker_free(void *block);

/// Addresses without memory behind them; null if the system refuses.
void *saker_reserve(size_t bytes);
/// Puts memory behind reserved addresses, in huge pages where the system has them. 0 if it worked.
int saker_commit(uintptr_t address, size_t bytes);
/// Gives the memory back; the addresses may be used again and then hold zeros.
void saker_decommit(uintptr_t address, size_t bytes);
