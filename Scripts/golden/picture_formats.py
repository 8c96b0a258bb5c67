"""Makes Tests/Fixtures/pictures/formats: small GIF, WebP, BMP and TIFF files in every variant, and what Pillow makes of them (PPM). Variants
that Pillow does not write are put together here, byte by byte; Pillow reads them all the same.

usage: picture_formats.py, after pictures.py (takes its coffee.png)
"""
import pathlib
import struct

import numpy as np
from PIL import Image, ImageOps

pictures = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "pictures"
out = pictures / "formats"
out.mkdir(exist_ok=True)

coffee = Image.open(pictures / "coffee.png").convert("RGB").resize((37, 26))  # sides that no block divides
arrow = coffee.copy()
arrow.paste((255, 0, 0), (0, 0, 12, 6))
arrow.paste((0, 0, 255), (28, 0, 37, 6))
clear = coffee.convert("RGBA")
clear.putalpha(Image.linear_gradient("L").resize(coffee.size))


def expect(name, image=None):
    """Writes the PPM of a picture; by default what Pillow reads, alpha dropped, upright."""
    if image is None:
        image = ImageOps.exif_transpose(Image.open(out / name))
        if image.mode in ("P", "PA", "LA"):
            image = image.convert("RGBA")
    if image.mode in ("RGBA", "RGBX"):
        array = np.asarray(image)[:, :, :3]
    else:
        array = np.asarray(image.convert("RGB"))
    height, width, _ = array.shape
    (out / f"{name}.ppm").write_bytes(b"P6\n%d %d\n255\n" % (width, height) + array.tobytes())


def save(image, name, **options):
    image.save(out / name, **options)
    expect(name)


# GIF
save(coffee.quantize(64), "palette.gif", interlace=0)
save(coffee.quantize(200), "interlaced.gif", interlace=1)
save(coffee.convert("L"), "gray.gif")
save(coffee.convert("1"), "two_colors.gif")
save(coffee.quantize(16), "animated.gif", save_all=True, append_images=[arrow.quantize(16)], duration=50)
Image.effect_noise((256, 200), 90).save(out / "full_table.gif")  # more strings than the 4,096 codes
expect("full_table.gif")
data = bytearray((out / "palette.gif").read_bytes())
data[6:10] = struct.pack("<HH", 50, 40)  # a screen larger than the frame, which stands at 5, 3
at = data.index(b"\x2c\0\0\0\0")
data[at + 1 : at + 5] = struct.pack("<HH", 5, 3)
(out / "offset.gif").write_bytes(data)
expect("offset.gif")
save(coffee.quantize(32), "transparent.gif", transparency=7)
data = bytearray((out / "transparent.gif").read_bytes())
data[6:8] = struct.pack("<H", 45)
(out / "transparent_offset.gif").write_bytes(data)
expect("transparent_offset.gif")

# WebP
save(coffee, "lossy.webp", quality=80)
save(coffee, "lossless.webp", lossless=True)
save(clear, "lossy_alpha.webp", quality=80)
save(clear, "lossless_alpha.webp", lossless=True, exact=True)
save(coffee, "animated.webp", save_all=True, append_images=[arrow], duration=50, lossless=True)
exif = Image.Exif()
exif[0x0112] = 6
save(arrow, "orientation_6.webp", lossless=True, exif=exif)

# BMP
save(coffee.convert("1"), "1bit.bmp")
save(coffee.quantize(200), "8bit.bmp")
save(coffee.convert("L"), "gray.bmp")
save(coffee, "24bit.bmp")
save(clear, "32bit.bmp")
width, height = coffee.size
pixels = np.asarray(coffee).astype(np.uint32)


def bmp(name, header, palette, rows):
    offset = 14 + len(header) + len(palette)
    (out / name).write_bytes(b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + header + palette + rows)
    expect(name)


def info(bits, compression, size, height=height, colors=0):
    return struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, size, 0, 0, colors, 0)


def padded(rows):
    return b"".join(bytes(row) + b"\0" * (-len(bytes(row)) % 4) for row in rows)


bgr = pixels[:, :, ::-1].astype(np.uint8)
bmp("top_down.bmp", info(24, 0, 0, -height), b"", padded(row.tobytes() for row in bgr))
core = struct.pack("<IHHHH", 12, width, height, 1, 24)
bmp("os2.bmp", core, b"", padded(row.tobytes() for row in bgr[::-1]))
five = (pixels[:, :, 0] >> 3) << 10 | (pixels[:, :, 1] >> 3) << 5 | pixels[:, :, 2] >> 3
bmp("16bit_555.bmp", info(16, 0, 0), b"", padded(row.astype("<u2").tobytes() for row in five[::-1]))
six = (pixels[:, :, 0] >> 3) << 11 | (pixels[:, :, 1] >> 2) << 5 | pixels[:, :, 2] >> 3
masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
bmp("16bit_565.bmp", info(16, 3, 0) + masks, b"", padded(row.astype("<u2").tobytes() for row in six[::-1]))
packed = pixels[:, :, 0] << 24 | pixels[:, :, 1] << 16 | pixels[:, :, 2] << 8
masks = struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)
bmp("32bit_masks.bmp", info(32, 3, 0) + masks, b"", padded(row.astype("<u4").tobytes() for row in packed[::-1]))
sixteen = coffee.quantize(16)
table = bytes(sixteen.getpalette()[:48])
quads = b"".join(table[3 * i : 3 * i + 3][::-1] + b"\0" for i in range(16))
indices = np.asarray(sixteen)
nibbles = [bytes((int(a) << 4 | int(b)) for a, b in zip(row[0::2], list(row[1::2]) + [0])) for row in indices[::-1]]
bmp("4bit.bmp", info(4, 0, 0, colors=16), quads, padded(nibbles))


