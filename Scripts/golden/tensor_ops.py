"""Element-wise, reducing, indexing and shaping operations with their gradients.

Inputs are x (and w, v), the result y, its gradient gy, gradients gx (gw, gv). Indices are whole
numbers in `i`, masks 0 or 1 in `m`. Attributes: `op` and its arguments, by PyTorch's names.
"""

import torch
from torch.nn import functional as F

from common import Golden

golden = Golden("tensor_ops")

# ---- Two operands, with broadcasting

SHAPES = {
    "same": ([2, 3, 4], [2, 3, 4]),
    "row": ([2, 3, 4], [4]),
    "column": ([3, 4], [3, 1]),
    "both": ([2, 1, 4], [3, 1]),
    "scalar": ([2, 3], []),
    "image": ([2, 3, 4, 5], [1, 3, 1, 1]),
}
BINARY = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow,
    "maximum": torch.maximum, "minimum": torch.minimum, "atan2": torch.atan2,
}
for op, function in BINARY.items():
    for shape, (a, b) in SHAPES.items():
        case = f"{op}.{shape}"
        draw = golden.random(case)
        x, w = draw(*a), draw(*b)
        if op == "div":
            w = w.sign() * (w.abs() + 0.5)
        if op == "pow":
            x = x.abs() + 0.2
        golden.differentiate(case, function, {"x": x, "w": w}, op=op)

# ---- One operand

UNARY = {
    "neg": torch.neg, "exp": torch.exp, "expm1": torch.expm1, "sin": torch.sin, "cos": torch.cos,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "erf": torch.erf, "abs": torch.abs,
    "square": torch.square, "relu": F.relu, "relu6": F.relu6, "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "mish": F.mish,
    "softplus": F.softplus, "elu": F.elu, "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "hardswish": F.hardswish, "hardsigmoid": F.hardsigmoid, "logsigmoid": F.logsigmoid,
    "atan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh,
}
POSITIVE = {
    "log": torch.log, "log1p": torch.log1p, "log2": torch.log2, "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal,
}
for op, function in {**UNARY, **POSITIVE}.items():
    x = golden.random(op)(4, 7) * 2
    if op in POSITIVE:
        x = x.abs() + 0.1
    arguments = {"negative_slope": 0.1} if op == "leaky_relu" else {}
    golden.differentiate(op, function, {"x": x}, op=op, **arguments)

for low, high in [(-0.5, 0.5), (None, 0.3), (-0.3, None)]:
    case = f"clamp.{low}.{high}"
    bounds = {k: v for k, v in [("min", low), ("max", high)] if v is not None}
    x = golden.random(case)(3, 5)
    golden.differentiate(case, lambda x: x.clamp(**bounds), {"x": x}, op="clamp", **bounds)

for exponent in [2, 3, -1, 0.5]:
    case = f"pow.exponent.{exponent}"
    x = golden.random(case)(3, 5).abs() + 0.3
    golden.differentiate(case, lambda x: x**exponent, {"x": x}, op="pow", exponent=exponent)

# ---- Reductions

AXES = {"all": None, "0": [0], "1": [1], "-1": [-1], "0,2": [0, 2], "2,3": [2, 3]}
REDUCTIONS = {
    "sum": torch.sum, "mean": torch.mean, "amax": torch.amax, "amin": torch.amin,
    "var": lambda x, **k: torch.var(x, correction=1, **k),
    "var_biased": lambda x, **k: torch.var(x, correction=0, **k),
    "logsumexp": torch.logsumexp,
}
for op, function in REDUCTIONS.items():
    for axes, dim in AXES.items():
        for keepdim in [False, True]:
            case = f"{op}.{axes}.{'keep' if keepdim else 'drop'}"
            dims = dim if dim is not None else [0, 1, 2, 3]
            x = golden.random(case)(2, 3, 4, 5)
            golden.differentiate(
                case, lambda x: function(x, dim=dims, keepdim=keepdim), {"x": x},
                op=op, dim=dims, keepdim=keepdim)

