#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

// A call left in a loop keeps it from becoming vector code.
#define SAKER_INLINE static inline __attribute__((always_inline))

// Transcendental functions of one number without branches, so that loops over them become vector
// code. The coefficients are minimax fits in double precision. NaN stays NaN.

/// Taylor's series of exp(r) for |r| <= ln 2 / 2.
SAKER_INLINE float exponential_of_rest(float r) {
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  return p * r + 1.0f;
}

SAKER_INLINE float power_of_two(float shifted) {
  // What was added rounds to an integer, which then lies in the lowest bits.
  int32_t bits;
  memcpy(&bits, &shifted, 4);
  bits = (int32_t)(((uint32_t)bits - 0x4B400000u + 127u) << 23);
  float scale;
  memcpy(&scale, &bits, 4);
  return scale;
}

/// exp(x) to 2 units in the last place: 2^n exp(r) with |r| <= ln 2 / 2 and the Taylor series of
/// exp(r). Below -87 and above 88 it stays as it is there.
SAKER_INLINE float exponential_within(float x) {
  float bounded = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  float shifted = bounded * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
  return exponential_of_rest(bounded - n * 0.693145752f - n * 1.42860677e-6f) * power_of_two(shifted);
}

/// The same; 0 below -87, infinite above 88.
SAKER_INLINE float exponential(float x) {
  float value = exponential_within(x);
  value = x > 88.0f ? __builtin_inff() : value;
  return x < -87.0f ? 0.0f : value;
}

/// The same over the whole range: 2^n in two factors, so that results below the normal numbers and
/// infinity come out right.
SAKER_INLINE float exponential_everywhere(float x) {
  float t = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
  float shifted = t * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
  float p = exponential_of_rest(t - n * 0.693145752f - n * 1.42860677e-6f);
  int32_t bits;
  memcpy(&bits, &shifted, 4);
  int32_t whole = (int32_t)((uint32_t)bits - 0x4B400000u), half = whole >> 1, rest = whole - half;
  uint32_t first = (uint32_t)(half + 127) << 23, second = (uint32_t)(rest + 127) << 23;
  float a, b;
  memcpy(&a, &first, 4);
  memcpy(&b, &second, 4);
  return p * a * b;
}

/// exp(x) - 1 for x <= 0, exact near 0 too.
SAKER_INLINE float exponential_less_one(float x) {
  float p = 1.0f / 5040;
  p = p * x + 1.0f / 720;
  p = p * x + 1.0f / 120;
  p = p * x + 1.0f / 24;
  p = p * x + 1.0f / 6;
  p = p * x + 0.5f;
  p = p * x + 1.0f;
  float near = p * x, far = exponential(x) - 1.0f;
  return x > -0.35f ? near : far;
}

SAKER_INLINE float sigmoid_of(float x) { return 1.0f / (1.0f + exponential(-x)); }

/// log(1 + exp(x)): log(1 + e) = 2 artanh(e / (2 + e)) for e = exp(-|x|), whose digits all stay.
SAKER_INLINE float log_one_plus_exp(float x) {
  float e = exponential(x < 0 ? x : -x), z = e / (2.0f + e), w = z * z;
  float p = 0.281915379f;
  p = p * w + 0.279576679f;
  p = p * w + 0.400251142f;
  p = p * w + 0.666663101f;
  p = p * w + 2.00000001f;
  return (x > 0 ? x : x != x ? x : 0.0f) + z * p;
}

/// 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x: x P(x^2) within 1, beyond
/// it 1 - exp(Q(|x|)).
SAKER_INLINE float error_function(float x) {
  float t = x < 0 ? -x : x, s = x * x;
  float p = 7.88911953e-05f;
  p = p * s - 0.000802084128f;
  p = p * s + 0.00518953534f;
  p = p * s - 0.0268544446f;
  p = p * s + 0.112836002f;
  p = p * s - 0.376126271f;
  p = p * s + 1.12837917f;
  float near = x * p;
  float u = t > 4.2f ? 4.2f : t, q = -1.78192299e-05f;
  q = q * u + 0.000390091568f;
  q = q * u - 0.00392099785f;
  q = q * u + 0.0243589325f;
  q = q * u - 0.106931391f;
  q = q * u - 0.634742754f;
  q = q * u - 1.12873358f;
  q = q * u - 8.00291537e-06f;
  float far = 1.0f - exponential(q);
  far = x < 0 ? -far : far;
  return t <= 1.0f ? near : far;
}

