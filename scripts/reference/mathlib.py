"""Reference values of the kernel math library, by mpmath.

    python3 scripts/reference/mathlib.py > tests/kernel/mathlib-reference.json

Each function maps to a list of [argument, ..., value]; non-finite numbers and -0 are strings.
"""

import json
import random
import sys

import mpmath as mp

mp.mp.dps = 60
random.seed(20240611)
INF = mp.inf


def uniform(a, b, n):
    return [random.uniform(a, b) for _ in range(n)]


def logarithmic(a, b, n, signs=(1,)):
    """Magnitudes from 10**a to 10**b."""
    return [random.choice(signs) * 10 ** random.uniform(a, b) for _ in range(n)]


BOTH = (1, -1)
SUBNORMAL = [5e-324, 1e-310, 2.2250738585072014e-308]


def near(x, n=12):
    return [x + random.uniform(-1, 1) * 10 ** random.uniform(-14, -1) for _ in range(n)]


def log_ndtr(x):
    with mp.workdps(80):
        return mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2) if x > 0 else mp.log(mp.erfc(-x / mp.sqrt(2)) / 2)


def ndtri(p):
    with mp.workdps(80):
        p = mp.mpf(p)
        if p == mp.mpf(1) / 2:
            return mp.mpf(0)
        q, sign = (p, -1) if p < mp.mpf(1) / 2 else (1 - p, 1)
        if q > mp.mpf("0.01"):
            x = mp.sqrt(2) * mp.erfinv(1 - 2 * q)
        else:
            lq = mp.log(q)
            x = mp.sqrt(-2 * lq - mp.log(-4 * mp.pi * lq))
            for _ in range(60):
                step = (mp.log(mp.erfc(x / mp.sqrt(2)) / 2) - lq) / (
                    mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi) / (mp.erfc(x / mp.sqrt(2)) / 2)
                )
                x += step
                if abs(step) < abs(x) * mp.mpf(10) ** -40:
                    break
        return sign * x


def lgamma(x):
    return mp.log(abs(mp.gamma(x))) if x < 0 else mp.loggamma(x)


def bounded(f, g):
    """f where it does not overflow mpmath's patience, else the limit g."""
    return lambda x: g(x) if abs(x) > 1e6 else f(x)


def saturated(x, y):
    t = mp.mpf(y) * mp.log(mp.mpf(x))
    return INF if t > 1000 else mp.mpf(0) if t < -1000 else mp.exp(t)


def gamma_p(a, x):
    return mp.gammainc(a, 0, x, regularized=True)


