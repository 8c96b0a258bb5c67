"""Augmentation beside its peers, turn by turn: each operation by torchvision's v2 functions and by ours, on one 640 x 480
picture of 8-bit RGB, one thread each; and with --load the way from JPEG files to training batches, beside Ultralytics' loader.

    python augmentation.py --saker .build/release/saker
    python augmentation.py --saker .build/release/saker --load FOLDER_OF_JPEGS

An operation makes a new picture of an old one on both sides. torchvision gets its picture in the faster of its two layouts.
Ultralytics must be installed for --load; it is called, not copied.
"""

import argparse
import json
import math
import statistics
import subprocess
import time
from pathlib import Path


def operations():
    import torch
    from torchvision.transforms.v2 import InterpolationMode as I
    from torchvision.transforms.v2 import functional as F

    corners = [[0, 0], [640, 0], [640, 480], [0, 480]]
    moved = [[10, 20], [600, 5], [620, 470], [15, 460]]
    black = torch.zeros(3, 1, 1, dtype=torch.uint8)
    other = torch.randint(0, 256, (3, 480, 640), dtype=torch.uint8)

    def memory(x):
        """Views cost nothing until somebody reads them: what comes next wants the pixels in order."""
        return x.contiguous()

    def mixup(x):
        # v2.MixUp's formula, which it applies to float batches.
        return x.mul(0.3).add_(other.mul(0.7)).round_().to(torch.uint8)

    return {
        "horizontal_flip": F.horizontal_flip,
        "vertical_flip": F.vertical_flip,
        "rotate_90": lambda x: memory(F.rotate(x, 90.0, expand=True)),
        "rotate_nearest": lambda x: F.rotate(x, 10.0, I.NEAREST),
        "rotate_bilinear": lambda x: F.rotate(x, 10.0, I.BILINEAR),
        "affine_bilinear": lambda x: F.affine(x, 12.0, [20, -10], 1.2, [5.0, 0.0], I.BILINEAR),
        "perspective_bilinear": lambda x: F.perspective(x, corners, moved, I.BILINEAR),
        "crop": lambda x: memory(F.crop(x, 50, 60, 300, 400)),
        "resized_crop": lambda x: F.resized_crop(x, 50, 60, 300, 400, [224, 224], I.BILINEAR, antialias=True),
        "resize_down": lambda x: F.resize(x, [320, 320], I.BILINEAR, antialias=True),
        "resize_up": lambda x: F.resize(x, [640, 853], I.BILINEAR, antialias=True),
        "pad": lambda x: F.pad(x, [20, 30, 40, 50], fill=114),
        "brightness": lambda x: F.adjust_brightness(x, 1.3),
        "contrast": lambda x: F.adjust_contrast(x, 1.3),
        "saturation": lambda x: F.adjust_saturation(x, 1.3),
        "hue": lambda x: F.adjust_hue(x, 0.1),
        "gamma": lambda x: F.adjust_gamma(x, 1.3),
        "grayscale": lambda x: F.rgb_to_grayscale(x, 3),
        "sharpness": lambda x: F.adjust_sharpness(x, 1.5),
        "gaussian_blur_5": lambda x: F.gaussian_blur(x, [5, 5], [1.5, 1.5]),
        "gaussian_blur_13": lambda x: F.gaussian_blur(x, [13, 13], [3.0, 3.0]),
        "gaussian_noise": lambda x: F.gaussian_noise(x, 0.0, 0.1),
        "jpeg": lambda x: F.jpeg(x, 50),
        "invert": F.invert,
        "posterize": lambda x: F.posterize(x, 4),
        "solarize": lambda x: F.solarize(x, 100.0),
        "autocontrast": F.autocontrast,
        "equalize": F.equalize,
        "erase": lambda x: F.erase(x, 100, 100, 100, 100, black),
        "mixup": mixup,
    }


