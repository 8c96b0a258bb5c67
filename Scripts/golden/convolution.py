"""Two-dimensional convolution over its arguments: x, w, b (if any), y, gy, gx, gw, gb.

Attributes: stride, dilation and kernel as [height, width], padding as such a pair or "same" or
"valid", padding_mode, groups.
"""

import torch
from torch import nn

from common import Golden

golden = Golden("convolution")


def pair(value):
    return list(value) if isinstance(value, (tuple, list)) else [value, value]


def convolution(case, kernel, stride=1, padding=0, dilation=1, groups=1, bias=True, mode="zeros",
                shape=(2, 4, 7, 8), outputs=4):
    kernel, stride, dilation = pair(kernel), pair(stride), pair(dilation)
    padding = padding if isinstance(padding, str) else pair(padding)
    if not isinstance(padding, str):
        for size, k, p, d in zip(shape[2:], kernel, padding, dilation):
            if size + 2 * p < d * (k - 1) + 1:
                return
    draw = golden.random(case)
    inputs = {"x": draw(*shape), "w": draw(outputs, shape[1] // groups, *kernel)}
    if bias:
        inputs["b"] = draw(outputs)
    layer = nn.Conv2d(
        shape[1], outputs, kernel, stride, padding if isinstance(padding, str) else tuple(padding),
        dilation, groups, bias, mode)

    def forward(x, w, b=None):
        return layer._conv_forward(x, w, b)

    golden.differentiate(
        case, forward, inputs, kernel=kernel, stride=stride, padding=padding, dilation=dilation,
        groups=groups, bias=bias, padding_mode=mode)


def name(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


# The plain grid; combinations whose kernel is larger than the padded picture are left out.
for kernel in [1, 3, 5, (3, 5)]:
    for stride in [1, 2, (2, 1)]:
        for padding, dilation, groups, bias in [
            (0, 1, 1, True), (1, 1, 1, False), (2, 1, 2, True), (1, 2, 1, True),
            (2, 2, 4, False), (0, 1, 4, True), ((1, 2), (1, 2), 2, True),
        ]:
            case = f"k{name(kernel)}.s{name(stride)}.p{name(padding)}.d{name(dilation)}.g{groups}"
            convolution(case + ("" if bias else ".nobias"), kernel, stride, padding, dilation,
                        groups, bias)

for kernel in [1, 2, 3, 4, 5, (3, 5), (2, 3)]:
    for dilation in [1, 2]:
        for padding in ["same", "valid"]:
            if padding == "valid" and dilation == 2 and kernel in (4, 5, (3, 5)):
                continue
            convolution(f"k{name(kernel)}.{padding}.d{dilation}", kernel, padding=padding,
                        dilation=dilation)
convolution("k3.valid.s2", 3, stride=2, padding="valid")

for mode in ["reflect", "replicate", "circular"]:
    for kernel, stride, padding, dilation, groups in [
        (3, 1, 1, 1, 1), (3, 2, 1, 1, 2), (5, 1, 2, 1, 1), ((3, 5), 1, (1, 2), 1, 4),
        (3, (2, 1), 2, 2, 1),
    ]:
        convolution(f"{mode}.k{name(kernel)}.s{name(stride)}.p{name(padding)}.d{dilation}.g{groups}",
                    kernel, stride, padding, dilation, groups, mode=mode)
    convolution(f"{mode}.k3.same", 3, padding="same", mode=mode)
    convolution(f"{mode}.k4.same", 4, padding="same", mode=mode)

# More channels than a vector register holds, sizes that no tile divides, and a first layer.
convolution("wide.k3.p1", 3, padding=1, shape=(1, 20, 13, 11), outputs=35)
convolution("wide.k3.p0", 3, shape=(2, 16, 9, 14), outputs=16)
convolution("wide.k1", 1, shape=(2, 33, 5, 6), outputs=17)
convolution("wide.depthwise.k3.p1", 3, padding=1, groups=24, shape=(2, 24, 8, 9), outputs=24)
convolution("wide.multiplier.k3.p1", 3, padding=1, groups=6, shape=(2, 6, 8, 9), outputs=12)
convolution("first.k3.p1", 3, padding=1, shape=(2, 3, 12, 10), outputs=16)
convolution("first.k7.s2.p3", 7, stride=2, padding=3, shape=(1, 3, 17, 18), outputs=8)
convolution("single.pixel", 3, padding=1, shape=(2, 4, 1, 1), outputs=5)

golden.save()
