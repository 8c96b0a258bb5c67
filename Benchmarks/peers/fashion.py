"""The peer of `saker train --task classify --preset reference`: the field's recipe in PyTorch.

ResNet-18 of torchvision with a 3x3 stem of stride 1 and no pooling, on the embedded Fashion-MNIST: SGD
with one cycle to 0.1 (momentum cycles, too), decay 5e-4, batches of 64, shift by 2 pixels, flip, label
smoothing 0.1. Prints each epoch's seconds, the mean of its batches' losses, and the accuracy on the 900 test
pictures.

    python fashion.py --seed 0 --epochs 20 --layout channels_last

With --checkpoint it goes on from a checkpoint of Saker's run of this recipe: its weights, velocities, place in the
schedule and normalization.
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

DATA = Path(__file__).resolve().parents[2] / "Sources/SakerData/Resources/fashion-mnist-small"


def read(name):
    data = gzip.decompress((DATA / name).read_bytes())
    sides = data[3]
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(sides)]
    return torch.from_numpy(
        numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * sides).reshape(shape).copy())


def pictures(name):
    return read(name).float().div(255)[:, None].repeat(1, 3, 1, 1)


def varied(images, shift):
    """Each picture moved by up to `shift` pixels, zeros behind it, and turned in half of the cases."""
    padded = F.pad(images, [shift] * 4)
    side = images.shape[-1]
    result = torch.empty_like(images)
    for i in range(len(images)):
        y, x = torch.randint(2 * shift + 1, (2,))
        part = padded[i, :, y:y + side, x:x + side]
        result[i] = part.flip(-1) if torch.rand(()) < 0.5 else part
    return result


def read_checkpoint(path):
    """The tensors of a Saker checkpoint by name, the state of its training and the card of its model."""
    from safetensors import safe_open
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    return tensors, json.loads(metadata["saker.training"]), json.loads(metadata["saker.classifier"])


def take_velocities(optimizer, network, tensors):
    for name, parameter in network.named_parameters():
        velocity = tensors[f"training.optimizer.{name}.momentum_buffer"]
        optimizer.state[parameter]["momentum_buffer"] = velocity.clone(memory_format=torch.preserve_format)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--shift", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layout", choices=["nchw", "channels_last"], default="channels_last")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--checkpoint", help="of Saker's run of this recipe, weights/last.safetensors")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    memory = torch.channels_last if o.layout == "channels_last" else torch.contiguous_format

    network = torchvision.models.resnet18(num_classes=10)
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    tensors, state, card = read_checkpoint(o.checkpoint) if o.checkpoint else ({}, None, None)
    if state:
        network.load_state_dict({name: tensor for name, tensor in tensors.items()
                                 if not name.startswith("training.")})
    network = network.to(memory_format=memory)

    images, labels = pictures("train-images-idx3-ubyte.gz"), read("train-labels-idx1-ubyte.gz").long()
    tests, truths = pictures("test-images-idx3-ubyte.gz"), read("test-labels-idx1-ubyte.gz").long()
    mean, deviation = images.mean(), images.std()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    batches = -(-len(images) // o.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=o.epochs * batches)
    first = 0
    if state:
        mean, deviation = (torch.tensor(card["input"][key]).view(-1, 1, 1) for key in ["mean", "std"])
        take_velocities(optimizer, network, tensors)
        first = state["epoch"]
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, 0.1, total_steps=o.epochs * batches, last_epoch=state["steps"] - 1)
    mixed = lambda: torch.autocast("cpu", torch.bfloat16, enabled=o.precision == "bf16")

    seconds, losses, start = [], [], time.perf_counter()
    for _ in range(first, o.epochs):
        network.train()
        total = 0.0
        began = time.perf_counter()
        for rows in torch.randperm(len(images)).split(o.batch):
            x = (varied(images[rows], o.shift) - mean) / deviation
            with mixed():
                logits = network(x.contiguous(memory_format=memory))
            loss = F.cross_entropy(logits.float(), labels[rows], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        losses.append(total / batches)
        seconds.append(round(time.perf_counter() - began, 3))
    network.eval()
    with torch.no_grad():
        found = torch.cat([network(x.contiguous(memory_format=memory)).argmax(1)
                           for x in ((tests - mean) / deviation).split(100)])
    print(json.dumps({"seed": o.seed, "top1": (found == truths).float().mean().item(),
                      "seconds": time.perf_counter() - start, "epochs": seconds,
                      "losses": losses}))


if __name__ == "__main__":
    main()