def beta_inc(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


wide = uniform(-5, 5, 60) + uniform(-40, 40, 60) + logarithmic(-18, 0, 40, BOTH) + SUBNORMAL
positive = logarithmic(-3, 3, 60) + logarithmic(-300, 300, 60) + near(1, 30) + SUBNORMAL
unit = uniform(-1, 1, 100) + logarithmic(-18, 0, 40, BOTH) + near(0.5) + near(-0.5) + SUBNORMAL
unit += [1 - 10 ** random.uniform(-15, -1) for _ in range(20)]
angles = uniform(-10, 10, 80) + uniform(-1e4, 1e4, 60) + uniform(-1e9, 1e9, 60)
angles += logarithmic(-18, 0, 30, BOTH) + [k * 1.5707963267948966 for k in range(1, 40)]
angles += [float(mp.nint(k) * mp.pi / 2) for k in logarithmic(2, 8.8, 40)] + SUBNORMAL
gammas = uniform(0, 12, 120) + logarithmic(-12, 0, 30) + logarithmic(1, 15, 40)
gammas += near(1) + near(2) + near(3) + near(8) + [0.5, 1.5, 8.0, 3.0]
negative = [x for x in uniform(-30, 0, 60) if abs(x - round(x)) > 0.02]

unary = {
    "exp": (mp.exp, wide + uniform(-745, 709.7, 150) + [-745.1, -710.0, -708.5, 709.7827]),
    "expm1": (mp.expm1, wide + uniform(-60, 709.7, 100) + uniform(-1.5, 1.5, 100)),
    "log": (mp.log, positive + uniform(0.5, 2, 150)),
    "log1p": (mp.log1p, wide[0:0] + uniform(-0.999, 5, 150) + logarithmic(-18, 18, 80)
              + logarithmic(-18, -1, 60, (-1,)) + SUBNORMAL),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), wide + uniform(-740, 740, 60)),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), wide + uniform(-740, 740, 60)),
    "log1mexp": (lambda x: mp.log1p(-mp.exp(x)) if x < -1 else mp.log(-mp.expm1(x)), uniform(-5, 0, 80) + logarithmic(-18, 2.7, 60, (-1,))),
    "tanh": (mp.tanh, wide),
    "sinh": (mp.sinh, wide + uniform(-710, 710, 60)),
    "cosh": (mp.cosh, wide + uniform(-710, 710, 60)),
    "asinh": (mp.asinh, wide + logarithmic(-18, 300, 80, BOTH)),
    "acosh": (mp.acosh, [1 + 10 ** random.uniform(-15, 2) for _ in range(80)] + logarithmic(1, 300, 40)),
    "atanh": (mp.atanh, [x for x in unit if abs(x) < 1]),
    "sin": (mp.sin, angles),
    "cos": (mp.cos, angles),
    "tan": (mp.tan, angles),
    "asin": (mp.asin, [x for x in unit if abs(x) <= 1]),
    "acos": (mp.acos, [x for x in unit if abs(x) <= 1]),
    "atan": (mp.atan, wide + logarithmic(-18, 300, 80, BOTH)),
    "erf": (mp.erf, wide + near(1) + near(-1)),
    "erfc": (mp.erfc, wide + uniform(-6, 26, 80) + near(0.5) + near(3)),
    "erfcx": (lambda x: mp.exp(mp.mpf(x) ** 2) * mp.erfc(x), uniform(-26, 30, 150) + near(0) + near(3)),
    "log_ndtr": (log_ndtr, uniform(-40, 9, 120) + uniform(-2, 2, 60) + near(0)),
    "ndtri": (ndtri, uniform(0, 1, 100) + logarithmic(-300, -1, 60) + near(0.075) + near(0.925)
              + near(0.5) + [1 - 10 ** random.uniform(-15, -1) for _ in range(20)]),
    "lgamma": (lgamma, gammas + negative),
    "digamma": (mp.digamma, gammas + negative),
    "trigamma": (lambda x: mp.psi(1, x), gammas + negative),
    "log_i0": (lambda x: mp.log(mp.besseli(0, x)), uniform(-20, 20, 80) + logarithmic(-6, 5, 60) + near(8)),
    "bessel_ratio": (lambda x: mp.besseli(1, x) / mp.besseli(0, x),
                     uniform(-20, 20, 80) + logarithmic(-6, 5, 60) + near(8)),
}
pairs = list(zip(uniform(-5, 5, 80), uniform(-5, 5, 80)))
gamma_points = [(random.uniform(0.05, 30), random.uniform(0.01, 40)) for _ in range(120)]
gamma_points += [(a, a * random.uniform(0.7, 1.4)) for a in logarithmic(0, 4, 50)]
gamma_points += [(a, 10 ** random.uniform(-6, 0)) for a in logarithmic(-4, 0, 40)]
beta_points = [
    (random.uniform(0.1, 20), random.uniform(0.1, 20), random.uniform(0, 1)) for _ in range(120)
]
beta_points += [
    (a, b, min(0.999, a / (a + b) * random.uniform(0.8, 1.2)))
    for a, b in zip(logarithmic(0, 3, 40), logarithmic(0, 3, 40))
]
several = {
    "pow": (saturated, list(zip(logarithmic(-5, 5, 200), uniform(-140, 140, 200)))
            + list(zip(near(1, 60), logarithmic(0, 12, 60, BOTH)))
            + list(zip(logarithmic(-320, 300, 60), uniform(-1.5, 1.5, 60)))
            + list(zip(uniform(0.5, 2, 60), uniform(-900, 900, 60)))),
    "atan2": (mp.atan2, pairs + list(zip(logarithmic(-200, 200, 60, BOTH), logarithmic(-200, 200, 60, BOTH)))),
    "gamma_p": (gamma_p, gamma_points),
    "beta_inc": (beta_inc, beta_points),
}


def text(v):
    v = float(v)
    if v != v:
        return "nan"
    if v in (float("inf"), float("-inf")):
        return "inf" if v > 0 else "-inf"
    return v if v != 0 or str(v)[0] != "-" else "-0"


out = {}
for name, (f, points) in unary.items():
    out[name] = [[text(x), text(f(mp.mpf(x)))] for x in points]
for name, (f, points) in several.items():
    out[name] = [[*map(text, args), text(f(*map(mp.mpf, args)))] for args in points]
sys.stdout.write("{\n")
sys.stdout.write(",\n".join(f'"{k}": {json.dumps(v)}' for k, v in out.items()))
sys.stdout.write("\n}\n")
