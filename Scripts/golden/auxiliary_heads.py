"""One training step of torchvision's GoogLeNet and Inception v3 with their auxiliary heads.

Weights and pictures are those of `drawn`, as in classifiers.py; dropout is off.

auxiliary_heads.safetensors:
    NAME/y, NAME/y0, NAME/y1   the first 64 of 1000 logits of the last head and of the auxiliary ones, in training
    NAME/loss    cross-entropy of the last head and WEIGHT times that of each auxiliary one
    NAME/n       the root mean square of each parameter's gradient, in the order of the names sorted
    NAME/error   how far PyTorch's float32 is from that: the worst of n, relative, and of the logits
    attributes   side, weight, names (crc32 of the sorted names with shapes), state, parameters, and parameters without the heads
"""

import zlib

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from common import Golden
from drawn_weights import drawn, start

KEPT = 64
golden = Golden("auxiliary_heads")
for name, side, batch, weight in [("googlenet", 96, 4, 0.3), ("inception_v3", 299, 2, 0.4)]:
    build = torchvision.models.get_model_builder(name)
    network = build(weights=None, aux_logits=True, init_weights=False)
    plain = build(weights=None, aux_logits=False, init_weights=False)
    start(network)
    state = network.state_dict()
    lines = "\n".join(sorted(f"{k} {'x'.join(map(str, v.shape))}" for k, v in state.items()))
    pictures = torch.from_numpy(drawn((batch, 3, side, side), 2000))
    labels = torch.tensor([3, 0, 9, 3][:batch])
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()

    def run(dtype):
        net = network.to(dtype)
        net.zero_grad()
        outputs = net(pictures.to(dtype))
        # torchvision's GoogLeNet gives the second auxiliary head first.
        heads = [outputs.logits] + ([outputs.aux_logits1, outputs.aux_logits2] if name == "googlenet" else [outputs.aux_logits])
        losses = [F.cross_entropy(y, labels) for y in heads]
        loss = losses[0] + weight * sum(losses[1:])
        loss.backward()
        sizes = {k: p.grad.square().mean().sqrt() for k, p in net.named_parameters()}
        return [y.detach()[:, :KEPT].clone() for y in heads], loss.detach().clone(), torch.stack([sizes[k] for k in sorted(sizes)])

    (heads, loss, sizes), (heads32, _, sizes32) = run(torch.float64), run(torch.float32)
    floor = 1e-4 * sizes.max()
    worst = ((sizes - sizes32).abs() / sizes.clamp(min=floor)).max()
    error = max((y - z).abs().max() / y.abs().max() for y, z in zip(heads, heads32))
    tensors = {"y": heads[0], "loss": loss, "n": sizes, "error": torch.stack([worst, error])}
    tensors |= {f"y{index}": y for index, y in enumerate(heads[1:])}
    attributes = {
        "side": side, "batch": batch, "weight": weight, "names": zlib.crc32(lines.encode()), "state": len(state),
        "parameters": sum(p.numel() for p in network.parameters()),
        "parameters_without": sum(p.numel() for p in plain.parameters()),
    }
    print(name, attributes, f"{worst:.1e} {error:.1e}")
    golden.add(name, tensors, **attributes)
golden.save()
