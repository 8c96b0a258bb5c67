#pragma once
#include <stddef.h>

// Attention of one head: rows of queries against rows of keys and values, in blocks that stay in
// the cache. The matrix of weights is never stored.

struct saker_attention {
  /// Rows of queries, rows of keys and values, numbers of a query or key, numbers of a value.
  ptrdiff_t queries, keys, width, value_width;
  float scale;
  /// Query i sees keys 0...i only.
  int causal;
  /// Added to the scores, null for nothing: element (i, j) lies at i mask_step + j. Minus
  /// infinity hides a key.
  const float *mask;
  ptrdiff_t mask_step;
};
/// Numbers of workspace for one worker.
ptrdiff_t saker_attention_workspace(struct saker_attention attention);
ptrdiff_t saker_attention_gradient_workspace(struct saker_attention attention);
/// The queries `from` to before `to`. Also keeps the logarithm of each row's sum of exponentials,
/// minus infinity for a row that sees no key, whose result is 0.
void saker_attention_f32(struct saker_attention attention, ptrdiff_t from, ptrdiff_t to, const float *q, const float *k, const float *v, float *y,
                         float *log_sums, float *workspace);
/// Gradients, all written.
void saker_attention_gradient_f32(struct saker_attention attention, const float *q, const float *k, const float *v, const float *y, const float *log_sums,
                                  const float *dy, float *dq, float *dk, float *dv, float *workspace);
