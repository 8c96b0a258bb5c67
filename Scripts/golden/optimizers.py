"""Trajectories of parameters under given gradients, clipped gradients, and schedules.

Optimizers: x the start, g `[20, ...]` the gradients, y `[20, ...]` the parameters after each step;
the attribute `lr` is one rate or the list of all 20. With two groups: x0, g0, y0 and x1, g1, y1.
Problems: a small network (x, labels, w0, b0, w1, b1), y0 to y3 the same parameters after 10, 20, 30,
40 and 50 steps on its own gradients. L-BFGS: a is a matrix, x the start, y the point after each step.
Clipping: x0, x1 the gradients, y0, y1 the clipped ones, norm. Schedules: y the rate used at each
of 100 steps, m the momentum where it cycles.
"""

import math
import os
import warnings

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import torch
from torch import optim
from torch.nn import functional as F
from torch.optim import lr_scheduler

from common import Golden

golden = Golden("optimizers")
STEPS = 20
CHANGING = [0.1 * (0.5 + 0.5 * math.cos(i / 3)) for i in range(STEPS)]


class Plain:
    """What PyTorch doesn't have, or not in this form: from the papers' formulas, in double precision.
    A rule is a function of (parameter, gradient, state, step, rate) that returns the new parameter."""

    def __init__(self, parameters, lr, **arguments):
        self.param_groups = [{"params": list(parameters), "lr": lr}]
        self.states, self.step_number = [{} for _ in parameters], 0
        self.arguments = arguments

    def step(self):
        self.step_number += 1
        group = self.param_groups[0]
        for p, state in zip(group["params"], self.states):
            with torch.no_grad():
                p.copy_(self.update(p.clone(), p.grad.clone(), state, group["lr"]))

    def moments(self, g, state, betas):
        """The bias-corrected means of g and of its square."""
        m = state["m"] = betas[0] * state.get("m", 0) + (1 - betas[0]) * g
        v = state["v"] = betas[1] * state.get("v", 0) + (1 - betas[1]) * g * g
        t = self.step_number
        return m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)


class Lion(Plain):
    """Chen et al., arXiv:2302.06675, algorithm 2."""

    def update(self, p, g, state, lr, betas=(0.9, 0.99), weight_decay=0.0):
        a = self.arguments
        betas, weight_decay = a.get("betas", betas), a.get("weight_decay", weight_decay)
        m = state.get("m", torch.zeros_like(g))
        direction = torch.sign(betas[0] * m + (1 - betas[0]) * g)
        state["m"] = betas[1] * m + (1 - betas[1]) * g
        return p - lr * (direction + weight_decay * p)


class LAMB(Plain):
    """You et al., arXiv:1904.00962, algorithm 2 with phi(z) = z; a ratio with a norm of 0 is 1."""

    def update(self, p, g, state, lr):
        a = self.arguments
        m, v = self.moments(g, state, a.get("betas", (0.9, 0.999)))
        r = m / (v.sqrt() + a.get("eps", 1e-6)) + a.get("weight_decay", 0.0) * p
        ratio = p.norm() / r.norm() if p.norm() > 0 and r.norm() > 0 else 1.0
        return p - lr * ratio * r


class AdagradInside(Plain):
    """Duchi et al. 2011 as the notes write it: epsilon below the root."""

    def update(self, p, g, state, lr):
        s = state["s"] = state.get("s", 0) + g * g
        return p - lr * g / (s + self.arguments["eps"]).sqrt()


class RMSpropInside(Plain):
    """Keras's formula: epsilon below the root; centered takes off the squared mean gradient."""

    def update(self, p, g, state, lr):
        a, alpha = self.arguments, self.arguments["alpha"]
        s = state["s"] = alpha * state.get("s", 0) + (1 - alpha) * g * g
        if a.get("centered"):
            mean = state["mean"] = alpha * state.get("mean", 0) + (1 - alpha) * g
            s = s - mean * mean
        step = g / (s + a["eps"]).sqrt()
        if a.get("momentum"):
            step = state["velocity"] = a["momentum"] * state.get("velocity", 0) + step
        return p - lr * step


