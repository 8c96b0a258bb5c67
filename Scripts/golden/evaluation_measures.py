"""Golden values of the measures that aren't COCO's, into Tests/Fixtures/metrics/measures.json.

    python Scripts/golden/evaluation_measures.py

Peers: scikit-learn (ROC, precision and recall, top-k, segmentation), tidecv 1.0.1 (kinds of
mistakes), OpenCV 4 (strokes of lanes; version 5 cuts them off at the picture's edge another way) and SciPy (assignment). Where there is none at hand, a reference
in NumPy is written here from the paper or the program's rules: Ultralytics' average precision and
confusion matrix, log-average miss rate, panoptic quality, TuSimple.
"""

import json
import math
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn import metrics
from tidecv import TIDE, Data

assert cv2.__version__.startswith("4."), "CULane's strokes are those of OpenCV 4"
OUT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "metrics" / "measures.json"
draw = np.random.default_rng(11)


def single(value):
    return float(np.float32(value))


# Scores of yes or no.

def binary():
    rows = []
    for count, levels in [(2, 1000), (12, 4), (60, 10), (200, 100000)]:
        truths = draw.random(count) < 0.4
        truths[:2] = [True, False]
        scores = np.round(draw.random(count) * 0.6 + truths * 0.3, 6)
        if levels < 1000:
            scores = np.round(scores * levels) / levels
        fpr, tpr, thresholds = metrics.roc_curve(truths, scores, drop_intermediate=False)
        precision, recall, cuts = metrics.precision_recall_curve(truths, scores)
        rows.append({
            "scores": scores.tolist(), "truths": truths.tolist(), "fpr": fpr.tolist(), "tpr": tpr.tolist(),
            "thresholds": thresholds[1:].tolist(), "auc": metrics.roc_auc_score(truths, scores),
            "precision": precision.tolist(), "recall": recall.tolist(), "cuts": cuts.tolist(),
            "ap": metrics.average_precision_score(truths, scores), "pr_auc": metrics.auc(recall, precision),
        })
    return rows


def top_k():
    scores = np.round(draw.random((40, 7)) * 5) / 5
    truths = draw.integers(0, 7, 40)
    values = [metrics.top_k_accuracy_score(truths, scores, k=k, labels=range(7)) for k in range(1, 7)]
    return {"scores": scores.tolist(), "truths": truths.tolist(), "values": [float(v) for v in values]}


# Detections.

def detections(pictures, classes):
    """Pictures with truths [label, l, t, r, b] and detections [label, score, l, t, r, b]."""
    rows = []
    for _ in range(pictures):
        truths, found = [], []
        for _ in range(draw.integers(0, 7)):
            x, y = draw.integers(0, 150, 2)
            w, h = draw.integers(8, 60, 2)
            truths.append([int(draw.integers(classes)), *map(float, (x, y, x + w, y + h))])
        for _ in range(draw.integers(0, 10)):
            if truths and draw.random() < 0.75:
                label, *box = truths[draw.integers(len(truths))]
                box = [round((v + draw.normal(0, draw.choice([1, 3, 8]))) * 4) / 4 for v in box]
                box[2], box[3] = max(box[2], box[0] + 1), max(box[3], box[1] + 1)
                if draw.random() < 0.25:
                    label = int(draw.integers(classes))
            else:
                x, y = draw.integers(0, 150, 2)
                w, h = draw.integers(8, 60, 2)
                label, box = int(draw.integers(classes)), [float(v) for v in (x, y, x + w, y + h)]
            found.append([label, single(round(draw.random() * 40) / 40), *map(float, box)])
        rows.append({"truths": truths, "detections": found})
    return rows


def iou(a, b):
    w = np.minimum(a[2], b[2]) - np.maximum(a[0], b[0])
    h = np.minimum(a[3], b[3]) - np.maximum(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h)


