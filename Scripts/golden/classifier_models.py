"""Classifiers that neither torchvision nor timm has, written from the papers, for `classifiers.py` to compare with."""

import torch
from torch import nn
from torch.nn import functional as F
import torchvision


class Named(nn.Module):
    """Layers under a name."""

    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)


class LeNet(Named):
    def __init__(self, modern=False):
        act = nn.ReLU if modern else nn.Sigmoid
        pool = nn.MaxPool2d if modern else nn.AvgPool2d
        super().__init__(net=nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), act(), pool(2), nn.Conv2d(6, 16, 5), act(), pool(2), nn.Flatten(),
            nn.Linear(400, 120), act(), nn.Linear(120, 84), act(), nn.Linear(84, 10)))

    def forward(self, x):
        return self.net(x)


class NiN(Named):
    def __init__(self):
        def block(i, o, k, s, p):
            return nn.Sequential(nn.Conv2d(i, o, k, s, p), nn.ReLU(), nn.Conv2d(o, o, 1), nn.ReLU(), nn.Conv2d(o, o, 1), nn.ReLU())

        super().__init__(net=nn.Sequential(
            block(3, 96, 11, 4, 0), nn.MaxPool2d(3, 2), block(96, 256, 5, 1, 2), nn.MaxPool2d(3, 2), block(256, 384, 3, 1, 1),
            nn.MaxPool2d(3, 2), nn.Dropout(0.5), block(384, 1000, 3, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()))

    def forward(self, x):
        return self.net(x)


class ShuffleV1Unit(nn.Module):
    def __init__(self, i, o, groups, stride, first):
        super().__init__()
        self.stride, self.groups = stride, groups
        made, mid = (o - i if stride == 2 else o), o // 4
        self.conv1 = nn.Conv2d(i, mid, 1, groups=1 if first else groups, bias=False)
        self.bn1 = nn.BatchNorm2d(mid)
        self.conv2 = nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False)
        self.bn2 = nn.BatchNorm2d(mid)
        self.conv3 = nn.Conv2d(mid, made, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(made)

    def forward(self, x):
        y = F.channel_shuffle(F.relu(self.bn1(self.conv1(x))), self.groups)
        y = self.bn3(self.conv3(self.bn2(self.conv2(y))))
        return F.relu(torch.cat([F.avg_pool2d(x, 3, 2, 1), y], 1) if self.stride == 2 else x + y)


class ShuffleV1(nn.Module):
    def __init__(self, groups):
        super().__init__()
        first = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}[groups]
        self.conv1 = nn.Conv2d(3, 24, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        i = 24
        for stage, (o, depth) in enumerate([(first, 4), (2 * first, 8), (4 * first, 4)], 2):
            units = [ShuffleV1Unit(i if k == 0 else o, o, groups, 2 if k == 0 else 1, stage == 2 and k == 0) for k in range(depth)]
            setattr(self, f"stage{stage}", nn.Sequential(*units))
            i = o
        self.fc = nn.Linear(i, 1000)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.stage4(self.stage3(self.stage2(x))).mean([2, 3]))


