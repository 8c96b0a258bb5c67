#pragma once

/// Which form of the kernels runs; matrix units stand beside AVX512 (`saker_amx`).
enum isa { PORTABLE, AVX2, AVX512 };
enum isa saker_isa(void);
