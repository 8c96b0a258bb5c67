#include "fourier.h"

#include <string.h>

#include "targets.h"

// Element k of 8 lines: 8 real parts, then 8 imaginary parts. Every loop over the 8 is one or two
// vector instructions, whatever the length.
enum { wide = 8, element = 2 * wide };
typedef double v8 __attribute__((ext_vector_type(8)));
#define INLINE static inline __attribute__((always_inline))

INLINE void get(const double *x, v8 *re, v8 *im) {
  memcpy(re, x, sizeof *re);
  memcpy(im, x + wide, sizeof *im);
}

INLINE void put(double *y, const v8 *re, const v8 *im, const double *root) {
  v8 a = *re * root[0] - *im * root[1], b = *re * root[1] + *im * root[0];
  memcpy(y, &a, sizeof a);
  memcpy(y + wide, &b, sizeof b);
}

/// The transform of r numbers: exact forms for 2 and 4, sums for 3 and 5.
INLINE void small(const v8 *ar, const v8 *ai, v8 *br, v8 *bi, const int r) {
  static const double c3[3] = {1, -0.5, -0.5}, s3[3] = {0, -0.86602540378443864676, 0.86602540378443864676};
  static const double c5[5] = {1, 0.30901699437494742410, -0.80901699437494742410, -0.80901699437494742410, 0.30901699437494742410};
  static const double s5[5] = {0, -0.95105651629515357212, -0.58778525229247312917, 0.58778525229247312917, 0.95105651629515357212};
  if (r == 2) {
    br[0] = ar[0] + ar[1], bi[0] = ai[0] + ai[1];
    br[1] = ar[0] - ar[1], bi[1] = ai[0] - ai[1];
  } else if (r == 4) {
    v8 pr = ar[0] + ar[2], pi = ai[0] + ai[2], mr = ar[0] - ar[2], mi = ai[0] - ai[2];
    v8 qr = ar[1] + ar[3], qi = ai[1] + ai[3], nr = ar[1] - ar[3], ni = ai[1] - ai[3];
    br[0] = pr + qr, bi[0] = pi + qi;
    br[1] = mr + ni, bi[1] = mi - nr;
    br[2] = pr - qr, bi[2] = pi - qi;
    br[3] = mr - ni, bi[3] = mi + nr;
  } else {
    const double *c = r == 3 ? c3 : c5, *s = r == 3 ? s3 : s5;
    _Pragma("clang loop unroll(full)") for (int j = 0; j < r; j++) {
      br[j] = ar[0], bi[j] = ai[0];
      _Pragma("clang loop unroll(full)") for (int k = 1; k < r; k++) {
        br[j] += ar[k] * c[j * k % r] - ai[k] * s[j * k % r];
        bi[j] += ar[k] * s[j * k % r] + ai[k] * c[j * k % r];
      }
    }
  }
}

/// One pass of Stockham's form, which needs no reordering: `span` is the product of
/// the factors done.
INLINE void pass(const double *x, double *y, ptrdiff_t n, ptrdiff_t span, const double *roots, const int r) {
  const ptrdiff_t parts = n / (span * r);
  for (ptrdiff_t p = 0; p < parts; p++)
    for (ptrdiff_t q = 0; q < span; q++) {
      v8 ar[5], ai[5], br[5], bi[5];
      _Pragma("clang loop unroll(full)") for (int k = 0; k < r; k++) get(x + (q + span * (p + k * parts)) * element, &ar[k], &ai[k]);
      small(ar, ai, br, bi, r);
      _Pragma("clang loop unroll(full)") for (int j = 0; j < r; j++)
        put(y + (q + span * (r * p + j)) * element, &br[j], &bi[j], roots + 2 * (p * j * span));
    }
}