def conv_norm(i, o, k, s=1, p=None, eps=1e-5, act=None):
    """Convolution, batch norm and activation, the first two as `conv` and `bn`."""
    layer = Named(conv=nn.Conv2d(i, o, k, s, k // 2 if p is None else p, bias=False), bn=nn.BatchNorm2d(o, eps=eps))
    layer.forward = lambda x: (act or F.relu)(layer.bn(layer.conv(x)))
    return layer


class Darknet19(nn.Module):
    def __init__(self):
        super().__init__()
        stages, i = [], 3
        for widths in ([32], [64], [128, 64, 128], [256, 128, 256], [512, 256, 512, 256, 512], [1024, 512, 1024, 512, 1024]):
            stage = []
            for k, o in enumerate(widths):
                stage.append(conv_norm(i, o, 1 if k % 2 else 3, act=lambda x: F.leaky_relu(x, 0.1)))
                i = o
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.head = nn.Conv2d(i, 1000, 1)

    def forward(self, x):
        for k, stage in enumerate(self.stages):
            x = stage(x if k == 0 else F.max_pool2d(x, 2))
        return self.head(x).mean([2, 3])


class InceptionV2Block(nn.Module):
    """One, 3x3, two 3x3, pooled; nothing of one and pooled to halve the map."""

    def __init__(self, i, one, three, double, pooled):
        super().__init__()
        conv = lambda *sizes: conv_norm(*sizes, eps=1e-3)
        self.halves, self.last = one == 0, pooled == ("max", 128)
        s = 2 if self.halves else 1
        if one:
            self.branch1 = conv(i, one, 1)
        self.branch2 = nn.Sequential(conv(i, three[0], 1), conv(three[0], three[1], 3, s))
        self.branch3 = nn.Sequential(conv(i, double[0], 1), conv(double[0], double[1], 3), conv(double[1], double[1], 3, s))
        if one:
            pool = nn.MaxPool2d(3, 1, 1) if pooled[0] == "max" else nn.AvgPool2d(3, 1, 1)
            self.branch4 = nn.Sequential(pool, conv(i, pooled[1], 1))

    def forward(self, x):
        if self.halves:
            return torch.cat([self.branch2(x), self.branch3(x), F.max_pool2d(x, 3, 2, 1)], 1)
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionV2(nn.Module):
    TABLE = {
        "3a": (192, 64, (64, 64), (64, 96), ("avg", 32)), "3b": (256, 64, (64, 96), (64, 96), ("avg", 64)),
        "3c": (320, 0, (128, 160), (64, 96), None), "4a": (576, 224, (64, 96), (96, 128), ("avg", 128)),
        "4b": (576, 192, (96, 128), (96, 128), ("avg", 128)), "4c": (576, 160, (128, 160), (128, 160), ("avg", 96)),
        "4d": (576, 96, (128, 192), (160, 192), ("avg", 96)), "4e": (576, 0, (128, 192), (192, 256), None),
        "5a": (1024, 352, (192, 320), (160, 224), ("avg", 128)), "5b": (1024, 352, (192, 320), (192, 224), ("max", 128)),
    }

    def __init__(self):
        super().__init__()
        self.conv1 = conv_norm(3, 64, 7, 2, eps=1e-3)
        self.conv2 = conv_norm(64, 64, 1, eps=1e-3)
        self.conv3 = conv_norm(64, 192, 3, eps=1e-3)
        for name, sizes in self.TABLE.items():
            setattr(self, f"inception{name}", InceptionV2Block(*sizes))
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 3, 2, 1)
        x = F.max_pool2d(self.conv3(self.conv2(x)), 3, 2, 1)
        for name in self.TABLE:
            x = getattr(self, f"inception{name}")(x)
        return self.fc(x.mean([2, 3]))


class FNetBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-12)
        self.mlp = Named(fc1=nn.Linear(width, 4 * width), fc2=nn.Linear(4 * width, width))
        self.norm2 = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x):
        x = self.norm1(x + torch.fft.fft2(x).real)
        return self.norm2(x + self.mlp.fc2(F.gelu(self.mlp.fc1(x))))


class FNet(nn.Module):
    def __init__(self, width, patch):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, (224 // patch) ** 2, width))
        self.patch_embed = Named(proj=nn.Conv2d(3, width, patch, patch))
        self.blocks = nn.Sequential(*[FNetBlock(width) for _ in range(12)])
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2) + self.pos_embed
        return self.head(self.blocks(x).mean(1))


class SmallResidualBlock(nn.Module):
    """Two 3x3 convolutions; where the map shrinks, the shortcut is option A (zeros) or B (a projection) of He et al."""

    def __init__(self, i, o, projects):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, o // i, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.zeros = (o - i) // 2
        if projects and i != o:
            self.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, 2, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "shortcut"):
            x = self.shortcut(x)
        elif self.zeros:
            empty = torch.zeros_like(x[:, :self.zeros, ::2, ::2])
            x = torch.cat([empty, x[:, :, ::2, ::2], empty], 1)
        return F.relu(x + y)


class SmallResNet(nn.Module):
    """He et al., section 4.2: 6n + 2 layers for pictures of 32 pixels."""

    def __init__(self, depth, projects):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        for stage, width in enumerate([16, 32, 64]):
            inputs = [max(16, width // 2)] + [width] * ((depth - 2) // 6 - 1)
            blocks = [SmallResidualBlock(i, width, projects) for i in inputs]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))


PAPER_MODELS = {
    "darknet19": Darknet19, "inception_v2": InceptionV2,
    **{f"fnet_{size}{patch}": (lambda width=width, patch=patch: FNet(width, patch))
       for size, width in (("s", 384), ("b", 768)) for patch in (32, 16)},
    **{f"resnet{depth}{suffix}": (lambda depth=depth, projects=bool(suffix): SmallResNet(depth, projects))
       for depth in (20, 32, 44, 56, 110) for suffix in ("", "_projection")},
    "lenet": LeNet, "lenet_modern": lambda: LeNet(True), "nin": NiN,
    "densenet264": lambda: torchvision.models.DenseNet(32, (6, 12, 64, 48), 64),
    **{f"shufflenet_v1_g{g}": (lambda g=g: ShuffleV1(g)) for g in (1, 2, 3, 4, 8)},
}
