"""Measures Saker and PyTorch turn by turn, each in its own process, and prints the ratios.

In every round each program runs once, one after the other, so that a machine that slows down slows
both; figures are medians over the rounds, a ratio is the median of the rounds' ratios. PyTorch's
layout is whichever has the better median. Run it by `make bench`, on a machine that does nothing
else; `make bench BENCH="--only train,infer --rounds 5"` passes options.
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "Sources" / "SakerData" / "Resources" / "bccd"
PARTS = ["train", "infer", "load", "predict", "convolution", "vgg", "classifiers", "weights", "optimizer",
         "operations"]


# How a lesser processor is imitated, for oneDNN and for ours.
CONVOLUTION_SETS = {"AVX-512": {}, "AVX2": {"SAKER_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}}


class Failure(Exception):
    pass


def run(command, **environment):
    """The output of a command; a failure carries the last line of what it said."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env=os.environ | environment)
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
        raise Failure(f"{' '.join(map(str, command[:3]))}: {lines[-1]} (exit {done.returncode})")
    return done.stdout


def run_json(command, **environment):
    """The last line of the output that is a JSON object, or all of it."""
    text = run(command, **environment)
    for candidate in [text, *reversed(text.strip().splitlines())]:
        try:
            return json.loads(candidate)
        except json.JSONDecodeError:
            continue
    raise Failure(f"{' '.join(map(str, command[:3]))}: no JSON in its output")