def tide(pictures):
    truth, found = Data("truth"), Data("found")
    for number, picture in enumerate(pictures):
        truth.add_image(number, str(number))
        for label, l, t, r, b in picture["truths"]:
            truth.add_ground_truth(number, label, [l, t, r - l, b - t])
        for label, score, l, t, r, b in picture["detections"]:
            found.add_detection(number, label, score, [l, t, r - l, b - t])
    tool = TIDE()
    run = tool.evaluate(truth, found, mode=TIDE.BOX)
    gains = {k.short_name: v for k, v in run.fix_main_errors().items()}
    counts = {k.short_name: v for k, v in run.count_errors().items()}
    special = {k.short_name: v for k, v in run.fix_special_errors().items()}
    return {"ap": run.ap, "gains": gains, "counts": counts, "special": special}


def ultralytics(pictures, classes):
    """Their rules in NumPy: matching, AP by interpolation, precision and recall at the best F1."""
    levels = np.linspace(0.5, 0.95, 10)
    tp, conf, label, target = [], [], [], []
    for picture in pictures:
        # Theirs come sorted from the suppression.
        picture = {"truths": picture["truths"], "detections": sorted(picture["detections"], key=lambda d: -d[1])}
        target += [t[0] for t in picture["truths"]]
        correct = np.zeros((len(picture["detections"]), 10), bool)
        table = np.array([[iou(t[1:], d[2:]) * (t[0] == d[0]) for d in picture["detections"]]
                          for t in picture["truths"]]).reshape(len(picture["truths"]), len(picture["detections"]))
        for i, level in enumerate(levels):
            pairs = np.argwhere(table >= level)
            # By descending IoU; then by detection and truth, where theirs is left to the sort.
            order = sorted(range(len(pairs)), key=lambda k: (-table[tuple(pairs[k])], pairs[k][1], pairs[k][0]))
            pairs = pairs[order]
            if len(pairs):
                # The second step keeps the lowest detection of a truth, which is the one of highest
                # score: the first step's result is in the order of detections, not of IoU.
                pairs = pairs[np.unique(pairs[:, 1], return_index=True)[1]]
                pairs = pairs[np.unique(pairs[:, 0], return_index=True)[1]]
            for _, j in pairs:
                correct[j, i] = True
        tp += correct.tolist()
        conf += [d[1] for d in picture["detections"]]
        label += [d[0] for d in picture["detections"]]
    tp, conf, label, target = np.array(tp), np.array(conf), np.array(label), np.array(target)
    order = np.argsort(-conf, kind="stable")
    tp, conf, label = tp[order], conf[order], label[order]
    x = np.linspace(0, 1, 1000)
    names = np.unique(target)
    aps, ps, rs = np.zeros((len(names), 10)), np.zeros((len(names), 1000)), np.zeros((len(names), 1000))
    for k, c in enumerate(names):
        mine = label == c
        if not mine.any():
            continue
        right, wrong = tp[mine].cumsum(0), (1 - tp[mine]).cumsum(0)
        recall, precision = right / ((target == c).sum() + 1e-16), right / (right + wrong)
        rs[k] = np.interp(-x, -conf[mine], recall[:, 0], left=0)
        ps[k] = np.interp(-x, -conf[mine], precision[:, 0], left=1)
        for i in range(10):
            r = np.concatenate([[0.0], recall[:, i], [1.0]])
            p = np.concatenate([[1.0], precision[:, i], [0.0]])
            p = np.flip(np.maximum.accumulate(np.flip(p)))
            grid = np.linspace(0, 1, 101)
            aps[k, i] = np.trapezoid(np.interp(grid, r, p), grid)
    f1 = 2 * ps * rs / (ps + rs + 1e-16)
    mean = f1.mean(0)
    side = np.ones(50)
    smooth = np.convolve(np.concatenate([side * mean[0], mean, side * mean[-1]]), np.ones(101) / 101, mode="valid")
    best = int(smooth.argmax())
    return {"names": names.tolist(), "ap": aps.tolist(), "precision": ps[:, best].tolist(),
            "recall": rs[:, best].tolist(), "confidence": best / 999}


