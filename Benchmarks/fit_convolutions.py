"""Fits the constants of the cost model that chooses convolution kernels to measurements.

    saker benchmark --mode convolution --json > a.json        # on an otherwise idle machine
    SAKER_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2 saker benchmark --mode convolution --json > b.json
    python fit_convolutions.py a.json b.json [--write]

A time is modelled as a sum of things to do times nanoseconds of each (ConvolutionCost.swift says which).
The constants, none below 0, minimize the squared logarithms of modelled over measured times, and of
modelled over measured ratios of our kernel to the direct one, which decide: those count more. What the
choices by the fitted model cost, against the best choices, is printed; with --write the tables in
ConvolutionConstants.swift are replaced, instruction sets without measurements left as they are.
"""

import argparse
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

SOURCE = (Path(__file__).resolve().parent.parent / "Sources" / "SakerTensor" / "Convolution"
          / "ConvolutionConstants.swift")
LANES = {"avx512": 16, "avx2": 8, "portable": 4}
PASSES = ["inference", "forward", "data", "weights"]
NAMES = ["call", "product", "input", "output", "weight"]
RATIO_WEIGHT = 3.0


def padded(channels, lanes):
    return (channels + lanes - 1) // lanes * lanes


def cut(side, tile):
    """Points of all tiles of a side, and different ones: ConvolutionCost.Cut."""
    full, rest = divmod(side, tile)
    return full * (tile + 2) + (rest + 2 if rest else 0), (tile if full else rest) + 2


def work(row, tile, lanes):
    """What there is to do, in the order of NAMES: ConvolutionCost.Work. No tile: the direct kernel."""
    n, side, read, written = row["batch"], row["side"], row["inputs"], row["outputs"]
    if row["pass"] == "data":
        read, written = written, read
    wide = padded(written, lanes)
    if tile is None:
        channels = read if read <= 4 else padded(read, lanes)
        return [1, 9 * n * side * side * channels * wide, n * side * side * read,
                n * side * side * written, 9 * channels * wide]
    points, positions = cut(side, tile)
    points *= n * points
    return [1, points * read * wide, points * padded(read, lanes), points * wide,
            positions * positions * read * wide]


def fit(rows, direct_lanes, lanes):
    """Constants of the direct kernel and ours by a damped Newton's method on their logarithms."""
    direct = np.array([work(r, None, direct_lanes) for r in rows], float)
    direct_time = np.array([r["direct_least_seconds"] for r in rows]) * 1e9
    pairs = [(i, o) for i, r in enumerate(rows) for o in r["ours"]]
    if not pairs:
        return solve(lambda c: np.log(direct @ c) - np.log(direct_time), start(direct, direct_time)), None
    index = np.array([i for i, _ in pairs])
    ours = np.array([work(rows[i], o["tile"], lanes) for i, o in pairs], float)
    time = np.array([o["least_seconds"] for _, o in pairs]) * 1e9
    ratio = np.log(time / direct_time[index])

    def residuals(c):
        a, b = np.log(direct @ c[:5]), np.log(ours @ c[5:])
        return np.concatenate([a - np.log(direct_time), b - np.log(time),
                               RATIO_WEIGHT * (b - a[index] - ratio)])

    c = solve(residuals, np.concatenate([start(direct, direct_time), start(ours, time)]))
    return c[:5], c[5:]


def start(features, time):
    """Each thing alone responsible for a fifth of the time, in the middle of the cases."""
    return np.array([np.median(time / np.maximum(f, 1e-9)) / 5 if f.any() else 0 for f in features.T])


def solve(residuals, c):
    free = np.flatnonzero(c > 0)
    x = np.log(c[free])

    def at(x):
        full = np.zeros_like(c)
        full[free] = np.exp(np.clip(x, -40, 40))
        return residuals(full)

    damping, r = 1.0, at(x)
    for _ in range(400):
        jacobian = np.stack([(at(x + 1e-5 * e) - r) / 1e-5 for e in np.eye(len(x))], 1)
        step = np.linalg.solve(jacobian.T @ jacobian + damping * np.eye(len(x)), -jacobian.T @ r)
        new = at(x + step)
        if new @ new < r @ r:
            x, r, damping = x + step, new, damping / 3
        else:
            damping *= 4
            if damping > 1e12:
                break
    full = np.zeros_like(c)
    full[free] = np.exp(x)
    return full


