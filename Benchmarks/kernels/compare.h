#pragma once
// What the programs here measure with.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

using Clock = std::chrono::steady_clock;

static double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

static float *numbers(size_t count) {
  float *p = static_cast<float *>(aligned_alloc(64, (count * sizeof(float) + 127) / 64 * 64));
  memset(p, 0, count * sizeof(float));
  return p;
}

/// The lower quartile of each one's times, taken in turn for 0.4 s, and at least 4 times.
template <class A, class B>
static std::pair<double, double> compare(A ours, B direct) {
  ours(), direct();
  std::vector<double> a, b;
  for (auto start = Clock::now(); a.size() < 4 || since(start) < 0.4;) {
    auto first = Clock::now();
    ours();
    a.push_back(since(first));
    auto second = Clock::now();
    direct();
    b.push_back(since(second));
  }
  std::sort(a.begin(), a.end()), std::sort(b.begin(), b.end());
  return {a[a.size() / 4], b[b.size() / 4]};
}

static double rms_error(const float *a, const float *exact, size_t count) {
  double difference = 0, square = 0;
  for (size_t i = 0; i < count; i++) {
    double d = double(a[i]) - exact[i];
    difference += d * d;
    square += double(exact[i]) * exact[i];
  }
  return std::sqrt(difference / square);
}
