"""Normalization layers: inputs, y, gy, gradients. w and b are the affine parameters.

Instance norm: mean, var the running statistics at the start, mean1, var1 after one step on x.
Keras's batch norm and batch renormalization, which PyTorch lacks, are written out here from their
sources: keras.io/api/layers/normalization_layers/batch_normalization and arXiv:1702.03275.
"""

import torch
from torch.nn import functional as F

from common import Golden

golden = Golden("normalization")


def column(v, x):
    return v.reshape([1, -1] + [1] * (x.dim() - 2))


def affine(y, w, b):
    return y if w is None else y * column(w, y) + column(b, y)


# ---- Batch norm in one and three dimensions

for name, shape, train in [
    ("sequence.train", (4, 3, 7), True), ("sequence.eval", (4, 3, 7), False),
    ("volume.train", (2, 3, 3, 4, 5), True), ("volume.eval", (2, 3, 3, 4, 5), False),
    ("volume.wide", (2, 20, 2, 3, 2), True),
]:
    case = f"batch_norm.{name}"
    draw = golden.random(case)
    c = shape[1]
    inputs = {"x": draw(*shape) * 2 + 0.7, "w": draw(c), "b": draw(c)}
    mean, var = draw(c), draw(c).abs() + 0.3

    def run(x, w, b):
        return F.batch_norm(x, mean.clone().to(x.dtype), var.clone().to(x.dtype), w, b, train)

    m, v = mean.clone().double(), var.clone().double()
    F.batch_norm(inputs["x"].double(), m, v, training=train)
    golden.differentiate(case, run, inputs, extra={"mean": mean, "var": var, "mean1": m, "var1": v},
                         op="batch_norm", train=train)

case = "batch_norm.keras"
draw = golden.random(case)
batches = [draw(4, 3, 5, 6) * 2 + 0.7 for _ in range(3)]
w, b, mean, var = draw(3), draw(3), draw(3), draw(3).abs() + 0.3


def keras(x, w, b):
    m = x.mean((0, 2, 3))
    v = x.var((0, 2, 3), unbiased=False)
    return affine((x - column(m, x)) / column(torch.sqrt(v + 1e-3), x), w, b)


m, v = mean.double(), var.double()
for x in batches:
    x = x.double()
    m = m * 0.99 + x.mean((0, 2, 3)) * 0.01
    v = v * 0.99 + x.var((0, 2, 3), unbiased=False) * 0.01
x = batches[0].double()
y_eval = affine((x - column(m, x)) / column(torch.sqrt(v + 1e-3), x), w.double(), b.double())
golden.differentiate(
    case, keras, {"x": batches[0], "w": w, "b": b}, op="keras",
    extra={"mean": mean, "var": var, "x1": batches[1], "x2": batches[2], "mean3": m, "var3": v,
           "y_eval": y_eval})

# ---- Batch renormalization

for name, r_max, d_max in [("wide", 100, 100), ("clipped", 1.2, 0.3), ("none", 1, 0)]:
    case = f"batch_renorm.{name}"
    draw = golden.random(case)
    x, w, b = draw(4, 5, 3, 2) * 2 + 0.7, draw(5), draw(5)
    mean, std = draw(5) * 0.5 + 0.5, draw(5).abs() * 0.5 + 1

    def renorm(x, w, b, updated=None):
        mu, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        sigma = torch.sqrt(var + 1e-3)
        m, s = mean.to(x.dtype), std.to(x.dtype)
        r = (sigma / s).clamp(1 / r_max, r_max).detach()
        d = ((mu - m) / s).clamp(-d_max, d_max).detach()
        if updated is not None:
            updated |= {"mean1": m + 0.01 * (mu - m), "std1": s + 0.01 * (sigma - s)}
        return affine((x - column(mu, x)) / column(sigma, x) * column(r, x) + column(d, x), w, b)

    updated = {}
    renorm(x.double(), w.double(), b.double(), updated)
    golden.differentiate(case, renorm, {"x": x, "w": w, "b": b}, op="batch_renorm",
                         extra={"mean": mean, "std": std, **updated}, r_max=r_max, d_max=d_max)

# ---- Layer norm and root mean square norm

for name, shape, over, parts in [
    ("vector", (4, 10), 1, "wb"), ("one", (70,), 1, "wb"), ("maps", (2, 3, 4, 5), 2, "wb"),
    ("volume", (2, 3, 4, 5), 3, "wb"), ("plain", (4, 33), 1, ""), ("nobias", (2, 3, 17), 1, "w"),
    ("wide", (3, 1000), 1, "wb"), ("many", (40, 70), 1, "wb"), ("offset", (3, 50), 1, "wb"),
]:
    for kind in ["layer_norm", "rms_norm"]:
        if kind == "rms_norm" and "b" not in parts and parts:
            continue
        case = f"{kind}.{name}"
        draw = golden.random(case)
        inner = shape[-over:]
        inputs = {"x": draw(*shape) + (10 if name == "offset" else 0.5)}
        for part in parts if kind == "layer_norm" else parts[:1]:
            inputs[part] = draw(*inner)
        if kind == "layer_norm":
            def run(x, w=None, b=None):
                return F.layer_norm(x, inner, w, b)
        else:
            def run(x, w=None):
                return F.rms_norm(x, inner, w, 1e-6)
        golden.differentiate(case, run, inputs, op=kind, over=list(inner))

