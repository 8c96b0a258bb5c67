"""Which weights and channels go by `torch.nn.utils.prune`: Tests/Fixtures/golden/pruning.safetensors."""

import torch
from torch import nn
from torch.nn.utils import prune

from common import Golden

golden = Golden("pruning")


def layers(random):
    conv, linear = nn.Conv2d(3, 10, 3), nn.Linear(7, 9)
    conv.weight.data = random(10, 3, 3, 3)
    linear.weight.data = 0.3 * random(9, 7)
    return conv, linear


for case, amounts in {"layer": [0.5], "odd": [0.37], "twice": [0.3, 0.4], "all": [1.0]}.items():
    conv, linear = layers(golden.random(case))
    weights = {"conv": conv.weight.detach().clone(), "linear": linear.weight.detach().clone()}
    for amount in amounts:
        prune.l1_unstructured(conv, "weight", amount)
        prune.l1_unstructured(linear, "weight", amount)
    golden.add(
        case,
        {**weights, "mconv": conv.weight_mask, "mlinear": linear.weight_mask},
        op="weights",
        amounts=amounts,
        scope="layer",
    )

for case, amounts in {"global": [0.6], "global_twice": [0.2, 0.5]}.items():
    conv, linear = layers(golden.random(case))
    weights = {"conv": conv.weight.detach().clone(), "linear": linear.weight.detach().clone()}
    for amount in amounts:
        prune.global_unstructured(
            [(conv, "weight"), (linear, "weight")], prune.L1Unstructured, amount=amount
        )
    golden.add(
        case,
        {**weights, "mconv": conv.weight_mask, "mlinear": linear.weight_mask},
        op="weights",
        amounts=amounts,
        scope="global",
    )

channels = {"l1": (1, 0.5), "l2": (2, 0.5), "l1_odd": (1, 0.25), "l2_odd": (2, 0.35)}
for case, (n, amount) in channels.items():
    conv, _ = layers(golden.random(case))
    weight = conv.weight.detach().clone()
    prune.ln_structured(conv, "weight", amount, n=n, dim=0)
    golden.add(
        "channels_" + case,
        {"conv": weight, "mconv": conv.weight_mask},
        op="channels",
        amount=amount,
        norm=n,
    )

golden.save()
