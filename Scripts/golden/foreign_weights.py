"""Weights as others name or order them, and what networks with them compute.

foreign_weights.safetensors:
    timm/NAME/y   the first 64 logits of timm's network for torchvision's NAME, evaluated on one drawn picture, weights drawn by
                  timm's names; attributes side, state (`name shape` of its state)
    darknet/NAME/y   of a network that is built, layer by layer, as Darknet's published cfg files list them, weights drawn in the
                  order of a .weights file; attributes side, parts (`kind count fan` in that order)
"""

import numpy as np
import timm
import torch
from torch import nn
from torch.nn import functional as F

from common import Golden
from drawn_weights import drawn, start

golden = Golden("foreign_weights")


def logits(case, network, side, **attributes):
    picture = torch.from_numpy(drawn((1, 3, side, side), 1000))
    with torch.no_grad():
        y = network.double().eval()(picture.double())[0]
    golden.add(case, {"y": y[:64]}, side=side, **attributes)
    print(case, y[:3])


for theirs, ours, side in [
    ("vgg11_bn", "vgg11_bn", 64), ("mobilenetv2_100", "mobilenet_v2", 96), ("mobilenetv3_large_100", "mobilenet_v3_large", 96),
    ("mobilenetv3_small_100", "mobilenet_v3_small", 96), ("efficientnet_b0", "efficientnet_b0", 96),
    ("efficientnet_b5", "efficientnet_b5", 96), ("vit_base_patch32_224", "vit_b_32", 224), ("resnet50", "resnet50", 64),
    ("densenet121", "densenet121", 64), ("inception_v3", "inception_v3", 75),
]:
    network = timm.create_model(theirs, pretrained=False)
    # timm's VGG asks for more pixels than the map of the first linear layer has: its padding of small maps is not tested here.
    if theirs == "vgg11_bn":
        side = 224
    start(network)
    tensors = [f"{k} {'x'.join(map(str, v.shape))}" for k, v in network.state_dict().items()]
    logits(f"timm/{ours}", network, side, state=tensors)


def darknet19():
    """cfg/darknet19.cfg"""
    layers = [("conv", 32, 3, 1), ("max",), ("conv", 64, 3, 1), ("max",)]
    for wide, count in [(128, 3), (256, 3)]:
        layers += [("conv", wide if i % 2 == 0 else wide // 2, 3 if i % 2 == 0 else 1, 1) for i in range(count)] + [("max",)]
    layers += [("conv", 512 if i % 2 == 0 else 256, 3 if i % 2 == 0 else 1, 1) for i in range(5)] + [("max",)]
    layers += [("conv", 1024 if i % 2 == 0 else 512, 3 if i % 2 == 0 else 1, 1) for i in range(5)]
    return layers + [("linear", 1000), ("avg",)]


def darknet53():
    """cfg/darknet53.cfg"""
    layers = [("conv", 32, 3, 1)]
    for stage, depth in enumerate([1, 2, 8, 8, 4]):
        wide = 64 << stage
        layers.append(("conv", wide, 3, 2))
        for _ in range(depth):
            layers += [("conv", wide // 2, 1, 1), ("conv", wide, 3, 1), ("shortcut", -3)]
    return layers + [("avg",), ("linear", 1000)]


def csdarknet53():
    """cfg/csdarknet53.cfg, its activations leaky"""
    layers = [("conv", 32, 3, 1)]
    for stage, depth in enumerate([1, 2, 8, 8, 4]):
        wide = 64 << stage
        half = wide if stage == 0 else wide // 2
        layers += [("conv", wide, 3, 2), ("conv", half, 1, 1), ("route", -2), ("conv", half, 1, 1)]
        for _ in range(depth):
            layers += [("conv", 32 if stage == 0 else half, 1, 1), ("conv", half, 3, 1), ("shortcut", -3)]
        # The transition, and the convolution that passes by the blocks.
        layers += [("conv", half, 1, 1), ("route", -1, -(3 * depth + 4)), ("conv", wide, 1, 1)]
    return layers + [("avg",), ("linear", 1000)]


class Interpreter(nn.Module):
    """Runs a list of layers as Darknet does, reading weights from front to back."""

    def __init__(self, layers):
        super().__init__()
        self.layers, self.parts, self.values = layers, [], {}
        channels, seen = 3, []
        for index, (kind, *sizes) in enumerate(layers):
            if kind == "conv":
                out, k, _ = sizes
                self.values[index] = [self.read(part, out) for part in ("bias", "scale", "mean", "var")] + [
                    self.read("kernel", out * channels * k * k, channels * k * k).reshape(out, channels, k, k)]
                channels = out
            elif kind == "linear":
                self.values[index] = [
                    self.read("bias", sizes[0]), self.read("kernel", sizes[0] * channels, channels).reshape(sizes[0], channels, 1, 1)]
                channels = sizes[0]
            elif kind == "route":
                channels = sum(seen[index + offset] for offset in sizes)
            seen.append(channels)

    def read(self, kind, count, fan=1):
        u = drawn((count,), len(self.parts) + 1)
        self.parts.append(f"{kind} {count} {fan}")
        if kind == "kernel":
            u *= np.float32(np.sqrt(3 / fan))
        elif kind in ("scale", "var"):
            u = np.float32(1) + np.float32(0.5) * u
        else:
            u *= np.float32(0.25)
        return torch.from_numpy(u).double()

    def forward(self, x):
        outputs = []
        for index, (kind, *sizes) in enumerate(self.layers):
            if kind == "conv":
                bias, scale, mean, var, kernel = self.values[index]
                x = F.conv2d(x, kernel, stride=sizes[2], padding=sizes[1] // 2)
                x = (x - mean[:, None, None]) / torch.sqrt(var + 1e-5)[:, None, None]
                x = F.leaky_relu(x * scale[:, None, None] + bias[:, None, None], 0.1)
            elif kind == "linear":
                bias, kernel = self.values[index]
                x = F.conv2d(x, kernel, bias)
            elif kind == "max":
                x = F.max_pool2d(x, 2)
            elif kind == "avg":
                x = x.mean([2, 3], keepdim=True)
            elif kind == "shortcut":
                x = x + outputs[index + sizes[0]]
            elif kind == "route":
                x = torch.cat([outputs[index + offset] for offset in sizes], 1)
            outputs.append(x)
        return x.flatten(1)


for name, layers in [("darknet19", darknet19()), ("darknet53", darknet53()), ("cspdarknet53", csdarknet53())]:
    network = Interpreter(layers)
    logits(f"darknet/{name}", network, 64, parts=network.parts)
golden.save()
