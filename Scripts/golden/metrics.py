"""Packs three small public detection sets, with the results their sources state, into Tests/Fixtures/metrics/.

usage: metrics.py FOLDER      FOLDER holds odm-persons/, toy-cats/ and cartucho-map/ (see the README beside the output)

One JSON file a set: classes, pictures in name order with truths [label, left, top, right, bottom] and
detections [label, score, left, top, right, bottom] in file order, and the expected results, copied and not computed here.
"""

import json
import pathlib
import shutil
import sys

source = pathlib.Path(sys.argv[1])
out = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "metrics"


def rows(path):
    return [line.split() for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def corners(values, sized):
    left, top, a, b = map(float, values)
    return [left, top, left + a, top + b] if sized else [left, top, a, b]


def pack(name, truths, detections, sized, expected):
    """truths, detections: {picture: rows of text}"""
    names = sorted({r[0] for rs in list(truths.values()) + list(detections.values()) for r in rs})
    label = {n: i for i, n in enumerate(names)}
    pictures = [
        {
            "name": p,
            "truths": [[label[r[0]]] + corners(r[1:5], sized) for r in truths.get(p, [])],
            "detections": [[label[r[0]], float(r[1])] + corners(r[2:6], sized) for r in detections.get(p, [])],
        }
        for p in sorted(set(truths) | set(detections))
    ]
    text = ",\n".join("  " + json.dumps(p, separators=(",", ":")) for p in pictures)
    (out / f"{name}.json").write_text(
        f'{{"classNames": {json.dumps(names)},\n "expected": {json.dumps(expected)},\n "pictures": [\n{text}\n ]}}\n')
    shutil.copyfile(source / name / "LICENSE", out / f"{name}.LICENSE")


def folder(path):
    return {p.stem: rows(p) for p in sorted(path.glob("*.txt"))}


def coco(path):
    data = json.loads(path.read_text())
    stems = {i["id"]: pathlib.Path(i["file_name"]).stem for i in data["images"]}
    result = {s: [] for s in stems.values()}
    for a in data["annotations"]:
        x, y, w, h = a["bbox"]
        result[stems[a["image_id"]]].append(["cat", x, y, x + w, y + h])
    return result


out.mkdir(parents=True, exist_ok=True)
root = source / "odm-persons"
pack("odm-persons", folder(root / "groundtruths"), folder(root / "detections"), True,
     json.loads((root / "expected.json").read_text()))

root = source / "toy-cats"
pack("toy-cats", coco(root / "gts_coco_format" / "toy_example_coco.JSON"), folder(root / "dets_classname_abs_xyx2y2"), False,
     {"allPoints": {"0.5": 0.895833, "0.75": 0.509722}, "elevenPoints": {"0.5": 0.886364, "0.75": 0.492424}})

root = source / "cartucho-map"
pack("cartucho-map", folder(root / "ground-truth"), folder(root / "detection-results"), False,
     json.loads((root / "expected.json").read_text()))
