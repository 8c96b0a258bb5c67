#include "parallel.h"

// libgomp's own entry points: declared here because the Swift toolchain's clang ships no omp.h.
void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned);
void GOMP_barrier(void);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_get_max_threads(void);
int omp_in_parallel(void);
void omp_set_num_threads(int);

struct region {
  void (*body)(void *, int, int);
  void *context;
};

static void enter(void *argument) {
  struct region *region = argument;
  region->body(region->context, omp_get_thread_num(), omp_get_num_threads());
}

void saker_parallel(void (*body)(void *, int, int), void *context, int threads) {
  if (threads <= 1 || omp_in_parallel()) {
    body(context, 0, 1);
    return;
  }
  struct region region = {body, context};
  GOMP_parallel(enter, &region, (unsigned)threads, 0);
}

void saker_barrier(int of) {
  if (of > 1) GOMP_barrier();
}

int saker_threads(void) { return omp_get_max_threads(); }
void saker_set_threads(int threads) { omp_set_num_threads(threads); }
