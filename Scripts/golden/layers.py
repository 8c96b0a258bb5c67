"""Normalization, pooling and fully connected layers: inputs, y, gy, gradients.

Batch norm: w, b the affine parameters, mean and var the running statistics given at the start;
mean1, var1 after one step on x; mean3, var3 after three steps, on x, x1 and x2.
"""

import torch
from torch import nn
from torch.nn import functional as F

from common import Golden

golden = Golden("layers")


def batch_norm(case, shape=(4, 3, 5, 6), train=True, momentum=0.1, eps=1e-5, affine=True,
               track=True):
    draw = golden.random(case)
    x, x1, x2 = (draw(*shape) * 2 + 0.7 for _ in range(3))
    inputs = {"x": x}
    if affine:
        inputs |= {"w": draw(shape[1]), "b": draw(shape[1])}
    mean, var = draw(shape[1]), draw(shape[1]).abs() + 0.3
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d

    def layer(dtype):
        norm = kind(shape[1], eps, momentum, affine=False, track_running_stats=track).to(dtype)
        if track:
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(var)
        return norm.train(train)

    def forward(x, w=None, b=None):
        y = layer(x.dtype)(x)
        if w is None:
            return y
        side = [1, -1] + [1] * (len(shape) - 2)
        return y * w.reshape(side) + b.reshape(side)

    extra = {}
    if track:
        extra |= {"mean": mean, "var": var}
    if track and train:
        norm = layer(torch.float64)
        for step, batch in enumerate([x, x1, x2], 1):
            norm(batch.double())
            if step in (1, 3):
                extra |= {f"mean{step}": norm.running_mean.clone(),
                          f"var{step}": norm.running_var.clone()}
        extra |= {"x1": x1, "x2": x2}
    golden.differentiate(case, forward, inputs, extra=extra, op="batch_norm", train=train,
                         momentum=momentum, eps=eps, affine=affine, track_running_stats=track)


batch_norm("batch_norm.train")
batch_norm("batch_norm.eval", train=False)
batch_norm("batch_norm.train.momentum", momentum=0.3, eps=1e-3)
batch_norm("batch_norm.train.cumulative", momentum=None)
batch_norm("batch_norm.train.plain", affine=False)
batch_norm("batch_norm.eval.plain", affine=False, train=False)
batch_norm("batch_norm.train.untracked", track=False)
batch_norm("batch_norm.eval.untracked", track=False, train=False)
batch_norm("batch_norm.train.wide", shape=(3, 20, 4, 3))
batch_norm("batch_norm.train.flat", shape=(6, 5))

draw = golden.random("batch_norm.relu")
x, w, b = draw(4, 3, 5, 6), draw(3), draw(3)
golden.differentiate(
    "batch_norm.relu", lambda x, w, b: F.relu(F.batch_norm(x, None, None, w, b, True)),
    {"x": x, "w": w, "b": b}, op="batch_norm_relu", train=True, eps=1e-5)

# ---- Pooling

for kernel, stride, padding, dilation, ceil in [
    (2, 2, 0, 1, False), (3, 2, 1, 1, False), (3, 2, 1, 1, True), (3, 1, 1, 1, False),
    (2, 3, 0, 1, True), ((3, 2), (2, 1), (1, 0), 1, False), (2, 1, 0, 2, False),
    (3, 2, 1, (2, 1), True), (5, 1, 2, 1, False),
]:
    arguments = dict(kernel=kernel, stride=stride, padding=padding, dilation=dilation, ceil=ceil)
    case = "max_pool." + ".".join(
        f"{k[0]}{'x'.join(map(str, v)) if isinstance(v, tuple) else int(v)}"
        for k, v in arguments.items())
    x = golden.random(case)(2, 3, 9, 10)
    golden.differentiate(
        case, lambda x: F.max_pool2d(x, kernel, stride, padding, dilation, ceil), {"x": x},
        op="max_pool", **arguments)

for kernel, stride, padding, ceil in [
    (2, 2, 0, False), (3, 2, 1, False), (3, 2, 1, True), ((3, 2), (2, 1), (1, 0), False),
    (2, 3, 0, True),
]:
    for count in [True, False]:
        arguments = dict(kernel=kernel, stride=stride, padding=padding, ceil=ceil)
        case = "average_pool." + ".".join(
            f"{k[0]}{'x'.join(map(str, v)) if isinstance(v, tuple) else int(v)}"
            for k, v in arguments.items()) + (".include" if count else ".exclude")
        x = golden.random(case)(2, 3, 9, 10)
        golden.differentiate(
            case, lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil, count), {"x": x},
            op="average_pool", count_include_pad=count, **arguments)

for kind in ["avg", "max"]:
    for size in [(1, 1), (3, 3), (5, 4), (7, 10), (9, 10)]:
        case = f"adaptive_{kind}_pool.{size[0]}x{size[1]}"
        x = golden.random(case)(2, 3, 9, 10)
        golden.differentiate(
            case, lambda x: getattr(F, f"adaptive_{kind}_pool2d")(x, size), {"x": x},
            op=f"adaptive_{kind}_pool", size=list(size))

# ---- Fully connected

for name, shape, outputs, bias in [
    ("plain", [4, 5], 3, True), ("nobias", [4, 5], 3, False), ("vector", [5], 3, True),
    ("batch", [2, 3, 5], 4, True), ("wide", [9, 70], 33, True),
]:
    case = f"linear.{name}"
    draw = golden.random(case)
    inputs = {"x": draw(*shape), "w": draw(outputs, shape[-1])}
    if bias:
        inputs["b"] = draw(outputs)
    golden.differentiate(case, F.linear, inputs, op="linear", bias=bias)

golden.save()
