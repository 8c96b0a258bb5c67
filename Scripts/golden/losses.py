"""Losses and their gradients: x the logits or predictions, t the targets, y, gy, gx.

Classes in t are whole numbers; `weight` and `pos_weight` are tensors of the case where it has them.
"""

import torch
from torch.nn import functional as F

from common import Golden

golden = Golden("losses")

# ---- Cross-entropy

classes = torch.tensor([0, 3, 1, 1, 2, 3])
ignored = torch.tensor([0, -100, 1, -100, 2, 3])
weight = torch.tensor([0.5, 1.0, 2.0, 0.25])
for reduction in ["mean", "sum", "none"]:
    for smoothing in [0.0, 0.1]:
        for weighted in [False, True]:
            for name, target in [("", classes), (".ignore", ignored)]:
                case = f"cross_entropy.{reduction}.s{smoothing}" + (
                    ".weight" if weighted else "") + name
                x = golden.random(case)(6, 4) * 2
                golden.differentiate(
                    case, lambda x: F.cross_entropy(
                        x, target, weight.to(x.dtype) if weighted else None, reduction=reduction,
                        label_smoothing=smoothing),
                    {"x": x}, extra={"t": target} | ({"weight": weight} if weighted else {}),
                    op="cross_entropy", reduction=reduction, label_smoothing=smoothing,
                    ignore_index=-100)

x = golden.random("cross_entropy.255")(6, 4)
target = torch.tensor([0, 255, 1, 255, 2, 3])
golden.differentiate(
    "cross_entropy.ignore255", lambda x: F.cross_entropy(x, target, ignore_index=255), {"x": x},
    extra={"t": target}, op="cross_entropy", reduction="mean", label_smoothing=0.0,
    ignore_index=255)
x = torch.tensor([[1e4, -1e4, 0, 0], [-1e4, 1e4, 0, 5], [1e4, 1e4, 1e4, 1e4], [-1e4, -1e4, -1e4, 0]])
target = torch.tensor([0, 0, 2, 3])
for reduction in ["mean", "none"]:
    golden.differentiate(
        f"cross_entropy.extreme.{reduction}", lambda x: F.cross_entropy(x, target, reduction=reduction),
        {"x": x}, extra={"t": target}, op="cross_entropy", reduction=reduction,
        label_smoothing=0.0, ignore_index=-100)
x = golden.random("cross_entropy.images")(2, 4, 3, 5)
target = torch.arange(30).reshape(2, 3, 5) % 4
golden.differentiate(
    "cross_entropy.images", lambda x: F.cross_entropy(x, target), {"x": x}, extra={"t": target},
    op="cross_entropy", reduction="mean", label_smoothing=0.0, ignore_index=-100)

# ---- Binary cross-entropy with logits

for reduction in ["mean", "sum", "none"]:
    for weighted in [False, True]:
        for positive in [False, True]:
            case = f"bce.{reduction}" + (".weight" if weighted else "") + (
                ".pos_weight" if positive else "")
            draw = golden.random(case)
            x, t = draw(5, 3) * 3, draw(5, 3).sigmoid()
            w, p = draw(5, 3).abs() + 0.1, draw(3).abs() + 0.5
            golden.differentiate(
                case, lambda x: F.binary_cross_entropy_with_logits(
                    x, t.to(x.dtype), w.to(x.dtype) if weighted else None, reduction=reduction,
                    pos_weight=p.to(x.dtype) if positive else None),
                {"x": x}, extra={"t": t} | ({"weight": w} if weighted else {})
                | ({"pos_weight": p} if positive else {}),
                op="bce", reduction=reduction)
x = torch.tensor([1e4, -1e4, 1e4, -1e4, 0.0, 100.0, -100.0])
t = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.5, 1.0, 0.25])
golden.differentiate(
    "bce.extreme", lambda x: F.binary_cross_entropy_with_logits(x, t.to(x.dtype), reduction="none"),
    {"x": x}, extra={"t": t}, op="bce", reduction="none")

# ---- Distances

DISTANCES = {
    "l1": (F.l1_loss, {}),
    "mse": (F.mse_loss, {}),
    "smooth_l1.beta1": (F.smooth_l1_loss, {"beta": 1.0}),
    "smooth_l1.beta0.1": (F.smooth_l1_loss, {"beta": 0.1}),
    "smooth_l1.beta2": (F.smooth_l1_loss, {"beta": 2.0}),
}
for name, (function, arguments) in DISTANCES.items():
    for reduction in ["mean", "sum", "none"]:
        case = f"{name}.{reduction}"
        draw = golden.random(case)
        golden.differentiate(
            case, lambda x, t: function(x, t, reduction=reduction, **arguments),
            {"x": draw(4, 6), "t": draw(4, 6)}, constants=("t",), op=name.split(".")[0],
            reduction=reduction, **arguments)

golden.save()
