"""VGG-11 with batch norm against torchvision's: outputs, one training step's gradients.

Its 9 million weights are not stored: both sides compute them by `drawn`, from whole numbers and one
rounding, so that they are the same to the bit. The two inner linear layers are 32 wide instead of
4096, and nothing is dropped.

vgg11_bn   x [4, 3, 32, 32], labels [4], eval.y [4, 10], train.y [4, 10], loss,
           g:NAME the gradients of some parameters, n:NAME the root mean squares of all,
           mean, var: the running statistics of features.1 after the step
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import vgg11_bn

from common import Golden

golden = Golden("vgg")
CLASSES, WIDTH = 10, 32
WHOLE = ["features.0.weight", "features.1.weight", "features.1.bias", "features.26.bias",
         "classifier.3.bias", "classifier.6.weight"]


def drawn(shape, seed):
    """Numbers in -1 ..< 1, multiples of 2^-23, by a hash of seed and place (MurmurHash3's last steps)."""
    h = np.arange(np.prod(shape, dtype=int), dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 % 2**32)
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)).reshape(shape)


def start(network):
    """Weights uniform as ReLUs want them; scales around 1; the rest small."""
    for seed, (name, value) in enumerate(network.named_parameters(), 1):
        u = drawn(tuple(value.shape), seed)
        if value.dim() > 1:
            u *= np.float32(np.sqrt(6 / np.prod(value.shape[1:], dtype=int)))
        elif name.endswith("weight"):
            u = np.float32(1) + np.float32(0.5) * u
        else:
            u *= np.float32(0.25)
        value.data = torch.from_numpy(u)


network = vgg11_bn(num_classes=CLASSES, dropout=0.0, init_weights=False)
network.classifier = nn.Sequential(
    nn.Linear(512 * 49, WIDTH), nn.ReLU(), nn.Dropout(0.0), nn.Linear(WIDTH, WIDTH), nn.ReLU(),
    nn.Dropout(0.0), nn.Linear(WIDTH, CLASSES))
start(network)
x = torch.from_numpy(drawn((4, 3, 32, 32), 1000))
labels = torch.tensor([3, 0, 9, 3])


def run(dtype):
    net = network.to(dtype)
    net.zero_grad()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
    with torch.no_grad():
        result = {"eval.y": net.eval()(x.to(dtype)).clone()}
    y = net.train()(x.to(dtype))
    loss = F.cross_entropy(y, labels)
    loss.backward()
    result |= {"train.y": y.detach().clone(), "loss": loss.detach().clone(),
               "mean": net.features[1].running_mean.clone(),
               "var": net.features[1].running_var.clone()}
    for name, parameter in net.named_parameters():
        result[f"n:{name}"] = parameter.grad.square().mean().sqrt()
        if name in WHOLE:
            result[f"g:{name}"] = parameter.grad.clone()
    return result


single, exact = run(torch.float32), run(torch.float64)
for name, value in exact.items():
    if "features" in name and name.endswith(".bias") and value.abs().max() < 1e-8:
        continue  # before a batch norm a bias changes nothing
    error = (value - single[name]).abs().max() / value.abs().max()
    assert error < 1e-4, f"{name} is ill-conditioned: {error}"
golden.add("vgg11_bn", {"x": x, "labels": labels, **exact}, classes=CLASSES, width=WIDTH)
golden.save()