class Bench:
    def __init__(self, options):
        self.o, self.samples, self.failures, self.rows = options, {}, {}, []

    # ---- Programs

    def saker(self, *arguments):
        return [self.o.saker, "benchmark", *arguments, "--seconds", self.o.seconds, "--json"]

    def network(self, mode, precision):
        return self.saker("--model", "tiny-ssd", "--mode", mode, "--batch", 32, "--size", 256,
                          "--precision", precision)

    def torch(self, mode, precision, layout):
        return [sys.executable, HERE / "peers" / "tiny_ssd.py", "bench", "--mode", mode, "--layout",
                layout, "--precision", precision, "--batch", 32, "--size", 256, "--seconds",
                self.o.seconds]

    def rounds(self, programs, measure=run_json):
        """Runs all programs once a round; a program that fails is reported and left out."""
        for number in range(self.o.rounds):
            for name, command in programs.items():
                if name in self.failures:
                    continue
                print(f"round {number + 1}/{self.o.rounds}: {name}", file=sys.stderr, flush=True)
                try:
                    self.samples.setdefault(name, []).append(measure(command))
                except (Failure, OSError) as failure:
                    self.failures[name] = str(failure)
                    print(f"  {failure}", file=sys.stderr, flush=True)

    # ---- Figures

    def figures(self, name, key):
        """The key's value in each round; empty if the program failed or doesn't tell it."""
        if name in self.failures:
            return []
        return [s[key] for s in self.samples.get(name, []) if s.get(key) is not None]

    def best(self, names, key):
        """Of several forms of the peer, the one with the largest median."""
        there = [n for n in names if self.figures(n, key)]
        return max(there, key=lambda n: median(self.figures(n, key)), default=None)

    def compare(self, what, name, peers, key, goal, unit, scale=1.0, at_least=True):
        """A row with a ratio to the best peer. Memory wants the peer with the smallest figure."""
        ours = self.figures(name, key)
        if at_least:
            peer = self.best(peers, key)
        else:
            there = [p for p in peers if self.figures(p, key)]
            peer = min(there, key=lambda n: median(self.figures(n, key)), default=None)
        theirs = self.figures(peer, key) if peer else []
        ratio = median([a / b for a, b in zip(ours, theirs)]) if ours and theirs else None
        self.row(what, median(ours) * scale if ours else None,
                 median(theirs) * scale if theirs else None, unit, ratio, goal, at_least, peer,
                 self.failures.get(name))

    def row(self, what, ours, theirs, unit, ratio, goal, at_least, peer=None, problem=None):
        value = ratio if ratio is not None else (ours if theirs is None and peer is None else None)
        reached = None if value is None else (value >= goal if at_least else value <= goal)
        self.rows.append(dict(
            what=what, saker=ours, peer=theirs, peer_program=peer, unit=unit, ratio=ratio,
            goal=goal, at_least=at_least, reached=reached, problem=problem))

    # ---- Parts

    def train(self):
        layouts = ["channels_last", "nchw"]
        programs = {"Saker f32": self.network("train", "f32")}
        programs |= {f"PyTorch f32 {l}": self.torch("train", "f32", l) for l in layouts}
        programs |= {"Saker bf16": self.network("train", "bf16")}
        programs |= {f"PyTorch bf16 {l}": self.torch("train", "bf16", l) for l in layouts}
        self.rounds(programs)
        f32 = [f"PyTorch f32 {l}" for l in layouts]
        bf16 = [f"PyTorch bf16 {l}" for l in layouts]
        speed = "images_per_second"
        self.compare("TinySSD training step, f32", "Saker f32", f32, speed, 2.3, "images/s")
        self.compare("TinySSD training step, bf16, against f32", "Saker bf16", f32, speed, 4,
                     "images/s")
        self.compare("TinySSD training step, bf16, against bf16 autocast", "Saker bf16", bf16,
                     speed, 1.5, "images/s")
        # The layout that trains fastest is the one whose memory counts.
        fastest = self.best(f32, speed)
        self.compare("peak memory of the f32 training step", "Saker f32",
                     [fastest] if fastest else [], "peak_memory_bytes", 0.6, "MB", 1e-6,
                     at_least=False)
        share = self.figures("Saker f32", "framework_share")
        self.row("framework time outside kernels, f32 step", median(share) if share else None, None,
                 "share", None, 0.03, False, problem=self.failures.get("Saker f32"))

    def infer(self):
        layouts = ["channels_last", "nchw"]
        peers = {f"PyTorch forward {l}": self.torch("infer", "f32", l) for l in layouts}
        self.rounds({"Saker forward": self.network("infer", "f32"), **peers})
        self.compare("TinySSD forward, evaluation mode, f32", "Saker forward", list(peers),
                     "images_per_second", 2.5, "images/s")

    def load(self):
        peers = {
            f"torchvision ({d})": [
                sys.executable, HERE / "peers" / "load.py", "--pictures", DATA / "JPEGImages",
                "--workers", 2, "--size", 256, "--batch", 32, "--seconds", self.o.seconds,
                "--decoder", d]
            for d in ["torchvision", "pil"]
        }
        saker = self.saker("--mode", "load", "--workers", 2, "--batch", 32, "--size", 256)
        self.rounds({"Saker loader": saker, **peers})
        self.compare("loader, JPEG to ready batch, 2 workers", "Saker loader", list(peers),
                     "images_per_second", 1.0, "images/s")

    def predict(self):
        weights = Path(self.o.weights)
        picture = DATA / "JPEGImages" / "BloodImage_00007.jpg"

        def timed(command):
            with tempfile.TemporaryDirectory() as out:
                start = time.perf_counter()
                run([*command, "--out", out])
                return {"seconds": time.perf_counter() - start}

        name = "saker predict"
        if weights.exists():
            self.rounds({name: [self.o.saker, "predict", "--weights", weights, picture]}, timed)
        else:
            self.failures[name] = f"{weights} is missing: run make demo first"
        seconds = self.figures(name, "seconds")
        self.row("saker predict, one picture, start to picture written",
                 median(seconds) if seconds else None, None, "s", None, 0.3, False,
                 problem=self.failures.get(name))

    def convolution(self):
        """Our 3x3 convolutions against oneDNN's; both sides take turns inside of one process."""
        goals = {"inference": 2.2, "forward": 2.2, "data": 2.2, "weights": 1.8}
        pages = []
        for isa, held in CONVOLUTION_SETS.items():
            name = f"convolutions {isa}"
            print(f"{name} (some minutes)", file=sys.stderr, flush=True)
            try:
                result = run_json([self.o.saker, "benchmark", "--mode", "convolution", "--json"],
                                  **held)
            except (Failure, OSError) as failure:
                self.failures[name] = str(failure)
                print(f"  {failure}", file=sys.stderr, flush=True)
                continue
            self.samples[name] = [result]
            pages.append(convolution_page(isa, result))
            for summary in result["summaries"]:
                if summary["batch"] != "all":
                    continue
                what = f"3x3 convolutions, {summary['pass']}, {isa}"
                goal = goals[summary["pass"]] if isa == "AVX-512" else 1.7
                self.row(f"{what}: geometric mean", None, None, "", summary["chosen_mean"], goal,
                         True, "oneDNN direct")
                self.row(f"{what}: least", None, None, "", summary["chosen_least"], 1.0, True,
                         "oneDNN direct")
        (Path(self.o.out) / "convolutions.md").write_text("\n\n".join(pages) + "\n")

    def vgg(self):
        """A training step of VGG-16 with batch norm."""
        def peer(form):
            return [sys.executable, HERE / "peers" / "classifier.py", "--model", "vgg16_bn", "--form",
                    form, "--mode", "train", "--batch", 8, "--size", 224, "--seconds",
                    self.o.seconds]

        forms = ["channels_last", "nchw", "compiled"]
        if not any(shutil.which(c) for c in ["c++", "g++", "clang++"]):
            print("no C++ compiler: torch.compile is left out", file=sys.stderr)
            forms.remove("compiled")
        peers = {f"PyTorch VGG-16 {form}": peer(form) for form in forms}
        saker = self.saker("--model", "vgg16_bn", "--mode", "train", "--batch", 8, "--size", 224)
        self.rounds({"Saker VGG-16": saker, **peers})
        self.compare("VGG-16 with batch norm, training step, batch 8, 224x224, f32", "Saker VGG-16",
                     list(peers), "images_per_second", 2.5, "images/s")

    def classifiers(self):
        """Training steps and evaluation of classifiers against torchvision's and timm's."""
        def pair(model, mode, batch, precision, forms):
            size = 256 if model == "darknet53" else 224
            what = f"{model} {mode} {batch} {precision}"
            common = ["--model", model, "--mode", mode, "--batch", batch, "--size", size,
                      "--precision", precision]
            peers = {f"PyTorch {what} {form}": [
                sys.executable, HERE / "peers" / "classifier.py", *common, "--form", form,
                "--seconds", self.o.seconds] for form in forms}
            self.rounds({f"Saker {what}": self.saker(*common), **peers})
            return f"Saker {what}", list(peers)

        def means(what, rows, mean_goal, least_goal):
            ratios = [r["ratio"] for r in rows if r["ratio"]]
            mean = geometric_mean(ratios) if len(ratios) == len(rows) else None
            self.row(f"{what}: geometric mean", None, None, "", mean, mean_goal, True, "PyTorch")
            self.row(f"{what}: least", None, None, "", min(ratios, default=None), least_goal, True,
                     "PyTorch")

        eager = ["channels_last", "nchw"]
        compiled = eager + ["compiled"] * any(
            shutil.which(c) for c in ["c++", "g++", "clang++"])
        small = ["mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0", "densenet121"]
        training = [("resnet50", "f32", 1.4), ("resnet50", "bf16", 1.2), ("vgg16_bn", "f32", 2.5),
                    ("darknet53", "f32", 1.7), *((model, "f32", 1.1) for model in small)]
        for model, precision, goal in training:
            ours, peers = pair(model, "train", 16, precision, compiled)
            what = f"{model} training step, batch 16, {precision}"
            self.compare(what, ours, peers, "images_per_second", goal, "images/s")
            fastest = self.best(peers, "images_per_second")
            self.compare(f"peak memory: {what}", ours, [fastest] if fastest else [],
                         "peak_memory_bytes", 0.7, "MB", 1e-6, at_least=False)
        steps = [r for r in self.rows for m in small if r["what"].startswith(f"{m} training")]
        means("training steps of the small ones", steps, 1.5, 1.1)
        rows = []
        for model in [*small, "resnet50"]:
            for batch in [1, 8]:
                ours, peers = pair(model, "infer", batch, "f32", eager)
                self.compare(f"{model} evaluation, batch {batch}, f32", ours, peers,
                             "images_per_second", 1.0, "images/s")
                rows.append(self.rows[-1])
        means("evaluation", rows, 1.3, 1.0)

    def weights(self):
        """ResNet-50's weights from both kinds of files, and a process that does nothing but classify one picture."""
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            run([sys.executable, HERE / "peers" / "classifier.py", "--model", "resnet50", "--save",
                 folder])
            for file, goal in [("weights.safetensors", 150), ("weights.pth", None)]:
                name = f"loading {file}"
                self.rounds({name: self.saker("--mode", "weights", "--model", "resnet50",
                                              "--weights", folder / file)})
                load, read = self.figures(name, "load_ms"), self.figures(name, "read_ms")
                self.row(f"ResNet-50 from {file}, 102 MB", median(load) if load else None, None,
                         "ms", None, goal or 2 * median(read) if read else 0, False,
                         problem=self.failures.get(name))

            def timed(command):
                start = time.perf_counter()
                run(command)
                return {"seconds": time.perf_counter() - start}

            name = "saker forward"
            self.rounds({name: [
                self.o.saker, "forward", "--model", "resnet50", "--weights",
                folder / "weights.safetensors", "--input", folder / "input.safetensors", "--output",
                folder / "output.safetensors"]}, timed)
            seconds = self.figures(name, "seconds")
            self.row("ResNet-50 built, loaded and run on one picture, a process",
                     median(seconds) if seconds else None, None, "s", None, 0.5, False,
                     problem=self.failures.get(name))

    def optimizer(self):
        """A step of each optimizer on ResNet-50's parameters."""
        forms = ["foreach", "fused"]
        programs = {f"PyTorch optimizers {form}": [
            sys.executable, HERE / "peers" / "optimizer.py", "--form", form, "--seconds",
            self.o.seconds / 3] for form in forms}
        saker = [self.o.saker, "benchmark", "--mode", "optimizer", "--seconds", self.o.seconds / 3,
                 "--json"]
        self.rounds({"Saker optimizers": saker, **programs})
        titles = {"sgd_momentum": "SGD with momentum", "adam": "Adam", "adamw": "AdamW"}
        for name, title in titles.items():
            for program in ["Saker optimizers", *programs]:
                # One optimizer's figures as if it had a program of its own.
                single = program.replace("optimizers", title)
                self.samples[single] = [
                    row for sample in self.samples.get(program, []) for row in sample["rows"]
                    if row["optimizer"] == name]
                if program in self.failures:
                    self.failures[single] = self.failures[program]
            ours = f"Saker {title}"
            self.compare(f"{title} step, ResNet-50's parameters", ours,
                         [f"PyTorch {title} {form}" for form in forms], "gigabytes_per_second",
                         1.2, "GB/s")
            share = self.figures(ours, "share_of_memory")
            self.row(f"{title} step, share of the memory's rate", median(share) if share else None,
                     None, "", None, 0.9, True, problem=self.failures.get(ours))

    def operations(self):
        """Single operations; the peer's program starts ours and takes turns with it."""
        name = "operations"
        print(f"{name} (a minute)", file=sys.stderr, flush=True)
        try:
            result = run_json([sys.executable, HERE / "peers" / "operations.py", "--saker",
                               self.o.saker, "--rounds", max(3, self.o.rounds), "--seconds",
                               self.o.seconds / 200, "--json"])
        except (Failure, OSError) as failure:
            self.failures[name] = str(failure)
            result = {}
            print(f"  {failure}", file=sys.stderr, flush=True)
        self.samples[name] = [result]
        problem = self.failures.get(name)
        self.row(f"{result.get('cases', 0)} operations: geometric mean", None, None, "",
                 result.get("mean_ratio"), 1.3, True, "PyTorch", problem)
        self.row("slowest operation", None, None, "",
                 min((r["ratio"] for r in result.get("rows", [])), default=None), 0.8, True,
                 "PyTorch", problem)
        self.row("operations on 16 numbers, forward with tape", None, None, "",
                 result.get("small_mean_ratio"), 5, True, "PyTorch", problem)
        lines = ["| operation | Saker, µs | PyTorch, µs | ratio |", "|---|---|---|---|"]
        lines += [f"| {r['name']} | {r['saker_us']:.2f} | {r['pytorch_us']:.2f} | {r['ratio']:.2f} |"
                  for r in result.get("rows", [])]
        (Path(self.o.out) / "operations.md").write_text("\n".join(lines) + "\n")

    def accuracy(self):
        """The demo's training with three seeds; slow."""
        scores, times, problem = [], [], None
        for seed in [0, 1, 2]:
            out = Path(self.o.out) / f"seed-{seed}"
            print(f"training with seed {seed}", file=sys.stderr, flush=True)
            try:
                start = time.perf_counter()
                run([self.o.saker, "train", "--train-split", "trainval", "--val-split", "none",
                     "--seed", seed, "--out", out, "--overwrite"])
                times.append(time.perf_counter() - start)
                result = run_json([self.o.saker, "val", "--weights",
                                   out / "weights" / "last.safetensors", "--split", "test",
                                   "--out", out / "test", "--json"])
                scores.append(result["mean_average_precision"])
            except (Failure, OSError) as failure:
                problem = str(failure)
                print(f"  {failure}", file=sys.stderr, flush=True)
                break
        self.samples["seeds"] = [{"mAP50": s, "seconds": t} for s, t in zip(scores, times)]
        done = problem is None
        self.row("BCCD test split, mAP@0.5, median of three seeds", median(scores) if done else None,
                 None, "mAP", None, 0.90, True, problem=problem)
        self.row("BCCD training time, median of three seeds", median(times) if done else None, None,
                 "s", None, 240, False, problem=problem)


