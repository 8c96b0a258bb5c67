#include "isa.h"

#include "include/instructions.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

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

/// Linux hands the tiles' state out on request.
static int has_tiles(void) {
#if defined(__x86_64__) && defined(__linux__)
  const char *wanted = getenv("SAKER_ISA");
  const int request_permission = 0x1023, tile_data = 18;
  return saker_isa() == AVX512 && !(wanted && !strcmp(wanted, "avx512")) && __builtin_cpu_supports("amx-bf16") &&
         !syscall(SYS_arch_prctl, request_permission, tile_data);
#else
  return 0;
#endif
}

int saker_amx(void) {
  static int chosen;  // 1 more than the answer
  int found = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (!found) __atomic_store_n(&chosen, found = has_tiles() + 1, __ATOMIC_RELAXED);
  return found - 1;
}
