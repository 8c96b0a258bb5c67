#!/usr/bin/env python3
"""Gradients of the field's recipe, Saker's and PyTorch's, against double precision, on this machine's kernels.

Trains `saker train --task classify --preset reference` (ResNet-18 at full width, embedded Fashion-MNIST), keeps the
checkpoints after the epochs of --epochs, and computes with each the gradients of one training batch: in PyTorch in
double precision, and in float32 and bfloat16 by both. For each parameter the error is |g - t| / |t| with t the double
precision's gradient, |.| the root of the sum of squares, and the projection on the true gradient (g . t) / (t . t).
Printed are median and largest error of all parameters, the projections furthest from 1, and the projection of the
whole gradient; with --layers, each. A ReLU whose input rounding takes across 0 passes its gradient or not: both
programs' float32 differ from the double precision by that, far more than by rounding.

With --continue PyTorch goes on from our checkpoints after those epochs (Benchmarks/peers/fashion.py) and ends beside us.

    make build && Scripts/setup-peers.sh
    .build-peers/venv/bin/python Scripts/check-gradients.py
    .build-peers/venv/bin/python Scripts/check-gradients.py --continue 1,10,16
    SAKER_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2 .build-peers/venv/bin/python Scripts/check-gradients.py

Checkpoints are kept in --folder and used again. SAKER_ISA and ONEDNN_MAX_CPU_ISA hold Saker to lesser instruction
sets, ATEN_CPU_CAPABILITY PyTorch.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Benchmarks/peers"))
from fashion import pictures, read, read_checkpoint, varied

EPOCHS, BATCH, SMOOTHING = 20, 64, 0.1


# MARK: - Checkpoints


def epoch_of(path):
    try:
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()["saker.training"])["epoch"]
    except OSError:
        return 0


def checkpoint(o, epoch):
    return o.folder / f"epoch-{epoch}.safetensors"


def train(o):
    """Trains until every wanted epoch's checkpoint is in the folder; to the end if PyTorch is to go on."""
    wanted = set(o.epochs) | set(o.continued)
    if o.continued:
        wanted.add(EPOCHS)
    missing = {epoch for epoch in wanted if not checkpoint(o, epoch).exists()}
    if not missing:
        return
    o.folder.mkdir(parents=True, exist_ok=True)
    run = o.folder / f"run-{os.getpid()}"
    command = [o.saker, "train", "--task", "classify", "--preset", "reference", "--seed", o.seed, "--epochs", EPOCHS,
               "--precision", o.trained, "--no-pictures", "--out", run]
    print(f"training for the checkpoints after epochs {', '.join(map(str, sorted(missing)))}", file=sys.stderr)
    last = run / "weights/last.safetensors"
    program = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    while missing:
        ended = program.poll() is not None
        epoch = epoch_of(last) if last.exists() else 0
        if epoch in missing:
            # Saker replaces the file and never changes it: the link keeps this one, if it is still the same.
            partial = o.folder / "partial.safetensors"
            partial.unlink(missing_ok=True)
            os.link(last, partial)
            epoch = epoch_of(partial)
            partial.rename(checkpoint(o, epoch))
            missing.discard(epoch)
        if ended and missing:
            sys.exit(f"saker train ended before epoch {max(missing)}")
        time.sleep(0.1)
    if program.poll() is None:
        program.send_signal(signal.SIGINT)
    program.wait()


# MARK: - Gradients


def network_of(tensors):
    network = torchvision.models.resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith("training.")})
    return network


def batch_of(card, number):
    """A batch as training makes them, normalized by the card."""
    torch.manual_seed(number)
    images, labels = pictures("train-images-idx3-ubyte.gz"), read("train-labels-idx1-ubyte.gz").long()
    rows = torch.randperm(len(images))[:BATCH]
    mean, deviation = (torch.tensor(card["input"][key]).view(-1, 1, 1) for key in ["mean", "std"])
    return ((varied(images[rows], 2) - mean) / deviation).contiguous(), labels[rows]


def pytorch_gradients(tensors, x, target, dtype, mixed=False):
    network = network_of(tensors).to(dtype).train()
    x = x.to(dtype)
    if dtype == torch.float32:
        network, x = network.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        logits = network(x)
    F.cross_entropy(logits.float() if mixed else logits, target, label_smoothing=SMOOTHING).backward()
    return {name: parameter.grad.double() for name, parameter in network.named_parameters()}


