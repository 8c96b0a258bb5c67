"""What torchvision makes of a picture before a classifier sees it: Tests/Fixtures/golden/classifier_input.safetensors.

Two ways of torchvision's: on Pillow's pictures (its own rounding between the two passes), and on 8-bit tensors with
antialias=True. Each resizes the shorter side and cuts out the middle; levels are 0...255.
"""
from pathlib import Path

from PIL import Image
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as F

from common import Golden

pictures = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "pictures"
coffee = Image.open(pictures / "coffee.png").convert("RGB")  # 160x121
parts = {
    "whole": coffee,
    # Small enough to be enlarged; tall; a side far longer than the other.
    "small": coffee.crop((40, 30, 57, 43)),
    "tall": coffee.crop((20, 10, 51, 111)),
    "strip": coffee.crop((0, 50, 160, 60)),
}
cases = [
    # part, side, resized side
    ("whole", 20, 23), ("whole", 17, 17), ("whole", 16, 100), ("small", 20, 28), ("tall", 14, 16),
    ("strip", 12, 13), ("strip", 7, 7),
]
golden = Golden("classifier_input")
for part, side, resized in cases:
    picture = parts[part]
    tensor = F.pil_to_tensor(picture)
    for name, mode in (
        ("bilinear", InterpolationMode.BILINEAR), ("bicubic", InterpolationMode.BICUBIC)
    ):
        steps = v2.Compose([v2.Resize(resized, mode, antialias=True), v2.CenterCrop(side)])
        pillow = F.pil_to_tensor(steps(picture))
        torched = steps(tensor)
        assert pillow.shape == torched.shape == (3, side, side)
        golden.add(
            f"{part}-{resized}-{side}-{name}", {"pillow": pillow.float(), "tensor": torched.float()},
            left=[0, 40, 20, 0][list(parts).index(part)], top=[0, 30, 10, 50][list(parts).index(part)],
            width=picture.width, height=picture.height, side=side, resized=resized,
            interpolation=name)
golden.save()