def median(function, seconds):
    function()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def compare(o):
    import torch
    from torchvision.transforms.v2 import functional as F

    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    planes = F.resize(torch.randint(0, 256, (3, 60, 80), dtype=torch.uint8), [480, 640])
    layouts = [planes, planes[None].contiguous(memory_format=torch.channels_last)[0]]
    ours = subprocess.Popen([o.saker, "augment", "--measure", "--threads", "1"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, bufsize=1)
    rows = []
    for name, function in operations().items():
        if o.only and name not in o.only:
            continue
        theirs, own = [[], []], []
        for _ in range(o.rounds):
            for times, picture in zip(theirs, layouts):
                times.append(median(lambda: function(picture), o.seconds))
            ours.stdin.write(f"{name} {o.seconds}\n")
            ours.stdin.flush()
            own.append(float(ours.stdout.readline()))
        peer, us = min(statistics.median(times) for times in theirs), statistics.median(own)
        rows.append({"operation": name, "torchvision_ms": peer, "saker_ms": us, "ratio": peer / us})
        print(f"{name:22} {peer:8.3f} ms {us:8.3f} ms {peer / us:6.2f} x", flush=True)
    ours.stdin.close()
    mean = math.exp(statistics.fmean(math.log(row["ratio"]) for row in rows))
    print(json.dumps({"geometric_mean": mean, "least": min(rows, key=lambda r: r["ratio"]), "torch_threads": o.threads}))


def ultralytics(o):
    """Pictures a second of Ultralytics' training loader with its defaults for detection."""
    import tempfile

    from ultralytics.cfg import get_cfg
    from ultralytics.data import build_dataloader, build_yolo_dataset

    root = Path(tempfile.mkdtemp())
    (root / "images").mkdir()
    (root / "labels").mkdir()
    for path in sorted(Path(o.load).glob("*.jpg")):
        (root / "images" / path.name).symlink_to(path.resolve())
        lines = [f"{i % 3} {(40 * i + 30) / 640} {140 / 480} {60 / 640} {80 / 480}" for i in range(12)]
        (root / "labels" / f"{path.stem}.txt").write_text("\n".join(lines) + "\n")
    cfg = get_cfg(overrides={"imgsz": o.size, "task": "detect", "mode": "train"})
    data = {"names": {0: "a", 1: "b", 2: "c"}, "nc": 3, "channels": 3, "path": str(root)}
    dataset = build_yolo_dataset(cfg, str(root / "images"), 16, data, mode="train", rect=False, stride=32)
    loader = build_dataloader(dataset, batch=16, workers=o.workers, shuffle=True, rank=-1)
    batches = iter(loader)

    def take():
        nonlocal batches
        try:
            return next(batches)
        except StopIteration:
            batches = iter(loader)
            return next(batches)

    for _ in range(6):
        take()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < o.seconds:
        # As its trainer does before the first layer: floats in 0...1.
        count += len(take()["img"].float() / 255)
    return count / (time.perf_counter() - start)


def loading(o):
    ratios = []
    for _ in range(o.rounds):
        theirs = ultralytics(o)
        answer = subprocess.run([o.saker, "augment", "--load", o.load, "--workers", str(o.workers), "--size", str(o.size),
                                 "--seconds", str(o.seconds)], check=True, capture_output=True, text=True).stdout
        ours = json.loads(answer)["images_per_second"]
        ratios.append(ours / theirs)
        print(f"Ultralytics {theirs:.1f}, Saker {ours:.1f} pictures a second: {ours / theirs:.2f} x", flush=True)
    print(json.dumps({"ratio": statistics.median(ratios), "workers": o.workers}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saker", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each measurement")
    parser.add_argument("--threads", type=int, default=1, help="of torchvision's")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--load", help="a folder of JPEG files: compare loaders")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=640)
    o = parser.parse_args()
    (loading if o.load else compare)(o)


if __name__ == "__main__":
    main()
