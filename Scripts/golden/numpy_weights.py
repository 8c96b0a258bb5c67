"""NumPy's files of arrays, and Keras's variables in one: Tests/Fixtures/weights.

keras.npz holds the variables of convolution, batch norm (ε 0.001), ReLU, depthwise convolution, mean and dense layer, as Keras
shapes them; keras.safetensors a picture `x` [N, C, H, W] and what these compute of it, in NumPy alone: `y`.
"""

import struct
import zipfile

import numpy as np
import torch
from safetensors.torch import save_file

from common import FIXTURES

FOLDER = FIXTURES.parent / "weights"
r = np.random.default_rng(1)
arrays = {
    "f32": r.standard_normal((3, 5)).astype("f4"), "f64": r.standard_normal(4), "f16": r.standard_normal(7).astype("f2"),
    "i64": np.arange(5) * 10**10, "i32": np.arange(3, dtype="i4"), "u8": np.arange(4, dtype="u1"), "i16": np.arange(3, dtype="i2") - 1,
    "bool": np.array([True, False]), "scalar": np.array(2.5, dtype="f4"), "empty": np.zeros((0, 3), "f4"),
    "fortran": np.asfortranarray(r.standard_normal((2, 3, 4)).astype("f4")), "layer/kernel:0": r.standard_normal((2, 2)).astype("f4"),
}
np.savez(FOLDER / "arrays.npz", **arrays)
np.savez_compressed(FOLDER / "compressed.npz", **arrays)
np.savez(FOLDER / "big-endian.npz", a=np.arange(3, dtype=">f4"))
np.savez(FOLDER / "objects.npz", a=np.array([{"a": 1}], dtype=object))
np.save(FOLDER / "array.npy", arrays["f32"])
save_file({k: torch.from_numpy(np.ascontiguousarray(v).astype("f4") if v.dtype.kind == "f" else np.ascontiguousarray(v).astype("i8"))
           .reshape(v.shape) for k, v in arrays.items()}, FOLDER / "arrays.safetensors")

# Forty entries of a kilobyte that are all the first: what it claims to hold is many times its size.
np.savez(FOLDER / "overlapping.npz", **{f"a{i:02}": np.zeros(256 if i == 0 else 1, "f4") for i in range(40)})
with zipfile.ZipFile(FOLDER / "overlapping.npz") as archive:
    first = archive.infolist()[0]
data = bytearray((FOLDER / "overlapping.npz").read_bytes())
place = data.find(b"PK\x01\x02")
while place >= 0:
    struct.pack_into("<LLL", data, place + 16, first.CRC, first.compress_size, first.file_size)
    struct.pack_into("<L", data, place + 42, first.header_offset)
    place = data.find(b"PK\x01\x02", place + 4)
(FOLDER / "overlapping.npz").write_bytes(data)


def same(x, kernel, each):
    """3x3, padded by 1, of [N, H, W, C]; `each` multiplies a place's pixels with the kernel's."""
    p = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return sum(each(p[:, i:i + x.shape[1], j:j + x.shape[2]], kernel[i, j]) for i in range(3) for j in range(3))


draw = lambda *shape: r.standard_normal(shape)
v = {
    "conv/kernel": draw(3, 3, 2, 4), "conv/bias": draw(4), "bn/gamma": 1 + 0.2 * draw(4), "bn/beta": draw(4), "bn/moving_mean": draw(4),
    "bn/moving_variance": np.abs(draw(4)) * 0.01, "dw/depthwise_kernel": draw(3, 3, 4, 2), "dw/bias": draw(8),
    "dense/kernel": draw(8, 3), "dense/bias": draw(3),
}
v = {k: a.astype("f4") for k, a in v.items()}
np.savez(FOLDER / "keras.npz", **{k + ":0": a for k, a in v.items()})
x = draw(2, 5, 6, 2).astype("f4").astype("f8")
y = same(x, v["conv/kernel"], np.matmul) + v["conv/bias"]
y = (y - v["bn/moving_mean"]) / np.sqrt(v["bn/moving_variance"].astype("f8") + 1e-3) * v["bn/gamma"] + v["bn/beta"]
y = np.maximum(y, 0)
y = same(y, v["dw/depthwise_kernel"], lambda p, k: (p[..., None] * k).reshape(*p.shape[:3], -1)) + v["dw/bias"]
y = y.mean((1, 2)) @ v["dense/kernel"] + v["dense/bias"]
save_file({"x": torch.from_numpy(x.transpose(0, 3, 1, 2).astype("f4").copy()), "y": torch.from_numpy(y.astype("f4"))}, FOLDER / "keras.safetensors")
for name in ("arrays.npz", "compressed.npz", "big-endian.npz", "objects.npz", "overlapping.npz", "array.npy", "arrays.safetensors", "keras.npz", "keras.safetensors"):
    (FOLDER / name).chmod(0o644)
    print(name, (FOLDER / name).stat().st_size)
