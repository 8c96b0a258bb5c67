"""Losses beyond losses.py and their gradients: x (and b) the predictions, t the targets, y, gy, gx.

Where PyTorch, torchvision or SciPy have the loss, it is theirs; otherwise it is the paper's formula,
written out here in plain operations.
"""

import math

import scipy.stats
import torch
from torch.nn import functional as F
from torchvision import ops

from common import Golden

golden = Golden("more_losses")
REDUCTIONS = ["mean", "sum", "none"]


def reduced(losses, reduction):
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


# ---- Focal losses

for reduction in REDUCTIONS:
    for alpha, gamma in [(0.25, 2.0), (None, 2.0), (0.6, 0.5), (0.25, 0.0), (None, 3.3)]:
        case = f"sigmoid_focal.{reduction}.a{alpha}.g{gamma}"
        draw = golden.random(case)
        x, t = draw(4, 5) * 3, (draw(4, 5) > 0).float()
        golden.differentiate(
            case, lambda x: ops.sigmoid_focal_loss(
                x, t.to(x.dtype), -1 if alpha is None else alpha, gamma, reduction),
            {"x": x}, extra={"t": t}, op="sigmoid_focal", reduction=reduction, gamma=gamma,
            **({} if alpha is None else {"alpha": alpha}))
case = "sigmoid_focal.soft"
draw = golden.random(case)
x, t = draw(4, 5) * 3, draw(4, 5).sigmoid()
golden.differentiate(
    case, lambda x: ops.sigmoid_focal_loss(x, t.to(x.dtype), 0.25, 2.0, "none"), {"x": x},
    extra={"t": t}, op="sigmoid_focal", reduction="none", gamma=2.0, alpha=0.25)
case = "sigmoid_focal.extreme"
x = torch.tensor([1e4, -1e4, 1e4, -1e4, 0.0, 60.0, -60.0])
t = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
golden.differentiate(
    case, lambda x: ops.sigmoid_focal_loss(x, t.to(x.dtype), 0.25, 2.0, "none"), {"x": x},
    extra={"t": t}, op="sigmoid_focal", reduction="none", gamma=2.0, alpha=0.25)

target = torch.tensor([0, 3, 1, -100, 2, 3])
weights = torch.tensor([0.5, 1.0, 2.0, 0.25])
for reduction in REDUCTIONS:
    for gamma in [0.0, 0.5, 2.0]:
        for weighted in [False, True]:
            case = f"softmax_focal.{reduction}.g{gamma}" + (".alpha" if weighted else "")
            x = golden.random(case)(6, 4) * 2

            def focal(x):
                safe = target.clamp(min=0)
                log_p = x.log_softmax(1).gather(1, safe[:, None])[:, 0]
                a = weights.to(x.dtype)[safe] if weighted else 1
                losses = -a * (1 - log_p.exp()) ** gamma * log_p * (target >= 0)
                if reduction == "mean":
                    return losses.sum() / (target >= 0).sum()
                return reduced(losses, reduction)

            golden.differentiate(
                case, focal, {"x": x},
                extra={"t": target} | ({"alpha": weights} if weighted else {}),
                op="softmax_focal", reduction=reduction, gamma=gamma)

for reduction in ["mean", "none"]:
    for alpha, beta in [(2.0, 4.0), (1.5, 3.0)]:
        case = f"heatmap_focal.{reduction}.a{alpha}"
        draw = golden.random(case)
        x, t = draw(2, 3, 4, 5) * 3, draw(2, 3, 4, 5).sigmoid()
        t[0, 1, 2, 3] = t[1, 0, 0, 0] = t[1, 2, 3, 4] = 1

        def heatmap(x):
            p, y = x.sigmoid(), t.to(x.dtype)
            losses = torch.where(
                y == 1, -((1 - p) ** alpha) * F.logsigmoid(x),
                -((1 - y) ** beta) * p**alpha * F.logsigmoid(-x))
            return losses.sum() / (y == 1).sum() if reduction == "mean" else losses

        golden.differentiate(
            case, heatmap, {"x": x}, extra={"t": t}, op="heatmap_focal", reduction=reduction,
            alpha=alpha, beta=beta)

# ---- Probabilities