class AdadeltaOne(Plain):
    """The notes' first form of Adadelta: a chosen rate above the root of the mean square."""

    def update(self, p, g, state, lr):
        rho = self.arguments["rho"]
        s = state["s"] = rho * state.get("s", 0) + (1 - rho) * g * g
        return p - lr * g / (s + self.arguments["eps"]).sqrt()


class SGDInside:
    """Keras's SGD, whose velocity has the rate inside; L2 decay is added to the gradient, as its `weight_decay` is another."""

    def __init__(self, parameters, lr, momentum, nesterov=False, weight_decay=0.0):
        self.param_groups = [{"params": list(parameters), "lr": lr}]
        self.inner = keras.optimizers.SGD(lr, momentum=momentum, nesterov=nesterov)
        self.decay = weight_decay
        self.variables = [keras.Variable(p.detach().numpy(), dtype="float64") for p in parameters]

    def step(self):
        group = self.param_groups[0]
        self.inner.learning_rate = group["lr"]
        gradients = [p.grad + self.decay * p.detach() for p in group["params"]]
        with torch.no_grad():
            self.inner.apply(gradients, self.variables)
            for p, v in zip(group["params"], self.variables):
                p.copy_(v.value.to(p.dtype))


class Lookahead:
    """Zhang et al., arXiv:1907.08610, algorithm 1, around one of PyTorch's optimizers."""

    def __init__(self, parameters, lr, interval, share, inner, **arguments):
        parameters = list(parameters)
        self.inner = getattr(optim, inner)(parameters, lr=lr, **arguments)
        self.param_groups = self.inner.param_groups
        self.slow = [p.detach().clone() for p in parameters]
        self.interval, self.share, self.step_number = interval, share, 0

    def step(self):
        self.inner.step()
        self.step_number += 1
        if self.step_number % self.interval:
            return
        with torch.no_grad():
            for p, slow in zip(self.param_groups[0]["params"], self.slow):
                slow += self.share * (p - slow)
                p.copy_(slow)


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
trajectory("sgd.inside", SGDInside, 0.1, momentum=0.9)
trajectory("sgd.inside.changing", SGDInside, CHANGING, momentum=0.9, weight_decay=0.05)
trajectory("sgd.inside.nesterov", SGDInside, 0.1, momentum=0.9, nesterov=True)
trajectory("sgd.inside.nesterov.changing", SGDInside, CHANGING, momentum=0.8, nesterov=True,
           weight_decay=0.05)
trajectory("adam.plain", optim.Adam, 0.01)
trajectory("adam.decay", optim.Adam, 0.01, weight_decay=0.1)
trajectory("adam.arguments", optim.Adam, 0.05, betas=(0.8, 0.95), eps=1e-3)
trajectory("adam.changing", optim.Adam, CHANGING)
trajectory("adamw.plain", optim.AdamW, 0.01)
trajectory("adamw.decay", optim.AdamW, 0.01, weight_decay=0.1)
trajectory("adamw.changing", optim.AdamW, CHANGING, weight_decay=0.05, betas=(0.85, 0.99))

trajectory("adam.amsgrad", optim.Adam, 0.05, amsgrad=True, betas=(0.9, 0.6))
trajectory("adam.amsgrad.decay", optim.Adam, CHANGING, amsgrad=True, weight_decay=0.1)
trajectory("adamw.amsgrad", optim.AdamW, 0.05, amsgrad=True, betas=(0.9, 0.6))
trajectory("adagrad.plain", optim.Adagrad, 0.1)
trajectory("adagrad.arguments", optim.Adagrad, 0.1, lr_decay=0.05, weight_decay=0.1,
           initial_accumulator_value=0.3, eps=1e-3)
trajectory("adagrad.inside", AdagradInside, 0.1, eps=0.05)
trajectory("adadelta.plain", optim.Adadelta, 1.0)
trajectory("adadelta.arguments", optim.Adadelta, CHANGING, rho=0.8, eps=1e-3, weight_decay=0.1)
trajectory("adadelta.one", AdadeltaOne, 0.05, rho=0.9, eps=1e-6)
trajectory("rmsprop.plain", optim.RMSprop, 0.01)
trajectory("rmsprop.arguments", optim.RMSprop, CHANGING, alpha=0.8, eps=1e-3, weight_decay=0.1)
trajectory("rmsprop.momentum", optim.RMSprop, 0.01, momentum=0.9)
trajectory("rmsprop.centered", optim.RMSprop, 0.01, centered=True)
trajectory("rmsprop.centered.momentum", optim.RMSprop, CHANGING, alpha=0.9, momentum=0.7,
           centered=True, weight_decay=0.1)
