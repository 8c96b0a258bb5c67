"""TinySSD with given weights: outputs, targets, losses, gradients, suppression.

tiny_ssd_weights.safetensors is a checkpoint under the published state names, weights and biases in
bfloat16 (exact: everything is computed from the rounded values), running statistics in float32.
tiny_ssd.safetensors holds:

network   x [2, 3, 256, 256] multiples of 1/255, anchors [5444, 4],
          eval.logits [2, 5444, 4], eval.offsets [2, 5444, 4], the same under train.*
          train.mean, train.var: the running statistics of blk_3.4 after that one step
target    labels [2, M, 5] (class, corners; class -1 fills up), offsets [2, 5444, 4],
          mask [2, 5444, 4], classes [2, 5444] with 0 for the background
loss.notes, loss.ssd   y, and g:NAME, gradients of some parameters, training mode
nms.book, nms.random   probabilities [classes + 1, A], offsets [A, 4], anchors [A, 4],
          y [A, 6]: class or -1, confidence, corners; those that were kept first
"""

import copy
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from common import FIXTURES, Golden

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Benchmarks" / "peers"))
import tiny_ssd as peer  # noqa: E402

golden = Golden("tiny_ssd")
CLASSES = 3
CHOSEN = ["blk_0.0.0.weight", "blk_0.1.3.weight", "blk_1.1.weight", "cls_2.weight", "bbox_4.bias"]

# ---- The network

torch.manual_seed(2026)
network = peer.TinySSD(CLASSES)
for module in network.modules():
    if isinstance(module, torch.nn.Conv2d):
        torch.nn.init.kaiming_normal_(module.weight)
        torch.nn.init.normal_(module.bias, std=0.1)
    if isinstance(module, torch.nn.BatchNorm2d):
        torch.nn.init.uniform_(module.weight, 0.5, 1.5)
        torch.nn.init.normal_(module.bias, std=0.2)
        torch.nn.init.normal_(module.running_mean, std=0.3)
        torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
for name, parameter in network.named_parameters():
    if name.startswith(("cls", "bbox")) and name.endswith("weight"):
        parameter.data *= 0.2  # logits as a network gives them, not saturated ones
    parameter.data = parameter.data.bfloat16().float()

state = {
    name: value.bfloat16() if name.endswith(("weight", "bias")) else value
    for name, value in network.state_dict().items()
}
FIXTURES.mkdir(parents=True, exist_ok=True)
path = FIXTURES / "tiny_ssd_weights.safetensors"
save_file({k: v.contiguous() for k, v in state.items()}, path)
path.chmod(0o644)
print(f"{path.name}: {len(state)} tensors, {path.stat().st_size / 1e3:.0f} kB")

# Coarse shapes and fine noise, so that every map has something to say.
draw = golden.random("images")
coarse = torch.nn.functional.interpolate(draw(2, 3, 9, 9), (256, 256), mode="bicubic")
x = ((coarse + 0.5 * draw(2, 3, 256, 256)) * 50 + 127).round().clamp(0, 255) / 255

# Truths whose assignment no rounding decides: no IoU near the threshold, a best anchor that leads.
# A truth that lies inside several anchors of one size has the same IoU with all of them.
generator = torch.Generator().manual_seed(5)
uniform = lambda *shape: torch.rand(shape, generator=generator)
# In evaluation, or the running statistics would not be the stored ones any more.
grid = network.eval()(x[:1])[0]
SIDES = [0.15, 0.2, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 0.9]


def clear_truth(side):
    while True:
        size = (side * (0.7 + 0.6 * uniform(2))).clamp(max=0.95)
        low = uniform(2) * (1 - size)
        box = torch.cat([low, low + size])
        iou = peer.pairwise_iou(grid, box[None, None])[0, 0]
        first, second = iou.topk(2).values
        if first - second > 1e-4 and (iou - 0.5).abs().min() > 1e-5:
            return box


rows = []
for count in [10, 7]:
    boxes = [clear_truth(side) for side in SIDES[:count]]
    rows.append([torch.cat([torch.tensor([float(i % CLASSES)]), b]) for i, b in enumerate(boxes)])
    rows[-1] += [torch.full([5], -1.0)] * (10 - count)
