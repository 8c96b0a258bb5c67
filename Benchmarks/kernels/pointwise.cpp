// Our 1x1 kernels against oneDNN 2's on the layers of ResNet-50's bottlenecks, turn by turn, without any framework around either: each pass alone, packing of
// weights included on both sides; and as a block needs it, where our kernel normalizes what it reads and sums what it writes, and oneDNN's has a pass
// for each. Built and run by run.sh. Arguments: pictures, 1 8 32 if left out.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <vector>

#include "compare.h"
extern "C" {
#include "normalization.h"
#include "parallel.h"
#include "pointwise.h"
}
using namespace dnnl;

struct shared {
  const float *x;
  const saker_normalization *by;
  float *y, *statistics;
  int *counts;
  ptrdiff_t pixels, blocks;
  int channels;
};

static void normalization_pass(void *argument, int id, int of) {
  shared *s = static_cast<shared *>(argument);
  ptrdiff_t first = s->pixels * id / of, end = s->pixels * (id + 1) / of;
  saker_normalize_f32(s->x + first * s->channels, s->by, nullptr, s->y + first * s->channels, end - first, s->channels);
}

static void statistics_pass(void *argument, int id, int of) {
  shared *s = static_cast<shared *>(argument);
  saker_statistics_f32(s->y, s->pixels, s->channels, s->blocks * id / of, s->blocks * (id + 1) / of, s->statistics, s->counts);
}