for reduction in REDUCTIONS:
    for weighted in [False, True]:
        case = f"probabilities.{reduction}" + (".weight" if weighted else "")
        draw = golden.random(case)
        x, t, w = draw(5, 3).sigmoid(), draw(5, 3).sigmoid(), draw(5, 3).abs()
        golden.differentiate(
            case, lambda x: F.binary_cross_entropy(
                x, t.to(x.dtype), w.to(x.dtype) if weighted else None, reduction=reduction),
            {"x": x}, extra={"t": t} | ({"weight": w} if weighted else {}), op="probabilities",
            reduction=reduction)
x, t = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5]), torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5])
golden.differentiate(
    "probabilities.sure", lambda x: F.binary_cross_entropy(x, t.to(x.dtype), reduction="none"),
    {"x": x}, extra={"t": t}, op="probabilities", reduction="none")

for reduction in REDUCTIONS:
    for weighted in [False, True]:
        case = f"nll.{reduction}" + (".weight" if weighted else "")
        x = golden.random(case)(6, 4).log_softmax(1)
        golden.differentiate(
            case, lambda x: F.nll_loss(
                x, target, weights.to(x.dtype) if weighted else None, reduction=reduction),
            {"x": x}, extra={"t": target} | ({"weight": weights} if weighted else {}), op="nll",
            reduction=reduction)
x = golden.random("nll.images")(2, 4, 3, 5).log_softmax(1)
t = torch.arange(30).reshape(2, 3, 5) % 4
golden.differentiate(
    "nll.images", lambda x: F.nll_loss(x, t), {"x": x}, extra={"t": t}, op="nll",
    reduction="mean")

for reduction in ["batchmean", "mean", "sum", "none"]:
    for log_target in [False, True]:
        case = f"kl.{reduction}" + (".log" if log_target else "")
        draw = golden.random(case)
        x, t = draw(4, 6).log_softmax(1), draw(4, 6).log_softmax(1)
        golden.differentiate(
            case, lambda x, t: F.kl_div(x, t, reduction=reduction, log_target=log_target),
            {"x": x, "t": t if log_target else t.exp()}, op="kl", reduction=reduction,
            is_log=log_target)
case = "kl.zeros"
draw = golden.random(case)
x, t = draw(3, 4).log_softmax(1), torch.tensor([[0, 1, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4])
golden.differentiate(
    case, lambda x: F.kl_div(x, t.to(x.dtype), reduction="batchmean"), {"x": x},
    extra={"t": t}, op="kl", reduction="batchmean", is_log=False, constant=True)

for reduction in REDUCTIONS:
    case = f"js.{reduction}"
    draw = golden.random(case)

    def js(x, t):
        p, q = x.exp(), t.exp()
        m = (p + q) / 2
        losses = 0.5 * (p * (p / m).log() + q * (q / m).log()).sum(1)
        return reduced(losses, reduction)

    golden.differentiate(
        case, js, {"x": draw(4, 6).log_softmax(1), "t": draw(4, 6).log_softmax(1)}, op="js",
        reduction=reduction)

# ---- Boxes: near ones, far ones, one inside the other, equal sides

BOXES = {
    "iou": lambda a, b: 1 - iou(a, b),
    "log_iou": lambda a, b: -iou(a, b).clamp(min=1e-7).log(),
    "giou": lambda a, b: ops.generalized_box_iou_loss(a, b),
    "diou": lambda a, b: ops.distance_box_iou_loss(a, b),
    "ciou": lambda a, b: ops.complete_box_iou_loss(a, b),
}


def iou(a, b):
    low, high = torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])
    inner = (high - low).clamp(min=0).prod(1)
    area = lambda x: (x[:, 2:] - x[:, :2]).prod(1)
    return inner / (area(a) + area(b) - inner + 1e-7)


def boxes(draw, count):
    low = draw(count, 2)
    return torch.cat([low, low + draw(count, 2).abs() + 0.3], 1)


for name, function in BOXES.items():
    for reduction in REDUCTIONS:
        case = f"{name}.{reduction}"
        draw = golden.random(case)
        a = boxes(draw, 24)
        b = a + 0.2 * draw(24, 4) if name == "log_iou" else boxes(draw, 24)
        # One inside the other, a side in common, equal boxes.
        b[0] = a[0] + torch.tensor([0.05, 0.05, -0.05, -0.05])
        b[1, 0], b[1, 3] = a[1, 0], a[1, 3]
        b[1, 2], b[1, 1] = a[1, 2] + 0.1, a[1, 1] - 0.1
        b[2] = a[2]
        golden.differentiate(
            case, lambda x, t: reduced(function(x, t), reduction), {"x": a, "t": b}, op="boxes",
            form=name, reduction=reduction)

