"""A classifier of torchvision, else of timm, the peer of `saker benchmark --model vgg16_bn`.

Made-up pictures and labels; training is forward, cross-entropy, backward and SGD with momentum. The
form compiled is channels-last through torch.compile, which needs a C++ compiler; bf16 is autocast.

    python classifier.py --model vgg16_bn --form channels_last --mode train --batch 8 --size 224
"""

import argparse
import json
import os
import platform
import resource
import time
from pathlib import Path

import torch
import torchvision
from torch.nn import functional as F


def build(model):
    if model in torchvision.models.list_models():
        return torchvision.models.get_model(model, weights=None)
    import timm
    return timm.create_model(model)


def save(model, folder):
    """Weights as PyTorch and as safetensors store them, and a picture."""
    from safetensors.torch import save_file
    torch.manual_seed(0)
    state = build(model).state_dict()
    torch.save(state, folder / "weights.pth")
    save_file({name: tensor.contiguous() for name, tensor in state.items()},
              folder / "weights.safetensors")
    save_file({"input": torch.randn(1, 3, 224, 224)}, folder / "input.safetensors")


def bench(model, form, mode, precision, batch, size, seconds):
    torch.manual_seed(0)
    memory = torch.contiguous_format if form == "nchw" else torch.channels_last
    network = build(model)
    network = network.to(memory_format=memory).train(mode == "train")
    forward = torch.compile(network) if form == "compiled" else network
    images = torch.randn(batch, 3, size, size).contiguous(memory_format=memory)
    labels = torch.randint(1000, (batch,))
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, fused=True)

    def mixed():
        return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")

    def train():
        with mixed():
            loss = F.cross_entropy(forward(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        with torch.inference_mode(), mixed():
            return forward(images)[0, 0].item()

    step = train if mode == "train" else infer
    for _ in range(2):
        step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    times.sort()
    at = lambda q: times[min(len(times) - 1, round(q * (len(times) - 1)))]
    return {
        "program": f"PyTorch {torch.__version__}", "model": model, "form": form, "mode": mode,
        "precision": precision,
        "images_per_second": batch / at(0.5),
        "step_ms": {"median": at(0.5) * 1e3, "p10": at(0.1) * 1e3, "p90": at(0.9) * 1e3},
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "batch": batch, "size": size, "steps": len(times), "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="vgg16_bn")
    parser.add_argument("--form", choices=["channels_last", "nchw", "compiled"],
                        default="channels_last")
    parser.add_argument("--mode", choices=["train", "infer"], default="train")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--save", type=Path, help="write weights and a picture to this folder instead")
    o = parser.parse_args()
    if o.save:
        return save(o.model, o.save)
    torch.set_num_threads(os.cpu_count())
    print(json.dumps(bench(o.model, o.form, o.mode, o.precision, o.batch, o.size, o.seconds)))


if __name__ == "__main__":
    main()
