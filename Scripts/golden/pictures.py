"""Makes Tests/Fixtures/pictures: small pictures in every variant a decoder meets, and what Pillow and torchvision make of them (PPM, so that
reading the expectation needs no decoder of ours).

usage: pictures.py FOLDER, a folder with coffee.png, road_440.jpg (see Tests/Fixtures/pictures/README.md) and pngsuite/
"""
import io
import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.transforms.v2 import functional as F

source = pathlib.Path(sys.argv[1])
out = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "pictures"
(out / "pngsuite").mkdir(parents=True, exist_ok=True)


def expect(name, image):
    array = np.asarray(image)
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    array = array[:, :, :3]
    assert array.dtype == np.uint8
    height, width, _ = array.shape
    (out / f"{name}.ppm").write_bytes(b"P6\n%d %d\n255\n" % (width, height) + array.tobytes())


def copy(path):
    target = out / path.relative_to(source)
    shutil.copyfile(path, target)
    target.chmod(0o644)


# PNG: every colour type and depth. 16 bits keep their high byte (Pillow does so for colour, and clips gray: hence numpy).
for path in sorted((source / "pngsuite").glob("*.png")):
    copy(path)
    image = Image.open(path)
    if image.mode.startswith("I"):
        expect(f"pngsuite/{path.stem}", (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    else:
        expect(f"pngsuite/{path.stem}", image.convert("RGBA").convert("RGB"))
copy(source / "pngsuite" / "NOTICE.txt")

coffee = Image.open(source / "coffee.png").convert("RGB").crop((180, 90, 340, 211))  # 160x121: an odd side
coffee.save(out / "coffee.png", optimize=True)
expect("coffee", coffee)

transparent = coffee.resize((40, 30)).convert("RGBA")
transparent.putalpha(Image.linear_gradient("L").resize((40, 30)))
transparent.save(out / "transparent.png")
expect("transparent", transparent)
palette = coffee.resize((40, 30)).quantize(16)
palette.save(out / "palette_transparent.png", transparency=3)
expect("palette_transparent", Image.open(out / "palette_transparent.png").convert("RGBA"))

# JPEG
variants = {
    "420": dict(subsampling=2),
    "422": dict(subsampling=1),
    "444": dict(subsampling=0),
    "progressive": dict(progressive=True),
    "restart": dict(restart_marker_blocks=4),
}
for name, options in variants.items():
    coffee.save(out / f"coffee_{name}.jpg", quality=85, **options)
coffee.convert("L").save(out / "coffee_gray.jpg", quality=85)
coffee.convert("CMYK").save(out / "coffee_cmyk.jpg", quality=85)
# Pillow writes no YCCK: the same coefficients under Adobe's transform 2 are one.
data = bytearray((out / "coffee_cmyk.jpg").read_bytes())
at = data.index(b"Adobe")
data[at + 11] = 2
(out / "coffee_ycck.jpg").write_bytes(data)
copy(source / "road_440.jpg")
for name in [f"coffee_{v}" for v in variants] + ["coffee_gray", "coffee_cmyk", "coffee_ycck", "road_440"]:
    expect(name, Image.open(out / f"{name}.jpg").convert("RGB"))

# EXIF orientation: no symmetry, so that each of the eight differs
arrow = coffee.crop((20, 10, 60, 34)).copy()
arrow.paste((255, 0, 0), (0, 0, 12, 6))
arrow.paste((0, 0, 255), (28, 0, 40, 6))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    arrow.save(out / f"orientation_{orientation}.jpg", quality=92, exif=exif)
    expect(f"orientation_{orientation}", ImageOps.exif_transpose(Image.open(out / f"orientation_{orientation}.jpg")))
exif = Image.Exif()
exif[0x0112] = 6
arrow.save(out / "orientation_6.png", exif=exif)
expect("orientation_6_png", ImageOps.exif_transpose(Image.open(out / "orientation_6.png")))

# Resize: Pillow's bilinear is torchvision's antialias=True
for width, height in [(64, 48), (37, 81), (200, 151), (1, 1), (160, 40), (23, 121)]:
    expect(f"resize_{width}x{height}", coffee.resize((width, height), Image.BILINEAR))

# Colour: torchvision's functions on 8-bit pictures
small = coffee.resize((64, 48), Image.BILINEAR)
tensor = torch.from_numpy(np.asarray(small).copy()).permute(2, 0, 1)
adjustments = {
    "brightness": (F.adjust_brightness, [0.0, 0.6, 1.7]),
    "contrast": (F.adjust_contrast, [0.0, 0.5, 1.6]),
    "saturation": (F.adjust_saturation, [0.0, 0.4, 2.2]),
    "hue": (F.adjust_hue, [-0.5, -0.2, 0.1, 0.35]),
}
index = []
for name, (function, amounts) in adjustments.items():
    for i, amount in enumerate(amounts):
        expect(f"{name}_{i}", function(tensor, amount).permute(1, 2, 0).numpy())
        index.append({"file": f"{name}_{i}", "name": name, "amount": amount})
(out / "colors.json").write_text(json.dumps(index, indent=1) + "\n")
