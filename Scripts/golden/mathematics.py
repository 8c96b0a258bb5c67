"""Fourier transforms by PyTorch in double precision; splines and measures of information by SciPy and scikit-learn and
integer roots by Python, to 17 digits in JSON."""

import json
import math

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, wasserstein_distance
from sklearn.metrics import mutual_info_score

from common import FIXTURES, Golden

golden = Golden("fourier")
for n in [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 30, 64, 97, 100, 120, 127]:
    x = golden.random(f"fft.{n}")(3, n, 2)
    z = torch.view_as_complex(x.double())
    golden.add(f"fft.{n}", {"x": x, "y": torch.view_as_real(torch.fft.fft(z)),
                            "inverse": torch.view_as_real(torch.fft.ifft(z)),
                            "real": torch.view_as_real(torch.fft.rfft(x[..., 0].double()))}, op="fft")
x = golden.random("fft2")(2, 6, 7, 2)
z = torch.view_as_complex(x.double())
golden.add("fft2", {"x": x, "y": torch.view_as_real(torch.fft.fft2(z)),
                    "first": torch.view_as_real(torch.fft.fft(z, dim=1))}, op="fft2")
x = golden.random("filter")(3, 9, 10)
v, u = torch.fft.fftfreq(9).double()[:, None], torch.fft.fftfreq(10).double()
distance = (u * u + v * v).sqrt()
for name, gain in [("ideal", (distance <= 0.23).double()),
                   ("gaussian", torch.exp(-distance**2 / (2 * 0.23**2)))]:
    golden.add(f"filter.{name}", {"x": x, "y": torch.fft.ifft2(torch.fft.fft2(x.double()) * gain).real},
               op="filter", cutoff=0.23)


def pairs(function):
    """Of complex numbers, as a function of pairs."""
    return lambda x: torch.view_as_real(function(torch.view_as_complex(x)))


def gaussian(x, cutoff):
    v, u = torch.fft.fftfreq(x.shape[-2])[:, None].to(x.dtype), torch.fft.fftfreq(x.shape[-1]).to(x.dtype)
    return torch.fft.ifft2(torch.fft.fft2(x) * torch.exp(-(u * u + v * v) / (2 * cutoff**2))).real


for name, function, shape in [
    ("fft", pairs(torch.fft.fft), (3, 11, 2)),
    ("ifft", pairs(torch.fft.ifft), (3, 12, 2)),
    ("fft2", pairs(torch.fft.fft2), (2, 6, 7, 2)),
    ("rfft", lambda x: torch.view_as_real(torch.fft.rfft(x)), (3, 10)),
    ("irfft.even", lambda x: torch.fft.irfft(torch.view_as_complex(x), 10), (3, 6, 2)),
    ("irfft.odd", lambda x: torch.fft.irfft(torch.view_as_complex(x), 11), (3, 6, 2)),
    ("lowpass", lambda x: gaussian(x, 0.2), (2, 7, 8)),
    ("mixing", lambda x: torch.fft.fft2(x).real, (2, 5, 6)),
]:
    case = f"gradient.{name}"
    golden.differentiate(case, function, {"x": golden.random(case)(*shape)}, op="gradient")
golden.save()

rng = np.random.default_rng(1)
cases = []
for n in [2, 3, 4, 5, 12]:
    x = np.cumsum(rng.uniform(0.2, 2, n)) - 3
    y = rng.normal(size=n)
    at = np.concatenate([x, rng.uniform(x[0] - 0.5, x[-1] + 0.5, 9)])
    for ends, condition in [("natural", "natural"), ("not-a-knot", "not-a-knot"),
                            ("clamped", ((1, 0.7), (1, -1.3)))]:
        spline = CubicSpline(x, y, bc_type=condition)
        cases.append({"ends": ends, "x": x.tolist(), "y": y.tolist(), "at": at.tolist(),
                      "values": [spline(at, d).tolist() for d in range(4)]})


def write(name, value):
    path = FIXTURES / name
    path.write_text(json.dumps(value))
    path.chmod(0o644)


write("splines.json", cases)

cases = []
for n in [2, 3, 5, 8]:
    p, q = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n))
    counts = rng.integers(0, 20, (n, n + 1))
    mutual = mutual_info_score(None, None, contingency=counts)
    cases.append({"p": p.tolist(), "q": q.tolist(), "joint": (counts / counts.sum()).tolist(),
                  "entropy": entropy(p), "crossEntropy": -(p * np.log(q)).sum(), "kl": entropy(p, q),
                  "js": jensenshannon(p, q) ** 2, "wasserstein": wasserstein_distance(range(n), range(n), p, q),
                  "mutual": mutual})
write("information.json", cases)

cases = []
for n in [*range(101), 10**9 - 1, 10**9, 10**18 - 1, 2**62 - 1, 999999998000000001, *rng.integers(1, 2**62, 20).tolist()]:
    for digits in [0, 1, 17, 50]:
        text = str(math.isqrt(n * 100**digits)).rjust(digits + 1, "0")
        cases.append({"n": n, "digits": digits,
                      "root": text[:len(text) - digits] + "." + text[len(text) - digits:] if digits else text})
write("roots.json", cases)
