"""Makes Tests/Fixtures/golden/augmentation.bin and .json: what torchvision's v2 functions make of two small 8-bit
pictures, a crop of a photo (Tests/Fixtures/pictures/coffee.png) and noise. The JSON lists each case with its
parameters and the place of its pixels (rows of RGB) in the other file.
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

fixtures = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"
NEAREST, BILINEAR = v2.InterpolationMode.NEAREST, v2.InterpolationMode.BILINEAR

photo = Image.open(fixtures / "pictures" / "coffee.png").convert("RGB").crop((40, 30, 134, 96)).resize((47, 33))
pictures = {
    "photo": torch.from_numpy(np.asarray(photo).copy()).permute(2, 0, 1).contiguous(),
    "noise": torch.from_numpy(np.random.default_rng(5).integers(0, 256, (3, 33, 47), dtype=np.uint8)),
}
# A dark picture of few levels, and one of a single level: edges of equalize and autocontrast.
pictures["dark"] = pictures["photo"] // 8 + 20
pictures["flat"] = torch.full((3, 33, 47), 77, dtype=torch.uint8)

data, index = bytearray(), []
# Where every level is treated alike, the photo tells enough.
ONCE = {"pad", "erase", "brightness", "contrast", "posterize", "solarize", "gamma", "horizontalFlip", "verticalFlip",
        "grayscale", "jpeg"}


def add(operation, source, image, **parameters):
    if source == "noise" and operation in ONCE:
        return
    array = image.permute(1, 2, 0).contiguous().numpy()
    assert array.dtype == np.uint8 and array.shape[2] == 3, (operation, array.shape)
    index.append({"operation": operation, "source": source, "parameters": parameters, "offset": len(data),
                  "width": array.shape[1], "height": array.shape[0]})
    data.extend(array.tobytes())


for name, x in pictures.items():
    add("source", name, x)

for name in ("photo", "noise"):
    x = pictures[name]
    height, width = x.shape[1:]
    add("horizontalFlip", name, F.horizontal_flip(x))
    add("verticalFlip", name, F.vertical_flip(x))
    for angle in (7.5, -33.0, 90.0, 180.0):
        add("rotate", name, F.rotate(x, angle, BILINEAR), angle=angle)
    for angle in (20.0, -75.0, 90.0):
        add("rotateExpanded", name, F.rotate(x, angle, BILINEAR, expand=True), angle=angle)
    for angle, tx, ty, scale, sx, sy in [(0, 5, -3, 1, 0, 0), (12, 4, 2, 1.3, 0, 0), (-25, 0, 0, 0.6, 10, 0),
                                         (5, -6, 1, 0.9, -8, 15)]:
        result = F.affine(x, angle, [tx, ty], scale, [sx, sy], BILINEAR)
        add("affine", name, result, angle=angle, x=tx, y=ty, scale=scale, shearX=sx, shearY=sy)
    # Off the grid of ties, so that "nearest" has one answer.
    result = F.affine(x, 11.3, [2, 1], 1.13, [3.1, 0], NEAREST)
    add("affineNearest", name, result, angle=11.3, x=2, y=1, scale=1.13, shearX=3.1, shearY=0)
    start = [[0, 0], [width, 0], [width, height], [0, height]]
    for end in ([[4, 3], [44, 1], [40, 30], [2, 31]], [[0, 8], [47, 0], [47, 33], [0, 25]]):
        add("perspective", name, F.perspective(x, start, end, BILINEAR), to=sum(end, []))
    for left, top, w, h, ow, oh in [(5, 4, 30, 20, 30, 20), (10, 3, 21, 25, 40, 36), (0, 0, 47, 33, 16, 12)]:
        result = F.resized_crop(x, top, left, h, w, [oh, ow], BILINEAR, antialias=True)
        add("resizedCrop", name, result, left=left, top=top, width=w, height=h, toWidth=ow, toHeight=oh)
    add("pad", name, F.pad(x, [3, 4, 5, 6], fill=114), left=3, top=4, right=5, bottom=6)
    for factor in (0.0, 0.35, 1.9):
        add("brightness", name, F.adjust_brightness(x, factor), factor=factor)
        add("contrast", name, F.adjust_contrast(x, factor), factor=factor)
        add("saturation", name, F.adjust_saturation(x, factor), factor=factor)
        add("sharpness", name, F.adjust_sharpness(x, factor), factor=factor)
    for turn in (-0.5, -0.13, 0.07, 0.4):
        add("hue", name, F.adjust_hue(x, turn), factor=turn)
    for gamma, gain in ((0.45, 1.0), (2.2, 1.0), (1.0, 1.4)):
        add("gamma", name, F.adjust_gamma(x, gamma, gain), factor=gamma, gain=gain)
    add("grayscale", name, F.rgb_to_grayscale(x, 3))
    for kernel, sigma in ((3, 0.8), (5, 1.5), (13, 4.0)):
        add("gaussianBlur", name, F.gaussian_blur(x, [kernel, kernel], [sigma, sigma]), kernel=kernel, sigma=sigma)
    for bits in (0, 1, 3, 7, 8):
        add("posterize", name, F.posterize(x, bits), bits=bits)
    for threshold in (0.0, 99.5, 128.0, 255.0):
        add("solarize", name, F.solarize(x, threshold), threshold=threshold)
    for quality in (5, 30, 75, 95):
        add("jpeg", name, F.jpeg(x, quality), quality=quality)
    value = torch.tensor([10, 20, 30], dtype=torch.uint8).view(3, 1, 1)
    add("erase", name, F.erase(x, 5, 7, 12, 20, value), left=7, top=5, width=20, height=12)

for name, x in pictures.items():
    add("equalize", name, F.equalize(x))
    add("autocontrast", name, F.autocontrast(x))
    add("invert", name, F.invert(x))

# The operations of the policies, at the magnitudes of their tables, in torchvision's own rounding and sampling.
spaces = {
    "auto": (v2.AutoAugment(), v2.AutoAugment._AUGMENTATION_SPACE, 10),
    "rand": (v2.RandAugment(), v2.RandAugment._AUGMENTATION_SPACE, 31),
    "wide": (v2.TrivialAugmentWide(), v2.TrivialAugmentWide._AUGMENTATION_SPACE, 31),
}
magnitudes = {}
for space, (transform, table, bins) in spaces.items():
    for operation, (function, signed) in table.items():
        values = function(bins, 33, 47)
        magnitudes[f"{space}/{operation}"] = {
            "signed": signed, "bins": bins, "values": None if values is None else [float(v) for v in values]}
transform = spaces["auto"][0]
for operation in v2.AutoAugment._AUGMENTATION_SPACE:
    values = magnitudes[f"auto/{operation}"]["values"]
    for sign in (1, -1) if magnitudes[f"auto/{operation}"]["signed"] else (1,):
        magnitude = sign * values[7] if values else 0.0
        result = transform._apply_image_or_video_transform(
            pictures["photo"], operation, magnitude, interpolation=BILINEAR, fill={})
        add("policy", "photo", result, name=operation, magnitude=magnitude)

out = fixtures / "golden"
(out / "augmentation.bin").write_bytes(bytes(data))
rows = ",\n".join(json.dumps(row) for row in index)
(out / "augmentation.json").write_text(
    '{"cases": [\n' + rows + '\n],\n"magnitudes": ' + json.dumps(magnitudes) + "}\n")
print(len(index), "cases,", len(data), "bytes")
