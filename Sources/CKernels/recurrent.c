#include "recurrent.h"

#include <string.h>

#include "functions.h"
#include "targets.h"

/// Keeps its digits near 0: (e^-2|x| - 1) / (e^-2|x| + 1).
static inline float tangent(float x) {
  float t = x < 0 ? x : -x, e = exponential_less_one(2 * t), value = e / (e + 2.0f);
  return x < 0 ? value : -value;
}

static inline int rests(const uint8_t *active, ptrdiff_t row) { return active && !active[row]; }

static inline void rest(const float *before, float *after, float *y, ptrdiff_t n) {
  memcpy(after, before, sizeof(float) * (size_t)n);
  memset(y, 0, sizeof(float) * (size_t)n);
}

SAKER_TARGETS void saker_rnn_step_f32(const float *x, const float *u, ptrdiff_t rows, ptrdiff_t n, int function, const uint8_t *active,
                                      const float *before, float *restrict after, float *restrict y) {
  for (ptrdiff_t row = 0; row < rows; row++, x += n, u += n, before += n, after += n, y += n) {
    if (rests(active, row)) {
      rest(before, after, y, n);
    } else if (function == saker_recurrent_tanh) {
      for (ptrdiff_t i = 0; i < n; i++) y[i] = after[i] = tangent(x[i] + u[i]);
    } else {
      for (ptrdiff_t i = 0; i < n; i++) {
        float a = x[i] + u[i];
        y[i] = after[i] = a > 0 || a != a ? a : 0;
      }
    }
  }
}

SAKER_TARGETS void saker_rnn_step_gradient_f32(ptrdiff_t rows, ptrdiff_t n, int function, const uint8_t *active, const float *after, const float *dy,
                                               float *restrict state, float *restrict gates) {
  for (ptrdiff_t row = 0; row < rows; row++, after += n, dy += n, state += n, gates += n) {
    if (rests(active, row)) {
      memset(gates, 0, sizeof(float) * (size_t)n);
      continue;
    }
    for (ptrdiff_t i = 0; i < n; i++) {
      float slope = function == saker_recurrent_tanh ? 1 - after[i] * after[i] : after[i] > 0 ? 1.0f : 0.0f;
      gates[i] = (dy[i] + state[i]) * slope;
      state[i] = 0;
    }
  }
}

SAKER_TARGETS void saker_lstm_step_f32(const float *x, const float *u, ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *before,
                                       const float *cell, float *restrict after, float *restrict next, float *restrict y, float *restrict kept) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    if (rests(active, row)) {
      rest(before, after, y, n);
      memcpy(next, cell, sizeof(float) * (size_t)n);
      memset(kept, 0, sizeof(float) * 4 * (size_t)n);
    } else {
      for (ptrdiff_t i = 0; i < n; i++) {
        float in = sigmoid_of(x[i] + u[i]), forget = sigmoid_of(x[n + i] + u[n + i]);
        float g = tangent(x[2 * n + i] + u[2 * n + i]), out = sigmoid_of(x[3 * n + i] + u[3 * n + i]);
        kept[i] = in, kept[n + i] = forget, kept[2 * n + i] = g, kept[3 * n + i] = out;
        next[i] = forget * cell[i] + in * g;
        y[i] = after[i] = out * tangent(next[i]);
      }
    }
    x += 4 * n, u += 4 * n, kept += 4 * n, before += n, cell += n, after += n, next += n, y += n;
  }
}

SAKER_TARGETS void saker_lstm_step_gradient_f32(ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *kept, const float *cell,
                                                const float *next, const float *dy, float *restrict state, float *restrict memory,
                                                float *restrict gates) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    if (rests(active, row)) {
      memset(gates, 0, sizeof(float) * 4 * (size_t)n);
    } else {
      for (ptrdiff_t i = 0; i < n; i++) {
        float in = kept[i], forget = kept[n + i], g = kept[2 * n + i], out = kept[3 * n + i];
        float t = tangent(next[i]), dh = dy[i] + state[i], dc = memory[i] + dh * out * (1 - t * t);
        gates[i] = dc * g * in * (1 - in);
        gates[n + i] = dc * cell[i] * forget * (1 - forget);
        gates[2 * n + i] = dc * in * (1 - g * g);
        gates[3 * n + i] = dh * t * out * (1 - out);
        memory[i] = dc * forget;
        state[i] = 0;
      }
    }
    kept += 4 * n, gates += 4 * n, cell += n, next += n, dy += n, state += n, memory += n;
  }
}

SAKER_TARGETS void saker_gru_step_f32(const float *x, const float *u, ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *before,
                                      float *restrict after, float *restrict y, float *restrict kept) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    if (rests(active, row)) {
      rest(before, after, y, n);
      memset(kept, 0, sizeof(float) * 4 * (size_t)n);
    } else {
      for (ptrdiff_t i = 0; i < n; i++) {
        float r = sigmoid_of(x[i] + u[i]), z = sigmoid_of(x[n + i] + u[n + i]);
        float inner = u[2 * n + i], fresh = tangent(x[2 * n + i] + r * inner);
        kept[i] = r, kept[n + i] = z, kept[2 * n + i] = fresh, kept[3 * n + i] = inner;
        y[i] = after[i] = fresh + z * (before[i] - fresh);
      }
    }
    x += 3 * n, u += 3 * n, kept += 4 * n, before += n, after += n, y += n;
  }
}

SAKER_TARGETS void saker_gru_step_gradient_f32(ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *kept, const float *before,
                                               const float *dy, float *restrict state, float *restrict gates, float *restrict inner) {
  for (ptrdiff_t row = 0; row < rows; row++) {
    if (rests(active, row)) {
      memset(gates, 0, sizeof(float) * 3 * (size_t)n);
      memset(inner, 0, sizeof(float) * 3 * (size_t)n);
    } else {
      for (ptrdiff_t i = 0; i < n; i++) {
        float r = kept[i], z = kept[n + i], fresh = kept[2 * n + i], dh = dy[i] + state[i];
        float a = dh * (1 - z) * (1 - fresh * fresh);
        inner[i] = gates[i] = a * kept[3 * n + i] * r * (1 - r);
        inner[n + i] = gates[n + i] = dh * (before[i] - fresh) * z * (1 - z);
        gates[2 * n + i] = a;
        inner[2 * n + i] = a * r;
        state[i] = dh * z;
      }
    }
    kept += 4 * n, gates += 3 * n, inner += 3 * n, before += n, dy += n, state += n;
  }
}
