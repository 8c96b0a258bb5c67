"""TinySSD in PyTorch, the peer that Saker is measured against.

The network, anchors, assignment and offsets are those of "Dive into Deep Learning", section 14.7
(Zhang et al., arXiv:2106.11342), written with batched tensor operations so that eager PyTorch is
as fast as it gets. The parameter names are those of the book's listing: blk_0.0.0.weight,
cls_0.weight, bbox_0.weight.

    python tiny_ssd.py bench --mode train --layout channels_last --precision f32 --seconds 10
"""

import argparse
import json
import os
import platform
import resource
import time

import torch
from torch import nn
from torch.nn import functional as F

NOTES_SIZES = [[0.2, 0.272], [0.37, 0.447], [0.54, 0.619], [0.71, 0.79], [0.88, 0.961]]
NOTES_RATIOS = [1, 2, 0.5]
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2


# ---- The network


def down_sample_block(inputs, outputs):
    layers = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2))


class TinySSD(nn.Module):
    """Five maps at strides 8, 16, 32, 64 and one 1x1 map; `classes` without the background."""

    def __init__(self, classes, sizes=NOTES_SIZES, ratios=NOTES_RATIOS):
        super().__init__()
        self.classes, self.sizes, self.ratios = classes, sizes, ratios
        self.grids = {}
        blocks = [
            nn.Sequential(*[down_sample_block(i, o) for i, o in [(3, 16), (16, 32), (32, 64)]]),
            down_sample_block(64, 128),
            down_sample_block(128, 128),
            down_sample_block(128, 128),
            nn.AdaptiveMaxPool2d((1, 1)),
        ]
        for i, (block, channels) in enumerate(zip(blocks, [64, 128, 128, 128, 128])):
            anchors = len(sizes[i]) + len(ratios) - 1
            setattr(self, f"blk_{i}", block)
            setattr(self, f"cls_{i}", nn.Conv2d(channels, anchors * (classes + 1), 3, padding=1))
            setattr(self, f"bbox_{i}", nn.Conv2d(channels, anchors * 4, 3, padding=1))

    def forward(self, x):
        """Images `[N, 3, H, W]` to anchors `[A, 4]`, logits `[N, A, classes + 1]` and offsets
        `[N, A, 4]`."""
        logits, offsets, maps = [], [], []
        for i in range(5):
            x = getattr(self, f"blk_{i}")(x)
            maps.append(tuple(x.shape[-2:]))
            logits.append(getattr(self, f"cls_{i}")(x).permute(0, 2, 3, 1).flatten(1))
            offsets.append(getattr(self, f"bbox_{i}")(x).permute(0, 2, 3, 1).flatten(1))
        n = x.shape[0]
        logits = torch.cat(logits, 1).reshape(n, -1, self.classes + 1)
        return self.anchors(tuple(maps)), logits, torch.cat(offsets, 1).reshape(n, -1, 4)

    def anchors(self, maps):
        """Anchors as corners, fractions of the picture; kept, for they depend on the maps only."""
        if maps not in self.grids:
            grids = [prior_boxes(h, w, s, self.ratios) for (h, w), s in zip(maps, self.sizes)]
            self.grids[maps] = torch.cat(grids)
        return self.grids[maps]


# ---- Anchors, targets, losses, detections


def prior_boxes(height, width, sizes, ratios):
    """Anchors of one map, `[height * width * (sizes + ratios - 1), 4]`: every size with the first
    ratio, then the first size with the other ratios."""
    sizes, ratios = torch.tensor(sizes), torch.tensor(ratios, dtype=torch.float32)
    root = torch.cat([ratios[:1].expand(len(sizes)), ratios[1:]]).sqrt()
    size = torch.cat([sizes, sizes[:1].expand(len(ratios) - 1)])
    half = torch.stack([size * root * height / width, size / root], 1) / 2
    y = (torch.arange(height) + 0.5) * (1.0 / height)
    x = (torch.arange(width) + 0.5) * (1.0 / width)
    center = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
    center = center.reshape(-1, 1, 2)
    return torch.cat([center - half, center + half], -1).reshape(-1, 4)


