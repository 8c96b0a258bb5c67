#include "state.h"

#include <stdatomic.h>
#include <time.h>

_Thread_local int saker_not_recording;
_Thread_local int saker_depth;
_Thread_local int saker_in_kernel;

static _Atomic int64_t next_id = 1;
static _Atomic int observers;
static _Atomic int64_t kernel_time;

int64_t saker_next_id(void) { return atomic_fetch_add_explicit(&next_id, 1, memory_order_relaxed); }

int saker_captures;
void saker_add_captures(int n) { __atomic_fetch_add(&saker_captures, n, __ATOMIC_RELAXED); }

int saker_observers(void) { return atomic_load_explicit(&observers, memory_order_relaxed); }
void saker_add_observers(int n) { atomic_fetch_add(&observers, n); }

int64_t saker_kernel_time(void) { return atomic_load_explicit(&kernel_time, memory_order_relaxed); }
void saker_add_kernel_time(int64_t nanoseconds) { atomic_fetch_add_explicit(&kernel_time, nanoseconds, memory_order_relaxed); }

int64_t saker_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
