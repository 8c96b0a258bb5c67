"""Convolutions beside the plain one in two dimensions, resampling, pooling of other shapes, regions
and corners: inputs, y, gy, gradients."""

import itertools

import torch
import torchvision
from torch.nn import functional as F

from common import Golden

golden = Golden("convolutions")
sides = {1: (9,), 2: (7, 8), 3: (5, 6, 4)}


def values(n, number):
    """A number for each axis, as a list."""
    return list(number) if isinstance(number, tuple) else [number] * n


# ---- Convolutions, with every way of padding; in two dimensions convolution.py has all but the words for functions

for n in (1, 2, 3):
    for name, options in {
        "plain": {}, "strided": dict(stride=2, padding=1), "dilated": dict(dilation=2, padding=1),
        "grouped": dict(groups=2, padding=1), "depthwise": dict(groups=4, padding=1),
        "nobias": dict(bias=False), "uneven": dict(stride=(1, 2, 2)[-n:], padding=(0, 1, 2)[-n:]),
        "reflect": dict(mode="reflect", padding=1), "replicate": dict(mode="replicate", padding=2),
        "circular": dict(mode="circular", padding=1), "same": dict(padding="same"),
        "valid": dict(padding="valid"), "full": dict(padding="full"), "one": dict(kernel=1),
        "same.dilated": dict(padding="same", dilation=2), "valid.strided": dict(padding="valid", stride=2),
        "full.strided": dict(padding="full", stride=2),
    }.items():
        if n == 2 and name.split(".")[0] not in ("same", "valid", "full"):
            continue
        o = dict(stride=1, padding=0, dilation=1, groups=1, bias=True, mode="constant", kernel=3) | options
        case = f"conv{n}d.{name}"
        draw = golden.random(case)
        kernel = (2, 3, 2)[-n:] if name in ("same", "same.dilated", "plain") else (o["kernel"],) * n
        inputs = {"x": draw(2, 4, *sides[n]), "w": draw(4, 4 // o["groups"], *kernel)}
        if o["bias"]:
            inputs["b"] = draw(4)

        def conv(x, w, b=None):
            padding = [k - 1 for k in kernel] if o["padding"] == "full" else o["padding"]
            if o["mode"] != "constant":
                x = F.pad(x, [p for p in reversed(values(n, padding)) for _ in range(2)], o["mode"])
                padding = 0
            return getattr(F, f"conv{n}d")(x, w, b, o["stride"], padding, o["dilation"], o["groups"])

        text = isinstance(o["padding"], str)
        golden.differentiate(
            case, conv, inputs, op=f"conv{n}d", stride=values(n, o["stride"]),
            padding=[] if text else values(n, o["padding"]), padding_name=o["padding"] if text else "",
            dilation=values(n, o["dilation"]), groups=o["groups"], mode=o["mode"], kernel=list(kernel))

# ---- Transposed

for n in (1, 2, 3):
    for name, options in {
        "plain": {}, "strided": dict(stride=2), "cut": dict(stride=2, padding=1),
        "output": dict(stride=3, padding=1, output_padding=2), "added": dict(stride=2, output_padding=1),
        "dilated": dict(dilation=2, padding=1), "grouped": dict(groups=2, stride=2, padding=1),
        "depthwise": dict(groups=4, stride=2), "nobias": dict(bias=False, padding=1),
        # Output padding at or above the stride: rows that nothing reaches, or the padding cuts.
        "behind": dict(dilation=3, output_padding=2), "between": dict(dilation=3, output_padding=2, padding=1),
        "uneven": dict(stride=(1, 2, 3)[-n:], padding=(0, 1, 1)[-n:], output_padding=(0, 0, 2)[-n:]),
    }.items():
        o = dict(stride=1, padding=0, output_padding=0, dilation=1, groups=1, bias=True) | options
        case = f"conv_transpose{n}d.{name}"
        draw = golden.random(case)
        inputs = {"x": draw(2, 4, *(4, 3, 5)[-n:]), "w": draw(4, 6 // o["groups"] if o["groups"] < 4 else 1, *(2, 3, 3)[-n:])}
        if o["bias"]:
            inputs["b"] = draw(inputs["w"].shape[1] * o["groups"])
        golden.differentiate(
            case,
            lambda x, w, b=None: getattr(F, f"conv_transpose{n}d")(
                x, w, b, o["stride"], o["padding"], o["output_padding"], o["groups"], o["dilation"]),
            inputs, op=f"conv_transpose{n}d", groups=o["groups"],
            **{k: values(n, o[k]) for k in ("stride", "padding", "output_padding", "dilation")})

# ---- Deformable

for name, o in {
    "v1": {}, "v2": dict(mask=True), "strided": dict(stride=(2, 1), padding=(1, 2), mask=True),
    "dilated": dict(dilation=(2, 1), padding=(2, 1)), "offset_groups": dict(offset_groups=2, mask=True),
    "groups": dict(groups=2), "both": dict(groups=2, offset_groups=3, channels=6, mask=True),
    "far": dict(reach=6, mask=True), "nobias": dict(bias=False), "one": dict(kernel=(1, 1)),
}.items():
    o = dict(stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=1, offset_groups=1, channels=4,
             mask=False, bias=True, reach=1.5, kernel=(3, 2)) | o
    case = f"deform_conv2d.{name}"
    draw = golden.random(case)
    kernel, c = o["kernel"], o["channels"]
    x = draw(2, c, 6, 5)
    y = [(s + 2 * p - d * (k - 1) - 1) // t + 1
         for s, p, d, k, t in zip((6, 5), o["padding"], o["dilation"], kernel, o["stride"])]
    taps = kernel[0] * kernel[1] * o["offset_groups"]
    # Away from whole pixels, where the slope jumps.
    offset = draw(2, 2 * taps, *y) * o["reach"]
    offset = torch.where((offset - offset.round()).abs() < 0.05, offset.round() + 0.1, offset)
    inputs = {"x": x, "offset": offset, "w": draw(4, c // o["groups"], *kernel)}
    if o["mask"]:
        inputs["mask"] = draw(2, taps, *y)
    if o["bias"]:
        inputs["b"] = draw(4)

    def deform(*tensors):
        t = dict(zip(inputs, tensors))
        return torchvision.ops.deform_conv2d(
            t["x"], t["offset"], t["w"], t.get("b"), o["stride"], o["padding"], o["dilation"], t.get("mask"))

    golden.differentiate(case, deform, inputs, op="deform_conv2d", groups=o["groups"],
                         **{k: list(o[k]) for k in ("stride", "padding", "dilation")})

# ---- Pooling of sequences and volumes, with positions, and back

for n in (1, 2, 3):
    for name, o in {
        "plain": {}, "overlapping": dict(kernel=3, stride=2, padding=1),
        "ceil": dict(kernel=3, stride=2, ceil=True), "dilated": dict(dilation=2, stride=1),
    }.items():
        o = dict(kernel=2, stride=2, padding=0, dilation=1, ceil=False) | o
        case = f"max_pool{n}d.{name}"
        x = golden.random(case)(2, 3, *sides[n])
        arguments = (o["kernel"], o["stride"], o["padding"], o["dilation"], o["ceil"])
        pool = getattr(F, f"max_pool{n}d")
        _, i = pool(x, *arguments, return_indices=True)
        golden.differentiate(case, lambda x: pool(x, *arguments), {"x": x}, extra={"i": i},
                             op=f"max_pool{n}d", **o)
    for name, o in {
        "plain": {}, "exclude": dict(kernel=3, padding=1, count=False),
        "ceil": dict(kernel=3, padding=1, ceil=True),
    }.items():
        if n == 2:
            continue
        o = dict(kernel=2, stride=2, padding=0, ceil=False, count=True) | o
        case = f"avg_pool{n}d.{name}"
        x = golden.random(case)(2, 3, *sides[n])
        golden.differentiate(
            case, lambda x: getattr(F, f"avg_pool{n}d")(
                x, o["kernel"], o["stride"], o["padding"], o["ceil"], o["count"]), {"x": x},
            op=f"avg_pool{n}d", **o)
    case = f"max_unpool{n}d"
    draw = golden.random(case)
    x, i = getattr(F, f"max_pool{n}d")(draw(2, 3, *sides[n]), 2, return_indices=True)
    golden.differentiate(
        case, lambda x: getattr(F, f"max_unpool{n}d")(x, i, 2, output_size=sides[n]),
        {"x": draw(*x.shape)}, extra={"i": i}, op="max_unpool", size=list(sides[n]))
    for kind, size in itertools.product(("avg", "max"), ((1, 1, 1), (2, 3, 4), (5, 4, 3))):
        if n == 2:
            continue
        case = f"adaptive_{kind}_pool{n}d.{'x'.join(map(str, size[-n:]))}"
        golden.differentiate(
            case, lambda x: getattr(F, f"adaptive_{kind}_pool{n}d")(x, size[-n:]),
            {"x": golden.random(case)(2, 3, *sides[n])}, op=f"adaptive_{kind}_pool{n}d",
            size=list(size[-n:]))

# ---- Resampling

modes = {1: ["nearest", "nearest-exact", "linear", "area"], 3: ["nearest", "nearest-exact", "trilinear", "area"],
         2: ["nearest", "nearest-exact", "bilinear", "bicubic", "area"]}
for n in (1, 2, 3):
    before = (3, 5, 4) if n == 3 else sides[n]
    for mode in modes[n]:
        smooth = "linear" in mode or "cubic" in mode
        for align, anti, target in itertools.product(
                (False, True) if smooth else (False,), (False, True) if smooth and n == 2 else (False,),
                ("up", "down", "mixed", "factor", "one")):
            if align and anti:
                continue
            o = {"size": {"up": [2 * s + 1 for s in before], "down": [(s + 1) // 2 for s in before],
                          "mixed": [7, 3, 9][:n], "one": [1] * n}.get(target),
                 "scale_factor": [2.5, 0.6, 1.3][:n] if target == "factor" else None}
            case = f"interpolate.{n}d.{mode}.{target}" + (".align" if align else "") + (".antialias" if anti else "")
            golden.differentiate(
                case, lambda x: F.interpolate(
                    x, o["size"], o["scale_factor"], mode, align if smooth else None, antialias=anti),
                {"x": golden.random(case)(2, 1, *before)}, op="interpolate", mode=mode, align=align,
                antialias=anti, **{k: v for k, v in o.items() if v})

for mode, border, align in itertools.product(
        ("bilinear", "nearest"), ("zeros", "border", "reflection"), (False, True)):
    case = f"grid_sample.{mode}.{border}" + (".align" if align else "")
    draw = golden.random(case)
    golden.differentiate(
        case, lambda x, grid: F.grid_sample(x, grid, mode, border, align),
        {"x": draw(2, 3, 5, 6), "grid": draw(2, 4, 7, 2) * 0.9}, op="grid_sample", nearest=mode == "nearest",
        border=border, align=align)

for name, function in {"pixel_shuffle": F.pixel_shuffle, "pixel_unshuffle": F.pixel_unshuffle}.items():
    x = golden.random(name)(*((2, 12, 3, 4) if name == "pixel_shuffle" else (2, 3, 6, 4)))
    golden.differentiate(name, lambda x: function(x, 2), {"x": x}, op=name, factor=2)
golden.differentiate("channel_shuffle", lambda x: F.channel_shuffle(x, 3),
                     {"x": golden.random("channel_shuffle")(2, 12, 3, 4)}, op="channel_shuffle", groups=3)

# ---- Regions: inside, over the edge, tiny, outside, of both pictures

rois = torch.tensor([
    [0, 2.3, 1.7, 20.4, 17.9], [1, -6.2, 3.1, 9.8, 30.3], [1, 5.1, 6.2, 5.4, 6.3], [0, 40, 40, 60, 70],
    [0, 0, 0, 25, 21], [1, 11.7, 2.2, 13.3, 28.9]])
for name, function, options in [
    ("roi_align", torchvision.ops.roi_align, dict(aligned=a, sampling_ratio=s))
    for a in (False, True) for s in (0, 2)
] + [("roi_pool", torchvision.ops.roi_pool, {}), ("ps_roi_align", torchvision.ops.ps_roi_align, dict(sampling_ratio=0)),
     ("ps_roi_align", torchvision.ops.ps_roi_align, dict(sampling_ratio=3))]:
    case = ".".join([name] + [f"{k}{int(v)}" for k, v in options.items()])
    x = golden.random(case)(2, 12 if name == "ps_roi_align" else 3, 9, 11)
    boxes = rois[[0, 1, 2, 4, 5]] if name == "ps_roi_align" else rois
    golden.differentiate(
        case, lambda x, rois: function(x, rois, (3, 2), 0.4, **options), {"x": x, "rois": boxes}, constants=("rois",),
        op=name, size=[3, 2], scale=0.4, **options)

# ---- Corner pooling: a running maximum from the other end

for name, axis, turned in [("top", 2, True), ("bottom", 2, False), ("left", 3, True), ("right", 3, False)]:
    case = f"corner_pool.{name}"

    def corner(x):
        x = x.flip(axis) if turned else x
        y = x.cummax(axis).values
        return y.flip(axis) if turned else y

    golden.differentiate(case, corner, {"x": golden.random(case)(2, 3, 6, 7)}, op="corner_pool", direction=name)

# ---- Layers that torch does not have, by their papers' formulas

case = "dynamic"
draw = golden.random(case)
inputs = {"x": draw(3, 4, 6, 5), "w": draw(3, 6, 2, 3, 3), "b": draw(3, 6), "w1": draw(2, 4), "b1": draw(2),
          "w2": draw(3, 2), "b2": draw(3)}


def dynamic(x, w, b, w1, b1, w2, b2):
    attention = F.softmax(F.linear(F.relu(F.linear(x.mean((2, 3)), w1, b1)), w2, b2) / 4, -1)
    return torch.cat([
        F.conv2d(x[n:n + 1], (attention[n, :, None, None, None, None] * w).sum(0), (attention[n, :, None] * b).sum(0),
                 2, 1, groups=2) for n in range(len(x))])


golden.differentiate(case, dynamic, inputs, op="dynamic")

for kind, small in itertools.product(("gaussian", "embeddedGaussian", "dotProduct", "concatenation"), (False, True)):
    case = f"non_local.{kind}" + (".subsampled" if small else "")
    draw = golden.random(case)
    inputs = {"x": draw(2, 4, 4, 6) * 0.7, "g": draw(2, 4, 1, 1), "bg": draw(2), "out": draw(4, 2, 1, 1), "bout": draw(4)}
    if kind != "gaussian":
        inputs |= {"theta": draw(2, 4, 1, 1), "btheta": draw(2), "phi": draw(2, 4, 1, 1), "bphi": draw(2)}
    if kind == "concatenation":
        inputs["w"] = draw(1, 4)

    def non_local(*tensors):
        t = dict(zip(inputs, tensors))
        x = t["x"]
        pool = (lambda x: F.max_pool2d(x, 2)) if small else (lambda x: x)
        rows = lambda x: x.flatten(2).transpose(1, 2)
        embed = lambda name: F.conv2d(x, t[name], t["b" + name]) if name in t else x
        values, left, right = rows(pool(embed("g"))), rows(embed("theta")), rows(pool(embed("phi")))
        if kind == "concatenation":
            pairs = torch.cat([
                left[:, :, None].expand(-1, -1, right.shape[1], -1),
                right[:, None].expand(-1, left.shape[1], -1, -1)], -1)
            f = F.relu(F.linear(pairs, t["w"])).squeeze(-1) / right.shape[1]
        else:
            f = left @ right.transpose(1, 2)
            f = f / right.shape[1] if kind == "dotProduct" else F.softmax(f, -1)
        y = (f @ values).transpose(1, 2).reshape(len(x), 2, *x.shape[2:])
        return x + F.conv2d(y, t["out"], t["bout"])

    # A softmax does not see the bias of phi: its gradient is 0 but for rounding.
    golden.differentiate(case, non_local, inputs, ("bphi",) if kind == "embeddedGaussian" else (),
                         op="non_local", similarity=kind, subsampled=small)

golden.save()
