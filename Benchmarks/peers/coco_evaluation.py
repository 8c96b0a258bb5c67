"""COCO evaluation: a synthetic set, and the peers of `saker evaluate --format coco`.

    python coco_evaluation.py make FOLDER                   truth.json and found.json, for all to read
    python coco_evaluation.py pycocotools FOLDER            one run: JSON with stats and seconds
    python coco_evaluation.py faster FOLDER
    python coco_evaluation.py compare FOLDER --saker PATH   whole processes, turn by turn

The set has COCO val2017's counts: 5,000 pictures, 80 categories with gaps in their ids, 36,781
truths, and 100 detections a picture, half of them truths that were moved a little. `--masks` gives
outlines of 24 corners to the truths and run lengths to the detections.
"""

import argparse
import contextlib
import io
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path


def make(folder, pictures, truths, found, masks, seed=5):
    import numpy as np

    draw = np.random.default_rng(seed)
    ids = [i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
    images = [
        {"id": int(i), "file_name": f"{i:012}.jpg", "width": 640, "height": 480}
        for i in sorted(draw.choice(600_000, pictures, replace=False))
    ]
    share = 1 / np.arange(1, 81)
    share /= share.sum()

    def outline(x, y, w, h):
        turns = np.linspace(0, 2 * math.pi, 24, endpoint=False)
        radius = draw.uniform(0.7, 1, 24)
        return np.stack([x + w / 2 + w / 2 * radius * np.cos(turns), y + h / 2 + h / 2 * radius * np.sin(turns)], 1)

    def mask(box):
        from pycocotools import mask as tool

        return tool.merge(tool.frPyObjects([outline(*box).ravel().tolist()], 480, 640))

    annotations, of_picture = [], {i["id"]: [] for i in images}
    for number in range(truths):
        picture = images[draw.integers(pictures)]["id"]
        w, h = np.exp(draw.uniform(math.log(8), math.log(400), 2)).clip(4, (600, 440))
        box = [draw.uniform(0, 640 - w), draw.uniform(0, 480 - h), w, h]
        box = [round(float(v), 2) for v in box]
        annotation = {
            "id": 1000 + 7 * number, "image_id": picture, "category_id": int(draw.choice(ids, p=share)),
            "bbox": box, "area": round(box[2] * box[3] * float(draw.uniform(0.4, 1)), 4),
            "iscrowd": int(draw.random() < 0.012),
        }
        if masks:
            annotation["segmentation"] = [[round(float(v), 2) for v in outline(*box).ravel()]]
        annotations.append(annotation)
        of_picture[picture].append(annotation)

    results = []
    for image in images:
        here = of_picture[image["id"]]
        for number in range(found):
            if here and number % 2:
                truth = here[draw.integers(len(here))]
                x, y, w, h = truth["bbox"]
                noise = draw.normal(0, draw.choice([0.02, 0.08, 0.25]), 4)
                box = [x + w * noise[0], y + h * noise[1], w * math.exp(noise[2]), h * math.exp(noise[3])]
                category = truth["category_id"] if draw.random() < 0.9 else int(draw.choice(ids))
                score = draw.beta(3, 2)
            else:
                w, h = draw.uniform(8, 300, 2)
                box = [draw.uniform(0, 640 - w), draw.uniform(0, 480 - h), w, h]
                category, score = int(draw.choice(ids, p=share)), draw.beta(1, 5)
            box = [float(v) for v in box]
            row = {"image_id": image["id"], "category_id": category, "bbox": box, "score": float(score)}
            if masks:
                code = mask(box)
                row["segmentation"] = {"size": code["size"], "counts": code["counts"].decode()}
                del row["bbox"]
            results.append(row)
    folder.mkdir(parents=True, exist_ok=True)
    categories = [{"id": i, "name": f"class {i}", "supercategory": "thing"} for i in ids]
    (folder / "truth.json").write_text(
        json.dumps({"info": {}, "images": images, "categories": categories, "annotations": annotations}))
    (folder / "found.json").write_text(json.dumps(results))
    sizes = [f"{p.name} {p.stat().st_size / 1e6:.1f} MB" for p in sorted(folder.glob("*.json"))]
    print(f"{pictures} pictures, {truths} truths, {len(results)} detections: {', '.join(sizes)}")


def run(which, folder, kind):
    if which == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as COCOeval
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "truth.json"))
        found = truth.loadRes(str(folder / "found.json"))
        evaluation = COCOeval(truth, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    seconds = time.perf_counter() - start
    print(json.dumps({"stats": [float(v) for v in evaluation.stats][:12], "seconds": seconds}))


def compare(folder, kind, saker, rounds, peers):
    here = [sys.executable, __file__]
    commands = {
        "saker": [saker, "evaluate", "--format", "coco", "--ground-truth", folder / "truth.json", "--detections",
                  folder / "found.json", "--iou-type", kind, "--json"],
        **{peer: [*here, peer, folder, "--kind", kind] for peer in peers},
    }
    times, memory, stats = {k: [] for k in commands}, {}, {}
    for turn in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, text=True)
            output = child.stdout.read()
            _, status, usage = os.wait4(child.pid, 0)
            times[name].append(time.perf_counter() - start)
            assert status == 0, name
            memory[name] = usage.ru_maxrss / 1024
            stats[name] = json.loads(output)["stats"]
            if name == "pycocotools":
                inside = json.loads(output)["seconds"]
    first = stats["saker"]
    for name in commands:
        middle = statistics.median(times[name])
        ratio = middle / statistics.median(times["saker"])
        error = max(abs(a - b) for a, b in zip(first, stats[name]))
        rows = " ".join(f"{t:.2f}" for t in times[name])
        print(f"{name:12} {middle:7.3f} s ({rows})  {ratio:6.1f} x  {memory[name]:6.0f} MB  difference {error:.1e}")
    print("stats:", " ".join(f"{v:.4f}" for v in first))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("what", choices=["make", "pycocotools", "faster", "compare"])
parser.add_argument("folder", type=Path)
parser.add_argument("--kind", choices=["bbox", "segm"], default="bbox")
parser.add_argument("--masks", action="store_true")
parser.add_argument("--pictures", type=int, default=5000)
parser.add_argument("--truths", type=int, default=36_781)
parser.add_argument("--found", type=int, default=100, help="detections a picture")
parser.add_argument("--saker", default="saker")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--peers", nargs="+", default=["faster", "pycocotools"])
chosen = parser.parse_args()
if chosen.what == "make":
    make(chosen.folder, chosen.pictures, chosen.truths, chosen.found, chosen.masks)
elif chosen.what == "compare":
    compare(chosen.folder, chosen.kind, chosen.saker, chosen.rounds, chosen.peers)
else:
    run(chosen.what, chosen.folder, chosen.kind)