# ---- Margins and embeddings

for reduction in REDUCTIONS:
    for power in [1, 2]:
        for weighted in [False, True]:
            case = f"multi_margin.{reduction}.p{power}" + (".weight" if weighted else "")
            x, t = golden.random(case)(5, 4), torch.tensor([0, 3, 1, 2, 2])
            golden.differentiate(
                case, lambda x: F.multi_margin_loss(
                    x, t, p=power, margin=0.7, weight=weights.to(x.dtype) if weighted else None,
                    reduction=reduction),
                {"x": x}, extra={"t": t} | ({"weight": weights} if weighted else {}),
                op="multi_margin", reduction=reduction, power=power, margin=0.7)
    case = f"hinge_embedding.{reduction}"
    draw = golden.random(case)
    t = torch.where(draw(4, 5) > 0, 1.0, -1.0)
    golden.differentiate(
        case, lambda x: F.hinge_embedding_loss(x, t, margin=0.8, reduction=reduction),
        {"x": draw(4, 5)}, extra={"t": t}, op="hinge_embedding", reduction=reduction, margin=0.8)
    case = f"cosine_embedding.{reduction}"
    draw = golden.random(case)
    s = torch.tensor([1.0, -1, -1, 1, -1, -1])
    golden.differentiate(
        case, lambda x, t: F.cosine_embedding_loss(x, t, s, margin=0.1, reduction=reduction),
        {"x": draw(6, 5), "t": draw(6, 5)}, extra={"s": s}, op="cosine_embedding",
        reduction=reduction, margin=0.1)
    case = f"huber.{reduction}"
    draw = golden.random(case)
    golden.differentiate(
        case, lambda x, t: F.huber_loss(x, t, delta=0.7, reduction=reduction),
        {"x": draw(4, 6), "t": draw(4, 6)}, op="huber", reduction=reduction, delta=0.7)

# ---- Transport

for weighted in [False, True]:
    for n, m in [(7, 7), (5, 9), (1, 4)]:
        case = f"wasserstein.{n}x{m}" + (".weight" if weighted else "")
        draw = golden.random(case)
        x, t, u, v = draw(n), draw(m) + 0.3, draw(n).abs() + 0.1, draw(m).abs() + 0.1
        if not weighted:
            u, v = torch.ones(n), torch.ones(m)

        def wasserstein(x, t):
            z, order = torch.cat([x, t]).sort()
            mass = torch.cat([u.to(x.dtype) / u.sum(dtype=x.dtype),
                              -v.to(x.dtype) / v.sum(dtype=x.dtype)])[order]
            return (mass.cumsum(0)[:-1].abs() * z.diff()).sum()

        exact = scipy.stats.wasserstein_distance(
            x.double(), t.double(), u.double(), v.double())
        assert abs(exact - wasserstein(x.double(), t.double()).item()) < 1e-12
        golden.differentiate(
            case, wasserstein, {"x": x, "t": t}, extra={"u": u, "v": v}, op="wasserstein",
            weighted=weighted)


def sinkhorn(cost, a, b, epsilon, iterations=4000):
    """The entropic problem's value; unrolled, in the scaling form rather than on logarithms."""
    kernel = (-cost / epsilon).exp() * a[:, None] * b[None, :]
    u = torch.ones_like(a)
    for _ in range(iterations):
        v = b / (kernel.T @ u)
        u = a / (kernel @ v)
    plan = u[:, None] * kernel * v[None, :]
    return (plan * cost).sum() + epsilon * (plan * (plan / (a[:, None] * b[None, :])).log()).sum()


for weighted in [False, True]:
    for epsilon in [0.5, 0.1]:
        case = f"sinkhorn.e{epsilon}" + (".weight" if weighted else "")
        draw = golden.random(case)
        x = draw(5, 4).abs()
        a, b = (draw(5).softmax(0), draw(4).softmax(0)) if weighted else (
            torch.full((5,), 0.2), torch.full((4,), 0.25))
        golden.differentiate(
            case, lambda x: sinkhorn(
                x, a.to(x.dtype) / a.sum(dtype=x.dtype), b.to(x.dtype) / b.sum(dtype=x.dtype),
                epsilon, 300),
            {"x": x}, extra={"u": a, "v": b}, op="sinkhorn", epsilon=epsilon, weighted=weighted)

