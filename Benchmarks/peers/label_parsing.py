"""Parsing labels: `saker data info --labels-only` against Python's own readers on the same files.

    python Benchmarks/peers/label_parsing.py --saker PATH [--folder DIR] [--coco]

Makes 20,000 files with 100,000 boxes as Pascal VOC, YOLO text and COCO JSON (seeded), then reads each format turn by
turn: xml.etree.ElementTree, open().split and json.load into lists of boxes, and Saker into its own types. Pictures are
not looked at. Best of the rounds, in seconds of reading without the start of the program. `--coco` makes a file of
COCO's size instead (118,287 pictures, 860,001 objects with outlines) and tells time and memory.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

FILES, EACH, CLASSES = 20_000, 5, 80
SIZE = (640, 480)


def boxes(rng):
    for _ in range(EACH):
        x, y = sorted(rng.sample(range(1, SIZE[0]), 2)), sorted(rng.sample(range(1, SIZE[1]), 2))
        yield rng.randrange(CLASSES), x[0], y[0], x[1], y[1]


def make(folder):
    rng = random.Random(1)
    names = [f"class{i}" for i in range(CLASSES)]
    for part in ("voc/Annotations", "voc/JPEGImages", "yolo/images/train", "yolo/labels/train", "coco"):
        os.makedirs(f"{folder}/{part}", exist_ok=True)
    coco = {"images": [], "annotations": [], "categories": [
        {"id": i + 1, "name": name, "supercategory": "thing"} for i, name in enumerate(names)]}
    for number in range(FILES):
        found = list(boxes(rng))
        rows = []
        objects = []
        for label, left, top, right, bottom in found:
            rows.append(f"{label} {(left + right) / 2 / SIZE[0]:.6f} {(top + bottom) / 2 / SIZE[1]:.6f} "
                        f"{(right - left) / SIZE[0]:.6f} {(bottom - top) / SIZE[1]:.6f}\n")
            objects.append(
                f"\t<object>\n\t\t<name>{names[label]}</name>\n\t\t<pose>Unspecified</pose>\n"
                "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n\t\t<bndbox>\n"
                f"\t\t\t<xmin>{left}</xmin>\n\t\t\t<ymin>{top}</ymin>\n\t\t\t<xmax>{right}</xmax>\n"
                f"\t\t\t<ymax>{bottom}</ymax>\n\t\t</bndbox>\n\t</object>\n")
            coco["annotations"].append({
                "id": len(coco["annotations"]) + 1, "image_id": number, "category_id": label + 1,
                "bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top),
                "iscrowd": 0})
        coco["images"].append(
            {"id": number, "file_name": f"{number:06d}.jpg", "width": SIZE[0], "height": SIZE[1]})
        with open(f"{folder}/voc/Annotations/{number:06d}.xml", "w") as file:
            file.write(
                f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{number:06d}.jpg</filename>\n"
                "\t<source>\n\t\t<database>Unknown</database>\n\t</source>\n\t<size>\n"
                f"\t\t<width>{SIZE[0]}</width>\n\t\t<height>{SIZE[1]}</height>\n\t\t<depth>3</depth>\n\t</size>\n"
                "\t<segmented>0</segmented>\n" + "".join(objects) + "</annotation>\n")
        with open(f"{folder}/yolo/labels/train/{number:06d}.txt", "w") as file:
            file.writelines(rows)
        open(f"{folder}/yolo/images/train/{number:06d}.jpg", "w").close()
    with open(f"{folder}/yolo/data.yaml", "w") as file:
        file.write("train: images/train\nnames:\n" + "".join(f"  {i}: {n}\n" for i, n in enumerate(names)))
    with open(f"{folder}/coco/instances.json", "w") as file:
        json.dump(coco, file)


def make_coco(path):
    rng = random.Random(2)
    pictures, objects = 118_287, 860_001
    with open(path, "w") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [')
        for i in range(pictures):
            file.write(("" if i == 0 else ", ") + json.dumps({
                "license": 3, "file_name": f"{i:012d}.jpg", "coco_url": f"http://images.cocodataset.org/train2017/{i:012d}.jpg",
                "height": 480, "width": 640, "date_captured": "2013-11-14 11:18:45", "id": i * 5 + 1}))
        file.write('], "annotations": [')
        for i in range(objects):
            x, y, w, h = (round(rng.uniform(0, 300), 2) for _ in range(4))
            points = [round(rng.uniform(0, 480), 2) for _ in range(2 * rng.randint(8, 42))]
            file.write(("" if i == 0 else ", ") + json.dumps({
                "segmentation": [points], "area": round(w * h * 0.7, 4), "iscrowd": 0,
                "image_id": rng.randrange(pictures) * 5 + 1, "bbox": [x, y, w, h],
                "category_id": rng.randint(1, 80), "id": i + 1}))
        file.write('], "categories": ' + json.dumps(
            [{"supercategory": "thing", "id": i + 1, "name": f"class{i}"} for i in range(80)]) + "}")


def voc(folder):
    found = []
    place = folder + "/voc/Annotations"
    for name in sorted(os.listdir(place)):
        root = ElementTree.parse(f"{place}/{name}").getroot()
        size = root.find("size")
        picture = (root.find("filename").text, int(size.find("width").text), int(size.find("height").text))
        objects = []
        for item in root.iter("object"):
            box = item.find("bndbox")
            objects.append((item.find("name").text, int(item.find("difficult").text),
                            *(float(box.find(side).text) for side in ("xmin", "ymin", "xmax", "ymax"))))
        found.append((picture, objects))
    return sum(len(objects) for _, objects in found)


def yolo(folder):
    found = []
    place = folder + "/yolo/labels/train"
    for name in sorted(os.listdir(place)):
        with open(f"{place}/{name}") as file:
            found.append([[float(word) for word in row.split()] for row in file])
    return sum(len(objects) for objects in found)


def coco(folder):
    with open(folder + "/coco/instances.json") as file:
        data = json.load(file)
    by_picture = {picture["id"]: [] for picture in data["images"]}
    for item in data["annotations"]:
        by_picture[item["image_id"]].append((item["category_id"], *item["bbox"]))
    return sum(len(objects) for objects in by_picture.values())


def saker(program, path):
    told = json.loads(subprocess.run(
        [program, "data", "info", path, "--labels-only", "--json"], check=True, capture_output=True).stdout)
    return told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--saker", required=True)
    parser.add_argument("--folder", default="/tmp/saker-labels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--make", action="store_true", help="only make the files")
    parser.add_argument("--coco", action="store_true")
    options = parser.parse_args()
    if options.coco:
        path = options.folder + "-coco.json"
        if not os.path.exists(path):
            make_coco(path)
        if options.make:
            return
        told = saker(options.saker, path)
        print(json.dumps({"megabytes": os.path.getsize(path) >> 20, "objects": told["objects"],
                          "seconds": told["read_seconds"], "peak_megabytes": told["peak_memory_bytes"] >> 20}))
        return
    if not os.path.exists(options.folder + "/coco/instances.json"):
        make(options.folder)
    if options.make:
        return
    report = {}
    for name, reader, path in (("voc", voc, "voc"), ("coco", coco, "coco"), ("yolo", yolo, "yolo/data.yaml")):
        ours, theirs = [], []
        for _ in range(options.rounds):
            told = saker(options.saker, f"{options.folder}/{path}")
            ours.append(told["read_seconds"])
            start = time.perf_counter()
            count = reader(options.folder)
            theirs.append(time.perf_counter() - start)
            assert told["objects"] == count == FILES * EACH, (told["objects"], count)
        report[name] = {"saker": min(ours), "python": min(theirs), "ratio": round(min(theirs) / min(ours), 2)}
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
