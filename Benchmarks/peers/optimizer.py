"""Steps of PyTorch's optimizers on the parameters of ResNet-50, the peer of `saker benchmark --mode
optimizer`: 161 tensors, 25,557,032 numbers. The form is how PyTorch computes a step: one tensor
after the other (forloop), list by list (foreach), or in one kernel a tensor (fused).

    python optimizer.py --form fused --seconds 5
"""

import argparse
import json
import os
import platform
import time

import torch
import torchvision

# Arrays as large as the parameters that a step must read and write.
OPTIMIZERS = {
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9, "weight_decay": 1e-4}, 3 + 2),
    "adam": (torch.optim.Adam, {}, 4 + 3),
    "adamw": (torch.optim.AdamW, {}, 4 + 3),
}


def bench(name, form, seconds):
    torch.manual_seed(0)
    kind, settings, arrays = OPTIMIZERS[name]
    parameters = list(torchvision.models.resnet50(weights=None).parameters())
    for p in parameters:
        p.grad = torch.randn_like(p) * 0.01
    count = sum(p.numel() for p in parameters)
    assert (len(parameters), count) == (161, 25557032)
    optimizer = kind(parameters, lr=1e-6, foreach=form == "foreach", fused=form == "fused", **settings)
    for _ in range(2):
        optimizer.step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        optimizer.step()
        times.append(time.perf_counter() - start)
    times.sort()
    step = times[len(times) // 2]
    return {"optimizer": name, "step_ms": step * 1e3, "least_ms": times[0] * 1e3,
            "gigabytes_per_second": arrays * 4 * count / step / 1e9, "steps": len(times)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--form", choices=["forloop", "foreach", "fused"], default="fused")
    parser.add_argument("--seconds", type=float, default=5, help="of each optimizer")
    o = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    rows = [bench(name, o.form, o.seconds) for name in OPTIMIZERS]
    print(json.dumps({"program": f"PyTorch {torch.__version__}", "form": o.form, "rows": rows,
                      "threads": torch.get_num_threads(), "machine": platform.machine()}))


if __name__ == "__main__":
    main()
