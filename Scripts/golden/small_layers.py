"""LP pooling, position-sensitive RoI pooling, CornerNet's pooling modules, batch norm over parts of a batch, powers."""

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from common import Golden

golden = Golden("small_layers")

for p, kernel, stride, ceil in [(1, (2, 2), None, False), (2, (3, 2), (2, 1), False), (2, (2, 3), (3, 3), True),
                                (3, (2, 2), None, False), (2.5, (3, 3), (1, 2), False), (float("inf"), (2, 2), (1, 1), False)]:
    case = f"lp_pool.{p}.{kernel[0]}x{kernel[1]}{'.ceil' if ceil else ''}"
    x = golden.random(case)(2, 3, 7, 8)
    # Roots of what may be negative are no numbers.
    x = x.abs() + 0.1 if p in (3, 2.5) else x
    golden.differentiate(case, lambda x: F.lp_pool2d(x, p, kernel, stride, ceil), {"x": x}, op="lp_pool",
                         p=None if p == float("inf") else p, kernel=kernel, stride=stride or kernel, ceil=ceil)

rois = torch.tensor([[0, 1, 2, 20, 17], [1, 0, 0, 27.4, 22.6], [1, 6.2, 3.1, 9.4, 4.4], [0, 12, 8, 12, 8], [1, -9, -4, 8, 40],
                     [0, 100, 100, 120, 120.]])
inner = torch.tensor([[0, 1, 2, 20, 17], [1, 6.2, 3.1, 9.4, 4.4], [0, 12, 8, 12, 8], [1, -9, -4, 8, 16.]])
for scale in [0.4, 1]:
    case = f"ps_roi_pool.{scale}"
    boxes = inner if scale == 0.4 else inner * torch.tensor([1, 0.4, 0.4, 0.4, 0.4])
    golden.differentiate(case, lambda x, rois: torchvision.ops.ps_roi_pool(x, rois, (3, 2), scale),
                         {"x": golden.random(case)(2, 12, 9, 11), "rois": boxes}, constants=("rois",), op="ps_roi_pool",
                         scale=scale)
    # Forward leaves out the map's last row and column, torchvision's backward does not: no gradients of these.
    x = golden.random(case)(2, 12, 9, 11)
    golden.add(f"{case}.edge", {"x": x, "rois": rois, "y": torchvision.ops.ps_roi_pool(x, rois, (3, 2), scale)},
               op="ps_roi_pool_forward", scale=scale)


def corner_pool(x, direction):
    if direction in ("top", "left"):
        axis = 2 if direction == "top" else 3
        return x.flip(axis).cummax(axis).values.flip(axis)
    return x.cummax(2 if direction == "bottom" else 3).values


def conv_bn(x, weight, scale, shift, relu=True):
    y = F.batch_norm(F.conv2d(x, weight, padding=weight.shape[-1] // 2), None, None, scale, shift, training=True)
    return y.relu() if relu else y


def corner_module(directions):
    """Law & Deng, "CornerNet", figure 7."""

    def run(x, *w):
        first = conv_bn(x, *w[0:3]), conv_bn(x, *w[3:6])
        pooled = sum(corner_pool(y, d) for y, d in zip(first, directions))
        joined = (conv_bn(pooled, *w[6:9], relu=False) + conv_bn(x, *w[9:12], relu=False)).relu()
        return conv_bn(joined, *w[12:15])

    return run


for corner, directions in [("topLeft", ("top", "left")), ("bottomRight", ("bottom", "right"))]:
    case = f"corner.{corner}"
    draw = golden.random(case)
    inputs = {"x": draw(2, 3, 6, 5)}
    for name, shape in [("p1_conv1.conv", (4, 3, 3, 3)), ("p2_conv1.conv", (4, 3, 3, 3)), ("p_conv1", (3, 4, 3, 3)),
                        ("conv1", (3, 3, 1, 1)), ("conv2.conv", (3, 3, 3, 3))]:
        norm = name.replace("conv", "bn") if "." not in name else name[:-4] + "bn"
        inputs[f"{name}.weight"] = draw(*shape) * 0.3
        inputs[f"{norm}.weight"] = draw(shape[0]) * 0.2 + 1
        inputs[f"{norm}.bias"] = draw(shape[0]) * 0.2
    golden.differentiate(case, corner_module(directions), inputs, op="corner", corner=corner)

for size in [2, 3, 6]:
    case = f"virtual_batch.{size}"
    draw = golden.random(case)
    mean, variance = torch.zeros(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    x, w, b = draw(6, 4, 3, 2) * 2 + 1, draw(4), draw(4)
    parts = x.double().split(size)
    mean = torch.stack([part.mean((0, 2, 3)) for part in parts]).mean(0)
    variance = torch.stack([part.var((0, 2, 3)) for part in parts]).mean(0)
    golden.differentiate(
        case, lambda x, w, b: torch.cat([F.batch_norm(p, None, None, w, b, training=True) for p in x.split(size)]),
        {"x": x, "w": w, "b": b}, op="virtual_batch", size=size,
        extra={"mean": 0.1 * mean, "variance": 0.9 + 0.1 * variance})

case = "pow"
draw = golden.random(case)
base, exponent = (draw(4, 300) * 3).exp(), draw(4, 300) * 3
golden.differentiate("pow", torch.pow, {"x": base, "w": exponent}, op="pow")
golden.differentiate("pow.broadcast", torch.pow, {"x": base[:, :5], "w": exponent[0, :5]}, op="pow")
golden.differentiate("pow.negative", torch.pow, {"x": draw(3, 40), "w": torch.randint(-3, 5, (3, 40)).float()},
                     constants=("w",), op="pow")
for number in [-2.0, 0.3, 4.0, 7.0, -1.5]:
    x = draw(2, 33)
    x = x if number % 1 == 0 else x.abs()
    x = x.sign() * (x.abs() + 0.2) if number % 1 == 0 else x + 0.2
    golden.differentiate(f"pow.{number}", lambda x: x.pow(number), {"x": x}, op="pow_scalar", exponent=number)
golden.save()
