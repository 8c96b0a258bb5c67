#include "isa.h"

#include "include/instructions.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const char *const names[] = {"portable", "avx2", "avx512", "amx"};

const char *saker_instructions_name(int set) { return set >= SAKER_PORTABLE && set <= SAKER_AMX ? names[set] : 0; }

#if defined(__x86_64__)
/// Linux hands the tiles' state out on request.
static int has_tiles(void) {
#if defined(__linux__)
  const int request_permission = 0x1023, tile_data = 18;
  return __builtin_cpu_supports("amx-bf16") && !syscall(SYS_arch_prctl, request_permission, tile_data);
#else
  return 0;
#endif
}
#endif

static enum saker_instructions find(void) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return SAKER_PORTABLE;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl"))
    return SAKER_AVX2;
  return has_tiles() ? SAKER_AMX : SAKER_AVX512;
#else
  return SAKER_PORTABLE;
#endif
}

static enum saker_instructions choose(void) {
  const char *wanted = getenv("SAKER_ISA");
  enum saker_instructions most = saker_instructions_available();
  for (int set = SAKER_PORTABLE; wanted && set < (int)most; set++)
    if (!strcmp(wanted, names[set])) return set;
  return most;
}

/// What `find` finds, once. `known` is 1 more than that.
static enum saker_instructions once(int *known, enum saker_instructions (*find)(void)) {
  int found = __atomic_load_n(known, __ATOMIC_RELAXED);
  if (!found) __atomic_store_n(known, found = find() + 1, __ATOMIC_RELAXED);
  return found - 1;
}

enum saker_instructions saker_instructions_available(void) {
  static int known;
  return once(&known, find);
}

enum saker_instructions saker_instructions_chosen(void) {
  static int known;
  return once(&known, choose);
}

enum isa saker_isa(void) {
  enum saker_instructions chosen = saker_instructions_chosen();
  return chosen == SAKER_PORTABLE ? PORTABLE : chosen == SAKER_AVX2 ? AVX2 : AVX512;
}

int saker_amx(void) { return saker_instructions_chosen() == SAKER_AMX; }