def convolution_page(isa, result):
    """A table for each pass: what `--convolution auto` does, GFLOP/s and times direct."""
    rows = result["rows"]
    batches = sorted({r["batch"] for r in rows})
    lines = [f"### {isa}", "", f"{result['kernels']} ({result['instruction_set']}), ours "
             f"{result['our_set']}, {result['threads']} threads. GFLOP/s of the kernel that is chosen, "
             "times direct in brackets; d: it is the direct one."]
    for kind in dict.fromkeys(r["pass"] for r in rows):
        cells = {}
        for r in rows:
            if r["pass"] == kind:
                layer = (f"{r['inputs']} → {r['outputs']}", r["side"], ", ".join(r["networks"]))
                cells.setdefault(layer, {})[r["batch"]] = convolution_cell(r)
        lines += ["", f"**{kind}**", "", "| channels | side | networks | "
                  + " | ".join(f"batch {b}" for b in batches) + " |",
                  "|---|---|---|" + "---|" * len(batches)]
        for layer, by_batch in cells.items():
            lines.append("| " + " | ".join(map(str, layer)) + " | "
                         + " | ".join(by_batch.get(b, "") for b in batches) + " |")
        means = {s["batch"]: s for s in result["summaries"] if s["pass"] == kind}
        lines.append("| geometric mean | | | "
                     + " | ".join(f"**{means[str(b)]['chosen_mean']:.2f}**" for b in batches) + " |")
    return "\n".join(lines)


