// The machine's limits: multiply-adds a second, and bytes a second from each level of memory. A kernel that reaches neither has something left.
// usage: roofline [THREADS]     (default: the processors this process may use)
//
// Peak: chains of float32 multiply-adds in registers, as many as fit: enough to hide their latency. Bandwidth: read (sum), write, copy and triad (a = b + s c) over
// 24 KiB, 1 MiB, 64 MiB and 1 GiB a thread; bytes read and bytes written count, the read that a store to a new line causes does not (as STREAM counts).
// Each figure is the best of several rounds, all threads together, from a common start to the last one's end.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 7, MOST_THREADS = 256 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

// MARK: kernels, once for each width

enum kernel { FMA, READ, WRITE, COPY, TRIAD, STREAMED, KERNELS };
static const char *const names[KERNELS] = {"fma", "read", "write", "copy", "triad", "write past caches"};
// Arrays that a kernel walks, so bytes an element is 4 times that.
static const int arrays[KERNELS] = {0, 1, 1, 2, 3, 1};

struct work {
  enum kernel kernel;
  float *a, *b, *c;
  size_t floats;  // of each array
  long times;
};

// Without the empty assembly the compiler would drop all but the last of many equal passes.
#define KERNELS_OF(suffix, LANES, CHAINS, TARGET)                                                                 \
  TARGET static float run_##suffix(const struct work *w) {                                                \
    typedef float vec __attribute__((vector_size(4 * LANES)));                                            \
    if (w->kernel == FMA) {                                                                               \
      vec s[CHAINS], x = (vec){0} + w->a[0], y = (vec){0} + w->a[1];                                          \
      for (int i = 0; i < CHAINS; i++) s[i] = (vec){0} + (float)i;                                                 \
      for (long t = 0; t < w->times; t++) {                                                               \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++) s[i] = s[i] * x + y;              \
      }                                                                                                   \
      for (int i = 1; i < CHAINS; i++) s[0] += s[i];                                                          \
      return s[0][0];                                                                                     \
    }                                                                                                     \
    size_t n = w->floats / LANES;                                                                         \
    vec *a = (vec *)w->a, *b = (vec *)w->b, *c = (vec *)w->c, s[8] = {{0}}, x = (vec){0} + 3;             \
    for (long t = 0; t < w->times; t++) {                                                                 \
      switch (w->kernel) {                                                                                \
        case READ:                                                                                        \
          for (size_t i = 0; i < n; i += 8)                                                               \
            _Pragma("clang loop unroll(full)") for (int j = 0; j < 8; j++) s[j] += a[i + j];              \
          break;                                                                                          \
        case WRITE: for (size_t i = 0; i < n; i++) a[i] = x; break;                                       \
        case COPY: for (size_t i = 0; i < n; i++) a[i] = b[i]; break;                                     \
        case TRIAD: for (size_t i = 0; i < n; i++) a[i] = b[i] + x * c[i]; break;                         \
        default: for (size_t i = 0; i < n; i++) __builtin_nontemporal_store(x, a + i); break;             \
      }                                                                                                   \
      __asm__ volatile("" ::: "memory");                                                                  \
    }                                                                                                     \
    for (int j = 1; j < 8; j++) s[0] += s[j];                                                             \
    return s[0][0];                                                                                       \
  }

#if defined(__x86_64__)
KERNELS_OF(avx512, 16, 24, __attribute__((target("avx512f,avx512vl,fma"), noinline)))
KERNELS_OF(avx2, 8, 12, __attribute__((target("avx2,fma"), noinline)))
#endif
KERNELS_OF(portable, 4, 10, __attribute__((noinline)))

struct form {
  const char *name;
  int lanes, chains;
  float (*run)(const struct work *);
};

static int forms(struct form *found) {
  int count = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) found[count++] = (struct form){"AVX-512", 16, 24, run_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found[count++] = (struct form){"AVX2", 8, 12, run_avx2};
#endif
  found[count++] = (struct form){"portable", 4, 10, run_portable};
  return count;
}

// MARK: threads

static volatile float sink;

/// What the threads of one measurement share.
struct team {
  const struct form *form;
  enum kernel kernel;
  size_t floats;
  int threads;
  pthread_barrier_t barrier;
  long times;    // passes of the next round
  int round;     // rounds that count, so far
  double best;   // passes a second
  double starts[MOST_THREADS], ends[MOST_THREADS];
};

struct member {
  struct team *team;
  int id, processor;
};

/// After a round: how many passes the next one takes, until one lasts a tenth of a second; then the best of the rounds.
static void judge(struct team *team) {
  double start = team->starts[0], end = team->ends[0];
  for (int i = 1; i < team->threads; i++) {
    if (team->starts[i] < start) start = team->starts[i];
    if (team->ends[i] > end) end = team->ends[i];
  }
  double took = end - start;
  if (team->round < 0) {
    if (took > 0.02) team->round = 0;
    team->times = took > 0.02 ? (long)(team->times * 0.1 / took) + 1 : team->times * 4;
    return;
  }
  team->round++;
  if (team->times / took > team->best) team->best = team->times / took;
}