/// Of the normal distribution: the density without its factor 1 / sqrt(2 pi), and Phi. Its
/// tails keep their digits: they are that density times a polynomial in 1 / (1 + 0.4 t),
/// t = |x| / sqrt(2).
SAKER_INLINE float normal_distribution(float x, float *density) {
  float t = (x < 0 ? -x : x) * 0.707106781f, u = 1.0f / (1.0f + 0.4f * t), e = exponential(-0.5f * x * x);
  float q = 0.0404754297f;
  q = q * u - 0.136496425f;
  q = q * u + 0.0759936667f;
  q = q * u + 0.0972265218f;
  q = q * u + 0.073269593f;
  q = q * u + 0.196197474f;
  q = q * u + 0.201158801f;
  q = q * u + 0.226546968f;
  q = q * u + 0.225628029f;
  float tail = 0.5f * e * q * u;
  *density = e;
  return x < 0 ? tail : 1.0f - tail;
}

/// The largest |x| that `sine` takes: its multiple of pi / 2 has to be exact.
static const float sine_limit = 8192;

/// sin(x + quarter pi / 2): the nearest multiple of pi / 2, in three parts, is taken off; the
/// quarter circle says which polynomial is meant.
SAKER_INLINE float sine(float x, int quarter) {
  float shifted = x * 0.636619772f + 12582912.0f, n = shifted - 12582912.0f;
  int32_t circle;
  memcpy(&circle, &shifted, 4);
  circle += quarter;
  float r = x - n * 1.5703125f;
  r = r - n * 0.00048351287841796875f;
  r = r - n * 3.139164733e-07f;
  float s = r * r;
  float odd = 2.72376591e-06f;
  odd = odd * s - 0.000198399904f;
  odd = odd * s + 0.00833333169f;
  odd = odd * s - 0.166666667f;
  odd = odd * s * r + r;
  float even = -2.72907108e-07f;
  even = even * s + 2.48005198e-05f;
  even = even * s - 0.00138888875f;
  even = even * s + 0.0416666667f;
  even = even * s * s - 0.5f * s + 1.0f;
  float value = circle & 1 ? even : odd;
  return circle & 2 ? -value : value;
}

/// log(x) to about 1e-7 relative: x = m 2^e with m in [sqrt(1/2), sqrt(2)), and log(m) = 2
/// artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172. Minus infinity at 0, NaN below.
SAKER_INLINE float logarithm(float x) {
  float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;  // numbers below the normal ones
  int32_t bits;
  memcpy(&bits, &scaled, 4);
  int32_t e = (int32_t)((uint32_t)bits - 0x3F3504F3u) >> 23;
  bits = (int32_t)((uint32_t)bits - ((uint32_t)e << 23));
  float m;
  memcpy(&m, &bits, 4);
  float f = m - 1, s = f / (f + 2), z = s * s;
  float p = 1.0f / 9;
  p = p * z + 1.0f / 7;
  p = p * z + 1.0f / 5;
  p = p * z + 1.0f / 3;
  float tail = p * z;
  float n = (float)(x < 1.17549435e-38f ? e - 23 : e);
  // 2 s = f - f s keeps the leading part exact.
  float result = n * 1.42860677e-6f + (f - s * (f - 2 * tail)) + n * 0.693145752f;
  result = x == 0 ? -INFINITY : result;
  result = x == INFINITY ? INFINITY : result;
  return x >= 0 ? result : NAN;
}

/// log(1 + x); minus infinity at -1.
SAKER_INLINE float logarithm_of_one_plus(float x) {
  float u = 1 + x;
  // What the sum rounded away counts 1 / u.
  float result = logarithm(u) + (x - (u - 1)) / (u > 0 ? u : 1);
  return x == INFINITY ? x : result;
}

/// atan(x) to about 1e-7: beyond tan(pi / 8) and its inverse by the two addition theorems, then a
/// polynomial (Cephes' atanf).
SAKER_INLINE float arctangent(float x) {
  float a = fabsf(x);
  int far = a > 2.414213562f, middle = a > 0.4142135624f;
  float start = far ? 1.57079632679f : middle ? 0.78539816339f : 0;
  float above = far ? -1 : middle ? a - 1 : a, below = far ? a : middle ? a + 1 : 1;
  float r = above / below, z = r * r;
  float p = 8.05374449538e-2f;
  p = p * z - 1.38776856032e-1f;
  p = p * z + 1.99777106478e-1f;
  p = p * z - 3.33329491539e-1f;
  float result = start + (p * z * r + r);
  return copysignf(result, x);
}