def convolution_cell(row):
    ours = next((o for o in row["ours"] if row["chosen"] == f"winograd {o['tile']}"), None)
    if ours is None:
        return f"{row['direct_gflops']:.0f} (d)"
    return f"{ours['gflops']:.0f} ({row['chosen_ratio']:.2f})"


def geometric_mean(ratios):
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def find(value, keys):
    """The first of the keys that is anywhere in a JSON value."""
    for key in keys:
        stack = [value]
        while stack:
            item = stack.pop()
            if isinstance(item, dict):
                if isinstance(item.get(key), (int, float)):
                    return item[key]
                stack += item.values()
            elif isinstance(item, list):
                stack += item
    raise Failure(f"saker val --json tells none of {', '.join(keys)}")


def number(value, unit=""):
    if value is None:
        return "–"
    text = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"
    return f"{text} {unit}".strip()


def table(rows):
    lines = ["| what | Saker | PyTorch | ratio | goal | reached |", "|---|---|---|---|---|---|"]
    for r in rows:
        goal = f"{'≥' if r['at_least'] else '≤'} {r['goal']}{' ×' if r['peer_program'] else ''}"
        reached = {True: "yes", False: "no", None: "not measured"}[r["reached"]]
        peer = number(r["peer"], r["unit"]) + (f" ({r['peer_program']})" if r["peer"] else "")
        ratio = "–" if r["ratio"] is None else f"{r['ratio']:.2f} ×"
        lines.append(f"| {r['what']} | {number(r['saker'], r['unit'])} | {peer} | {ratio} | {goal} "
                     f"| {reached} |")
    return "\n".join(lines)


