"""Small adversarial sets and their 12 numbers from pycocotools 2.0.11, for boxes and masks.

    python Scripts/golden/coco_evaluation.py                     writes Tests/Fixtures/metrics/coco-adversarial.json
    python Scripts/golden/coco_evaluation.py --fuzz 500 --saker PATH    compares that many more sets

A set is a ground truth, detections and, a kind, the expected numbers. What they stress is in the
names of the functions below: scores that tie, crowds, pictures without anything, categories without
truths, empty boxes, more than 100 detections of a category, areas that are exactly 1024 or 9216, ids
with gaps in any order and 0, boxes whose IoU is exactly a threshold, categories that aren't listed,
outlines of several parts that leave the picture or have corners twice, run lengths in both forms.
"""

import argparse
import contextlib
import copy
import io
import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from pycocotools import mask as tool
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

OUT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "metrics" / "coco-adversarial.json"


def expected(truth, found, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = copy.deepcopy(truth)
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(copy.deepcopy(found)), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # AP and AR of each category by ascending id, -1 without truths.
    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if values.size else -1.0

    tables = evaluation.eval["precision"][:, :, :, 0, 2], evaluation.eval["recall"][:, :, 0, 2]
    categories = [[mean(tables[0][:, :, k]), mean(tables[1][:, k])] for k in range(len(evaluation.params.catIds))]
    return [float(v) for v in evaluation.stats], categories


def corner(draw, side):
    """Whole, half and odd places, some outside."""
    value = draw.uniform(-0.1 * side, 1.1 * side)
    return draw.choice([round(value), round(2 * value) / 2, round(value, 2), value])


def outline(draw, box, width, height):
    x, y, w, h = box
    points = []
    for _ in range(draw.choice([3, 4, 5, 9])):
        points.append([x + w * draw.random(), y + h * draw.random()])
        if draw.random() < 0.1:
            points.append(list(points[-1]))
        if draw.random() < 0.05:
            points.append([corner(draw, width), corner(draw, height)])
    if draw.random() < 0.2:
        points = [[float(round(a)), float(round(b))] for a, b in points]
    return [v for p in points for v in p]


def segmentation(draw, box, width, height, as_results=False):
    """Outlines, or run lengths as numbers or text."""
    parts = [outline(draw, box, width, height) for _ in range(draw.choice([1, 1, 1, 2, 3]))]
    form = draw.choice(["text"] if as_results else ["outlines", "outlines", "numbers", "text"])
    if form == "outlines":
        return parts
    code = tool.merge(tool.frPyObjects(parts, height, width))
    if form == "text":
        return {"size": code["size"], "counts": code["counts"].decode()}
    flat = tool.decode(code).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {"size": code["size"], "counts": ([0] if flat[0] else []) + runs}


def case(seed):
    draw = random.Random(seed)
    kind = draw.choice(["bbox", "bbox", "segm"])
    width, height = draw.choice([(64, 48), (200, 150), (97, 131)])
    count = draw.choice([1, 2, 5, 9])
    ids = draw.sample(range(0 if draw.random() < 0.3 else 1, 90), count)
    categories = draw.sample(range(1, 91), draw.choice([1, 1, 2, 4]))
    truth = {
        "images": [{"id": i, "width": width, "height": height} for i in ids],
        "categories": [{"id": c, "name": f"c{c}"} for c in categories],
        "annotations": [],
    }
    levels = draw.choice([2, 5, 1000])

    def box():
        if draw.random() < 0.06:
            return [corner(draw, width), corner(draw, height), 0, draw.choice([0, 7])]
        if draw.random() < 0.15:
            side = draw.choice([32, 96, 10, 20])
            return [draw.randrange(width), draw.randrange(height), side, side]
        sides = [draw.uniform(1, draw.choice([20, width])), draw.uniform(1, draw.choice([20, height]))]
        if draw.random() < 0.5:
            sides = [float(round(s)) for s in sides]
        return [corner(draw, width), corner(draw, height), *sides]

    objects = draw.choice([0, 1, 3, 8])
    next_id = 0 if draw.random() < 0.15 else 1
    for image in draw.sample(ids, max(1, count * 3 // 4)):
        for _ in range(draw.randrange(objects + 1)):
            b = box()
            crowd = draw.random() < 0.15
            area = draw.choice([b[2] * b[3], b[2] * b[3], 1024, 9216, 1024.0000001, 500, 1e10, 2e10])
            annotation = {
                "id": next_id, "image_id": image, "category_id": draw.choice(categories + [91] * (draw.random() < 0.1)),
                "bbox": b, "area": area, "iscrowd": int(crowd), "ignore": draw.choice([0, 1]),
            }
            if kind == "segm":
                annotation["segmentation"] = segmentation(draw, b, width, height)
            next_id += draw.choice([1, 1, 5])
            truth["annotations"].append(annotation)
    if draw.random() < 0.5:
        draw.shuffle(truth["annotations"])

    found = []
    boxed = kind == "bbox" or draw.random() < 0.5
    many = draw.random() < 0.06
    for image in ids:
        here = [a for a in truth["annotations"] if a["image_id"] == image]
        for _ in range(draw.randrange(140, 160) if many else draw.choice([0, 1, 6, 15])):
            if here and draw.random() < 0.7:
                a = draw.choice(here)
                b = list(a["bbox"])
                # Half, three quarters and the whole of the box: an IoU of exactly a threshold.
                how = draw.choice(["same", "part", "moved", "moved"])
                if how == "part":
                    b[2] = b[2] * draw.choice([0.5, 0.55, 0.75, 0.9, 0.95])
                elif how == "moved":
                    b = [v + draw.gauss(0, 1.5) for v in b[:2]] + [abs(v + draw.gauss(0, 1.5)) for v in b[2:]]
                category = a["category_id"] if draw.random() < 0.9 else draw.choice(categories)
            else:
                b, category = box(), draw.choice(categories)
            row = {"image_id": image, "category_id": category, "score": draw.randrange(levels + 1) / levels}
            if boxed:
                row["bbox"] = b
            if kind == "segm" and (not boxed or draw.random() < 0.6):
                row["segmentation"] = segmentation(draw, b, width, height, as_results=True)
            found.append(row)
    if not found:
        found = [{"image_id": ids[0], "category_id": categories[0], "bbox": [0, 0, 5, 5], "score": 0.5}]
    if draw.random() < 0.3:
        draw.shuffle(found)
    return {"name": f"set {seed}", "kind": kind, "truth": truth, "found": found}


def masks():
    """Outlines and the run lengths pycocotools draws for them."""
    draw = random.Random(77)
    rows = []
    for number in range(120):
        width, height = draw.choice([(1, 1), (17, 31), (64, 48), (200, 3)])
        box = [corner(draw, width), corner(draw, height), draw.uniform(0, 1.2 * width), draw.uniform(0, 1.2 * height)]
        points = outline(draw, box, width, height)
        if number % 10 == 0:
            points = points[:6]
            points[2:4] = points[0:2]
        code = tool.frPyObjects([points], height, width)[0]
        rows.append({"size": [height, width], "polygon": points, "counts": code["counts"].decode(),
                     "area": int(tool.area(code)), "bbox": tool.toBbox(code).tolist()})
    return rows


def fuzz(count, saker):
    worst = 0
    for seed in range(10_000, 10_000 + count):
        one = case(seed)
        wanted, categories = expected(one["truth"], one["found"], one["kind"])
        with tempfile.TemporaryDirectory() as folder:
            for name in ("truth", "found"):
                (Path(folder) / name).write_text(json.dumps(one[name]))
            output = subprocess.run(
                [saker, "evaluate", "--ground-truth", f"{folder}/truth", "--detections", f"{folder}/found",
                 "--iou-type", one["kind"], "--json"], capture_output=True, text=True)
        assert output.returncode == 0, (seed, output.stderr)
        report = json.loads(output.stdout)
        got = report["stats"] + [row["stats"][k] for row in report["categories"] for k in (0, 8)]
        wanted += sum(categories, [])
        assert len(got) == len(wanted), seed
        error = max(abs(a - b) for a, b in zip(got, wanted))
        worst = max(worst, error)
        if error > 1e-12:
            print(f"set {seed} ({one['kind']}):\n  {wanted}\n  {got}")
    print(f"{count} sets, largest difference {worst:.1e}")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--fuzz", type=int)
parser.add_argument("--saker")
chosen = parser.parse_args()
if chosen.fuzz:
    fuzz(chosen.fuzz, chosen.saker)
else:
    sets = [case(seed) for seed in range(60)]
    for one in sets:
        one["stats"], one["categories"] = expected(one["truth"], one["found"], one["kind"])
    # A row a set, without the digits that boxes don't need.
    rows = ",\n".join(json.dumps(one, separators=(",", ":")) for one in sets)
    drawn = ",\n".join(json.dumps(one, separators=(",", ":")) for one in masks())
    OUT.write_text(f'{{"sets": [\n{rows}\n],\n"masks": [\n{drawn}\n]}}\n')
    print(f"{OUT.name}: {len(sets)} sets, {OUT.stat().st_size / 1e3:.0f} kB")
