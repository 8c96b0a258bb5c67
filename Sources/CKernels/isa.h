#pragma once

/// Which form of the kernels runs: the best that the processor runs and the environment variable SAKER_ISA allows.
enum isa { PORTABLE, AVX2, AVX512 };
enum isa saker_isa(void);