# ---- Style

for normalized in [True, False]:
    case = f"style.{normalized}"
    draw = golden.random(case)
    x, t = draw(2, 3, 4, 5), draw(2, 3, 4, 5)

    def gram(x):
        x = x.flatten(2)
        return x @ x.transpose(1, 2) / (x.shape[1] * x.shape[2] if normalized else 1)

    golden.differentiate(
        case, lambda x: F.mse_loss(gram(x), gram(t.to(x.dtype))), {"x": x},
        extra={"t": gram(t.double())}, op="style", normalized=normalized)
x = golden.random("variation")(2, 3, 4, 5)
VARIATIONS = {
    "mean_absolute": lambda x: 0.5 * (
        (x[:, :, 1:] - x[:, :, :-1]).abs().mean() + (x[..., 1:] - x[..., :-1]).abs().mean()),
    "sum_absolute": lambda x: (
        (x[:, :, 1:] - x[:, :, :-1]).abs().sum() + (x[..., 1:] - x[..., :-1]).abs().sum()),
    "sum_squared": lambda x: (
        (x[:, :, 1:] - x[:, :, :-1]).square().sum() + (x[..., 1:] - x[..., :-1]).square().sum()),
}
for name, function in VARIATIONS.items():
    golden.differentiate(f"variation.{name}", function, {"x": x}, op="variation", form=name)

# ---- Distillation and InfoPro

for temperature in [1.0, 4.0]:
    case = f"distillation.t{temperature}"
    draw = golden.random(case)
    x, t = draw(4, 6) * 3, draw(4, 6) * 3
    golden.differentiate(
        case, lambda x: temperature**2 * F.kl_div(
            (x / temperature).log_softmax(1), (t.to(x.dtype) / temperature).softmax(1),
            reduction="batchmean"),
        {"x": x}, extra={"t": t}, op="distillation", temperature=temperature)
for distance in ["squared", "cosine"]:
    case = f"features.{distance}"
    draw = golden.random(case)
    x, t = draw(2, 3, 4, 5), draw(2, 3, 4, 5)
    golden.differentiate(
        case, lambda x: 0.5 * F.mse_loss(x, t.to(x.dtype)) if distance == "squared" else (
            1 - F.cosine_similarity(x, t.to(x.dtype), 1)).mean(),
        {"x": x}, extra={"t": t}, op="features", form=distance)
for temperature in [0.07, 0.5]:
    case = f"contrastive.t{temperature}"
    x, t = golden.random(case)(7, 5), torch.tensor([0, 1, 0, 2, 1, 0, 3])

    def contrastive(x):
        z = F.normalize(x, dim=1)
        total, pairs = 0, 0
        for i in range(7):
            others = [k for k in range(7) if k != i]
            below = torch.stack([(z[i] @ z[k] / temperature).exp() for k in others]).sum()
            for j in others:
                if t[i] == t[j]:
                    total = total - ((z[i] @ z[j] / temperature).exp() / below).log()
                    pairs += 1
        return total / pairs

    golden.differentiate(
        case, contrastive, {"x": x}, extra={"t": t}, op="contrastive", temperature=temperature)

# ---- Overlap

for squared in [False, True]:
    for reduction in REDUCTIONS:
        case = f"dice.{reduction}" + (".squared" if squared else "")
        draw = golden.random(case)
        x = draw(2, 3, 4, 5).softmax(1)
        t = F.one_hot(draw(2, 3, 4, 5).argmax(1), 3).permute(0, 3, 1, 2).float()

        def dice(x):
            p, y = x.flatten(2), t.to(x.dtype).flatten(2)
            below = (p * p + y * y if squared else p + y).sum(2)
            return reduced(1 - (2 * (p * y).sum(2) + 1) / (below + 1), reduction)

        golden.differentiate(
            case, dice, {"x": x}, extra={"t": t}, op="dice", reduction=reduction,
            squared=squared)
        if not squared:
            def tversky(x):
                p, y = x.flatten(2), t.to(x.dtype).flatten(2)
                tp, fp, fn = (p * y).sum(2), (p * (1 - y)).sum(2), ((1 - p) * y).sum(2)
                return reduced(1 - (tp + 1) / (tp + 0.3 * fp + 0.7 * fn + 1), reduction)

            golden.differentiate(
                f"tversky.{reduction}", tversky, {"x": x}, extra={"t": t}, op="tversky",
                reduction=reduction)

golden.save()
