#pragma once

/// Compiled for several instruction sets; the loader picks the processor's best. Elsewhere: once, for the baseline.
#if defined(__x86_64__) && defined(__linux__)
#define SAKER_TARGETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SAKER_TARGETS
#endif
