"""Single operations of PyTorch against `saker benchmark --mode operations`, from 16 numbers to 64 MB,
both on all cores, turn by turn: this program measures one case here, asks a Saker process that it
started for the same, and goes on to the next. Prints a table, or JSON with --json.

    python operations.py --saker .build/release/saker --rounds 3 --seconds 0.05
"""

import argparse
import json
import math
import os
import platform
import subprocess
import time
from statistics import median_high as median

import torch
import torch.nn.functional as F

M = 1 << 20


def numbers(*shape, low=-2, high=2, grad=False):
    return torch.empty(shape).uniform_(low, high).requires_grad_(grad)


def integers(*shape, below):
    return torch.randint(0, below, shape)


def call(function, *arguments):
    return lambda: function(*arguments)


def small(function):
    return lambda: call(function, numbers(4, 4, grad=True), numbers(4, 4, grad=True))


def unary(function, *shape, low=-2, high=2):
    return lambda: call(function, numbers(*shape, low=low, high=high))


def binary(function, a, b):
    return lambda: call(function, numbers(*a), numbers(*b))


def picture(function, *shape):
    def prepare(order=torch.channels_last):
        return call(function, numbers(*shape).contiguous(memory_format=order))
    prepare.pictures = True
    return prepare


def backward(function, *shapes):
    def prepare():
        inputs = [numbers(*s, grad=True) for s in shapes]
        ones = torch.ones_like(function(*inputs))

        def run():
            function(*inputs).backward(ones)
        run()
        return run
    return prepare


def loss(function, x, target):
    def prepare():
        inputs, wanted = x(), target()
        return lambda: function(inputs, wanted).backward()
    return prepare


def masked():
    x = numbers(M)
    mask = x > 0
    return lambda: x[mask]


def chosen():
    a, b = numbers(M), numbers(M)
    mask = a > 0
    return lambda: torch.where(mask, a, b)


def gathered():
    x, i = numbers(4096, 1024), integers(4096, 128, below=1024)
    return lambda: x.gather(1, i)


def scattered():
    x, i, v = numbers(4096, 1024), integers(4096, 128, below=1024), numbers(4096, 128)
    return lambda: x.scatter_add(1, i, v)


def selected():
    x, i = numbers(65536, 64), integers(65536, below=65536)
    return lambda: x.index_select(0, i)


def selected_backward():
    x, i, ones = numbers(65536, 64, grad=True), integers(65536, below=65536), torch.ones(65536, 64)
    return lambda: x.index_select(0, i).backward(ones)


def sampled(order=torch.channels_last):
    x = numbers(8, 32, 64, 64).contiguous(memory_format=order)
    grid = numbers(8, 64, 64, 2, low=-1, high=1)
    return lambda: F.grid_sample(x, grid, align_corners=False)


sampled.pictures = True


def group_norm(order=torch.channels_last):
    x, s = numbers(8, 64, 64, 64).contiguous(memory_format=order), numbers(64)
    return lambda: F.group_norm(x, 8, s, s)


group_norm.pictures = True