trajectory("rmsprop.inside", RMSpropInside, 0.01, alpha=0.9, eps=0.05)
trajectory("rmsprop.inside.centered.momentum", RMSpropInside, 0.01, alpha=0.9, eps=0.05,
           centered=True, momentum=0.5)
trajectory("nadam.plain", optim.NAdam, 0.01)
trajectory("nadam.arguments", optim.NAdam, CHANGING, betas=(0.8, 0.95), weight_decay=0.1,
           momentum_decay=0.02)
trajectory("nadam.decoupled", optim.NAdam, 0.05, weight_decay=0.1, decoupled_weight_decay=True)
trajectory("radam.plain", optim.RAdam, 0.01)
trajectory("radam.arguments", optim.RAdam, CHANGING, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)
trajectory("radam.decoupled", optim.RAdam, 0.05, weight_decay=0.1, decoupled_weight_decay=True)
trajectory("lion.plain", Lion, 0.01)
trajectory("lion.arguments", Lion, CHANGING, betas=(0.8, 0.95), weight_decay=0.1)
trajectory("lamb.plain", LAMB, 0.01)
trajectory("lamb.arguments", LAMB, CHANGING, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)
trajectory("lookahead.sgd", Lookahead, 0.1, interval=5, share=0.5, inner="SGD", momentum=0.9)
trajectory("lookahead.adamw", Lookahead, CHANGING, interval=3, share=0.8, inner="AdamW",
           weight_decay=0.1)


def agree(case, exact, single):
    """Stops where rounding decides: PyTorch's own float32 must come close to its double precision."""
    for e, s in zip(exact, single):
        error = ((e - s.double()).abs().max() / e.abs().max()).item()
        assert error < 5e-6, f"{case} is ill-conditioned: {error}"


# 50 steps of every rule on the same problem: classes of 32 points by a network of two layers.
def problem(case, kind, lr, **arguments):
    draw = golden.random("problem")
    x, labels = draw(32, 4), draw(32, 3).argmax(1)
    starts = [draw(6, 4) * 0.5, draw(6) * 0.1, draw(3, 6) * 0.5, draw(3) * 0.1]

    def run(dtype):
        parameters = [torch.nn.Parameter(s.to(dtype, copy=True)) for s in starts]
        optimizer = kind(parameters, lr=lr, **arguments)
        values = [[], [], [], []]
        for step in range(50):
            w0, b0, w1, b1 = parameters
            for p in parameters:
                p.grad = None
            hidden = torch.tanh(F.linear(x.to(dtype), w0, b0))
            F.cross_entropy(F.linear(hidden, w1, b1), labels).backward()
            optimizer.step()
            if step % 10 == 9:
                for value, p in zip(values, parameters):
                    value.append(p.detach().clone())
        return [torch.stack(v) for v in values]

    exact = run(torch.float64)
    agree(case, exact, run(torch.float32))
    names = ["w0", "b0", "w1", "b1"]
    golden.add(
        "problem." + case,
        {"x": x, "labels": labels.float(), **dict(zip(names, starts)),
         **{f"y{i}": v for i, v in enumerate(exact)}},
        op=kind.__name__.lower(), lr=lr, problem=True, **arguments)


