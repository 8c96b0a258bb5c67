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


PAPER_MODELS = {
    "lenet": LeNet, "lenet_modern": lambda: LeNet(True), "nin": NiN,
    "densenet264": lambda: torchvision.models.DenseNet(32, (6, 12, 64, 48), 64),
    **{f"shufflenet_v1_g{g}": (lambda g=g: ShuffleV1(g)) for g in (1, 2, 3, 4, 8)},
}
