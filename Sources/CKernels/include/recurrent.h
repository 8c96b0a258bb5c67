#pragma once
#include <stddef.h>
#include <stdint.h>

// One step of recurrent layers for `rows` samples of `n` hidden numbers, after the products: x
// holds the gates' part of the input, u that of the state before, biases included. A sample that is
// not `active` (null: all are) keeps its state, gives 0 and passes its gradient back unchanged.

enum { saker_recurrent_tanh = 0, saker_recurrent_relu = 1 };

/// h' = tanh(x + u), or its positive part.
void saker_rnn_step_f32(const float *x, const float *u, ptrdiff_t rows, ptrdiff_t n, int function, const uint8_t *active, const float *before,
                        float *after, float *y);
/// From the gradients of y and of the later state, `state`, that of the gates; `state` becomes what
/// passes around the gates.
void saker_rnn_step_gradient_f32(ptrdiff_t rows, ptrdiff_t n, int function, const uint8_t *active, const float *after, const float *dy, float *state,
                                 float *gates);

/// Gates i, f, g, o, each n numbers: c' = f c + i g, h' = o tanh(c'). Keeps the gates in
/// `kept`, [rows, 4 n].
void saker_lstm_step_f32(const float *x, const float *u, ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *before, const float *cell,
                         float *after, float *next, float *y, float *kept);
/// `state` as above; `memory`, the gradient of c', becomes that of c.
void saker_lstm_step_gradient_f32(ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *kept, const float *cell, const float *next,
                                  const float *dy, float *state, float *memory, float *gates);

/// Gates r, z, n: n = tanh(x + r u), h' = (1 - z) n + z h. Keeps r, z, n and u of n in
/// `kept`, [rows, 4 n].
void saker_gru_step_f32(const float *x, const float *u, ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *before, float *after, float *y,
                        float *kept);
/// `gates` for x, `inner` for u.
void saker_gru_step_gradient_f32(ptrdiff_t rows, ptrdiff_t n, const uint8_t *active, const float *kept, const float *before, const float *dy,
                                 float *state, float *gates, float *inner);