CASES = {f"{name} 4x4 tape": small(f) for name, f in {
    "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "relu": lambda a, b: torch.relu(a), "sigmoid": lambda a, b: torch.sigmoid(a),
    "exp": lambda a, b: torch.exp(a), "sum": lambda a, b: a.sum(),
    "softmax": lambda a, b: torch.softmax(a, -1), "matmul": lambda a, b: a @ b,
    "reshape": lambda a, b: a.reshape(16), "transpose": lambda a, b: a.transpose(-2, -1),
    "scale": lambda a, b: a * 2,
}.items()}
CASES |= {
    "add 64K": binary(torch.add, [65536], [65536]),
    "add 1M": binary(torch.add, [M], [M]),
    "add 16M": binary(torch.add, [16 * M], [16 * M]),
    "mul 1M": binary(torch.mul, [M], [M]),
    "div 1M": binary(torch.div, [M], [M]),
    "maximum 1M": binary(torch.maximum, [M], [M]),
    "greater 1M": binary(torch.gt, [M], [M]),
    "add row 4M": binary(torch.add, [4096, 1024], [1024]),
    "add column 4M": binary(torch.add, [4096, 1], [4096, 1024]),
    "scale 1M": unary(lambda x: x * 2, M),
    "relu 1M": unary(torch.relu, M),
    "relu 16M": unary(torch.relu, 16 * M),
    "exp 1M": unary(torch.exp, M),
    "log 1M": unary(torch.log, M, low=0.1),
    "sqrt 1M": unary(torch.sqrt, M, low=0),
    "rsqrt 1M": unary(torch.rsqrt, M, low=0.1),
    "reciprocal 1M": unary(torch.reciprocal, M, low=0.1),
    "floor 1M": unary(torch.floor, M),
    "sin 1M": unary(torch.sin, M),
    "atan 1M": unary(torch.atan, M),
    "log1p 1M": unary(torch.log1p, M, low=0),
    "expm1 1M": unary(torch.expm1, M),
    "tanh 1M": unary(torch.tanh, M),
    "sigmoid 1M": unary(torch.sigmoid, M),
    "sigmoid 16M": unary(torch.sigmoid, 16 * M),
    "gelu 1M": unary(F.gelu, M),
    "silu 1M": unary(F.silu, M),
    "clamp 1M": unary(lambda x: x.clamp(-1, 1), M),
    "power 3 1M": unary(lambda x: x.pow(3), M),
    "power 1.7 1M": unary(lambda x: x.pow(1.7), M, low=0.1),
    "isnan 1M": unary(torch.isnan, M),
    "to bf16 1M": unary(lambda x: x.bfloat16(), M),
    "to int64 1M": unary(lambda x: x.long(), M),
    "where 1M": chosen,
    "mul 1M backward": backward(torch.mul, [M], [M]),
    "gelu 1M backward": backward(F.gelu, [M]),
    "add row 4M backward": backward(torch.add, [4096, 1024], [1024]),
    "sum 64K": unary(torch.sum, 65536),
    "sum 16M": unary(torch.sum, 16 * M),
    "sum rows 4M": unary(lambda x: x.sum(1), 4096, 1024),
    "sum columns 4M": unary(lambda x: x.sum(0), 4096, 1024),
    "mean planes 6M": unary(lambda x: x.mean((2, 3)), 32, 64, 56, 56),
    "sum middle 4M": unary(lambda x: x.sum(1), 64, 256, 256),
    "max 4M": unary(torch.max, 4 * M),
    "max rows 4M": unary(lambda x: x.max(1), 4096, 1024),
    "argmax rows 4M": unary(lambda x: x.argmax(1), 4096, 1024),
    "argmax columns 4M": unary(lambda x: x.argmax(0), 4096, 1024),
    "variance rows 4M": unary(lambda x: x.var(1), 4096, 1024),
    "norm 4M": unary(torch.linalg.vector_norm, 4 * M),
    "logsumexp rows 1M": unary(lambda x: x.logsumexp(1), 1024, 1000),
    "cumsum rows 1M": unary(lambda x: x.cumsum(1), 1024, 1024),
    "product rows 1M": unary(lambda x: x.prod(1), 1024, 1024, low=0.9, high=1.1),
    "any 1M": lambda: call(torch.any, numbers(1024, 1024) > 3),
    "softmax 1M": unary(lambda x: x.softmax(-1), 1024, 1000),
    "log softmax 1M": unary(lambda x: x.log_softmax(-1), 1024, 1000),
    "softmax planes 3M": unary(lambda x: x.softmax(1), 8, 21, 128, 128),
    "softmax 1M backward": backward(lambda x: x.softmax(-1), [1024, 1000]),
    "layer norm 3M": binary(lambda x, s: F.layer_norm(x, [768], s, s), [4096, 768], [768]),
    "layer norm 3M backward": backward(lambda x, s: F.layer_norm(x, [768], s, s), [4096, 768], [768]),
    "rms norm 3M": binary(lambda x, s: F.rms_norm(x, [768], s), [4096, 768], [768]),
    "group norm 2M": group_norm,
    "matmul 64": binary(torch.matmul, [64, 64], [64, 64]),
    "matmul 256": binary(torch.matmul, [256, 256], [256, 256]),
    "matmul 1024": binary(torch.matmul, [1024, 1024], [1024, 1024]),
    "matmul batched": binary(torch.matmul, [64, 128, 64], [64, 64, 128]),
    "matmul vector": binary(torch.matmul, [2048, 2048], [2048]),
    "linear": binary(F.linear, [256, 1024], [1024, 1024]),
    "linear backward": backward(F.linear, [256, 1024], [1024, 1024]),
    "transpose copy 4M": unary(lambda x: x.t().contiguous(), 2048, 2048),
    "channels last copy 6M": unary(lambda x: x.contiguous(memory_format=torch.channels_last),
                                   8, 64, 112, 112),
    "permute copy 2M": unary(lambda x: x.permute(2, 0, 1).contiguous(), 64, 128, 256),
    "heads copy 3M": unary(lambda x: x.permute(0, 2, 1, 3).contiguous(), 16, 256, 12, 64),
    "slice copy 2M": unary(lambda x: x[:, 512:1536].contiguous(), 2048, 2048),
    "flip 1M": unary(lambda x: x.flip(1), 1024, 1024),
    "roll 1M": unary(lambda x: x.roll(100, 1), 1024, 1024),
    "pad 1M": unary(lambda x: F.pad(x, (1, 1, 1, 1)), 16, 16, 64, 64),
    "tile 4M": unary(lambda x: x.repeat(2, 2), 1024, 1024),
    "repeat interleave 4M": unary(lambda x: x.repeat_interleave(4, 1), 1024, 1024),
    "pixel shuffle 2M": unary(lambda x: F.pixel_shuffle(x, 2), 8, 64, 64, 64),
    "concatenate columns 2M": binary(lambda a, b: torch.cat([a, b], 1), [1024, 1024], [1024, 1024]),
    "concatenate rows 8M": binary(lambda a, b: torch.cat([a, b], 0), [4096, 1024], [4096, 1024]),
    "stack 2M": binary(lambda a, b: torch.stack([a, b], 1), [M], [M]),
    "full 16M": lambda: lambda: torch.full([16 * M], 1.0),
    "gather columns 512K": gathered,
    "index select rows 4M": selected,
    "index select rows 4M backward": selected_backward,
    "scatter add 512K": scattered,
    "mask select 1M": masked,
    "nonzero 1M": lambda: call(torch.nonzero, numbers(1024, 1024) > 0),
    "sort 1M": unary(torch.sort, M),
    "sort rows 1M": unary(torch.sort, 1024, 1024),
    "top 10 of rows 1M": unary(lambda x: x.topk(10), 1024, 1000),
    "top 100 of 1M": unary(lambda x: x.topk(100), M),
    "unique 1M": lambda: call(lambda x: x.unique(return_inverse=True, return_counts=True),
                              integers(M, below=1000)),
    "max pool 3/2 6M": picture(lambda x: F.max_pool2d(x, 3, 2, 1), 8, 64, 112, 112),
    "average pool 2 6M": picture(lambda x: F.avg_pool2d(x, 2), 8, 64, 112, 112),
    "global pool 6M": picture(lambda x: F.adaptive_avg_pool2d(x, 1), 32, 64, 56, 56),
    "bilinear x2 2M": picture(lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
                              8, 64, 32, 32),
    "nearest x2 2M": picture(lambda x: F.interpolate(x, scale_factor=2), 8, 64, 32, 32),
    "grid sample 2M": sampled,
    "cross entropy 1M backward": loss(F.cross_entropy, lambda: numbers(1024, 1000, grad=True),
                                      lambda: integers(1024, below=1000)),
    "squared error 1M backward": loss(F.mse_loss, lambda: numbers(M, grad=True), lambda: numbers(M)),
    "smooth l1 1M backward": loss(F.smooth_l1_loss, lambda: numbers(M, grad=True),
                                  lambda: numbers(M)),
    "binary cross entropy 1M backward": loss(
        F.binary_cross_entropy_with_logits, lambda: numbers(M, grad=True),
        lambda: numbers(M, low=0, high=1)),
}