/// Transforms 8 lines; the result lies in the array that comes back, `x` or `other`.
SAKER_TARGETS static double *transform(const struct saker_fourier *plan, double *x, double *other) {
  ptrdiff_t span = 1;
  for (int i = 0; i < plan->factors; i++) {
    switch (plan->radix[i]) {
      case 2: pass(x, other, plan->n, span, plan->roots, 2); break;
      case 3: pass(x, other, plan->n, span, plan->roots, 3); break;
      case 4: pass(x, other, plan->n, span, plan->roots, 4); break;
      default: pass(x, other, plan->n, span, plan->roots, 5); break;
    }
    span *= plan->radix[i];
    double *swap = x;
    x = other, other = swap;
  }
  return x;
}

ptrdiff_t saker_fourier_workspace(struct saker_fourier_line line) { return 2 * element * line.plain.n; }

/// x[k] times factors[k] for k < n.
SAKER_TARGETS static void weigh(double *x, const double *factors, ptrdiff_t n) {
  for (ptrdiff_t k = 0; k < n; k++, x += element) {
    v8 re, im;
    get(x, &re, &im);
    put(x, &re, &im, factors + 2 * k);
  }
}

/// Real and imaginary parts change places, which turns a transform into its inverse if done
/// before and after.
SAKER_TARGETS static void exchange(double *x, ptrdiff_t n) {
  for (ptrdiff_t k = 0; k < n; k++, x += element)
    for (int lane = 0; lane < wide; lane++) {
      double re = x[lane];
      x[lane] = x[wide + lane], x[wide + lane] = re;
    }
}

static double *line_transform(const struct saker_fourier_line *line, double *x, double *other) {
  const ptrdiff_t n = line->n, m = line->plain.n;
  if (!line->chirp) return transform(&line->plain, x, other);
  weigh(x, line->chirp, n);
  memset(x + n * element, 0, sizeof(double) * (size_t)((m - n) * element));
  double *result = transform(&line->plain, x, other);
  weigh(result, line->filter, m);
  exchange(result, m);
  result = transform(&line->plain, result, result == x ? other : x);
  exchange(result, m);
  weigh(result, line->chirp, n);
  return result;
}

void saker_fourier_f32(struct saker_fourier_line line, ptrdiff_t lines, int inverse, double scale, const float *x, float *y, double *workspace) {
  const ptrdiff_t n = line.n;
  for (ptrdiff_t first = 0; first < lines; first += wide) {
    const int count = (int)(lines - first < wide ? lines - first : wide);
    double *here = workspace, *other = workspace + element * line.plain.n;
    memset(here, 0, sizeof(double) * (size_t)(element * n));
    for (int lane = 0; lane < count; lane++) {
      const float *from = x + 2 * n * (first + lane);
      for (ptrdiff_t k = 0; k < n; k++) {
        here[k * element + lane] = from[2 * k + (inverse ? 1 : 0)];
        here[k * element + wide + lane] = from[2 * k + (inverse ? 0 : 1)];
      }
    }
    const double *result = line_transform(&line, here, other);
    for (int lane = 0; lane < count; lane++) {
      float *to = y + 2 * n * (first + lane);
      for (ptrdiff_t k = 0; k < n; k++) {
        to[2 * k + (inverse ? 1 : 0)] = (float)(scale * result[k * element + lane]);
        to[2 * k + (inverse ? 0 : 1)] = (float)(scale * result[k * element + wide + lane]);
      }
    }
  }
}

void saker_fourier_f64(struct saker_fourier plan, const double *x, double *y, double *workspace) {
  double *other = workspace + element * plan.n;
  memset(workspace, 0, sizeof(double) * (size_t)(element * plan.n));
  for (ptrdiff_t k = 0; k < plan.n; k++) workspace[k * element] = x[2 * k], workspace[k * element + wide] = x[2 * k + 1];
  const double *result = transform(&plan, workspace, other);
  for (ptrdiff_t k = 0; k < plan.n; k++) y[2 * k] = result[k * element], y[2 * k + 1] = result[k * element + wide];
}
