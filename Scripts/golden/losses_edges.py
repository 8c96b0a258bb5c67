"""Losses where small numbers or many conventions count: tails of sure predictions, to be compared
element by element, and PyTorch's means of weighed differences, some over the weights, some not."""

import torch
from torch.nn import functional as F

from common import Golden

golden = Golden("losses_edges")

# ---- Tails: y is 0, 1 or between, and the logits reach far on both sides

x = torch.linspace(-24, 24, 49).repeat(3)
t = torch.tensor([0.0, 1.0, 0.3]).repeat_interleave(49)


def parts(x):
    """p, 1 - p and their negative logarithms, none by a difference."""
    return x.sigmoid(), (-x).sigmoid(), -F.logsigmoid(x), -F.logsigmoid(-x)


def binary(x):
    _, _, log_p, log_n = parts(x)
    y = t.to(x.dtype)
    return 3 * y * log_p + (1 - y) * log_n


def focal(gamma):
    def loss(x):
        p, n, log_p, log_n = parts(x)
        y = t.to(x.dtype)
        q = y * n + (1 - y) * p
        return (0.25 * y + 0.75 * (1 - y)) * q**gamma * (y * log_p + (1 - y) * log_n)
    return loss


golden.differentiate("tail.binary", binary, {"x": x}, extra={"t": t}, op="tail_binary")
for gamma in [0.5, 2.0]:
    golden.differentiate(
        f"tail.focal.g{gamma}", focal(gamma), {"x": x}, extra={"t": t}, op="tail_focal",
        gamma=gamma)

# ---- Weighed differences

LOSSES = {
    "mse": F.mse_loss, "l1": F.l1_loss,
    "huber": lambda *a, **k: F.huber_loss(*a, delta=0.7, **k)}
for name, function in LOSSES.items():
    for reduction in ["mean", "sum", "none"]:
        case = f"weight.{name}.{reduction}"
        draw = golden.random(case)
        w = draw(4, 6).abs() + 0.1
        golden.differentiate(
            case, lambda x, t: function(x, t, weight=w.to(x.dtype), reduction=reduction),
            {"x": draw(4, 6), "t": draw(4, 6)}, extra={"weight": w}, op="weight", form=name,
            reduction=reduction)

golden.save()
