"""Starts that are not random, and the gains of activations.

`dirac`: y the weight of a shape. `bilinear`: y the kernel, x a picture and z what a transposed
convolution by it makes of x; `gain`: y the gain.
"""

import torch
from torch import nn
from torch.nn import functional as F

from common import Golden

golden = Golden("initializers")

for shape, groups in [((4, 3, 3, 3), 1), ((6, 2, 3, 5), 2), ((3, 4, 4), 1), ((4, 2, 3, 3, 3), 2)]:
    name = "dirac." + "x".join(map(str, shape)) + f".{groups}"
    golden.add(name, {"y": nn.init.dirac_(torch.empty(shape), groups)}, op="dirac", groups=groups,
               shape=list(shape))
golden.add("eye", {"y": nn.init.eye_(torch.empty(3, 5))}, op="eye", shape=[3, 5])


def tent(size):
    """Long, Shelhamer & Darrell's filter in one dimension."""
    factor = (size + 1) // 2
    center = factor - 1 if size % 2 == 1 else factor - 0.5
    return 1 - (torch.arange(size, dtype=torch.float64) - center).abs() / factor


for stride in [2, 3, 4]:
    case = f"bilinear.{stride}"
    size, padding = 2 * stride - stride % 2, -(-(stride - 1) // 2)
    kernel = tent(size)[:, None] * tent(size)[None]
    x = golden.random(case)(1, 1, 5, 6)
    z = F.conv_transpose2d(x.double(), kernel[None, None], stride=stride, padding=padding)
    # Inside it is what the field calls bilinear interpolation without aligned corners.
    want = F.interpolate(x.double(), scale_factor=stride, mode="bilinear", align_corners=False)
    inner = slice(stride, -stride)
    assert torch.allclose(z[..., inner, inner], want[..., inner, inner], atol=1e-12), case
    golden.add(case, {"y": kernel, "x": x, "z": z}, op="bilinear", stride=stride, padding=padding)

for name, argument in [("linear", None), ("sigmoid", None), ("tanh", None), ("relu", None),
                       ("selu", None), ("leaky_relu", 0.2)]:
    golden.add(f"gain.{name}", {"y": nn.init.calculate_gain(name, argument)}, op="gain", name=name)

golden.save()
