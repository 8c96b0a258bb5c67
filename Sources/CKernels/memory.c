#define _GNU_SOURCE
#include "memory.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

void *saker_allocate(size_t bytes) {
  const size_t huge = (size_t)2 << 20;
  void *block = NULL;
  if (posix_memalign(&block, bytes >= 2 * huge ? huge : 64, bytes)) return NULL;
#ifdef __linux__
  if (bytes >= 2 * huge) madvise(block, bytes, MADV_HUGEPAGE);
#endif
  return block;
}

void saker_free(void *block) { free(block); }
