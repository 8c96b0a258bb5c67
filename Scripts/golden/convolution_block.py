"""Blocks of convolution, batch norm and activation, with a residual and a pooling at the end:
inputs, y, gy, gradients, and the running statistics after the step."""

import torch
from torch.nn import functional as F

from common import Golden

golden = Golden("convolution_block")
ACTIVATIONS = {
    "identity": lambda v: v, "relu": F.relu, "relu6": F.relu6, "swish": F.silu,
    "leaky": lambda v: F.leaky_relu(v, 0.1),
}


def block(case, activations, residual, pool, train=True, shape=(3, 4, 7, 6), middle=6, eps=1e-3,
          momentum=0.1, kernels=(3, 3)):
    draw = golden.random(case)
    count = len(kernels)
    channels = [shape[1]] + [middle] * (count - 1) + [shape[1]]
    inputs, statistics = {"x": draw(*shape)}, {}
    for i in range(count):
        inputs |= {f"w{i}": draw(channels[i + 1], channels[i], kernels[i], kernels[i]) * 0.3,
                   f"c{i}": draw(channels[i + 1]),
                   f"gamma{i}": draw(channels[i + 1]).abs() + 0.3, f"beta{i}": draw(channels[i + 1])}
        statistics |= {f"mean{i}": draw(channels[i + 1]), f"var{i}": draw(channels[i + 1]).abs() + 0.5}
    if residual:
        inputs["r"] = draw(*shape)
    after = {}

    def forward(x, *rest):
        v, r = x, rest[4 * count] if residual else None
        for i in range(count):
            w, c, gamma, beta = rest[4 * i:4 * i + 4]
            mean, var = (statistics[f"{k}{i}"].to(x.dtype).clone() for k in ("mean", "var"))
            v = F.conv2d(v, w, c, padding=kernels[i] // 2)
            v = F.batch_norm(v, mean, var, gamma, beta, train, momentum, eps)
            if x.dtype == torch.float64 and train:
                after.update({f"mean{i}_1": mean, f"var{i}_1": var})
            if i == count - 1 and r is not None:
                v = v + r
            v = ACTIVATIONS[activations[i]](v)
        return F.max_pool2d(v, 2) if pool else v

    forward(*(v.double() for v in inputs.values()))
    # The gradient of a bias in front of the batch's own statistics is 0, which only rounding hides.
    constants = [f"c{i}" for i in range(count)] if train else ()
    golden.differentiate(case, forward, inputs, constants, {**statistics, **after}, train=train,
                         activations=activations, residual=residual, pool=pool, eps=eps,
                         momentum=momentum, kernels=list(kernels))


block("train", ["relu", "relu"], False, False)
block("train.residual.pool", ["relu", "relu"], True, True)
block("train.residual", ["leaky", "relu6"], True, False)
block("train.pool", ["relu6", "leaky"], False, True)
block("train.swish", ["swish", "swish"], True, True)
block("train.wide", ["relu", "identity"], True, False, shape=(2, 16, 6, 8), middle=32)
block("frozen.residual.pool", ["relu", "relu"], True, True, train=False)
block("frozen", ["swish", "relu6"], False, False, train=False)
block("bottleneck", ["relu", "relu", "relu"], True, False, shape=(2, 20, 6, 7), middle=17,
      kernels=(1, 3, 1))
block("bottleneck.frozen", ["swish", "relu6", "identity"], True, True, train=False,
      shape=(2, 20, 6, 7), middle=5, kernels=(1, 3, 1))
golden.save()