def confusion(pictures, classes, conf=0.25, threshold=0.45):
    counts = np.zeros((classes + 1, classes + 1), int)
    for picture in pictures:
        found = [d for d in picture["detections"] if d[1] > conf]
        truths = picture["truths"]
        pairs = sorted(
            ((-iou(t[1:], d[2:]), j, i) for i, t in enumerate(truths) for j, d in enumerate(found)
             if iou(t[1:], d[2:]) > threshold))
        used_found, used_truth = {}, {}
        best = {}
        for _, j, i in pairs:
            best.setdefault(j, i)
        for _, j, i in pairs:
            if best[j] == i and i not in used_truth:
                used_truth[i], used_found[j] = j, i
        for i, t in enumerate(truths):
            counts[found[used_truth[i]][0] if i in used_truth else classes, t[0]] += 1
        for j, d in enumerate(found):
            if j not in used_found:
                counts[d[0], classes] += 1
    return counts.tolist()


def miss_rate(pictures, classes):
    """Log-average miss rate a class, detections matched as Pascal VOC does."""
    result = []
    for c in range(classes):
        rows, total = [], 0
        for number, picture in enumerate(pictures):
            total += sum(t[0] == c for t in picture["truths"])
            rows += [(d[1], number, d[2:]) for d in picture["detections"] if d[0] == c]
        rows.sort(key=lambda r: -r[0])
        taken, right = set(), []
        for _, number, box in rows:
            here = [(iou(t[1:], box), -i) for i, t in enumerate(pictures[number]["truths"]) if t[0] == c]
            best = max(here, default=(0, 0))
            hit = best[0] >= 0.5 and (number, best[1]) not in taken
            if best[0] >= 0.5:
                taken.add((number, best[1]))
            right.append(hit)
        right = np.array(right, int)
        fppi = np.concatenate([[-1], np.cumsum(1 - right) / len(pictures)])
        missed = np.concatenate([[1.0], 1 - np.cumsum(right) / total])
        points = [missed[np.where(fppi <= rate)[0][-1]] for rate in np.logspace(-2, 0, 9)]
        result.append(math.exp(np.mean(np.log(np.maximum(1e-10, points)))))
    return result


# Pixels.

def segmentation():
    truths = draw.integers(0, 5, 900)
    found = np.where(draw.random(900) < 0.7, truths, draw.integers(0, 5, 900))
    truths[truths == 4] = 3
    void = draw.random(900) < 0.1
    kept = ~void
    iou_scores = metrics.jaccard_score(truths[kept], found[kept], labels=range(5), average=None, zero_division=0)
    dice = metrics.f1_score(truths[kept], found[kept], labels=range(5), average=None, zero_division=0)
    recall = metrics.recall_score(truths[kept], found[kept], labels=range(4), average=None)
    shown = truths.copy()
    shown[void] = 255
    return {"truths": shown.tolist(), "found": found.tolist(), "iou": iou_scores.tolist(), "dice": dice.tolist(),
            "accuracy": metrics.accuracy_score(truths[kept], found[kept]), "class_accuracy": recall.tolist()}