def machine():
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    commit = subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    return {"processor": model, "cores": os.cpu_count(), "system": platform.platform(),
            "torch": importlib.metadata.version("torch"), "commit": commit,
            "load_at_start": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--saker", default=".build/release/saker")
    parser.add_argument("--out", default="runs/bench", help="folder for bench.json and bench.md")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of each program in each round")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    parser.add_argument("--accuracy", action="store_true", help="also train with three seeds (slow)")
    parser.add_argument("--weights", default="runs/demo/weights/last.safetensors",
                        help="for the time of one prediction")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    o = parser.parse_args()
    parts = [p for p in o.only.split(",") if p]
    if unknown := [p for p in parts if p not in PARTS]:
        parser.error(f"--only: unknown {unknown}, expected some of {PARTS}")
    o.saker = str(Path(o.saker).resolve())
    out = Path(o.out)
    out.mkdir(parents=True, exist_ok=True)

    about = machine()
    if about["load_at_start"] > 0.5:
        print(f"the machine is busy (load {about['load_at_start']:.1f}): figures will be low",
              file=sys.stderr)
    bench = Bench(o)
    for part in parts + (["accuracy"] if o.accuracy else []):
        getattr(bench, part)()

    result = {"machine": about, "rounds": o.rounds, "seconds": o.seconds, "rows": bench.rows,
              "failures": bench.failures, "samples": bench.samples}
    (out / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    text = table(bench.rows) + "\n\n" + (
        f"{about['processor']}, {about['cores']} cores, PyTorch {about['torch']}, "
        f"commit {about['commit']}, {o.rounds} rounds of {o.seconds:g} s.\n")
    (out / "bench.md").write_text(text)
    print(json.dumps(result) if o.json else text)
    for name, problem in bench.failures.items():
        print(f"failed: {name}: {problem}", file=sys.stderr)
    sys.exit(1 if bench.failures or any(r["problem"] for r in bench.rows) else 0)


if __name__ == "__main__":
    main()
