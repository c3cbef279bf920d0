"""Reference solutions of differential equations, from SciPy's DOP853 at tight tolerances.

Usage: python3 scripts/reference/ode.py > tests/run/reference/ode.json
"""

import json

import numpy as np
from scipy.integrate import solve_ivp


def solution(f, z0, t0, ts):
    run = solve_ivp(f, (t0, ts[-1]), z0, method="DOP853", t_eval=ts, rtol=1e-13, atol=1e-14)
    return run.y.T.tolist()


def prey(t, z):
    a, b, c, d = 0.55, 0.028, 0.80, 0.024
    return [(a - b * z[1]) * z[0], (-c + d * z[0]) * z[1]]


def van_der_pol(t, z):
    return [z[1], 1.5 * (1 - z[0] ** 2) * z[1] - z[0]]


def forced(t, z):
    return [z[1], -0.3 * z[1] - 2 * z[0] + np.cos(1.7 * t)]


ts = {
    "prey": [1, 2, 3.5, 4, 7, 10],
    "van_der_pol": [0.25, 0.5, 1, 3, 4],
    "forced": [0.5, 1.5, 2, 5],
}
out = {
    "prey": solution(prey, [34.0, 5.9], 0, ts["prey"]),
    "van_der_pol": solution(van_der_pol, [2.0, 0.0], 0, ts["van_der_pol"]),
    "forced": solution(forced, [1.0, 0.0], -1, ts["forced"]),
}
print(json.dumps({name: {"ts": ts[name], "z": z} for name, z in out.items()}, indent=1))
