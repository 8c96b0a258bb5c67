#pragma once

/// The instruction sets that kernels have forms for, the least first; each has what stands before
/// it. `SAKER_AMX` is AVX-512 with units that multiply matrices of bfloat16.
enum saker_instructions { SAKER_PORTABLE, SAKER_AVX2, SAKER_AVX512, SAKER_AMX };

/// The most that the processor has and the system lets this process use.
enum saker_instructions saker_instructions_available(void);

/// The set that runs: what the environment variable SAKER_ISA names, if the processor has it; else
/// the most that is available.
enum saker_instructions saker_instructions_chosen(void);

/// "portable", "avx2", "avx512" or "amx": what SAKER_ISA may be. Null for what is no set.
const char *saker_instructions_name(int set);

/// Whether the set that runs has matrix units.
int saker_amx(void);
