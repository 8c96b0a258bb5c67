"""Soft-NMS and weighted boxes fusion as ensemble-boxes 1.0.9 has them, DIoU-NMS by torchvision's distances.

Writes Tests/Fixtures/golden/suppression.json. Boxes are left, top, right, bottom in fractions. needs: ensemble-boxes, torchvision.

soft      the loop behind soft_nms, linear and Gaussian, class by class: boxes by falling final score
distance  the best box stays, and those go whose IoU - d^2/c^2 with it (torchvision.ops.distance_box_iou) is above the threshold
fusion    weighted_boxes_fusion of one, two and three members
"""

import json
from pathlib import Path

import numpy as np
import torch
from ensemble_boxes import weighted_boxes_fusion
from ensemble_boxes.ensemble_boxes_nms import cpu_soft_nms_float
from torchvision.ops import distance_box_iou

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "golden"
random = np.random.default_rng(11)


def clusters(count):
    centers = random.uniform(0.15, 0.85, (max(1, count // 5), 2))
    sizes = random.uniform(0.08, 0.25, (len(centers), 2))
    group = random.integers(len(centers), size=count)
    corners = np.concatenate([centers[group] - sizes[group] / 2, centers[group] + sizes[group] / 2], 1)
    boxes = np.clip(corners + random.uniform(-0.03, 0.03, (count, 4)), 0, 1).astype(np.float32)
    return boxes, random.uniform(0.05, 1, count).astype(np.float32), random.integers(3, size=count)


def plain(array):
    return [float(f"{value:.9g}") for value in np.asarray(array, np.float64).flatten()]


result = {"soft": [], "distance": [], "fusion": []}
for count, threshold in [(1, 0.5), (40, 0.3), (90, 0.5)]:
    boxes, scores, labels = clusters(count)
    for name, sigma, least in [("linear", 0.5, 0.02), ("gaussian", 0.5, 0.02), ("gaussian", 0.2, 0.1)]:
        # The package's own public function gives back the scores from before; its loop lowers them in place.
        found, values, kinds = [], [], []
        for label in np.unique(labels):
            lowered = scores[labels == label].astype(np.float64)
            kept = cpu_soft_nms_float(
                boxes[labels == label].astype(np.float64), lowered, threshold, sigma, least,
                {"linear": 1, "gaussian": 2}[name])
            found.append(boxes[labels == label][kept])
            values.append(lowered[lowered > least])
            kinds.append(np.full(len(kept), label))
        found, values, kinds = map(np.concatenate, (found, values, kinds))
        order = np.argsort(-values, kind="stable")
        result["soft"].append({
            "boxes": plain(boxes), "scores": plain(scores), "labels": labels.tolist(), "iou": threshold,
            "rule": name, "sigma": sigma, "least": least, "kept": plain(found[order]),
            "values": plain(values[order]), "kinds": kinds[order].astype(int).tolist()})

for count, threshold in [(40, 0.3), (120, 0.45)]:
    boxes, scores, _ = clusters(count)
    table = distance_box_iou(torch.tensor(boxes).double(), torch.tensor(boxes).double()).numpy()
    assert np.abs(table - threshold).min() > 1e-5, "a suppression hangs on a rounding"
    waiting, kept = list(np.argsort(-scores)), []
    while waiting:
        best = waiting.pop(0)
        kept.append(int(best))
        waiting = [other for other in waiting if table[best, other] <= threshold]
    result["distance"].append(
        {"boxes": plain(boxes), "scores": plain(scores), "iou": threshold, "kept": kept})

for members, count, threshold in [(1, 30, 0.55), (2, 40, 0.5), (3, 25, 0.4)]:
    parts = [clusters(count) for _ in range(members)]
    # The members see the same objects, each with its own error.
    for index in range(1, members):
        boxes = np.clip(parts[0][0] + random.uniform(-0.02, 0.02, (count, 4)), 0, 1).astype(np.float32)
        keep = random.random(count) < 0.8
        parts[index] = (boxes[keep], parts[index][1][keep], parts[0][2][keep])
    found, values, kinds = weighted_boxes_fusion(
        [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts], iou_thr=threshold)
    result["fusion"].append({
        "boxes": plain(np.concatenate([p[0] for p in parts])),
        "scores": plain(np.concatenate([p[1] for p in parts])),
        "labels": np.concatenate([p[2] for p in parts]).tolist(), "iou": threshold, "members": members,
        "kept": plain(found), "values": plain(values), "kinds": np.asarray(kinds, int).tolist()})

(FIXTURES / "suppression.json").write_text(json.dumps(result) + "\n")