def panoptic():
    """Two pictures of blocks; the reference follows section 4.1 and 4.2 of the paper."""
    pictures = []
    for _ in range(3):
        truth, found = np.zeros((24, 24), int), np.zeros((24, 24), int)
        there, guessed = [], []
        for number in range(1, 9):
            y, x = draw.integers(0, 18, 2)
            h, w = draw.integers(3, 10, 2)
            truth[y:y + h, x:x + w] = number
            there.append({"id": number, "category": int(draw.integers(3)), "isCrowd": bool(number == 8)})
            dy, dx = draw.integers(-1, 2, 2)
            if draw.random() < 0.85:
                found[max(y + dy, 0):y + dy + h, max(x + dx, 0):x + dx + w] = number + 100
                category = there[-1]["category"] if draw.random() < 0.9 else int(draw.integers(3))
                guessed.append({"id": number + 100, "category": category, "isCrowd": False})
        pictures.append({"truth": truth.ravel().tolist(), "found": found.ravel().tolist(), "there": there,
                         "guessed": guessed})
    counts = {c: [0, 0, 0, 0.0] for c in range(3)}
    for p in pictures:
        truth, found = np.array(p["truth"]), np.array(p["found"])
        matched_truth, matched_found = set(), set()
        for t in p["there"]:
            for g in p["guessed"]:
                if t["isCrowd"] or t["category"] != g["category"]:
                    continue
                a, b = truth == t["id"], found == g["id"]
                union = (a | b).sum() - (b & (truth == 0)).sum()
                value = (a & b).sum() / union if union else 0
                if value > 0.5:
                    counts[t["category"]][0] += 1
                    counts[t["category"]][3] += value
                    matched_truth.add(t["id"])
                    matched_found.add(g["id"])
        for t in p["there"]:
            if not t["isCrowd"] and t["id"] not in matched_truth and (truth == t["id"]).any():
                counts[t["category"]][2] += 1
        for g in p["guessed"]:
            area = found == g["id"]
            if g["id"] in matched_found or not area.any():
                continue
            crowds = [t["id"] for t in p["there"] if t["isCrowd"] and t["category"] == g["category"]]
            if (area & ((truth == 0) | np.isin(truth, crowds))).sum() / area.sum() > 0.5:
                continue
            counts[g["category"]][1] += 1
    quality = [c[3] / (c[0] + c[1] / 2 + c[2] / 2) for c in counts.values() if sum(c[:3])]
    return {"pictures": pictures, "counts": list(counts.values()), "quality": float(np.mean(quality))}


# Lanes.

