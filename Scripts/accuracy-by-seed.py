#!/usr/bin/env python3
"""The field's recipe by seed: Saker's accuracy beside PyTorch's, seed by seed, turn by turn.

Trains `saker train --task classify --preset reference` and its peer (Benchmarks/peers/fashion.py) with
each seed, on the embedded Fashion-MNIST, and appends one JSON line a run to --results. Runs that are
there already are not repeated, so it can be stopped at any time and started again. At the end, or
with --report alone, it prints for each side the mean top-1 on the 900 test images with its standard error,
and their difference with its standard error and the two-sided p value of Welch's t test.

    Scripts/setup-peers.sh
    Scripts/accuracy-by-seed.py --seeds 0..15 --results runs/seeds/f32.jsonl
    Scripts/accuracy-by-seed.py --results runs/seeds/f32.jsonl --report
"""

import argparse
import hashlib
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIDES = ["saker", "pytorch"]
# Runs that differ in one of these are not one sample.
SETTINGS = ["epochs", "precision", "threads", "program", "processor", "isa"]


# MARK: - Runs


def run_json(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stderr[-2000:]}")
    return json.loads(result.stdout)


def train_saker(o, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [o.saker, "train", "--task", "classify", "--preset", "reference", "--seed", seed,
                   "--epochs", o.epochs, "--precision", o.precision, "--threads", o.threads,
                   "--no-pictures", "--out", Path(folder) / "run", "--json"]
        result = run_json(command)
    losses = [epoch["train_loss"] for epoch in result["epochs"]]
    return {"top1": result["test"]["top1"], "losses": losses}


def train_pytorch(o, seed):
    command = [o.python, ROOT / "Benchmarks/peers/fashion.py", "--seed", seed, "--epochs", o.epochs,
               "--precision", o.precision, "--threads", o.threads]
    result = run_json(command)
    return {"top1": result["top1"], "losses": result["losses"]}


def processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def program(o, side):
    """What was run: the hash of Saker's binary, PyTorch's version and its program's hash."""
    digest = lambda path: hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
    if side == "saker":
        return digest(o.saker)
    version = subprocess.run([o.python, "-c", "import torch; print(torch.__version__)"],
                             capture_output=True, text=True)
    if version.returncode != 0:
        sys.exit(f"{o.python} has no PyTorch: run Scripts/setup-peers.sh")
    return f"torch {version.stdout.strip()} {digest(ROOT / 'Benchmarks/peers/fashion.py')}"


def isa():
    """Instruction sets that the environment holds the kernels to."""
    return " ".join(f"{name}={os.environ[name]}"
                    for name in ["SAKER_ISA", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"] if name in os.environ)


def read(path):
    rows = []
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                print(f"{path}: left out a line that was not written to its end", file=sys.stderr)
    return rows


def train(o, rows):
    """All runs that are missing, one seed after the other, the sides in turn."""
    o.results.parent.mkdir(parents=True, exist_ok=True)
    text = o.results.read_text() if o.results.exists() else ""
    if text and not text.endswith("\n"):
        o.results.write_text("".join(json.dumps(row) + "\n" for row in rows))
    here = {"epochs": o.epochs, "precision": o.precision, "threads": o.threads, "processor": processor(),
            "isa": isa()}
    about = {side: here | {"program": program(o, side)} for side in o.sides}
    for row in rows:
        if row["side"] not in about:
            continue
        for key in SETTINGS:
            if row[key] != about[row["side"]][key]:
                sys.exit(f"{o.results}: {row['side']} seed {row['seed']} has {key} '{row[key]}', this run "
                         f"'{about[row['side']][key]}': they are not one sample; name another --results")
    done = {(row["side"], row["seed"]) for row in rows}
    for seed in o.seeds:
        for side in o.sides:
            if (side, seed) in done:
                continue
            start = time.perf_counter()
            result = {"saker": train_saker, "pytorch": train_pytorch}[side](o, seed)
            row = {"side": side, "seed": seed, "top1": result["top1"], "seconds": round(time.perf_counter() - start, 1)}
            row |= about[side] | {"losses": [round(loss, 6) for loss in result["losses"]]}
            rows.append(row)
            with open(o.results, "a") as file:
                file.write(json.dumps(row) + "\n")
            print(f"seed {seed:3d}  {side:8s}  top-1 {100 * row['top1']:.2f} %  last training loss "
                  f"{row['losses'][-1]:.4f}  {row['seconds']:.0f} s", flush=True)


# MARK: - Figures


def mean_and_error(values):
    """The mean, and its standard error by the deviation of the sample."""
    n = len(values)
    mean = sum(values) / n
    variance = sum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else math.nan
    return mean, math.sqrt(variance / n)


def student_two_sided(t, freedom):
    """P(|T| ≥ t) of Student's distribution: with x = √ν tan θ its density is cos^(ν-1) θ, integrated by Simpson's rule."""
    if not math.isfinite(t):
        return math.nan if math.isnan(t) else 0.0
    end = math.atan(abs(t) / math.sqrt(freedom))
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    steps = 2000
    density = lambda i: max(math.cos(i * end / steps), 0.0) ** (freedom - 1)
    inner = sum((4 if i % 2 else 2) * density(i) for i in range(1, steps)) + density(0) + density(steps)
    return max(0.0, 1 - 2 * scale * inner * end / steps / 3)


def welch(a, b):
    """Difference of means, its standard error, degrees of freedom and p. Welch, Biometrika 34 (1947)."""
    (mean_a, error_a), (mean_b, error_b) = mean_and_error(a), mean_and_error(b)
    error = math.hypot(error_a, error_b)
    if not error > 0:
        return mean_a - mean_b, error, math.nan, math.nan
    freedom = error ** 4 / (error_a ** 4 / (len(a) - 1) + error_b ** 4 / (len(b) - 1))
    return mean_a - mean_b, error, freedom, student_two_sided((mean_a - mean_b) / error, freedom)


def report(rows):
    measures = [("top-1 on the 900, %", lambda row: 100 * row["top1"], 2),
                ("training loss of the last epoch", lambda row: row["losses"][-1], 4)]
    result = {}
    for title, value, digits in measures:
        print(title)
        samples = {}
        for side in SIDES:
            chosen = sorted((row for row in rows if row["side"] == side), key=lambda row: row["seed"])
            if not chosen:
                continue
            values = samples[side] = [value(row) for row in chosen]
            mean, error = mean_and_error(values)
            print(f"  {side:8s} {len(values):3d} seeds ({', '.join(str(row['seed']) for row in chosen)}): "
                  f"{mean:.{digits}f} ± {error:.{digits}f}, {min(values):.{digits}f} to {max(values):.{digits}f}")
            result.setdefault(title, {})[side] = {"seeds": len(values), "mean": mean, "error": error}
        if len(samples) == 2 and min(map(len, samples.values())) > 1:
            difference, error, freedom, p = welch(samples["saker"], samples["pytorch"])
            print(f"  difference {difference:+.{digits}f} ± {error:.{digits}f}, Welch's t with {freedom:.1f} degrees "
                  f"of freedom, p = {p:.3f}")
            result[title]["difference"] = {"mean": difference, "error": error, "p": p}
    return result


def seeds(text):
    first, _, last = text.partition("..")
    numbers = list(range(int(first), int(last or first) + 1))
    if not numbers:
        raise argparse.ArgumentTypeError(f"expected A..B with A up to B, got {text}")
    return numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=seeds, default=list(range(12)), help="A..B, both included; default 0..11")
    parser.add_argument("--results", type=Path, default=Path("runs/seeds/f32.jsonl"), help="one JSON line a run")
    parser.add_argument("--saker", type=Path, default=ROOT / ".build/release/saker")
    parser.add_argument("--python", type=Path, default=ROOT / ".build-peers/venv/bin/python")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--sides", type=lambda text: text.split(","), default=SIDES, help="saker,pytorch")
    parser.add_argument("--report", action="store_true", help="train nothing, print the figures")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, too, on the last line")
    o = parser.parse_args()
    if unknown := [side for side in o.sides if side not in SIDES]:
        parser.error(f"--sides: expected some of {SIDES}, got {unknown}")
    rows = read(o.results)
    if not o.report:
        o.saker = o.saker.resolve()
        if not o.saker.exists():
            parser.error(f"--saker: {o.saker} does not exist; make build")
        train(o, rows)
    if not rows:
        parser.error(f"--results: {o.results} has no runs")
    figures = report(rows)
    if o.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
