#pragma once
#include <stdint.h>

// What every operation asks for each time it runs; C's thread-local and atomic variables
// answer in a nanosecond.

extern _Thread_local int saker_not_recording;  // depth of scopes without a tape
extern _Thread_local int saker_depth;          // depth of operations inside operations

extern _Thread_local int saker_in_kernel;      // whether a kernel's time is being taken

/// 1 for the outermost kernel, which then has to leave.
static inline int saker_enter_kernel(void) { return saker_in_kernel ? 0 : (saker_in_kernel = 1); }
static inline void saker_leave_kernel(void) { saker_in_kernel = 0; }

static inline int saker_get_not_recording(void) { return saker_not_recording; }
static inline void saker_add_not_recording(int n) { saker_not_recording += n; }
static inline int saker_get_depth(void) { return saker_depth; }
/// Different for each living thread.
static inline int64_t saker_thread(void) { return (int64_t)(intptr_t)&saker_depth; }
static inline void saker_add_depth(int n) { saker_depth += n; }

/// A number that is larger than every one given before, on any thread.
int64_t saker_next_id(void);

/// How many observers watch, and nanoseconds spent in kernels while any does.
int saker_observers(void);
void saker_add_observers(int n);
int64_t saker_kernel_time(void);
void saker_add_kernel_time(int64_t nanoseconds);
int64_t saker_now(void);

/// How many captures run, on any thread.
extern int saker_captures;
static inline int saker_capturing(void) { return __atomic_load_n(&saker_captures, __ATOMIC_RELAXED); }
void saker_add_captures(int n);
