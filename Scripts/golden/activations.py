"""Activations: x, y, gy, gx; with parameters p and gp. Cases `far.NAME` hold x far out, y, and the
derivative `slope`, in double precision.
"""

import torch
from torch.nn import functional as F

from common import Golden

golden = Golden("activations")

FUNCTIONS = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1), "elu": lambda x: F.elu(x, 0.7), "selu": F.selu,
    "swish": lambda x: x * torch.sigmoid(1.5 * x), "silu": F.silu, "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid, "hardtanh": F.hardtanh,
    "hardtanh_wide": lambda x: F.hardtanh(x, -0.5, 2), "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "mish": F.mish, "softplus": F.softplus,
    "softplus_beta": lambda x: F.softplus(x, 2.5), "softsign": F.softsign,
    "logsigmoid": F.logsigmoid, "erf": torch.erf, "sin": torch.sin, "cos": torch.cos,
}
FAR = [-1e4, -300, -100, -88.5, -30, -13.5, -9, -6, -3.5, -1, -1e-3, 1e-3, 1, 3.5, 6, 9, 13.5, 30,
       88.5, 100, 300, 1e4]

for name, function in FUNCTIONS.items():
    draw = golden.random(name)
    golden.differentiate(name, function, {"x": draw(5, 67) * 3}, op="plain")
    x = torch.tensor(FAR, dtype=torch.float32).double().requires_grad_()
    y = function(x)
    y.sum().backward()
    golden.add(f"far.{name}", {"x": x, "y": y, "slope": x.grad}, op="far")

for axis in [-1, 0, 1]:
    for name, function in [("softmax", F.softmax), ("log_softmax", F.log_softmax), ("glu", F.glu)]:
        case = f"{name}.{axis}"
        golden.differentiate(case, lambda x: function(x, dim=axis),
                             {"x": golden.random(case)(4, 6, 8) * 3}, op=name, axis=axis)

for name, function in [
    ("prelu", F.prelu),
    ("swish_learned", lambda x, p: x * torch.sigmoid(
        (p if p.numel() == 1 else p.reshape([1, -1] + [1] * (x.dim() - 2))) * x)),
]:
    for shape, parameters in [((4, 5), 1), ((4, 5), 5), ((2, 20, 3, 4), 20), ((2, 3, 5, 7), 3),
                              ((2, 3, 5, 7), 1), ((2, 6, 9), 6), ((3, 70), 70)]:
        case = f"{name}.{'x'.join(map(str, shape))}.{parameters}"
        draw = golden.random(case)
        golden.differentiate(case, function,
                             {"x": draw(*shape) * 2, "p": draw(parameters) * 0.5 + 0.3}, op=name)

golden.save()
