"""Boxes: IoU, suppression and anchor assignment, as torchvision and the definitions have them.

Writes Tests/Fixtures/golden/boxes.json. Boxes are left, top, right, bottom.

iou         pairs of random boxes and torchvision.ops.box_iou of them
nms         random boxes in clusters, torchvision.ops.nms and batched_nms at several thresholds
offsets     torchvision's box coder with weights (10, 10, 5, 5)
assignment  the definition on the full table of IoUs: threshold first, then the largest entry again
            and again, its row and column struck out
"""

import json
from pathlib import Path

import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import batched_nms, box_iou, nms

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "golden"
generator = torch.Generator().manual_seed(7)


def draw(*shape):
    return torch.rand(shape, generator=generator)


def boxes(count, least=0.05, most=0.5):
    low = draw(count, 2)
    return torch.cat([low, low + least + (most - least) * draw(count, 2)], 1)


def plain(tensor):
    return tensor.flatten().tolist()


result = {}

a, b = boxes(23), boxes(17)
b[3] = a[5]
b[4] = torch.tensor([5.0, 5, 6, 6])
result["iou"] = {"a": plain(a), "b": plain(b), "iou": plain(box_iou(a, b))}

cases = []
for count, threshold in [(1, 0.5), (60, 0.3), (200, 0.5), (200, 0.7), (333, 0.45)]:
    centers = boxes(max(1, count // 6))
    group = torch.randint(len(centers), (count,), generator=generator)
    near = centers[group] + 0.05 * (draw(count, 4) - 0.5)
    scores, labels = draw(count), torch.randint(4, (count,), generator=generator)
    table = box_iou(near, near)
    assert (table - threshold).abs().min() > 1e-6, "a suppression hangs on a rounding"
    assert len(scores.unique()) == count
    cases.append({
        "boxes": plain(near), "scores": plain(scores), "labels": plain(labels), "iou": threshold,
        "nms": plain(nms(near, scores, threshold)),
        "batched": plain(batched_nms(near, scores, labels, threshold)),
    })
result["nms"] = cases

anchors, truths = boxes(40), boxes(40)
offsets = BoxCoder((10.0, 10.0, 5.0, 5.0)).encode_single(truths, anchors)
result["offsets"] = {"anchors": plain(anchors), "boxes": plain(truths), "offsets": plain(offsets)}


def assign(iou, threshold):
    """The truth of each anchor, -1 for none, from the table `[anchors, truths]`."""
    best, which = iou.max(1)
    matched = torch.where(best >= threshold, which, -1)
    left = iou.clone()
    for _ in range(min(iou.shape)):
        entry = int(left.argmax())
        anchor, truth = divmod(entry, iou.shape[1])
        matched[anchor] = truth
        left[anchor, :] = -1
        left[:, truth] = -1
    return matched


cases = []
for cells, count in [(4, 3), (6, 12), (2, 9)]:
    center = (torch.arange(cells) + 0.5) / cells
    y, x = torch.meshgrid(center, center, indexing="ij")
    size = torch.tensor([[0.2, 0.2], [0.3, 0.3], [0.28, 0.14], [0.14, 0.28]]) * 4 / cells
    center = torch.stack([x, y], -1).reshape(-1, 1, 2)
    anchors = torch.cat([center - size / 2, center + size / 2], -1).reshape(-1, 4)
    truths = boxes(count, 0.1, 0.45)
    truths[-1] = truths[0] + 0.003
    iou = box_iou(anchors, truths)
    cases.append({
        "anchors": plain(anchors), "truths": plain(truths), "threshold": 0.5,
        "matched": plain(assign(iou, 0.5)),
    })
result["assignment"] = cases

FIXTURES.mkdir(parents=True, exist_ok=True)
path = FIXTURES / "boxes.json"
path.write_text(json.dumps(result) + "\n")
print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")
