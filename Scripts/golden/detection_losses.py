"""Losses of detectors without a reference implementation in torchvision, from the papers' formulas.

Objects are rows of picture, label, left, top, right, bottom. YOLO maps are `m0`, `m1`: before any
sigmoid, `[N, priors, rows, columns, 5 + classes]`.
"""

import math

import torch
from torch.nn import functional as F
from torchvision import ops

from common import Golden

golden = Golden("detection_losses")

# ---- YOLOv1: 2 pictures, 3 x 3 cells, 2 boxes, 4 classes; fractions of the picture

objects = torch.tensor([
    [0, 2, 0.10, 0.20, 0.40, 0.50], [0, 1, 0.55, 0.50, 0.95, 0.90], [1, 3, 0.30, 0.35, 0.80, 0.75],
    [0, 0, 0.12, 0.22, 0.42, 0.52]])  # the last one's cell is taken


def corners(b):
    return torch.cat([b[..., :2] - b[..., 2:] / 2, b[..., :2] + b[..., 2:] / 2], -1)


def yolo1(boxes, classes):
    count, s = boxes.shape[0], boxes.shape[1]
    total, weights = 0, torch.full(boxes.shape[:4], 0.5, dtype=boxes.dtype)
    goals = torch.zeros(boxes.shape[:4], dtype=boxes.dtype)
    seen = set()
    for picture, label, *box in objects.tolist():
        box = torch.tensor(box, dtype=boxes.dtype)
        centre, size = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        col, row = (centre * s).floor().long().tolist()
        n = int(picture)
        if (n, row, col) in seen:
            continue
        seen.add((n, row, col))
        at = torch.tensor([col, row])
        own = boxes[n, row, col]
        predicted = torch.cat([(own[:, :2] + at) / s, own[:, 2:4] ** 2], 1).detach()
        iou = ops.box_iou(corners(predicted), box[None])[:, 0]
        k = iou.argmax()
        total = total + 5 * ((own[k, :2] - (centre * s - at)) ** 2).sum()
        total = total + 5 * ((own[k, 2:4] - size.sqrt()) ** 2).sum()
        goals[n, row, col, k], weights[n, row, col, k] = iou[k], 1
        total = total + ((classes[n, row, col] - F.one_hot(torch.tensor(int(label)), 4)) ** 2).sum()
    return ((weights * (boxes[..., 4] - goals) ** 2).sum() + total) / count


draw = golden.random("yolo1")
boxes = draw(2, 3, 3, 2, 5).sigmoid()
golden.differentiate(
    "yolo1", yolo1, {"boxes": boxes, "classes": draw(2, 3, 3, 4).sigmoid()},
    extra={"objects": objects})

# ---- YOLOv2, YOLOv3 and the ports': 2 pictures of 64 x 48, strides 16 and 8, 3 classes

objects = torch.tensor([
    [0, 2, 5.0, 6.0, 30.0, 40.0], [0, 1, 33.0, 9.0, 45.0, 18.0], [1, 0, 2.0, 1.0, 61.0, 46.0],
    [1, 1, 40.5, 20.0, 48.5, 26.0], [1, 2, 10.0, 30.0, 14.0, 47.0]])
strides, priors = [16, 8], [[(30.0, 33.0), (55.0, 40.0)], [(10.0, 13.0), (16.0, 8.0)]]


def decode(m, level):
    """Corners in cells, `[N, priors, rows, columns, 4]`."""
    rows, columns = m.shape[2:4]
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    prior = torch.tensor(priors[level], dtype=m.dtype)[:, None, None] / strides[level]
    return corners(torch.cat(
        [m[..., :2].sigmoid() + torch.stack([x, y], -1), m[..., 2:4].exp() * prior], -1))


def shape_iou(size, prior):
    inner = min(size[0], prior[0]) * min(size[1], prior[1])
    return inner / (size[0] * size[1] + prior[0] * prior[1] - inner)


