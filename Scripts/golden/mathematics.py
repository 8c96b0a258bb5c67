"""Fourier transforms by numpy in double precision, and splines by SciPy, to 17 digits in JSON."""

import json

import numpy as np
import torch
from scipy.interpolate import CubicSpline

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
path = FIXTURES / "splines.json"
path.write_text(json.dumps(cases))
path.chmod(0o644)