static void *take_part(void *argument) {
  struct member *me = argument;
  struct team *team = me->team;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(me->processor, &set);
  sched_setaffinity(0, sizeof set, &set);

  // Touched by the thread that uses them, and a little apart: stores and loads at equal distances from their pages' starts would wait for each other.
  struct work work = {.kernel = team->kernel, .floats = team->floats};
  float **array[3] = {&work.a, &work.b, &work.c};
  void *memory[3] = {0};
  for (int i = 0; i < 3 && (i == 0 || i < arrays[team->kernel]); i++) {
    size_t bytes = team->floats * sizeof(float) + 4096;
    memory[i] = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (!memory[i]) {
      fprintf(stderr, "roofline: no memory for %zu bytes\n", bytes);
      exit(1);
    }
    *array[i] = (float *)memory[i] + i * 320;
    for (size_t j = 0; j < team->floats; j++) (*array[i])[j] = 0.5f;
  }
  while (team->round < ROUNDS) {
    work.times = team->times;
    pthread_barrier_wait(&team->barrier);
    team->starts[me->id] = now();
    sink = team->form->run(&work);
    team->ends[me->id] = now();
    pthread_barrier_wait(&team->barrier);
    if (me->id == 0) judge(team);
    pthread_barrier_wait(&team->barrier);
  }
  for (int i = 0; i < 3; i++) free(memory[i]);
  return 0;
}

/// Passes a second of each thread while all of them run.
static double rate(const struct form *form, int threads, const int *processors, enum kernel kernel, size_t floats) {
  static struct team team;
  static struct member members[MOST_THREADS];
  pthread_t handles[MOST_THREADS];
  team = (struct team){.form = form, .kernel = kernel, .floats = floats, .threads = threads, .times = 1, .round = -1};
  pthread_barrier_init(&team.barrier, 0, (unsigned)threads);
  for (int i = 0; i < threads; i++) {
    members[i] = (struct member){&team, i, processors[i]};
    if (pthread_create(&handles[i], 0, take_part, &members[i])) {
      fprintf(stderr, "roofline: cannot start thread %d\n", i);
      exit(1);
    }
  }
  for (int i = 0; i < threads; i++) pthread_join(handles[i], 0);
  pthread_barrier_destroy(&team.barrier);
  return team.best;
}

int main(int count, char **arguments) {
  int processors[MOST_THREADS], found = 0;
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  for (int i = 0; i < CPU_SETSIZE && found < MOST_THREADS; i++)
    if (CPU_ISSET(i, &set)) processors[found++] = i;
  int most = found;
  if (count > 1) {
    char *end;
    long wanted = strtol(arguments[1], &end, 10);
    if (*end || wanted < 1 || wanted > found) {
      fprintf(stderr, "roofline: expected a number of threads from 1 to %d, got '%s'\n", found, arguments[1]);
      return 2;
    }
    most = (int)wanted;
  }
  struct form all[3];
  int number = forms(all);

  printf("Multiply-adds in float32, GFLOP/s\n\n| threads |");
  for (int f = 0; f < number; f++) printf(" %s |", all[f].name);
  printf("\n|---|");
  for (int f = 0; f < number; f++) printf("---|");
  printf("\n");
  for (int threads = 1;; threads = most) {
    printf("| %d |", threads);
    for (int f = 0; f < number; f++) {
      printf(" %.0f |", rate(&all[f], threads, processors, FMA, 64) * 2 * all[f].chains * all[f].lanes * threads * 1e-9);
      fflush(stdout);
    }
    printf("\n");
    if (threads == most) break;
  }

  static const struct {
    const char *name;
    size_t bytes;
  } sizes[] = {{"24 KiB", 24 << 10}, {"1 MiB", 1 << 20}, {"64 MiB", 64 << 20}, {"1 GiB", 1 << 30}};
  printf("\nBytes read and written, GB/s, %s; all of a kernel's arrays together have the size, in each thread\n\n| size | threads |", all[0].name);
  for (int k = READ; k < KERNELS; k++) printf(" %s |", names[k]);
  printf("\n|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int threads = 1;; threads = most) {
      printf("| %s | %d |", sizes[i].name, threads);
      for (int k = READ; k < KERNELS; k++) {
        size_t floats = sizes[i].bytes / sizeof(float) / arrays[k] / 128 * 128;
        printf(" %.0f |", rate(&all[0], threads, processors, k, floats) * floats * sizeof(float) * arrays[k] * threads * 1e-9);
        fflush(stdout);
      }
      printf("\n");
      if (threads == most) break;
    }
  return 0;
}