def runs(row):
    """Encoded runs, and where no three are equal a literal one."""
    row, result, at = list(map(int, row)), b"", 0
    while at < len(row):
        end = at + 1
        while end < len(row) and row[end] == row[at] and end - at < 255:
            end += 1
        literal = row[at : at + 5]
        if end - at == 1 and len(literal) == 5:
            result += bytes([0, 5, *literal, 0])
            at += 5
        else:
            result += bytes([end - at, row[at]])
            at = end
    return result + b"\0\0"


coded = b"".join(runs(row) for row in indices[:0:-1])
# The last row in order, the first of the picture: a step to the right by 4, which leaves colour 0, and two runs.
coded += bytes([0, 2, 4, 0, 3, 9, 30, 2, 0, 1])
bmp("runs8.bmp", info(8, 1, len(coded), colors=16), quads, coded)
coded = b"".join(
    b"".join(bytes([2, int(a) << 4 | int(b)]) for a, b in zip(row[0:36:2], row[1:36:2])) + bytes([1, int(row[36]) << 4, 0, 0])
    for row in indices[::-1]
)
bmp("runs4.bmp", info(4, 2, len(coded), colors=16), quads, coded + b"\0\1")

# TIFF
save(coffee, "rgb.tif")
for compression in ["tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"]:
    save(coffee, f"{compression}.tif", compression=compression)
save(coffee, "jpeg.tif", compression="jpeg", quality=85)
save(coffee.convert("L"), "gray.tif")
save(coffee.convert("1"), "fax.tif", compression="group4")
save(coffee.quantize(100), "palette.tif")
save(coffee.convert("CMYK"), "cmyk.tif")
save(clear, "alpha.tif")
save(coffee.convert("LA"), "gray_alpha.tif")
save(coffee, "pages.tif", save_all=True, append_images=[arrow])
save(coffee, "big.tif", big_tiff=True)
for orientation in range(2, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(arrow, f"orientation_{orientation}.tif", exif=exif, compression="tiff_adobe_deflate")


def tiff(name, order, tags, chunks, offsets=273, counts=279):
    """One page of the chunks as strips or tiles; tags are (type, values), 3 for SHORT and 4 for LONG."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    places, body = [], b""
    for chunk in chunks:
        places.append(8 + len(body))
        body += chunk + b"\0" * (len(chunk) % 2)
    tags = dict(tags)
    tags[offsets] = (4, places)
    tags[counts] = (4, [len(chunk) for chunk in chunks])
    extra_at = 8 + len(body) + 2 + 12 * len(tags) + 4
    entries, extra = b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        data = struct.pack(order + ("H" if kind == 3 else "I") * len(values), *values)
        if len(data) > 4:
            data, extra = struct.pack(order + "I", extra_at + len(extra)), extra + data
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + data.ljust(4, b"\0")
    directory = struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "I", 0)
    (out / name).write_bytes(head + struct.pack(order + "I", 8 + len(body)) + body + directory + extra)


def page(samples, bits=8, photometric=2, **more):
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * samples), 259: (3, [1]), 262: (3, [photometric])}
    tags |= {277: (3, [samples]), 278: (3, [height])}
    return tags | {int(tag[1:]): value for tag, value in more.items()}


bytes8 = pixels.astype(np.uint8)
tiff("big_endian.tif", ">", page(3), [bytes8.tobytes()])
expect("big_endian.tif")
tiff("separate.tif", "<", page(3, t284=(3, [2])), [bytes8[:, :, i].tobytes() for i in range(3)])
expect("separate.tif")
tiles = []
whole = np.zeros((32, 48, 3), np.uint8)
whole[:height, :width] = bytes8
for y in range(0, 32, 16):
    tiles += [whole[y : y + 16, x : x + 16].tobytes() for x in range(0, 48, 16)]
tags = page(3, t322=(3, [16]), t323=(3, [16]))
del tags[278]
tiff("tiles.tif", "<", tags, tiles, 324, 325)
expect("tiles.tif")
tiff("white_is_zero.tif", "<", page(1, photometric=0), [(255 - np.asarray(coffee.convert("L"))).tobytes()])
expect("white_is_zero.tif")
# Low bytes that rounding would carry into the high ones: these are kept as they are, in colour by Pillow, in gray by us (decision 0004).
wide = pixels * 256 + 200
tiff("rgb16.tif", "<", page(3, 16), [wide.astype("<u2").tobytes()])
expect("rgb16.tif")
tiff("gray16.tif", ">", page(1, 16, 1), [wide[:, :, 1].astype(">u2").tobytes()])
expect("gray16.tif", Image.fromarray(bytes8[:, :, 1]))
alpha = np.asarray(clear)[:, :, 3:].astype(np.uint32)
multiplied = np.concatenate([pixels * alpha // 255, alpha], axis=2).astype(np.uint8)
tiff("multiplied.tif", "<", page(4, t338=(3, [1])), [multiplied.tobytes()])
expect("multiplied.tif")
