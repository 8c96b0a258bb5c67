"""The loader of torchvision: JPEG files to ready batches, float32 in 0...1, with worker processes.

    python load.py --pictures DIR --workers 2 --size 256 --batch 32 --seconds 10 --decoder torchvision
"""

import argparse
import json
import time
from pathlib import Path

import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2


class Pictures(Dataset):
    """The pictures of a folder, over and over, so that an epoch outlasts the measurement."""

    def __init__(self, folder, size, decoder, length=10_000_000):
        self.paths = sorted(str(p) for p in Path(folder).glob("*.jpg"))
        self.length, self.pil = length, decoder == "pil"
        resize = v2.Resize((size, size), antialias=True)
        self.transform = v2.Compose(
            [resize, v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)] if self.pil
            else [resize, v2.ToDtype(torch.float32, scale=True)])

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        path = self.paths[index % len(self.paths)]
        if self.pil:
            return self.transform(Image.open(path).convert("RGB"))
        return self.transform(
            torchvision.io.decode_image(torchvision.io.read_file(path),
                                        torchvision.io.ImageReadMode.RGB))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--decoder", choices=["torchvision", "pil"], default="torchvision")
    o = parser.parse_args()
    loader = iter(DataLoader(Pictures(o.pictures, o.size, o.decoder), o.batch, shuffle=False,
                             num_workers=o.workers))
    for _ in range(4):  # the workers start, and what they prepared meanwhile is taken
        next(loader)
    start, images = time.perf_counter(), 0
    while (taken := time.perf_counter() - start) < o.seconds:
        images += len(next(loader))
    print(json.dumps({"program": f"torchvision {torchvision.__version__} ({o.decoder})",
                      "images_per_second": images / taken, "workers": o.workers}))


if __name__ == "__main__":
    main()