/// Logarithms of the ratios of forward, data gradient, weight gradient and block.
static std::vector<double> row(int pictures, int side, int in, int out) {
  static engine cpu(engine::kind::cpu, 0);
  static stream queue(cpu);
  static std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  const int threads = saker_threads(), pixels = pictures * side * side;
  const size_t nx = size_t(pixels) * in, ny = size_t(pixels) * out, nw = size_t(in) * out;
  const double operations = 2.0 * nx * out;
  saker_pointwise shape = {pixels, in, out, in, out}, turned = {pixels, out, in, out, in};
  float *x = numbers(nx), *normalized = numbers(nx), *dx = numbers(nx), *exact_dx = numbers(nx), *y = numbers(ny), *exact = numbers(ny), *dy = numbers(ny);
  float *w = numbers(nw), *dw = numbers(nw), *exact_dw = numbers(nw);
  float *packed = numbers(std::max(saker_pointwise_packed(shape), saker_pointwise_packed(turned)));
  float *space = numbers(std::max({saker_pointwise_workspace(shape, threads), saker_pointwise_workspace(turned, threads),
                                   saker_pointwise_gradient_workspace(shape, threads)}));
  for (size_t i = 0; i < nx; i++) x[i] = normal(random);
  for (size_t i = 0; i < ny; i++) dy[i] = normal(random);
  for (size_t i = 0; i < nw; i++) w[i] = normal(random) * std::sqrt(2.f / in);
  saker_epilogue plain = {};
  plain.activation = {1, INFINITY, 0};

  const memory::dims one{1, 1}, none{0, 0}, xs{pictures, in, side, side}, ws{out, in, 1, 1}, ys{pictures, out, side, side};
  using tag = memory::format_tag;
  const auto f32 = memory::data_type::f32;
  memory::desc xd(xs, f32, tag::nhwc), wd(ws, f32, tag::any), yd(ys, f32, tag::nhwc);
  convolution_forward::primitive_desc forward({prop_kind::forward_training, algorithm::convolution_direct, xd, wd, yd, one, none, none}, cpu);
  convolution_backward_data::primitive_desc data({algorithm::convolution_direct, xd, wd, yd, one, none, none}, cpu, forward);
  convolution_backward_weights::primitive_desc weights({algorithm::convolution_direct, xd, wd, yd, one, none, none}, cpu, forward);
  memory mx(xd, cpu, x), mn(xd, cpu, normalized), mdx(xd, cpu, exact_dx), my(yd, cpu, exact), mdy(yd, cpu, dy), plain_w({ws, f32, tag::oihw}, cpu, w);
  memory mw(forward.weights_desc(), cpu), mv(data.weights_desc(), cpu), mg(weights.diff_weights_desc(), cpu), plain_g({ws, f32, tag::oihw}, cpu, exact_dw);
  reorder to_w(plain_w, mw), to_v(plain_w, mv), from_g(mg, plain_g);
  convolution_forward direct(forward);
  convolution_backward_data direct_data(data);
  convolution_backward_weights direct_weights(weights);
  auto run_direct = [&](memory &from) {
    to_w.execute(queue, plain_w, mw);
    direct.execute(queue, {{DNNL_ARG_SRC, from}, {DNNL_ARG_WEIGHTS, mw}, {DNNL_ARG_DST, my}});
    queue.wait();
  };
  auto run_ours = [&](const saker_source &from, const saker_epilogue &e) {
    saker_pointwise_pack(shape, w, 0, packed, threads);
    saker_pointwise_convolve(shape, from, packed, e, y, space, threads);
  };
  std::vector<double> logs;
  auto report = [&](std::pair<double, double> times, double error) {
    logs.push_back(std::log(times.second / times.first));
    printf("| %.0f | %.2f ", operations / times.first / 1e9, times.second / times.first);
    if (error > 1e-5) printf("(error %.0e) ", error);
  };
  printf("| %d, %d×%d, %d→%d ", pictures, side, side, in, out);

  auto times = compare([&] { run_ours({x, nullptr, nullptr}, plain); }, [&] { run_direct(mx); });
  report(times, rms_error(y, exact, ny));
  times = compare(
      [&] {
        saker_pointwise_pack(turned, w, 1, packed, threads);
        saker_pointwise_convolve(turned, {dy, nullptr, nullptr}, packed, plain, dx, space, threads);
      },
      [&] {
        to_v.execute(queue, plain_w, mv);
        direct_data.execute(queue, {{DNNL_ARG_DIFF_DST, mdy}, {DNNL_ARG_WEIGHTS, mv}, {DNNL_ARG_DIFF_SRC, mdx}});
        queue.wait();
      });
  report(times, rms_error(dx, exact_dx, nx));
  times = compare([&] { saker_pointwise_gradient(shape, {x, nullptr, nullptr}, {dy, nullptr, nullptr}, dw, nullptr, space, threads); },
                  [&] {
                    direct_weights.execute(queue, {{DNNL_ARG_SRC, mx}, {DNNL_ARG_DIFF_DST, mdy}, {DNNL_ARG_DIFF_WEIGHTS, mg}});
                    from_g.execute(queue, mg, plain_g);
                    queue.wait();
                  });
  report(times, rms_error(dw, exact_dw, nw));

  float *vectors = numbers(4 * size_t(in));
  for (int c = 0; c < in; c++) vectors[in + c] = vectors[2 * in + c] = 1.5f, vectors[3 * in + c] = 0.2f;
  const saker_normalization by = {vectors, vectors + in, vectors + 2 * in, vectors + 3 * in, {0, INFINITY, 0}};
  const int block = saker_pointwise_block(shape), separate = saker_block_pixels(out);
  const int blocks = (pixels + block - 1) / block, passes = (pixels + separate - 1) / separate;
  float *statistics = numbers(3 * size_t(out) * std::max(blocks, passes)), *mean = numbers(out), *variance = numbers(out);
  std::vector<int> counts(std::max(blocks, passes));
  std::vector<double> sums(4 * size_t(out));
  saker_epilogue summing = plain;
  summing.statistics = statistics;
  shared reading = {x, &by, normalized, nullptr, nullptr, pixels, 0, in}, writing = {nullptr, nullptr, exact, statistics, counts.data(), pixels, passes, out};
  times = compare(
      [&] {
        run_ours({x, &by, nullptr}, summing);
        for (int b = 0; b < blocks; b++) counts[b] = std::min(block, pixels - b * block);
        saker_merge_statistics(statistics, counts.data(), blocks, out, sums.data(), mean, variance);
      },
      [&] {
        saker_parallel(normalization_pass, &reading, threads);
        run_direct(mn);
        saker_parallel(statistics_pass, &writing, threads);
        saker_merge_statistics(statistics, counts.data(), passes, out, sums.data(), mean, variance);
      });
  report(times, rms_error(y, exact, ny));
  printf("|\n");
  fflush(stdout);
  for (float *p : {x, normalized, dx, exact_dx, y, exact, dy, w, dw, exact_dw, packed, space, vectors, statistics, mean, variance}) free(p);
  return logs;
}

int main(int count, char **arguments) {
  printf("| pictures, size, channels | forward GFLOP/s | × oneDNN | data gradient | × oneDNN | weight gradient | × oneDNN | in a block | × oneDNN |\n");
  printf("|---|---|---|---|---|---|---|---|---|\n");
  const int layers[][3] = {{56, 64, 64},   {56, 64, 256},   {56, 256, 64},  {28, 256, 128}, {28, 128, 512},  {28, 512, 128},
                           {14, 512, 256}, {14, 256, 1024}, {14, 1024, 256}, {7, 1024, 512}, {7, 512, 2048}, {7, 2048, 512}};
  std::vector<int> batches;
  for (int i = 1; i < count; i++) batches.push_back(atoi(arguments[i]));
  if (batches.empty()) batches = {1, 8, 32};
  std::vector<double> means(4);
  for (int pictures : batches)
    for (auto &l : layers) {
      auto logs = row(pictures, l[0], l[1], l[2]);
      for (int i = 0; i < 4; i++) means[i] += logs[i] / (std::size(layers) * batches.size());
    }
  printf("| geometric mean ");
  for (double m : means) printf("| | %.2f ", std::exp(m));
  printf("|\n");
}
