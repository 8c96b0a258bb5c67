#define _GNU_SOURCE
#include "memory.h"

#include <stdlib.h>
#include <sys/mman.h>

void *saker_allocate(size_t bytes) {
  void *block = NULL;
  return posix_memalign(&block, 64, bytes) ? NULL : block;
}

void saker_free(void *block) { free(block); }

void *saker_reserve(size_t bytes) {
#ifdef MAP_NORESERVE
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
#else
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#endif
  const size_t huge = (size_t)2 << 20;
  char *start = mmap(NULL, bytes + huge, PROT_NONE, flags, -1, 0);
  if (start == MAP_FAILED) return NULL;
  start = (char *)(((uintptr_t)start + huge - 1) / huge * huge);
#ifdef MADV_HUGEPAGE
  madvise(start, bytes, MADV_HUGEPAGE);
#endif
  return start;
}

int saker_commit(uintptr_t address, size_t bytes) { return mprotect((void *)address, bytes, PROT_READ | PROT_WRITE); }

void saker_decommit(uintptr_t address, size_t bytes) { madvise((void *)address, bytes, MADV_DONTNEED); }