def forms(prepare):
    """Pictures are tried in both memory orders; the faster one counts."""
    if hasattr(prepare, "pictures"):
        return [prepare(torch.channels_last), prepare(torch.contiguous_format)]
    return [prepare()]


def measured(run, seconds):
    """Microseconds of a call, the median of blocks of about a millisecond; as the other side does it."""
    def timed(calls):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        return time.perf_counter() - start

    timed(2)
    calls = max(1, min(10_000, int(1e-3 / max(timed(1), 1e-8))))
    times, total = [], 0
    while total < seconds or len(times) < 3:
        taken = timed(calls)
        total += taken
        times.append(taken / calls)
    return median(times) * 1e6


class Saker:
    def __init__(self, program, seconds):
        self.process = subprocess.Popen(
            [program, "benchmark", "--mode", "operations", "--serve", "--seconds", str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"saker ended at the case \"{line}\"")
        return json.loads(answer)


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--saker", default=".build/release/saker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.05, help="of a case in each turn")
    parser.add_argument("--only", default="", help="parts of names, separated by commas")
    parser.add_argument("--json", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(os.cpu_count())
    saker = Saker(o.saker, o.seconds)
    names = saker.ask("")
    if set(names) != set(CASES):
        raise SystemExit(f"cases of one side only: {sorted(set(names) ^ set(CASES))}")
    wanted = [w for w in o.only.split(",") if w]
    names = [n for n in names if not wanted or any(w in n for w in wanted)]
    rows = []
    for name in names:
        runs = forms(CASES[name])
        ours, theirs = [], []
        for _ in range(o.rounds):
            ours.append(saker.ask(name)["microseconds"])
            # Waiting threads turn in a loop for a while and would take the other's cores.
            time.sleep(0.005)
            theirs.append(min(measured(run, o.seconds / len(runs)) for run in runs))
            time.sleep(0.005)
        rows.append({"name": name, "saker_us": median(ours), "pytorch_us": median(theirs),
                     "ratio": median(theirs) / median(ours)})
        if not o.json:
            r = rows[-1]
            print(f"{name:36}{r['saker_us']:12.2f}{r['pytorch_us']:12.2f}{r['ratio']:9.2f}",
                  flush=True)
    tape = [r["ratio"] for r in rows if r["name"].endswith("tape")]
    large = [r["ratio"] for r in rows if not r["name"].endswith("tape")]
    result = {"program": f"PyTorch {torch.__version__}", "threads": torch.get_num_threads(),
              "machine": platform.machine(), "cases": len(large), "mean_ratio": mean(large),
              "small_cases": len(tape), "small_mean_ratio": mean(tape),
              "below": [r["name"] for r in rows if r["ratio"] < 0.8], "rows": rows}
    if o.json:
        print(json.dumps(result))
    else:
        print(f"geometric mean {result['mean_ratio']:.2f} over {len(large)}, small with tape "
              f"{result['small_mean_ratio']:.2f} over {len(tape)}; below 0.8: {result['below']}")
    saker.process.stdin.close()
    saker.process.wait()


if __name__ == "__main__":
    main()