def margin(kind, direct):
    """What share of the direct kernel's time ours may take: ConvolutionChooser.margin."""
    if kind == "weights":
        return 0.6 if direct < 50e3 else 0.8
    return 0.75 if direct < 50e3 else 0.9


def report(rows, direct, ours, direct_lanes, lanes):
    """Ratios over direct: best, by the model's choices; and the model's own errors."""
    best, chosen, errors = [], [], []
    for r in rows:
        a = np.dot(work(r, None, direct_lanes), direct)
        errors.append(np.log(a / r["direct_least_seconds"] / 1e9))
        options = [(a, 1.0)]
        for o in r["ours"]:
            b = np.dot(work(r, o["tile"], lanes), ours)
            options.append((b, r["direct_least_seconds"] / o["least_seconds"]))
            errors.append(np.log(b / o["least_seconds"] / 1e9))
        best.append(max(ratio for _, ratio in options))
        least = min(options)
        chosen.append(least[1] if least[0] < margin(r["pass"], a) * a else 1.0)
    mean = lambda v: np.exp(np.mean(np.log(v)))
    wrong = sum(c < 0.98 * b for c, b in zip(chosen, best))
    return (f"{len(rows)} cases: chosen {mean(chosen):.3f} × direct, best {mean(best):.3f}, least "
            f"{min(chosen):.2f}, {wrong} choices cost more than 2 %; times off by "
            f"{100 * (np.exp(np.std(errors)) - 1):.0f} %")


def swift(tables, name, comment):
    lines = [f"  /// {comment}", f"  static let {name}: Table = ["]
    for isa in LANES:
        lines.append(f"    .{isa}: [")
        for kind in PASSES:
            numbers = ", ".join(f"{v:.3g}" if v > 1e-4 else "0" for v in tables[isa][kind])
            lines.append(f"      .{kind}: cost({numbers}),")
        lines.append("    ],")
    return "\n".join(lines + ["  ]"])


def read_tables(text, name):
    """The tables as the source has them."""
    body = re.search(rf"static let {name}: Table = \[(.*?)\n  \]", text, re.S).group(1)
    tables = {}
    for isa in LANES:
        part = re.search(rf"\.{isa}: \[(.*?)\n    \]", body, re.S).group(1)
        tables[isa] = {
            kind: [float(v) for v in
                   re.search(rf"\.{kind}: cost\(([^)]*)\)", part).group(1).split(",")]
            for kind in PASSES}
    return tables


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", help="outputs of saker benchmark --mode convolution --json")
    parser.add_argument("--write", action="store_true", help=f"replace the tables in {SOURCE.name}")
    o = parser.parse_args()
    text = SOURCE.read_text()
    direct, winograd = read_tables(text, "direct"), read_tables(text, "winograd")
    groups = defaultdict(list)
    for name in o.files:
        data = json.loads(Path(name).read_text())
        groups[data["one_dnn_set"], data["our_set"]] += data["rows"]
    for (one_dnn, ours), all_rows in groups.items():
        print(f"oneDNN {one_dnn}, ours {ours}")
        for kind in PASSES:
            rows = [r for r in all_rows if r["pass"] == kind]
            if not rows:
                continue
            a, b = fit(rows, LANES[one_dnn], LANES[ours])
            direct[one_dnn][kind] = list(a)
            if b is not None:
                winograd[ours][kind] = list(b)
                print(f"  {kind}: {report(rows, a, b, LANES[one_dnn], LANES[ours])}")
    first, last = "  // fitted: begin\n", "  // fitted: end\n"
    tables = "\n\n".join([
        swift(direct, "direct", "oneDNN's kernels, by the instruction set that it runs on."),
        swift(winograd, "winograd", "Our kernels, by the instruction set that they run on.")])
    if o.write:
        SOURCE.write_text(text[:text.index(first)] + first + tables + "\n" + text[text.index(last):])
    else:
        print(tables)


if __name__ == "__main__":
    main()