rows[0][5][1:] = rows[0][4][1:] + torch.tensor([0.002, 0.001, -0.001, 0.003])  # wants the same anchor
labels = torch.stack([torch.stack(r) for r in rows])


def run(dtype):
    net = copy.deepcopy(network).to(dtype)
    result = {}
    net.eval()
    with torch.no_grad():
        anchors, result["eval.logits"], result["eval.offsets"] = net(x.to(dtype))
    target = peer.targets(anchors.to(dtype), labels.to(dtype))
    for preset, loss in peer.LOSSES.items():
        each = copy.deepcopy(net).train()
        _, logits, offsets = each(x.to(dtype))
        value = loss(logits, offsets, target)
        value.backward()
        result[f"{preset}.y"] = value.detach()
        for name, parameter in each.named_parameters():
            if name in CHOSEN:
                result[f"{preset}.g:{name}"] = parameter.grad
    result["train.logits"], result["train.offsets"] = logits.detach(), offsets.detach()
    result["train.mean"] = each.blk_3[4].running_mean
    result["train.var"] = each.blk_3[4].running_var
    return anchors, target, result


anchors, target, single = run(torch.float32)
_, exact_target, exact = run(torch.float64)
assert torch.equal(target[2], exact_target[2]), "an assignment hangs on a rounding"
for name, value in exact.items():
    error = (value - single[name]).abs().max() / value.abs().max()
    assert error < 1e-4, f"{name} is ill-conditioned: {error}"

# How far PyTorch's own float32 is off; of gradients, relative to their root mean square.
off = lambda name: float(f"{(exact[name] - single[name]).abs().max().item():.2g}")
relative = lambda name: float(
    f"{((exact[name] - single[name]).norm() / exact[name].norm()).item():.2g}")
part = lambda prefix: {k[len(prefix):]: v for k, v in exact.items() if k.startswith(prefix)}
golden.add(
    "network",
    {"x": x, "anchors": anchors, **{k: v for k, v in exact.items() if k.startswith(("eval", "train"))}},
    classes=CLASSES, sizes=peer.NOTES_SIZES, ratios=peer.NOTES_RATIOS, statistics="blk_3.4",
    errors={k: off(k) for k in exact if k.startswith(("eval", "train"))})
golden.add(
    "target",
    {"labels": labels, "offsets": exact_target[0], "classes": exact_target[2],
     "mask": exact_target[1][..., None].expand(-1, -1, 4)},
    threshold=0.5)
errors = lambda prefix: {k[len(prefix):]: relative(k) for k in exact if k.startswith(prefix)}
golden.add("loss.notes", part("notes."), errors=errors("notes."))
golden.add("loss.ssd", part("ssd."), negatives=3, beta=1.0, errors=errors("ssd."))
print("positives:", target[1].sum(1).tolist(), "losses:", exact["notes.y"].item(), exact["ssd.y"].item())

# ---- Suppression


def suppression(case, probabilities, offsets, anchors, overlap):
    y = peer.detections(probabilities.T, offsets, anchors, overlap)
    exact = peer.detections(probabilities.T.double(), offsets.double(), anchors.double(), overlap)
    assert torch.equal(y[:, 0], exact[:, 0].float()), "a suppression hangs on a rounding"
    golden.add(case, {"probabilities": probabilities, "offsets": offsets, "anchors": anchors, "y": y},
               overlap=overlap, confidence=0.009999999)
    print(f"{case}: {(y[:, 0] >= 0).sum()} kept of {len(y)}")


# The book's example, section 14.4.4: a dog three times and a cat.
suppression(
    "nms.book",
    torch.tensor([[0.0, 0, 0, 0], [0.9, 0.8, 0.7, 0.1], [0.1, 0.2, 0.3, 0.9]]), torch.zeros(4, 4),
    torch.tensor([[0.1, 0.08, 0.52, 0.92], [0.08, 0.2, 0.56, 0.95], [0.15, 0.3, 0.62, 0.91],
                  [0.55, 0.2, 0.9, 0.88]]), 0.5)
draw = golden.random("nms.random")
boxes = peer.prior_boxes(8, 8, [0.2, 0.35], [1, 2, 0.5])
suppression("nms.random", (draw(CLASSES + 1, len(boxes)) * 3).softmax(0), draw(len(boxes), 4) * 0.7,
            boxes, 0.45)

golden.save()
