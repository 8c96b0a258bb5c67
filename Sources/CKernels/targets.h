#pragma once

#ifndef __has_feature
#define __has_feature(name) 0
#endif

/// Compiled for several instruction sets; the loader picks the processor's best. Elsewhere: once,
/// for the baseline. The thread sanitizer would watch the choosing function too, which runs before
/// the sanitizer is ready.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer)
#define SAKER_TARGETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SAKER_TARGETS
#endif