def yolo(form):
    def loss(*maps):
        count, dtype = maps[0].shape[0], maps[0].dtype
        total = 0
        for level, m in enumerate(maps):
            goals, decoded = torch.zeros(m.shape[:4], dtype=dtype), decode(m, level)
            weights = torch.ones(m.shape[:4], dtype=dtype)
            limit = {"v2": 0.6, "v3": 0.5}.get(form)
            places, truths, labels = [], [], []
            for picture, label, *box in objects.tolist():
                box = torch.tensor(box, dtype=dtype) / strides[level]
                n = int(picture)
                if limit:
                    flat = decoded[n].detach().reshape(-1, 4)
                    over = ops.box_iou(flat, box[None])[:, 0].reshape(m.shape[1:4]) > limit
                    weights[n][over] = 0
                size = ((box[2:] - box[:2]) * strides[level]).tolist()
                if form == "port":
                    chosen = [k for k, p in enumerate(priors[level])
                              if max(size[0] / p[0], p[0] / size[0], size[1] / p[1],
                                     p[1] / size[1]) < 4]
                else:
                    every = [(shape_iou(size, p), i, k)
                             for i, ps in enumerate(priors) for k, p in enumerate(ps)]
                    _, i, k = max(every, key=lambda e: e[0])
                    chosen = [k] if i == level else []
                centre = (box[:2] + box[2:]) / 2
                col, row = centre.floor().long().tolist()
                for k in chosen:
                    places.append((n, k, row, col))
                    truths.append(box)
                    labels.append(int(label))
            if places:
                index = tuple(torch.tensor(p) for p in zip(*places))
                own, truth = m[index], torch.stack(truths)
                onehot = F.one_hot(torch.tensor(labels), 3).to(dtype)
                predicted = decoded[index]
                if form == "port":
                    box_loss = ops.complete_box_iou_loss(predicted, truth)
                    total = total + 0.05 * box_loss.mean() * count
                    total = total + 0.5 * count * F.binary_cross_entropy_with_logits(
                        own[:, 5:], onehot)
                    overlap = (1 - box_loss.detach()).clamp(min=0)
                else:
                    centre, size = (truth[:, :2] + truth[:, 2:]) / 2, truth[:, 2:] - truth[:, :2]
                    at = torch.stack([index[3], index[2]], 1)
                    prior = torch.tensor(priors[level], dtype=dtype)[index[1]] / strides[level]
                    area = size.prod(1, keepdim=True) / (m.shape[2] * m.shape[3])
                    errors = (own[:, :2].sigmoid() - (centre - at)) ** 2
                    errors = errors + (own[:, 2:4] - (size / prior).log()) ** 2
                    total = total + ((2 - area) * errors).sum() / count
                    overlap = ops.box_iou(predicted.detach(), truth).diagonal()
                    if form == "v2":
                        total = total + ((own[:, 5:].softmax(1) - onehot) ** 2).sum() / count
                    else:
                        total = total + F.binary_cross_entropy_with_logits(
                            own[:, 5:], onehot, reduction="sum") / count
                for j, place in enumerate(places):
                    goals[place] = 1 if form == "v3" else overlap[j]
                    weights[place] = 5 if form == "v2" else 1
            if form == "v2":
                total = total + (weights * (m[..., 4].sigmoid() - goals) ** 2).sum() / count
            else:
                total = total + F.binary_cross_entropy_with_logits(
                    m[..., 4], goals, weights, reduction="sum") / (
                        count if form == "v3" else m[..., 4].numel() / count)
        return total
    return loss


for form in ["v2", "v3", "port"]:
    draw = golden.random(f"yolo.{form}")
    golden.differentiate(
        f"yolo.{form}", yolo(form),
        {"m0": 0.5 * draw(2, 2, 3, 4, 8), "m1": 0.5 * draw(2, 2, 6, 8, 8)},
        extra={"objects": objects}, form=form)

# ---- CornerNet: embeddings of 2 pictures with 3 and 1 objects, offsets

mask = torch.tensor([[1.0, 1, 0, 1], [0, 1, 0, 0]])


def embedding(part):
    def loss(top, bottom):
        results = []
        for t, b, m in zip(top, bottom, mask):
            t, b = t[m == 1], b[m == 1]
            e, n = (t + b) / 2, len(t)
            if part == "pull":
                results.append(((t - e) ** 2 + (b - e) ** 2).sum() / n)
            else:
                pairs = [(1 - (e[i] - e[j]).abs()).clamp(min=0)
                         for i in range(n) for j in range(n) if i != j]
                results.append(sum(pairs) / (n * (n - 1)) if pairs else e.sum() * 0)
        return torch.stack(results)
    return loss


for part in ["pull", "push"]:
    draw = golden.random("corner")
    golden.differentiate(
        f"corner.{part}", embedding(part), {"top": draw(2, 4), "bottom": draw(2, 4)},
        extra={"mask": mask}, part=part)

golden.save()
