"""Trajectories of parameters under given gradients, clipped gradients, and schedules.

Optimizers: x the start, g `[20, ...]` the gradients, y `[20, ...]` the parameters after each step;
the attribute `lr` is one rate or the list of all 20. With two groups: x0, g0, y0 and x1, g1, y1.
Clipping: x0, x1 the gradients, y0, y1 the clipped ones, norm. Schedules: y the rate used at each
of 100 steps, m the momentum where it cycles.
"""

import math
import warnings

import torch
from torch import optim
from torch.optim import lr_scheduler

from common import Golden

golden = Golden("optimizers")
STEPS = 20
CHANGING = [0.1 * (0.5 + 0.5 * math.cos(i / 3)) for i in range(STEPS)]


def trajectory(case, kind, lr, **arguments):
    draw = golden.random(case)
    start, gradients = draw(3, 4), draw(STEPS, 3, 4)
    parameter = torch.nn.Parameter(start.double())
    optimizer = kind([parameter], lr=lr[0] if isinstance(lr, list) else lr, **arguments)
    values = []
    for step in range(STEPS):
        if isinstance(lr, list):
            optimizer.param_groups[0]["lr"] = lr[step]
        parameter.grad = gradients[step].double()
        optimizer.step()
        values.append(parameter.detach().clone())
    golden.add(case, {"x": start, "g": gradients, "y": torch.stack(values)},
               op=kind.__name__.lower(), lr=lr, **arguments)


trajectory("sgd.plain", optim.SGD, 0.1)
trajectory("sgd.decay", optim.SGD, 0.2, weight_decay=5e-4)
trajectory("sgd.momentum", optim.SGD, 0.1, momentum=0.9)
trajectory("sgd.momentum.decay", optim.SGD, 0.1, momentum=0.9, weight_decay=0.05)
trajectory("sgd.momentum.changing", optim.SGD, CHANGING, momentum=0.9)
trajectory("sgd.nesterov", optim.SGD, 0.1, momentum=0.9, nesterov=True)
trajectory("sgd.nesterov.decay.changing", optim.SGD, CHANGING, momentum=0.8, nesterov=True,
           weight_decay=0.05)
trajectory("sgd.dampening", optim.SGD, 0.1, momentum=0.9, dampening=0.3)
trajectory("adam.plain", optim.Adam, 0.01)
trajectory("adam.decay", optim.Adam, 0.01, weight_decay=0.1)
trajectory("adam.arguments", optim.Adam, 0.05, betas=(0.8, 0.95), eps=1e-3)
trajectory("adam.changing", optim.Adam, CHANGING)
trajectory("adamw.plain", optim.AdamW, 0.01)
trajectory("adamw.decay", optim.AdamW, 0.01, weight_decay=0.1)
trajectory("adamw.changing", optim.AdamW, CHANGING, weight_decay=0.05, betas=(0.85, 0.99))

# Two groups, each with its own rate and decay.
for kind, common in [(optim.SGD, {"momentum": 0.9}), (optim.AdamW, {})]:
    case = f"groups.{kind.__name__.lower()}"
    draw = golden.random(case)
    starts, gradients = [draw(5), draw(2, 3)], [draw(STEPS, 5), draw(STEPS, 2, 3)]
    parameters = [torch.nn.Parameter(s.double()) for s in starts]
    settings = [{"lr": 0.02, "weight_decay": 0.0}, {"lr": 0.2, "weight_decay": 0.01}]
    optimizer = kind([{"params": [p], **s} for p, s in zip(parameters, settings)], lr=1, **common)
    values = [[], []]
    for step in range(STEPS):
        for i in range(2):
            parameters[i].grad = gradients[i][step].double()
        optimizer.step()
        for i in range(2):
            values[i].append(parameters[i].detach().clone())
    golden.add(
        case,
        {f"{n}{i}": v for i in range(2)
         for n, v in [("x", starts[i]), ("g", gradients[i]), ("y", torch.stack(values[i]))]},
        op=kind.__name__.lower(), groups=settings, **common)

# ---- Clipping

for limit in [1.0, 100.0]:
    case = f"clip_norm.{limit}"
    draw = golden.random(case)
    gradients = [draw(3, 4), draw(5) * 3]
    parameters = [torch.nn.Parameter(torch.zeros_like(g).double()) for g in gradients]
    for p, g in zip(parameters, gradients):
        p.grad = g.double()
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    golden.add(case, {"x0": gradients[0], "x1": gradients[1], "norm": norm,
                      "y0": parameters[0].grad, "y1": parameters[1].grad},
               op="clip_norm", limit=limit)
draw = golden.random("clip_value")
x = draw(3, 4)
golden.add("clip_value", {"x": x, "y": x.clamp(-0.5, 0.5)}, op="clip_value", limit=0.5)

# ---- Schedules

warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*|.*epoch parameter.*")


def schedule(case, lr, make, optimizer=optim.SGD, settings={"momentum": 0.9}, **attributes):
    o = optimizer([torch.nn.Parameter(torch.zeros(1))], lr=lr, **settings)
    scheduler = make(o)
    rates, momenta = [], []
    for _ in range(100):
        group = o.param_groups[0]
        rates.append(group["lr"])
        momenta.append(group["momentum"] if "momentum" in group else group["betas"][0])
        o.step()
        scheduler.step()
    values = {"y": torch.tensor(rates, dtype=torch.float64)}
    if attributes["op"] == "one_cycle":
        values["m"] = torch.tensor(momenta, dtype=torch.float64)
    golden.add(case, values, lr=lr, **attributes)


schedule("step", 0.1, lambda o: lr_scheduler.StepLR(o, 30, 0.1), op="step", step_size=30, gamma=0.1)
schedule("multi_step", 0.1, lambda o: lr_scheduler.MultiStepLR(o, [20, 50, 80], 0.3),
         op="multi_step", milestones=[20, 50, 80], gamma=0.3)
schedule("cosine", 0.2, lambda o: lr_scheduler.CosineAnnealingLR(o, 100, 0.01), op="cosine",
         steps=100, eta_min=0.01)
schedule("linear", 0.2, lambda o: lr_scheduler.LinearLR(o, 0.1, 1.0, 25), op="linear",
         start_factor=0.1, end_factor=1.0, steps=25)
schedule(
    "warmup_cosine", 0.2,
    lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1, 1.0, 10), lr_scheduler.CosineAnnealingLR(o, 90, 0.002)],
        [10]),
    op="warmup_cosine", start_factor=0.1, warmup=10, steps=100, eta_min=0.002)
for anneal in ["cos", "linear"]:
    for three in [False, True]:
        schedule(
            f"one_cycle.{anneal}" + (".three" if three else ""), 0.1,
            lambda o: lr_scheduler.OneCycleLR(
                o, 0.3, total_steps=101, anneal_strategy=anneal, three_phase=three),
            op="one_cycle", max_lr=0.3, total_steps=101, pct_start=0.3, anneal=anneal,
            div_factor=25.0, final_div_factor=1e4, base_momentum=0.85, max_momentum=0.95,
            three_phase=three)
schedule(
    "one_cycle.adam", 0.1,
    lambda o: lr_scheduler.OneCycleLR(o, 3e-3, total_steps=101, pct_start=0.2, div_factor=10,
                                      final_div_factor=100, cycle_momentum=True),
    optimizer=optim.AdamW, settings={}, op="one_cycle", max_lr=3e-3, total_steps=101,
    pct_start=0.2, anneal="cos", div_factor=10.0, final_div_factor=100.0, base_momentum=0.85,
    max_momentum=0.95, three_phase=False)

golden.save()
