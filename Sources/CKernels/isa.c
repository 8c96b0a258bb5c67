#include "isa.h"

#include <stdlib.h>
#include <string.h>

static enum isa choose(void) {
#if defined(__x86_64__)
  const char *wanted = getenv("SAKER_ISA");
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
  if (wanted && !strcmp(wanted, "portable")) return PORTABLE;
  if (avx512 && !(wanted && !strcmp(wanted, "avx2"))) return AVX512;
  if (avx2) return AVX2;
#endif
  return PORTABLE;
}

enum isa saker_isa(void) {
  static int chosen;  // 1 more than the form
  int found = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (!found) __atomic_store_n(&chosen, found = choose() + 1, __ATOMIC_RELAXED);
  return found - 1;
}