def centers_sizes(boxes):
    low, high = boxes[..., :2], boxes[..., 2:]
    return (low + high) / 2, high - low


def pairwise_iou(anchors, truths):
    """IoU of `[A, 4]` with `[N, M, 4]`: `[N, M, A]`."""
    truths = truths[:, :, None]
    low = torch.maximum(anchors[:, :2], truths[..., :2])
    high = torch.minimum(anchors[:, 2:], truths[..., 2:])
    inter = (high - low).clamp_(min=0).prod(-1)
    area = lambda b: (b[..., 2:] - b[..., :2]).prod(-1)
    return inter / (area(anchors) + area(truths) - inter)


def assign(iou, valid, threshold):
    """The truth of each anchor, `[N, A]`, -1 for none. An anchor takes its best truth if
    IoU >= threshold; then the largest IoU of all gives its truth that anchor, both leave, and so
    on until every truth has an anchor."""
    iou = iou.masked_fill(~valid[:, :, None], -1)
    best, matched = iou.max(1)
    matched = matched.masked_fill(best < threshold, -1)
    top, anchor = iou.max(2)
    # Where the truths of a picture want different anchors the order cannot matter.
    rows = torch.arange(iou.shape[1]).expand_as(anchor)
    wanted = torch.where(valid, anchor, -1 - rows)
    ordered = wanted.sort(1).values
    clash = (ordered[:, 1:] == ordered[:, :-1]).any(1)
    n, j = (valid & ~clash[:, None]).nonzero(as_tuple=True)
    matched[n, anchor[n, j]] = j
    for n in clash.nonzero()[:, 0].tolist():
        left = iou[n, valid[n]].clone()
        numbers = valid[n].nonzero()[:, 0]
        top = left.max(1)
        value, where = top.values.clone(), top.indices.clone()
        for _ in range(len(left)):
            # Ties go to the smaller anchor, then to the smaller truth.
            ties = (value == value.max()).nonzero()[:, 0]
            j = ties[where[ties].argmin()]
            a = where[j].item()
            matched[n, a] = numbers[j]
            left[:, a] = -1
            value[j] = -2
            stale = ((where == a) & (value > -2)).nonzero()[:, 0]
            if len(stale):
                again = left[stale].max(1)
                value[stale], where[stale] = again.values, again.indices
    return matched


def targets(anchors, labels, threshold=0.5):
    """Labels `[N, M, 5]` (class or -1, corners) to offsets `[N, A, 4]`, positives `[N, A]` and
    classes `[N, A]` with 0 for the background."""
    valid = labels[..., 0] >= 0
    matched = assign(pairwise_iou(anchors, labels[..., 1:]), valid, threshold)
    positive = matched >= 0
    rows = labels.gather(1, matched.clamp(min=0)[..., None].expand(-1, -1, 5))
    classes = torch.where(positive, rows[..., 0].long() + 1, 0)
    (ac, asz), (tc, tsz) = centers_sizes(anchors), centers_sizes(rows[..., 1:])
    offsets = torch.cat(
        [(tc - ac) / asz / CENTER_VARIANCE, torch.log(1e-6 + tsz / asz) / SIZE_VARIANCE], -1
    )
    return offsets.masked_fill_(~positive[..., None], 0), positive, classes


def notes_loss(logits, offsets, target):
    """Cross-entropy, mean over all anchors, plus masked L1, mean over all coordinates."""
    wanted, positive, classes = target
    cls = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), classes.reshape(-1))
    return cls + F.l1_loss(offsets * positive[..., None], wanted)


def ssd_loss(logits, offsets, target, negatives=3):
    """SSD's multibox loss (Liu et al., arXiv:1512.02325, section 2.2): smooth L1 of the positives,
    cross-entropy of the positives and of the hardest negatives of each picture, three for each
    positive, divided by the positives of the batch."""
    wanted, positive, classes = target
    count = positive.sum()
    box = F.smooth_l1_loss(offsets[positive], wanted[positive], reduction="sum")
    cls = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), classes.reshape(-1), reduction="none")
    cls = cls.reshape(classes.shape)
    hardness = cls.detach().masked_fill(positive, -1)
    rank = hardness.argsort(1, descending=True).argsort(1)
    hard = (rank < negatives * positive.sum(1, keepdim=True)) & ~positive
    return (box + cls[positive | hard].sum()) / count.clamp(min=1)