for op in ["max", "min"]:
    for dim in [0, 1, -1]:
        for keepdim in [False, True]:
            case = f"{op}.dim.{dim}.{'keep' if keepdim else 'drop'}"
            x = golden.random(case)(3, 4, 5)
            indices = getattr(x, op)(dim=dim, keepdim=keepdim).indices
            golden.differentiate(
                case, lambda x: getattr(x, op)(dim=dim, keepdim=keepdim).values, {"x": x},
                extra={"i": indices}, op=op, dim=dim, keepdim=keepdim)

for op in ["argmax", "argmin"]:
    for dim in [None, 0, 1, -1]:
        case = f"{op}.{'all' if dim is None else dim}"
        x = golden.random(case)(3, 4, 5)
        golden.add(case, {"x": x, "y": getattr(x, op)(dim=dim)}, op=op, dim=dim)

for op in ["softmax", "log_softmax"]:
    for dim in [0, 1, -1]:
        case = f"{op}.{dim}"
        x = golden.random(case)(3, 4, 5) * 3
        golden.differentiate(
            case, lambda x: getattr(F, op)(x, dim=dim), {"x": x}, op=op, dim=dim)
    extreme = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [80.0, 81.0, 82.0]])
    golden.differentiate(
        f"{op}.extreme", lambda x: getattr(F, op)(x, dim=1), {"x": extreme}, op=op, dim=1)

for dim in [0, 1, -1]:
    case = f"cumsum.{dim}"
    x = golden.random(case)(3, 4, 5)
    golden.differentiate(case, lambda x: x.cumsum(dim), {"x": x}, op="cumsum", dim=dim)

# ---- Matrix products

MATMULS = {
    "matrix": ([3, 4], [4, 5]),
    "vector": ([3, 4], [4]),
    "dot": ([4], [4]),
    "row": ([4], [4, 5]),
    "batch": ([2, 3, 4], [2, 4, 5]),
    "broadcast": ([2, 3, 4], [4, 5]),
    "broadcast.both": ([2, 1, 3, 4], [5, 4, 6]),
    "large": ([37, 65], [65, 33]),
}
for name, (a, b) in MATMULS.items():
    case = f"matmul.{name}"
    draw = golden.random(case)
    golden.differentiate(case, torch.matmul, {"x": draw(*a), "w": draw(*b)}, op="matmul")

# ---- Indexing

x = golden.random("gather")(3, 5, 4)
i = torch.tensor([[[0, 4, 2, 2], [1, 1, 3, 0]]] * 3)
for name, dim, index in [
    ("gather.1", 1, i),
    ("gather.0", 0, i.clamp(max=2)),
    ("gather.-1", -1, i[:, :, :3].clamp(max=3)),
]:
    golden.differentiate(
        name, lambda x: x.gather(dim, index), {"x": x}, extra={"i": index}, op="gather", dim=dim)

for dim in [0, 1, -1]:
    case = f"index_select.{dim}"
    index = torch.tensor([2, 0, 2, 1])
    x = golden.random(case)(3, 4, 3)
    golden.differentiate(
        case, lambda x: x.index_select(dim, index), {"x": x}, extra={"i": index},
        op="index_select", dim=dim)

for dim in [0, 1]:
    case = f"scatter_add.{dim}"
    draw = golden.random(case)
    x, w = draw(4, 5), draw(3, 5)
    index = torch.tensor([[0, 1, 2, 0, 0], [3, 3, 3, 3, 3], [0, 2, 0, 2, 1]])
    golden.differentiate(
        case, lambda x, w: x.scatter_add(dim, index, w), {"x": x, "w": w}, extra={"i": index},
        op="scatter_add", dim=dim)

draw = golden.random("where")
x, w = draw(3, 4), draw(1, 4)
m = draw(3, 4) > 0
golden.differentiate(
    "where", lambda x, w: torch.where(m, x, w), {"x": x, "w": w}, extra={"m": m}, op="where")
golden.differentiate(
    "masked_select", lambda x: x.masked_select(m), {"x": x}, extra={"m": m}, op="masked_select")
golden.differentiate(
    "masked_fill", lambda x: x.masked_fill(m, -2.5), {"x": x}, extra={"m": m}, op="masked_fill",
    value=-2.5)

# ---- Shapes

draw = golden.random("joining")
parts = {"x": draw(2, 3, 4), "w": draw(2, 1, 4), "v": draw(2, 2, 4)}
golden.differentiate(
    "cat.1", lambda *p: torch.cat(p, 1), parts, op="cat", dim=1)
