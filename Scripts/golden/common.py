"""How golden files are written: named cases, computed in double precision, stored as float32.

A file holds tensors `CASE/NAME` and, in its metadata under `cases`, the attributes of each case as
JSON. Inputs are rounded to float32 before anything is computed, so that both sides start from the
same numbers; double precision makes the result PyTorch's answer without PyTorch's rounding.
Each case draws from its own generator, so that a new case leaves the others as they are.
"""

import json
import zlib
from pathlib import Path

import torch
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "golden"
torch.set_num_threads(1)


class Golden:
    def __init__(self, name):
        self.name, self.tensors, self.cases = name, {}, {}

    def random(self, case):
        """The generator of a case: a function from a shape to normal numbers."""
        generator = torch.Generator().manual_seed(zlib.crc32(f"{self.name}/{case}".encode()))
        return lambda *shape: torch.randn(shape, generator=generator)

    def add(self, case, tensors, **attributes):
        assert case not in self.cases, case
        self.cases[case] = attributes
        for name, value in tensors.items():
            value = torch.as_tensor(value).detach().to(torch.float32)
            assert not value.isnan().any(), (case, name)
            self.tensors[f"{case}/{name}"] = value.contiguous().clone()

    def differentiate(self, case, function, inputs, constants=(), extra=None, **attributes):
        """Records inputs, the result `y`, a random gradient `gy` and the gradients `gNAME` of the
        inputs. `inputs` is a dictionary; `function` takes its values, in double precision. The
        attribute `errors` tells how far PyTorch's own float32 is off: how well-conditioned each is."""

        def run(dtype):
            leaves = {
                k: v.to(dtype).clone().requires_grad_(k not in constants) for k, v in inputs.items()
            }
            y = function(*leaves.values())
            gy = self.random(case + "/gy")(*y.shape)
            y.backward(gy.to(dtype))
            grads = {f"g{k}": v.grad for k, v in leaves.items() if k not in constants}
            return {"y": y.detach(), "gy": gy, **grads}

        exact, single = run(torch.float64), run(torch.float32)
        errors = {}
        for name, value in exact.items():
            if name != "gy" and value.numel():
                errors[name] = float(f"{(value - single[name]).abs().max().item():.2g}")
            scale = value.abs().max().clamp(min=1e-3) if value.numel() else 1
            error = (value - single[name]).abs().max() / scale if value.numel() else 0
            assert error < 1e-5, f"{self.name} {case}/{name} is ill-conditioned: {error}"
        self.add(case, {**inputs, **exact, **(extra or {})}, errors=errors, **attributes)

    def save(self):
        FIXTURES.mkdir(parents=True, exist_ok=True)
        path = FIXTURES / f"{self.name}.safetensors"
        save_file(self.tensors, path, metadata={"cases": json.dumps(self.cases, sort_keys=True)})
        path.chmod(0o644)
        size = path.stat().st_size / 1e3
        print(f"{path.name}: {len(self.cases)} cases, {len(self.tensors)} tensors, {size:.0f} kB")
