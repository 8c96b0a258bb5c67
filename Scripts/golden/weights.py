"""Small files of weights as PyTorch writes them, and what is in them: Tests/Fixtures/weights.

expected.safetensors holds the tensors of `zip.pth` and `legacy.pth` (which hold the same) as float32 or int64.
"""

import argparse
import collections
import os
import pathlib
import zipfile

import torch
from safetensors.torch import save_file

from common import FIXTURES

FOLDER = FIXTURES.parent / "weights"
FOLDER.mkdir(exist_ok=True)
g = torch.Generator().manual_seed(1)


def normal(*shape):
    return torch.randn(shape, generator=g)


base = normal(6, 4)
state = collections.OrderedDict([
    ("f32", normal(3, 5)), ("f16", normal(7).half()), ("bf16", normal(2, 3).bfloat16()), ("f64", normal(4).double()),
    ("i64", torch.arange(5) * 10**10), ("i32", torch.arange(3, dtype=torch.int32)), ("u8", torch.arange(4, dtype=torch.uint8)),
    ("bool", torch.tensor([True, False, True])), ("scalar", torch.tensor(2.5)), ("empty", torch.zeros(0, 3)),
    ("transposed", base.t()), ("slice", base[1:5:2, 1:3]), ("channels_last", normal(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)),
    ("parameter", torch.nn.Parameter(normal(2, 2))), ("tied.a", base), ("tied.b", base),
])
expected = {}
for name, value in state.items():
    value = value.detach()
    expected[name] = (value.float() if value.is_floating_point() else value.long()).contiguous().clone()
save_file(expected, FOLDER / "expected.safetensors")
torch.save(state, FOLDER / "zip.pth")
torch.save(state, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)

small = {"conv.weight": normal(2, 1, 3, 3), "conv.bias": normal(2)}
wrapped = {
    "epoch": 7, "best_fitness": 0.25, "date": "2026-11-21",
    "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("x").name),
    "state_dict": {f"module.{k}": v for k, v in small.items()},
    "ema": {k: v + 1 for k, v in small.items()},
    "optimizer": {"state": {0: {"momentum_buffer": normal(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
}
torch.save(wrapped, FOLDER / "wrapped.pth")
save_file({"plain." + k: v for k, v in small.items()} | {"ema." + k: v + 1 for k, v in small.items()}, FOLDER / "wrapped.safetensors")


class Evil:
    def __reduce__(self):
        return os.system, ("echo this must never run > evil-ran",)


torch.save({"weight": normal(2), "evil": Evil()}, FOLDER / "evil.pth")
torch.save({"weight": normal(2), "evil": Evil()}, FOLDER / "evil-legacy.pth", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(2, 2), FOLDER / "whole-model.pth")

with zipfile.ZipFile(FOLDER / "zip.pth") as source, zipfile.ZipFile(FOLDER / "compressed.pth", "w", zipfile.ZIP_DEFLATED) as to:
    for name in source.namelist():
        to.writestr(name, source.read(name))
for path in FOLDER.iterdir():
    path.chmod(0o644)
    print(path.name, path.stat().st_size)
