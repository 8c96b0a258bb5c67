"""Attention, transformer layers, mixers and squeeze-and-excitation against PyTorch: x, y, gy, gradients.

`w.NAME` are a module's parameters by their names, `gw.NAME` their gradients. Batches come first.
"""

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F
from torchvision.ops import SqueezeExcitation

from common import Golden

golden = Golden("attention")

# ---- Scaled dot-product attention, beyond one block of 32 queries and 64 keys

for name, (n, h, l, s, e, f), kind in [
    ("plain", (2, 2, 5, 7, 4, 6), None), ("causal", (1, 2, 6, 6, 5, 5), "causal"),
    ("bool", (2, 2, 5, 9, 4, 4), "bool"), ("additive", (2, 1, 4, 6, 3, 3), "additive"),
    ("blocks", (1, 1, 37, 70, 17, 18), None), ("blocks.causal", (1, 1, 70, 70, 8, 8), "causal"),
    ("one", (1, 1, 1, 1, 1, 1), None), ("causal.wide", (1, 1, 3, 8, 4, 4), "causal"),
]:
    case = f"sdpa.{name}"
    draw = golden.random(case)
    inputs = {"q": draw(n, h, l, e), "k": draw(n, h, s, e), "v": draw(n, h, s, f)}
    mask = None
    if kind == "bool":
        mask = draw(n, 1, l, s) > -0.3
        mask[..., 0] = True
    if kind == "additive":
        mask = draw(l, s)

    def run(q, k, v):
        m = mask
        if m is not None and m.dtype != torch.bool:
            m = m.to(q.dtype)
        return F.scaled_dot_product_attention(q, k, v, m, is_causal=kind == "causal")

    extra = {} if mask is None else {"mask": mask}
    golden.differentiate(case, run, inputs, extra=extra, op="sdpa", causal=kind == "causal",
                         bool=kind == "bool")


def module(case, layer, inputs, call, op, extra=None, **attributes):
    """Differentiates by the inputs and by all parameters, which start at random numbers."""
    draw = golden.random(case + "/weights")
    layer = layer.double().eval()
    names = [name for name, _ in layer.named_parameters()]
    weights = {f"w.{k}": draw(*p.shape) * 0.4 + (1 if "norm" in k and "weight" in k else 0)
               for k, p in layer.named_parameters()}

    def run(*values):
        xs, ws = values[:len(inputs)], values[len(inputs):]
        layer.to(values[0].dtype)
        return call(lambda *a, **k: functional_call(layer, dict(zip(names, ws)), a, k), *xs)

    golden.differentiate(case, run, {**inputs, **weights}, extra=extra, op=op, **attributes)


# ---- Multi-head attention. PyTorch's masks are true where a key is hidden; stored is the opposite.

torch.manual_seed(1)
draw = golden.random("mha")
x, other = draw(2, 5, 8), draw(2, 7, 8)
hidden = draw(5, 5) > 0.8
hidden.fill_diagonal_(False)
padding = torch.tensor([[False] * 7, [False] * 4 + [True] * 3])
build = lambda **k: nn.MultiheadAttention(8, 2, batch_first=True, **k)
module("mha.self", build(), {"x": x}, lambda m, x: m(x, x, x)[0], "mha")
module("mha.mask", build(), {"x": x}, lambda m, x: m(x, x, x, attn_mask=hidden)[0], "mha",
       extra={"mask": ~hidden})
module("mha.cross", build(), {"x": x, "key": other},
       lambda m, x, k: m(x, k, k, key_padding_mask=padding)[0], "mha",
       extra={"padding": padding})
module("mha.widths", build(kdim=3, vdim=6),
       {"x": x, "key": draw(2, 4, 3), "value": draw(2, 4, 6)},
       lambda m, x, k, v: m(x, k, v)[0], "mha")
module("mha.no_bias", build(bias=False), {"x": x}, lambda m, x: m(x, x, x)[0], "mha")

# ---- Transformer layers

for first in [False, True]:
    for activation in ["relu", "gelu"]:
        name = f"{'pre' if first else 'post'}.{activation}"
        kind = dict(dim_feedforward=12, activation=activation, norm_first=first, batch_first=True)
        at = dict(pre=first, activation=activation)
        pad = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
        module(f"encoder.{name}", nn.TransformerEncoderLayer(8, 2, **kind), {"x": x},
               lambda m, x: m(x, src_key_padding_mask=pad), "encoder", extra={"padding": pad}, **at)
        causal = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
        module(f"decoder.{name}", nn.TransformerDecoderLayer(8, 2, **kind),
               {"x": x, "memory": other},
               lambda m, x, y: m(x, y, tgt_mask=causal, memory_key_padding_mask=padding), "decoder",
               extra={"padding": padding}, **at)

layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=12, batch_first=True, norm_first=True)
module("encoders", nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8), enable_nested_tensor=False),
       {"x": x}, lambda m, x: m(x), "encoders")
layer = nn.TransformerDecoderLayer(8, 2, dim_feedforward=12, batch_first=True)
module("decoders", nn.TransformerDecoder(layer, 2), {"x": x, "memory": other},
       lambda m, x, y: m(x, y, tgt_mask=causal), "decoders")

# ---- Mixers, patches, squeeze-and-excitation


class MLP(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.mlp_tokens = nn.LayerNorm(6, eps=1e-6), MLP(5, 3)
        self.norm2, self.mlp_channels = nn.LayerNorm(6, eps=1e-6), MLP(6, 24)

    def forward(self, x):
        x = x + self.mlp_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp_channels(self.norm2(x))


class Patches(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, 6, 4, stride=4)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class FNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.mlp, self.norm2 = nn.LayerNorm(6), MLP(6, 12), nn.LayerNorm(6)

    def forward(self, x):
        x = self.norm1(x + torch.fft.fft2(x).real)
        return self.norm2(x + self.mlp(x))


call = lambda m, x: m(x)
module("mixer", Mixer(), {"x": draw(2, 5, 6)}, call, "mixer")
module("patches", Patches(), {"x": draw(2, 3, 8, 12)}, call, "patches")
module("fnet", FNet(), {"x": draw(2, 7, 6)}, call, "fnet")
module("squeeze", SqueezeExcitation(6, 4), {"x": draw(2, 6, 4, 5)}, call, "squeeze")


class ConvMixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.GELU(), nn.BatchNorm2d(4))
        self.pointwise = nn.Sequential(nn.Conv2d(4, 4, 1), nn.GELU(), nn.BatchNorm2d(4))

    def forward(self, x):
        return self.pointwise(x + self.depthwise(x))


draw = golden.random("more")
module("convmixer", ConvMixer(), {"x": draw(2, 4, 5, 6)}, call, "convmixer")
module("squeeze.hard", SqueezeExcitation(6, 4, scale_activation=nn.Hardsigmoid),
       {"x": draw(2, 6, 4, 5)}, call, "squeeze", hard=True)
module("transformer", nn.Transformer(8, 2, 1, 1, 12, batch_first=True), {"x": other, "target": x},
       lambda m, x, y: m(x, y, tgt_mask=causal, src_key_padding_mask=padding,
                         memory_key_padding_mask=padding), "transformer",
       extra={"padding": padding})
golden.save()