def saker_gradients(o, file, x, target, precision):
    given, output, gradients = (o.folder / f"{name}-{os.getpid()}.safetensors" for name in ["batch", "output", "gradients"])
    save_file({"input": x, "target": target}, given)
    command = [o.saker, "forward", "--weights", file, "--input", given, "--output", output, "--gradients", gradients,
               "--label-smoothing", SMOOTHING, "--precision", precision]
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"saker forward: {result.stderr}")
    found = {name: tensor.double() for name, tensor in load_file(gradients).items()}
    for path in [given, output, gradients]:
        path.unlink()
    return found


def compare(found, truth):
    """Error and projection of each parameter."""
    rows = []
    for name, t in truth.items():
        g = found[name]
        rows.append((name, ((g - t).norm() / t.norm()).item(), ((g * t).sum() / (t * t).sum()).item()))
    g, t = (torch.cat([side[name].flatten() for name in truth]) for side in [found, truth])
    rows.append(("all", ((g - t).norm() / t.norm()).item(), ((g * t).sum() / (t * t).sum()).item()))
    return rows


def check(o):
    results = []
    print("| after epoch | precision | program | median error | largest error | projections | of the whole |\n"
          "|---|---|---|---|---|---|---|")
    for epoch in o.epochs:
        file = checkpoint(o, epoch)
        tensors, _, card = read_checkpoint(file)
        x, target = batch_of(card, epoch)
        truth = pytorch_gradients(tensors, x, target, torch.float64)
        for precision in o.precisions:
            sides = {"Saker": lambda: saker_gradients(o, file, x, target, precision),
                     "PyTorch": lambda: pytorch_gradients(tensors, x, target, torch.float32, precision == "bf16")}
            for side, compute in sides.items():
                *rows, whole = compare(compute(), truth)
                errors = sorted(row[1] for row in rows)
                worst = max(rows, key=lambda row: row[1])
                low, high = min(row[2] for row in rows), max(row[2] for row in rows)
                print(f"| {epoch} | {precision} | {side} | {errors[len(errors) // 2]:.1e} | {worst[1]:.1e} (`{worst[0]}`) "
                      f"| {low:.5f} to {high:.5f} | {whole[2]:.6f} |", flush=True)
                results.append({"epoch": epoch, "precision": precision, "program": side, "layers": rows + [whole]})
                for name, error, projection in rows if o.layers else []:
                    print(f"    {name:32s} error {error:.2e}  projection {projection:.7f}")
    return results


# MARK: - Going on


def top1(o, file):
    """Of a checkpoint on the 900 test images, in PyTorch."""
    tensors, _, card = read_checkpoint(file)
    mean, deviation = (torch.tensor(card["input"][key]).view(-1, 1, 1) for key in ["mean", "std"])
    x = (pictures("test-images-idx3-ubyte.gz") - mean) / deviation
    truths = read("test-labels-idx1-ubyte.gz").long()
    network = network_of(tensors).eval()
    with torch.no_grad():
        found = torch.cat([network(part).argmax(1) for part in x.split(100)])
    return (found == truths).sum().item(), len(truths)


def go_on(o):
    right, count = top1(o, checkpoint(o, EPOCHS))
    print(f"\nSaker to the end: {right} of {count} test images right")
    for epoch in o.continued:
        command = [sys.executable, ROOT / "Benchmarks/peers/fashion.py", "--seed", o.seed, "--epochs", EPOCHS,
                   "--checkpoint", checkpoint(o, epoch)]
        result = json.loads(subprocess.run([str(part) for part in command], capture_output=True, text=True,
                                           check=True).stdout)
        there = round(result["top1"] * count)
        print(f"PyTorch from our epoch {epoch}: {there} right, {there - right:+d}; last training loss "
              f"{result['losses'][-1]:.4f}", flush=True)


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--saker", type=Path, default=ROOT / ".build/release/saker")
    parser.add_argument("--folder", type=Path, default=Path("runs/gradients"), help="where checkpoints are kept")
    parser.add_argument("--epochs", type=numbers, default=[1, 4, 10, 19], help="after which gradients are compared")
    parser.add_argument("--continue", dest="continued", type=numbers, default=[], help="epochs from which PyTorch goes on")
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=["f32", "bf16"])
    parser.add_argument("--trained", choices=["f32", "bf16"], default="f32", help="precision of the training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layers", action="store_true", help="print each parameter's figures")
    parser.add_argument("--json", type=Path, help="write each parameter's figures to this file")
    o = parser.parse_args()
    o.saker = o.saker.resolve()
    if not o.saker.exists():
        parser.error(f"--saker: {o.saker} does not exist; make build")
    train(o)
    results = check(o)
    if o.json:
        o.json.write_text(json.dumps(results))
    if o.continued:
        go_on(o)


if __name__ == "__main__":
    main()
