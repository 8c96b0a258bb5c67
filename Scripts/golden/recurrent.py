"""Recurrent layers against PyTorch: x, h0, c0; y, the last states hn, cn; gradients of all for the
sum y gy + hn ghn + cn gcn. Weights are `w.NAME`, their gradients `gw.NAME`. With `lengths`, sequences
are packed (unsorted).
"""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from common import Golden

golden = Golden("recurrent")


def add(case, kind, lengths=None, state=True, steps=5, **options):
    draw = golden.random(case)
    build = {"rnn": nn.RNN, "relu": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind]
    more = {"nonlinearity": "relu"} if kind == "relu" else {}
    layer = build(3, 4, **options, **more).double()
    first = options.get("batch_first", False)
    x = draw(2, steps, 3) if first else draw(steps, 2, 3)
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    inputs = {"x": x}
    if state:
        inputs["h0"] = draw(rows, 2, 4)
        if kind == "lstm":
            inputs["c0"] = draw(rows, 2, 4)
    count = len(inputs)
    names = [name for name, _ in layer.named_parameters()]
    inputs |= {f"w.{k}": draw(*p.shape) * 0.6 for k, p in layer.named_parameters()}
    sizes = {}

    def run(*values):
        x, states, ws = values[0], values[1:count], values[count:]
        layer.to(x.dtype)
        start = None if not states else states[0] if kind != "lstm" else tuple(states)
        given = x
        if lengths:
            given = pack_padded_sequence(x, torch.tensor(lengths), first, enforce_sorted=False)
        y, last = functional_call(layer, dict(zip(names, ws)), (given, start))
        if lengths:
            y, _ = pad_packed_sequence(y, first, total_length=steps)
        last = last if kind == "lstm" else (last,)
        sizes["y"], sizes["last"] = y.shape, len(last)
        return torch.cat([y.flatten(), *(s.flatten() for s in last)])

    golden.differentiate(case, run, inputs, op="recurrent", kind=kind, lengths=lengths or [],
                         layers=options.get("num_layers", 1), bias=options.get("bias", True),
                         batch_first=first, bidirectional=options.get("bidirectional", False))


for kind in ["rnn", "relu", "lstm", "gru"]:
    add(f"{kind}.plain", kind)
    add(f"{kind}.deep", kind, num_layers=2, bidirectional=True, batch_first=True)
    add(f"{kind}.packed", kind, lengths=[3, 5], num_layers=2, bidirectional=True)
add("gru.no_bias", "gru", bias=False, state=False)
add("lstm.no_bias", "lstm", bias=False, state=False)
add("lstm.one_step", "lstm", steps=1)


def add_normalized(kind, gates, steps=4):
    """Layer norm inside the cell, arXiv:1607.06450, composed of torch's functions."""
    case = f"{kind}.layer_norm"
    draw = golden.random(case)
    inputs = {"x": draw(steps, 2, 3), "h0": draw(2, 4)}
    if kind == "lstm":
        inputs["c0"] = draw(2, 4)
    count, rows = len(inputs), gates * 4
    shapes = {"weight_ih": (rows, 3), "weight_hh": (rows, 4)}
    shapes |= {f"{n}.{k}": (rows,) for n in ["norm_ih", "norm_hh"] for k in ["weight", "bias"]}
    if kind == "lstm":
        shapes |= {f"norm_cell.{k}": (4,) for k in ["weight", "bias"]}
    inputs |= {f"w.{k}": draw(*s) * 0.6 + (".weight" in k) for k, s in shapes.items()}

    def run(x, *values):
        w = dict(zip(shapes, values[count - 1:]))
        norm = lambda v, n: F.layer_norm(v, v.shape[-1:], w[n + ".weight"], w[n + ".bias"])
        h, c = values[0], values[1]
        outputs = []
        for step in x:
            a, b = norm(step @ w["weight_ih"].T, "norm_ih"), norm(h @ w["weight_hh"].T, "norm_hh")
            if kind == "lstm":
                i, f, g, o = (a + b).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * norm(c, "norm_cell").tanh()
            elif kind == "gru":
                (ar, az, an), (br, bz, bn) = a.chunk(3, 1), b.chunk(3, 1)
                z = (az + bz).sigmoid()
                h = (1 - z) * (an + (ar + br).sigmoid() * bn).tanh() + z * h
            else:
                h = (a + b).tanh() if kind == "rnn" else (a + b).relu()
            outputs.append(h)
        return torch.cat([torch.stack(outputs).flatten(), *([c.flatten()] if kind == "lstm" else [])])

    golden.differentiate(case, run, inputs, op="layer_norm_cell", kind=kind)


for kind, gates in [("rnn", 1), ("relu", 1), ("lstm", 4), ("gru", 3)]:
    add_normalized(kind, gates, steps=2 if kind == "relu" else 4)
golden.save()
