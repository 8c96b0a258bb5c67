#pragma once

/// Runs `body(context, id, of)` once on each of `of` compute threads, `of` at most `threads`, and
/// returns when all have. The threads are OpenMP's, the ones oneDNN computes on, so the two never
/// fight for the cores. Called inside a running region it runs on the caller alone.
void saker_parallel(void (*body)(void *context, int id, int of), void *context, int threads);

/// Waits, within such a run on `of` threads, until all have come here.
void saker_barrier(int of);

/// The number of compute threads, and a way to set it for the calling thread's future regions.
int saker_threads(void);
void saker_set_threads(int threads);