LOSSES = {"notes": notes_loss, "ssd": ssd_loss}


def decode(anchors, offsets):
    center, size = centers_sizes(anchors)
    center = offsets[..., :2] * CENTER_VARIANCE * size + center
    size = torch.exp(offsets[..., 2:] * SIZE_VARIANCE) * size
    return torch.cat([center - size / 2, center + size / 2], -1)


def detections(probabilities, offsets, anchors, overlap=0.5, confidence=0.009999999):
    """The book's multibox_detection for one picture: `[A, 6]` of class or -1, confidence, corners.
    The kept ones come first, by confidence; suppression is blind to the class. Those below
    `confidence` become -1 and get 1 - confidence, as in the book."""
    score, label = probabilities[:, 1:].max(1)
    boxes = decode(anchors, offsets)
    order = score.argsort(descending=True, stable=True)
    keep, left = [], order
    while len(left):
        keep.append(left[0])
        rest = left[1:]
        left = rest[pairwise_iou(boxes[rest], boxes[left[0]][None, None])[0, 0] <= overlap]
    keep = torch.stack(keep)
    kept = torch.zeros(len(boxes), dtype=torch.bool)
    kept[keep] = True
    rows = torch.cat([keep, (~kept).nonzero()[:, 0]])
    label = torch.where(kept, label, -1)[rows]
    score = score[rows]
    low = score < confidence
    label = label.masked_fill(low, -1)
    score = torch.where(low, 1 - score, score)
    return torch.cat([label[:, None].float(), score[:, None], boxes[rows]], 1)


# ---- The benchmark


def random_labels(batch, truths, classes, generator):
    """As many boxes as the blood-cell pictures have, about 13, of a cell's size."""
    size = torch.rand(batch, truths, 2, generator=generator) * 0.2 + 0.08
    low = torch.rand(batch, truths, 2, generator=generator) * (1 - size)
    kind = torch.randint(classes, (batch, truths, 1), generator=generator).float()
    return torch.cat([kind, low, low + size], -1)


def bench(mode, layout, precision, batch, size, seconds, preset="notes", classes=3):
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    network = TinySSD(classes).to(memory_format=memory).train(mode == "train")
    images = torch.rand(batch, 3, size, size, generator=generator).contiguous(memory_format=memory)
    labels = random_labels(batch, 13, classes, generator)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2, weight_decay=5e-4, fused=True)
    cast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")

    def train():
        with cast:
            anchors, logits, offsets = network(images)
        loss = LOSSES[preset](logits.float(), offsets.float(), targets(anchors, labels))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.inference_mode(), cast:
            return network(images)[1][0, 0, 0].item()

    step = train if mode == "train" else infer
    for _ in range(2):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times.sort()
    at = lambda q: times[min(len(times) - 1, round(q * (len(times) - 1)))]
    return {
        "program": f"PyTorch {torch.__version__}",
        "images_per_second": batch / at(0.5),
        "step_ms": {"median": at(0.5) * 1e3, "p10": at(0.1) * 1e3, "p90": at(0.9) * 1e3},
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "mode": mode, "layout": layout, "precision": precision, "batch": batch, "size": size,
        "steps": len(times), "threads": torch.get_num_threads(), "machine": platform.machine(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    b = commands.add_parser("bench")
    b.add_argument("--mode", choices=["train", "infer"], default="train")
    b.add_argument("--layout", choices=["nchw", "channels_last"], default="channels_last")
    b.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    b.add_argument("--preset", choices=list(LOSSES), default="notes")
    b.add_argument("--batch", type=int, default=32)
    b.add_argument("--size", type=int, default=256)
    b.add_argument("--seconds", type=float, default=10)
    o = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    result = bench(o.mode, o.layout, o.precision, o.batch, o.size, o.seconds, o.preset)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