equal = {"x": draw(2, 3), "w": draw(2, 3), "v": draw(2, 3)}
for dim in [0, 1, -1]:
    golden.differentiate(
        f"cat.equal.{dim}", lambda *p: torch.cat(p, dim), equal, op="cat", dim=dim)
    golden.differentiate(
        f"stack.{dim}", lambda *p: torch.stack(p, dim), equal, op="stack", dim=dim)

x = draw(4, 6, 5)
SHAPINGS = {
    "split.1": (lambda x: x.split([1, 3, 2], 1)[1], dict(op="split", sizes=[1, 3, 2], dim=1, part=1)),
    "permute": (lambda x: x.permute(2, 0, 1), dict(op="permute", dims=[2, 0, 1])),
    "transpose": (lambda x: x.transpose(0, 2), dict(op="transpose", dims=[0, 2])),
    "reshape": (lambda x: x.reshape(8, -1), dict(op="reshape", shape=[8, -1])),
    "reshape.permuted": (
        lambda x: x.permute(2, 0, 1).reshape(10, 12),
        dict(op="reshape", dims=[2, 0, 1], shape=[10, 12])),
    "flatten": (lambda x: x.flatten(1), dict(op="flatten", start=1)),
    "slice": (lambda x: x[1:3, ::2, 1:5:3], dict(
        op="slice", starts=[1, 0, 1], ends=[3, 6, 5], steps=[1, 2, 3])),
    "flip.0": (lambda x: x.flip(0), dict(op="flip", dims=[0])),
    "flip.1,2": (lambda x: x.flip(1, 2), dict(op="flip", dims=[1, 2])),
    "roll": (lambda x: x.roll((1, -2), (0, 1)), dict(op="roll", shifts=[1, -2], dims=[0, 1])),
    "select": (lambda x: x[2], dict(op="select", dim=0, index=2)),
    "squeeze": (lambda x: x[:1].squeeze(0), dict(op="squeeze", dim=0, slice=1)),
    "unsqueeze": (lambda x: x.unsqueeze(1), dict(op="unsqueeze", dim=1)),
    "repeat": (lambda x: x.repeat(2, 1, 3), dict(op="repeat", repeats=[2, 1, 3])),
    "pad": (lambda x: F.pad(x, (1, 2, 0, 1)), dict(op="pad", pads=[1, 2, 0, 1])),
}
for case, (function, attributes) in SHAPINGS.items():
    golden.differentiate(case, function, {"x": x}, **attributes)
for case, start, shape in [("row", [4], [3, 4]), ("column", [3, 1], [3, 4]), ("keep", [2, 1, 3], [5, 2, 4, -1])]:
    x = golden.random(f"expand.{case}")(*start)
    golden.differentiate(
        f"expand.{case}", lambda x: x.expand(shape), {"x": x}, op="expand", shape=shape)

# ---- Order

for dim in [0, 1, -1]:
    for descending in [False, True]:
        case = f"sort.{dim}.{'down' if descending else 'up'}"
        x = golden.random(case)(4, 5, 6)
        order = x.sort(dim=dim, descending=descending, stable=True)
        golden.differentiate(
            case, lambda x: x.sort(dim=dim, descending=descending, stable=True).values, {"x": x},
            extra={"i": order.indices}, op="sort", dim=dim, descending=descending)
x = torch.tensor([[2.0, 1, 2, 0, 1, 2], [0, 0, 0, 0, 0, 0]])
golden.add(
    "argsort.ties", {"x": x, "y": x.argsort(dim=1, stable=True),
                     "d": x.argsort(dim=1, descending=True, stable=True)},
    op="argsort", dim=1, stable=True)
for dim, largest in [(0, True), (-1, True), (-1, False)]:
    case = f"topk.{dim}.{'largest' if largest else 'smallest'}"
    x = golden.random(case)(4, 5, 7)
    top = x.topk(3, dim=dim, largest=largest)
    golden.differentiate(
        case, lambda x: x.topk(3, dim=dim, largest=largest).values, {"x": x},
        extra={"i": top.indices}, op="topk", k=3, dim=dim, largest=largest)

golden.save()