def spline(points, times=50):
    """The benchmark's natural cubic spline over chord lengths."""
    p = np.array(points, np.float32).astype(float)
    h = np.sqrt((np.diff(p, axis=0) ** 2).sum(1))
    n = len(p)
    a = np.zeros((n, n))
    b = np.zeros((n, 2))
    a[0, 0] = a[-1, -1] = 1
    for i in range(1, n - 1):
        a[i, i - 1:i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        b[i] = 6 * ((p[i + 1] - p[i]) / h[i] - (p[i] - p[i - 1]) / h[i - 1])
    m = np.linalg.solve(a, b)
    result = []
    for i in range(n - 1):
        for k in range(times):
            t = h[i] / times * k
            slope = (p[i + 1] - p[i]) / h[i] - (2 * h[i] * m[i] + h[i] * m[i + 1]) / 6
            result.append(p[i] + slope * t + m[i] / 2 * t ** 2 + (m[i + 1] - m[i]) / (6 * h[i]) * t ** 3)
    return np.array(result + [p[-1]], np.float32)


def stroke(points, width, height, thickness):
    picture = np.zeros((height, width), np.uint8)
    corners = [tuple(int(v) for v in np.rint(p)) for p in points]
    for a, b in zip(corners, corners[1:]):
        cv2.line(picture, a, b, 1, thickness)
    return picture


def strokes():
    rows = []
    for number in range(60):
        thickness = [30, 30, 30, 7, 2][number % 5]
        points = [[single(v) for v in draw.uniform(-40, 160, 2)] for _ in range(draw.integers(2, 5))]
        if number % 7 == 0:
            points[1] = points[0]
        picture = stroke(points, 120, 90, thickness)
        runs = np.flatnonzero(np.diff(np.concatenate([[0], picture.ravel(), [0]]).astype(int)))
        rows.append({"points": points, "thickness": thickness, "runs": runs.tolist()})
    return rows


def culane():
    pictures, tp, fp, fn = [], 0, 0, 0
    similarities = []
    for _ in range(4):
        truths, found = [], []
        for lane in range(draw.integers(1, 5)):
            bottom, top = draw.uniform(50, 600), draw.uniform(200, 400)
            bend = draw.normal(0, 40)
            ys = np.arange(290, 120, -20 if lane % 2 else -60)
            t = (290 - ys) / 170
            xs = bottom + (top - bottom) * t + bend * t * (1 - t)
            truths.append([[single(round(x, 3)), float(y)] for x, y in zip(xs, ys)])
            if draw.random() < 0.8:
                shift = draw.normal(0, 8)
                found.append([[single(round(x + shift + draw.normal(0, 1), 3)), float(y)] for x, y in zip(xs, ys)])
        if draw.random() < 0.7:
            found.append([[100.0, 290.0], [500.0, 150.0]])
        width, height = 640, 300
        drawn = [[stroke(spline(l) if len(l) > 2 else l, width, height, 30) for l in lanes] for lanes in (truths, found)]
        table = np.array([[(a & b).sum() / (a | b).sum() for b in drawn[1]] for a in drawn[0]]).reshape(
            len(truths), len(found))
        rows, columns = linear_sum_assignment(-table)
        right = int((table[rows, columns] > 0.5).sum())
        tp, fp, fn = tp + right, fp + len(found) - right, fn + len(truths) - right
        pictures.append({"truths": truths, "found": found})
        similarities.append(table.tolist())
    return {"pictures": pictures, "similarities": similarities, "counts": [tp, fp, fn]}


def tusimple():
    rows = list(range(160, 320, 10))
    pictures, total = [], np.zeros(3)
    for number in range(6):
        truths, found = [], []
        for lane in range([2, 4, 5, 3, 5, 0][number]):
            x = draw.uniform(100, 500) + draw.uniform(-2, 2) * (np.array(rows) - 160)
            x[: draw.integers(0, 6)] = -2
            truths.append([float(round(v)) for v in x])
            if draw.random() < 0.85:
                found.append([float(round(v + draw.normal(0, 12))) if v >= 0 else -2.0 for v in x])
        if draw.random() < 0.5:
            found.append([float(v) for v in draw.integers(0, 640, len(rows))])
        accuracies, missed, matched = [], 0, 0
        for truth in truths:
            x = np.array(truth)
            seen = x >= 0
            slope = np.polyfit(np.array(rows)[seen], x[seen], 1)[0] if seen.sum() > 1 else 0
            limit = 20 / math.cos(math.atan(slope))
            flat = np.where(x >= 0, x, -100)
            best = max([np.mean(np.abs(np.where(np.array(f) >= 0, f, -100) - flat) < limit) for f in found], default=0)
            accuracies.append(best)
            matched, missed = matched + (best >= 0.85), missed + (best < 0.85)
        if len(truths) > 4 and missed:
            missed -= 1
        total_accuracy = sum(accuracies) - (min(accuracies) if len(truths) > 4 else 0)
        lanes = max(min(4, len(truths)), 1)
        score = [total_accuracy / lanes, (len(found) - matched) / len(found) if found else 0, missed / lanes]
        total += score
        pictures.append({"truths": truths, "found": found})
    return {"rows": rows, "pictures": pictures, "mean": (total / 6).tolist()}


sets = detections(40, 3)
result = {
    "binary": binary(), "top_k": top_k(), "pictures": sets, "tide": tide(sets), "ultralytics": ultralytics(sets, 3),
    "confusion": confusion(sets, 3), "miss_rate": miss_rate(sets, 3), "segmentation": segmentation(),
    "panoptic": panoptic(), "strokes": strokes(), "culane": culane(), "tusimple": tusimple(),
}


def plain(value):
    return value.item() if isinstance(value, np.generic) else str(value)


parts = ",\n".join(f'"{k}": {json.dumps(v, separators=(",", ":"), default=plain)}' for k, v in result.items())
OUT.write_text("{" + parts + "}\n")
print(f"{OUT.name}: {OUT.stat().st_size / 1e3:.0f} kB")
print(result["tide"], result["culane"]["counts"], result["tusimple"]["mean"], result["panoptic"]["quality"])