problem("sgd", optim.SGD, 0.5)
problem("sgd.nesterov", optim.SGD, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
problem("adagrad", optim.Adagrad, 0.02)
problem("adadelta", optim.Adadelta, 1.0)
problem("rmsprop", optim.RMSprop, 0.001)
problem("rmsprop.momentum", optim.RMSprop, 0.0003, centered=True, momentum=0.9)
problem("adam", optim.Adam, 0.02)
problem("amsgrad", optim.Adam, 0.02, amsgrad=True)
problem("adamw", optim.AdamW, 0.02)
problem("nadam", optim.NAdam, 0.02)
problem("radam", optim.RAdam, 0.02)
problem("lamb", LAMB, 0.02, weight_decay=0.01)
problem("lion", Lion, 0.002, weight_decay=0.01)
problem("lookahead", Lookahead, 0.05, interval=5, share=0.5, inner="AdamW")


# L-BFGS on a sum of a quadratic function, whose second derivative is the matrix a, and of a quartic.
def lbfgs(case, steps, **arguments):
    draw = golden.random("lbfgs")
    root, start = draw(6, 6), draw(6)
    a = (root @ root.T / 6 + torch.eye(6)).float()

    def run(dtype):
        p = torch.nn.Parameter(start.to(dtype, copy=True))
        optimizer = optim.LBFGS([p], **arguments)

        def loss():
            optimizer.zero_grad()
            value = 0.5 * p @ a.to(dtype) @ p + 0.1 * (p ** 4).sum() - p.sum()
            value.backward()
            return value

        points, losses = [], []
        for _ in range(steps):
            losses.append(optimizer.step(loss).detach())
            points.append(p.detach().clone())
        return torch.stack(points), torch.stack(losses), optimizer.state[p]

    points, losses, state = run(torch.float64)
    single = run(torch.float32)
    agree(case, [points, losses], single[:2])
    assert state["func_evals"] == single[2]["func_evals"], case
    golden.add(case, {"a": a, "x": start, "y": points, "losses": losses}, op="lbfgs", steps=steps,
               calls=state["func_evals"], iterations=state["n_iter"], **arguments)


lbfgs("lbfgs.plain", 4, lr=0.5, max_iter=3)
lbfgs("lbfgs.history", 5, lr=0.5, max_iter=3, history_size=2)
lbfgs("lbfgs.wolfe", 4, max_iter=2, line_search_fn="strong_wolfe")
lbfgs("lbfgs.wolfe.long", 3, lr=30.0, max_iter=2, line_search_fn="strong_wolfe")
lbfgs("lbfgs.wolfe.short", 2, lr=0.05, max_iter=6, line_search_fn="strong_wolfe")

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

schedule("exponential", 0.1, lambda o: lr_scheduler.ExponentialLR(o, 0.95), op="exponential",
         gamma=0.95)
schedule("polynomial", 0.1, lambda o: lr_scheduler.PolynomialLR(o, 60, 2.0), op="polynomial", steps=60,
         power=2.0)
schedule("polynomial.line", 0.1, lambda o: lr_scheduler.PolynomialLR(o, 120), op="polynomial",
         steps=120, power=1.0)
schedule("restarts", 0.2, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 15, 1, 0.01),
         op="restarts", steps=15, growth=1, eta_min=0.01)
schedule("restarts.growing", 0.2, lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 10, 2),
         op="restarts", steps=10, growth=2, eta_min=0.0)
schedule("lambda", 0.2, lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)), op="lambda")
schedule("constant", 0.2, lambda o: lr_scheduler.LambdaLR(o, lambda t: 1), op="constant")
schedule("warmup_exponential", 0.2, lambda o: lr_scheduler.SequentialLR(
    o, [lr_scheduler.LinearLR(o, 0.2, 1.0, 8), lr_scheduler.ExponentialLR(o, 0.97)], [8]),
    op="warmup_exponential", start_factor=0.2, warmup=8, gamma=0.97)


def plateau(case, lr, **arguments):
    """x the measured values, y the rate after each."""
    draw = golden.random(case)
    # Falls in stages, with noise, so that all of patience, threshold and cool-down matter.
    x = torch.tensor([3 / (1 + i // 12) + 0.05 * float(draw(1)) for i in range(100)])
    if arguments.get("mode") == "max":
        x = 4 - x
    o = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = lr_scheduler.ReduceLROnPlateau(o, **arguments)
    rates = []
    for value in x.tolist():
        scheduler.step(value)
        rates.append(o.param_groups[0]["lr"])
    assert len(set(rates)) > 2, case
    golden.add(case, {"x": x, "y": torch.tensor(rates, dtype=torch.float64)}, op="plateau", lr=lr,
               **arguments)


plateau("plateau.plain", 0.1, factor=0.5, patience=3)
plateau("plateau.largest", 0.1, mode="max", factor=0.5, patience=2, threshold=0.01)
plateau("plateau.absolute", 0.1, factor=0.3, patience=2, threshold=0.05, threshold_mode="abs",
        cooldown=4, min_lr=1e-3)

golden.save()