# ---- Group and instance norm

for name, shape, groups, parts in [
    ("one", (2, 6, 4, 5), 1, True), ("two", (2, 6, 4, 5), 2, True), ("all", (2, 6, 4, 5), 6, True),
    ("plain", (2, 6, 4, 5), 3, False), ("vector", (3, 6), 2, True), ("sequence", (2, 6, 7), 3, True),
    ("volume", (2, 4, 2, 3, 3), 2, True), ("wide", (2, 48, 5, 3), 8, True),
    ("many", (9, 20, 4, 4), 5, True), ("large", (1, 4, 40, 33), 2, True),
]:
    case = f"group_norm.{name}"
    draw = golden.random(case)
    inputs = {"x": draw(*shape) * 2 + 0.7}
    if parts:
        inputs |= {"w": draw(shape[1]), "b": draw(shape[1])}
    golden.differentiate(
        case, lambda x, w=None, b=None: F.group_norm(x, groups, w, b), inputs, op="group_norm",
        groups=groups)

for name, shape, parts, track, train in [
    ("plain", (2, 3, 4, 5), False, False, True), ("affine", (2, 3, 4, 5), True, False, True),
    ("sequence", (3, 4, 6), True, False, True), ("volume", (2, 3, 2, 3, 4), False, False, True),
    ("tracked", (3, 4, 5, 6), True, True, True), ("tracked.eval", (3, 4, 5, 6), True, True, False),
    ("untracked.eval", (2, 3, 4, 5), False, False, False),
]:
    case = f"instance_norm.{name}"
    draw = golden.random(case)
    c = shape[1]
    inputs = {"x": draw(*shape) * 2 + 0.7}
    if parts:
        inputs |= {"w": draw(c), "b": draw(c)}
    mean, var = draw(c), draw(c).abs() + 0.3
    extra = {}

    def run(x, w=None, b=None):
        if not track:
            return F.instance_norm(x, None, None, w, b, True)
        m, v = mean.clone().to(x.dtype), var.clone().to(x.dtype)
        y = F.instance_norm(x, m, v, w, b, train, 0.1)
        if x.dtype == torch.float64:
            extra.update({"mean1": m, "var1": v})
        return y

    if track:
        extra |= {"mean": mean, "var": var}
        run(*[t.double() for t in inputs.values()])
    golden.differentiate(case, run, inputs, extra=extra, op="instance_norm", affine=parts,
                         track=track, train=train)

# ---- Local response norm; alpha large enough to matter

for size, alpha, beta, k, shape in [
    (5, 0.5, 0.75, 2, (2, 7, 3, 4)), (3, 0.9, 0.5, 1, (2, 7, 3, 4)), (2, 0.7, 1, 1, (2, 5, 3)),
    (4, 0.7, 0.6, 1.5, (2, 20, 3)), (1, 0.5, 0.75, 1, (2, 3, 4, 2)), (9, 0.5, 0.75, 1, (2, 4, 5)),
    (5, 0.5, 0.75, 2, (2, 40, 3, 2)),
]:
    case = f"local_response.{size}.{beta}.{'x'.join(map(str, shape))}"
    golden.differentiate(
        case, lambda x: F.local_response_norm(x, size, alpha, beta, k),
        {"x": golden.random(case)(*shape)}, op="local_response", size=size, alpha=alpha, beta=beta,
        k=k)

# ---- Weight norm and cosine norm

draw = golden.random("weight_norm.linear")
golden.differentiate(
    "weight_norm.linear",
    lambda x, v, g, b: F.linear(x, torch._weight_norm(v, g, 0), b),
    {"x": draw(4, 5), "v": draw(3, 5), "g": draw(3, 1), "b": draw(3)}, op="weight_norm")
draw = golden.random("weight_norm.conv")
golden.differentiate(
    "weight_norm.conv",
    lambda x, v, g, b: F.conv2d(x, torch._weight_norm(v, g, 0), b, 2, 1, groups=2),
    {"x": draw(2, 4, 6, 5), "v": draw(6, 2, 3, 3), "g": draw(6, 1, 1, 1), "b": draw(6)},
    op="weight_norm_conv")

draw = golden.random("cosine_norm.linear")
golden.differentiate(
    "cosine_norm.linear",
    lambda x, w: F.cosine_similarity(x[..., None, :], w, dim=-1),
    {"x": draw(2, 3, 5), "w": draw(4, 5)}, op="cosine_norm")


def cosine_convolution(x, w, groups):
    parts = []
    for x, w in zip(x.chunk(groups, 1), w.chunk(groups, 0)):
        patches = F.unfold(x, w.shape[2:], padding=1, stride=2)
        parts.append(F.cosine_similarity(
            patches[:, None], w.reshape(1, w.shape[0], -1, 1), dim=2))
    return torch.cat(parts, 1).reshape(x.shape[0], -1, 3, 3)


for groups in [1, 2]:
    case = f"cosine_norm.conv.{groups}"
    draw = golden.random(case)
    golden.differentiate(
        case, lambda x, w: cosine_convolution(x, w, groups),
        {"x": draw(2, 4, 6, 5), "w": draw(6, 4 // groups, 3, 3)}, op="cosine_norm_conv",
        groups=groups)

golden.save()
