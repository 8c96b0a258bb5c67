// Our Winograd kernels against oneDNN 2's direct ones, turn by turn, without any framework around either; weights prepared beforehand on both sides,
// as in the table of docs/winograd.md. Built and run by run.sh. Arguments: nothing for the table's rows, or PICTURES SIDE IN OUT.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <oneapi/dnnl/dnnl.hpp>
#include <random>
#include <vector>

#include "compare.h"
extern "C" {
#include "parallel.h"
#include "winograd.h"
}
using namespace dnnl;
static void row(int pictures, int side, int in, int out) {
  using tag = memory::format_tag;
  using type = memory::data_type;
  static engine cpu(engine::kind::cpu, 0);
  static stream queue(cpu);
  static std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 1);
  const int threads = saker_threads();
  const size_t nx = size_t(pictures) * side * side * in, ny = nx / in * out, nw = size_t(9) * in * out;
  const double operations = 2.0 * ny * in * 9;
  saker_winograd shape = {pictures, side, side, side, side, 1, 1, in, out, in, out, 4};
  float *x = numbers(nx), *y = numbers(ny), *exact = numbers(ny), *w = numbers(nw), *dw = numbers(nw), *exact_dw = numbers(nw);
  float *packed = numbers(saker_winograd_packed(shape));
  float *space = numbers(std::max(saker_winograd_workspace(shape, threads), saker_winograd_gradient_workspace(shape, threads)));
  for (size_t i = 0; i < nx; i++) x[i] = std::max(0.f, normal(random));
  for (size_t i = 0; i < nw; i++) w[i] = normal(random) * std::sqrt(2.f / (9 * in));
  saker_winograd_pack(shape, w, 0, packed, threads);
  saker_epilogue plain = {};
  plain.activation = {1, INFINITY, 0};

  const memory::dims one{1, 1}, xs{pictures, in, side, side}, ws{out, in, 3, 3}, ys{pictures, out, side, side};
  memory::desc xd(xs, type::f32, tag::nhwc), wd(ws, type::f32, tag::any), yd(ys, type::f32, tag::nhwc);
  convolution_forward::primitive_desc forward({prop_kind::forward_training, algorithm::convolution_direct, xd, wd, yd, one, one, one}, cpu);
  memory mx(xd, cpu, x), my(yd, cpu, exact), plain_w({ws, type::f32, tag::oihw}, cpu, w), mw(forward.weights_desc(), cpu);
  reorder(plain_w, mw).execute(queue, plain_w, mw);
  convolution_forward direct(forward);
  auto [a, b] = compare([&] { saker_winograd_convolve(shape, {x, nullptr, nullptr}, packed, plain, y, space, threads); },
                        [&] {
                          direct.execute(queue, {{DNNL_ARG_SRC, mx}, {DNNL_ARG_WEIGHTS, mw}, {DNNL_ARG_DST, my}});
                          queue.wait();
                        });
  printf("| %d, %d×%d, %d→%d | %.0f | %.2f | %.0e ", pictures, side, side, in, out, operations / a / 1e9, b / a, rms_error(y, exact, ny));

  convolution_backward_weights::primitive_desc backward({algorithm::convolution_direct, xd, wd, yd, one, one, one}, cpu, forward);
  memory mg(backward.diff_weights_desc(), cpu), plain_g({ws, type::f32, tag::oihw}, cpu, exact_dw);
  convolution_backward_weights direct_gradient(backward);
  auto [c, d] =
      compare([&] { saker_winograd_gradient(shape, {x, nullptr, nullptr}, {exact, nullptr, nullptr}, dw, nullptr, space, threads); },
              [&] {
                direct_gradient.execute(queue, {{DNNL_ARG_SRC, mx}, {DNNL_ARG_DIFF_DST, my}, {DNNL_ARG_DIFF_WEIGHTS, mg}});
                queue.wait();
              });
  reorder(mg, plain_g).execute(queue, mg, plain_g);
  queue.wait();
  printf("| %.0f | %.2f | %.0e |\n", operations / c / 1e9, d / c, rms_error(dw, exact_dw, nw));
  fflush(stdout);
  for (float *p : {x, y, exact, w, dw, exact_dw, packed, space}) free(p);
}

int main(int count, char **arguments) {
  printf("%s\n| pictures, size, channels | forward GFLOP/s | × direct | error | weight gradient GFLOP/s | × direct | error |\n|---|---|---|---|---|---|---|\n",
         saker_winograd_form());
  if (count >= 5) {
    row(atoi(arguments[1]), atoi(arguments[2]), atoi(arguments[3]), atoi(arguments[4]));
    return 0;
  }
  const int rows[][4] = {{16, 56, 64, 64},   {16, 28, 128, 128}, {16, 14, 256, 256}, {16, 7, 512, 512},
                         {1, 56, 64, 64},    {8, 80, 64, 64},    {32, 64, 64, 64},   {32, 32, 128, 128},
                         {32, 128, 32, 32},  {8, 256, 16, 16}};
  for (auto &r : rows) row(r[0], r[1], r[2], r[3]);
}
