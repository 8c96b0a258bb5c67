#pragma once

/// Which form of the kernels runs: the best that the processor runs and the environment variable SAKER_ISA allows.
enum isa { PORTABLE, AVX2, AVX512 };
enum isa saker_isa(void);

/// Whether the processor multiplies matrices of bfloat16 (AMX), the system lets this process do so, and SAKER_ISA allows AVX-512 and more.
int saker_amx(void);
