"""What the last map of each convolutional classifier sees, along rows: found by the gradient of one of its outputs.

All weights and the picture are positive, activations and gates are taken out, maxima become means, so that every path counts; in
double precision, on pictures as narrow as they may be.

receptive_fields.json: {name: rows}
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

from common import FIXTURES

source = open(__file__.replace("receptive_fields", "classifiers")).read().split("\npath = FIXTURES")[0]
exec(source)

F.max_pool2d = lambda x, kernel_size, stride=None, padding=0: F.avg_pool2d(x, kernel_size, stride, padding)


class Means(nn.Module):
    def __init__(self, pool):
        super().__init__()
        self.pool = pool

    def forward(self, x):
        return F.avg_pool2d(x, self.pool.kernel_size, self.pool.stride, self.pool.padding, self.pool.ceil_mode)


def plain(module):
    for name, child in module.named_children():
        kind = type(child).__name__
        if isinstance(child, nn.MaxPool2d):
            setattr(module, name, Means(child))
        elif kind in ("SqueezeExcitation", "SqueezeExcite", "SEModule") or isinstance(
            child, (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU, nn.LeakyReLU, nn.GELU, nn.Sigmoid)
        ):
            setattr(module, name, nn.Identity())
        else:
            plain(child)


def field(name):
    network, _ = make(name)
    network = network.double().eval()
    plain(network)
    with torch.no_grad():
        for key, value in network.named_parameters():
            value.fill_(1 / value[0].numel() if value.dim() > 1 else float(key.endswith("weight")))
    width = 80 if name in ("inception_v3", "inception_v4", "inception_resnet_v2") else 32
    maps = []
    for module in network.modules():
        module.register_forward_hook(lambda m, x, y: maps.append(y) if torch.is_tensor(y) and y.dim() == 4 else None)
    size = 512
    while size < 8192:
        maps.clear()
        picture = torch.ones(1, 3, size, width, dtype=torch.float64, requires_grad=True)
        try:
            network(picture)
        except RuntimeError:
            pass  # linear layers behind the maps want one size
        last = [m for m in maps if m.shape[2] > 7][-1]
        last[:, :, last.shape[2] // 2].sum().backward()
        rows = picture.grad.sum((0, 1, 3)).nonzero().flatten()
        first, final = int(rows[0]), int(rows[-1])
        if first > 0 and final < size - 1:
            return final - first + 1
        size *= 2


NAMES = [
    "vgg16_bn", "googlenet", "inception_v2", "inception_v3", "inception_v4", "inception_resnet_v2", "resnet18", "resnet50",
    "resnet152", "seresnet50", "resnext50_32x4d", "resnetv2_50", "densenet121", "mobilenetv1_100", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", "shufflenet_v1_g3", "shufflenet_v2_x1_0", "ghostnet_100", "efficientnet_b0",
    "efficientnet_b3", "repvgg_a0", "darknet19", "darknet53", "cspdarknet53", "cspresnext50", "convmixer_1024_20_ks9_p14",
]
fields = {}
for name in NAMES:
    fields[name] = field(name)
    print(name, fields[name], flush=True)
(FIXTURES / "receptive_fields.json").write_text(json.dumps(fields, indent=1) + "\n")
