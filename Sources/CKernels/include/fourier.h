#pragma once
#include <stddef.h>

// Discrete Fourier transforms in double precision, 8 lines at a time.

struct saker_fourier {
  ptrdiff_t n;
  /// The factors of n, each of 2, 3, 4, 5.
  int factors;
  const int *radix;
  /// cos and -sin of 2 pi k / n for k < n, in pairs.
  const double *roots;
};
/// Bluestein's way for other n: a convolution of a length with small factors; null if
/// n itself has them.
struct saker_fourier_line {
  ptrdiff_t n;
  struct saker_fourier plain;
  /// exp(-pi i k k / n) for k < n, in pairs.
  const double *chirp;
  /// The transform of the chirp's conjugate, wrapped around, divided by the length; in pairs.
  const double *filter;
};
/// Numbers of workspace for one worker.
ptrdiff_t saker_fourier_workspace(struct saker_fourier_line line);
/// Transforms `lines` lines of n complex numbers, real and imaginary part next to each other;
/// `inverse` with the opposite sign in the exponent. All results times `scale`.
void saker_fourier_f32(struct saker_fourier_line line, ptrdiff_t lines, int inverse, double scale, const float *x, float *y, double *workspace);
/// One line in double precision with small factors, for making filters: pairs to pairs.
void saker_fourier_f64(struct saker_fourier plan, const double *x, double *y, double *workspace);
