"""Reference values of the special functions, by mpmath at 60 digits and more.

    python3 scripts/reference/special.py > tests/math/reference/special.json

Each entry is [argument, …, value]: arguments are the exact doubles, values are rounded once to
double. Non-finite values are strings. Points cover the branches of src/math/special, both sides of
every branch point, the zeros, the tails and subnormal numbers.
"""

import json
import random

import mpmath as mp
import scipy.special

mp.mp.dps = 60
draw = random.Random(20240607)


def log_uniform(low, high, n):
    return [float(mp.mpf(10) ** draw.uniform(low, high)) for _ in range(n)]


def uniform(low, high, n):
    return [draw.uniform(low, high) for _ in range(n)]


def around(*points):
    """Both neighbours of each point and the point itself, and offsets down to 1e-12."""
    out = []
    for p in points:
        out += [p, p * (1 - 2**-52), p * (1 + 2**-52)]
        for offset in (1e-12, 1e-9, 1e-6, 1e-3):
            out += [p + offset, p - offset]
    return out


POSITIVE = (
    around(0.5, 1.0, 1.4616321449683622, 1.5, 2.0, 3.0, 7.0, 8.0)
    + uniform(0, 3, 60) + uniform(3, 12, 40) + log_uniform(-20, 0, 20)
    + log_uniform(1, 18, 40) + [5e-324, 1e-310, 1e-300, 1e-160, 1e100, 1e300]
)
# Away from the zeros below 0, where only absolute accuracy is claimed.
NEGATIVE = [-0.25, -0.75, -1.25, -1.75, -3.3, -5.8, -10.1, -20.4, -55.3, -1e-5, -1e-200, -100.5]
LINE = (
    uniform(-8, 8, 80) + around(0.5, 1.0, 3.0, -1.0, -0.5) + log_uniform(-30, -1, 15)
    + [-v for v in log_uniform(-30, -1, 15)] + [0.0, 5e-324, -1e-310]
)


def erfcx(x):
    if x > 100:
        total, term = mp.mpf(1), mp.mpf(1)
        for k in range(1, 25):
            term *= -(2 * k - 1) / (2 * x * x)
            total += term
        return total / (x * mp.sqrt(mp.pi))
    with mp.workdps(60 + int(x * x)):
        return mp.exp(x * x) * mp.erfc(x)


def log_erfc(x):
    if x > 5:
        return mp.log(erfcx(x)) - x * x
    return mp.log1p(-mp.erf(x)) if x < 0.5 else mp.log(mp.erfc(x))


def log_ndtr(x):
    return log_erfc(-x / mp.sqrt(2)) - mp.log(2) if x < 0 else mp.log1p(-mp.erfc(x / mp.sqrt(2)) / 2)


def ndtri_of_log(target):
    """The root of log Φ(x) = target, Newton from the asymptote."""
    x = -mp.sqrt(-2 * target) if target < -1 else mp.mpf(0)
    for _ in range(300):
        log_phi = log_ndtr(x)
        slope = mp.exp(-x * x / 2 - mp.log(2 * mp.pi) / 2 - log_phi)
        step = (log_phi - target) / slope
        x -= step
        if abs(step) < mp.mpf(10) ** -40 * max(1, abs(x)):
            return x
    raise SystemExit(f"ndtri_of_log {target}")


def ndtri(p):
    return ndtri_of_log(mp.log(p)) if p < 0.5 else -ndtri_of_log(mp.log1p(-p)) if p > 0.5 else 0


def log1mexp(x):
    return mp.log(-mp.expm1(x))


def log_i0(x):
    with mp.workdps(100):
        return mp.log(mp.besseli(0, x))


def scaled_i(order):
    return lambda x: mp.besseli(order, x) * mp.exp(-abs(x))


def lbeta(a, b):
    with mp.workdps(90):
        return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def lchoose(n, k):
    with mp.workdps(90):
        return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def log_poisson(x, rate):
    with mp.workdps(90):
        return x * mp.log(rate) - rate - mp.loggamma(x + 1)


def log_binomial(x, n, p):
    with mp.workdps(90):
        return lchoose(n, x) + x * mp.log(p) + (n - x) * mp.log1p(-p)


def gamma_pairs():
    pairs = []
    for a in [0.001, 0.03, 0.3, 0.5, 1.0, 1.7, 5.0, 12.5, 40.0, 333.3, 5e3]:
        sd = a**0.5
        for x in [a * 0.01, a * 0.5, a - 0.5 * sd, a, a + 0.5 * sd, a + 1, a * 1.5, a + 4 * sd, 1.0]:
            if x > 0 and abs(x - a) < 25 * sd + 2:
                pairs.append((float(a), float(x)))
    return pairs + [(1e-10, 0.1), (1e-10, 1e-5), (0.01, 1e-40), (2.0, 1e-150)]


def gamma_p(a, x):
    with mp.workdps(80):
        return mp.gammainc(a, 0, x, regularized=True)


def gamma_q(a, x):
    with mp.workdps(80):
        return mp.gammainc(a, x, mp.inf, regularized=True)


def gamma_quantile(a, p):
    """Newton in log x on log P or log Q, from scipy's value."""
    t = mp.log(mp.mpf(float(scipy.special.gammaincinv(float(a), float(p)))))
    for _ in range(60):
        x = mp.exp(t)
        tail = gamma_p(a, x) if p < 0.5 else gamma_q(a, x)
        error = mp.log(tail) - (mp.log(p) if p < 0.5 else mp.log1p(-p))
        slope = mp.exp(a * t - x - mp.loggamma(a)) / tail * (1 if p < 0.5 else -1)
        t -= error / slope
        if abs(error / slope) < mp.mpf(10) ** -35:
            return mp.exp(t)
    raise SystemExit(f"gamma_quantile {a} {p}")


def large_gamma():
    """P at a = 1e6 … 1e12 by direct quadrature of the density around the mode."""
    out = []
    for a in [1e6, 2e9, 1e12]:
        for z in [-6.0, -1.0, 0.0, 0.3, 4.0]:
            x = a + z * a**0.5
            big_a, big_x = mp.mpf(a), mp.mpf(float(x))
            sd = mp.sqrt(big_a)
            with mp.workdps(50):
                norm = (big_a - 1) * mp.log(big_a) - big_a - mp.loggamma(big_a)

                def density(s):
                    t = s * sd / big_a
                    return mp.exp(norm + (big_a - 1) * mp.log1p(t) - t * big_a) * sd

                end = (big_x - big_a) / sd
                points = [mp.mpf(-30) + i for i in range(60)]
                below = [p for p in points if p < end] + [end]
                value = mp.quad(density, below)
            out.append((a, float(x), value))
    return out


def beta_triples():
    triples = []
    for a in [0.05, 0.5, 1.0, 3.3, 20.0, 400.0]:
        for b in [0.05, 0.5, 2.0, 8.5, 150.0]:
            mean, sd = a / (a + b), (a * b / ((a + b) ** 2 * (a + b + 1))) ** 0.5
            for x in [mean, mean - 3 * sd, mean + 3 * sd, mean / 50, 0.9]:
                if 0 < x < 1:
                    triples.append((a, b, x))
    # Where a + b rounds away digits of b.
    triples += [(69998.0682297696, 11.050018094542699, 0.9985089453757765),
                (8754.518633355656, 0.3240739774143222, 0.958659426408455)]
    return triples


def beta_i(a, b, x):
    with mp.workdps(80):
        return mp.betainc(a, b, 0, x, regularized=True)


def one(f, points):
    return [(x, f(mp.mpf(x))) for x in points]


def many(f, points):
    return [(*p, f(*map(mp.mpf, p))) for p in points]


SPREAD = [1e-8, 0.01, 0.5, 1.0, 2.5, 7.9, 8.0, 30.0, 1e3, 1e7]
PROBABILITIES = (
    uniform(0, 1, 60) + around(0.075, 0.925) + [0.5 + s * d for s in (-1, 1)
    for d in (1e-3, 1e-6, 1e-10, 1e-15)] + log_uniform(-300, -1, 40)
    + [1 - 2**-53, 1 - 2**-40, 5e-324, 1e-310]
)
TABLE = {
    "lgamma": one(lambda x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x))),
                  POSITIVE + NEGATIVE + [2e305]),
    "digamma": one(mp.digamma, POSITIVE + NEGATIVE),
    "trigamma": one(lambda x: mp.psi(1, x), [x for x in POSITIVE + NEGATIVE if abs(x) > 1e-150]),
    "erf": one(mp.erf, LINE + [27.0, -40.0]),
    "erfc": one(mp.erfc, LINE + uniform(8, 26.5, 40) + [26.54, -30.0]),
    "erfcx": one(erfcx, LINE + uniform(-26, -8, 10) + log_uniform(1, 300, 20) + [30.0, 99.0]),
    "logErfc": one(log_erfc, LINE + log_uniform(1, 100, 20) + [26.54, -30.0]),
    "normalCdf": one(mp.ncdf, LINE + uniform(-37.4, -8, 40)),
    "normalLogCdf": one(log_ndtr, LINE + uniform(8, 37, 10) + uniform(-60, -8, 20)
                        + [-v for v in log_uniform(1, 8, 20)] + [-1e8, -1e150]),
    "normalLogCdfGradient": one(lambda x: mp.exp(-x * x / 2 - mp.log(2 * mp.pi) / 2 - log_ndtr(x)),
                                LINE + [-v for v in log_uniform(1, 8, 10)] + uniform(8, 20, 5)),
    "normalQuantile": one(ndtri, PROBABILITIES),
    "normalQuantileOfLog": one(ndtri_of_log, [-v for v in log_uniform(-3, 15, 60)]),
    "erfInverse": one(lambda y: mp.sign(y) * -ndtri((1 - abs(y)) / 2) / mp.sqrt(2),
                      uniform(-1, 1, 40) + around(0.85) + log_uniform(-15, -1, 20)),
    "log1pexp": one(lambda x: mp.log1p(mp.exp(x)), uniform(-745, 745, 60) + LINE),
    "log1mexp": one(log1mexp, [-v for v in log_uniform(-300, 2.8, 60)] + around(-0.6931471805599453)),
    "logistic": one(lambda x: 1 / (1 + mp.exp(-x)), uniform(-708, 708, 40) + LINE),
    "logLogistic": one(lambda x: -mp.log1p(mp.exp(-x)), uniform(-745, 745, 40) + LINE),
    "logit": one(lambda p: mp.log(p / (1 - p)), [p for p in PROBABILITIES if p != 0.5]),
    "stirlingCorrection": one(
        lambda x: mp.loggamma(x) - (x - 0.5) * mp.log(x) + x - mp.log(2 * mp.pi) / 2,
        uniform(0.01, 8, 20) + uniform(8, 20, 20) + log_uniform(1, 12, 20)),
    "log1pmx": one(lambda x: mp.log1p(x) - x,
                   uniform(-0.9, 2, 40) + around(-0.4, 0.7) + log_uniform(-12, -1, 20)),
    "besselI0e": one(scaled_i(0), uniform(0, 30, 60) + around(8.0) + log_uniform(1, 5, 20)),
    "besselI1e": one(scaled_i(1), uniform(-30, 30, 60) + around(8.0) + log_uniform(-9, 5, 30)),
    "logBesselI0": one(log_i0, uniform(0, 30, 40) + around(8.0) + log_uniform(-9, 5, 40)),
    "besselRatio": one(lambda x: mp.besseli(1, x) / mp.besseli(0, x),
                       uniform(-30, 30, 40) + around(8.0) + log_uniform(-9, 5, 30)),
    "lbeta": many(lbeta, [(a, b) for a in SPREAD for b in SPREAD]),
    "lchoose": many(lchoose, [(5.0, 2.0), (10.0, 10.0), (30.0, 15.0), (1e3, 3.0), (1e9, 5e8),
                              (1e12, 2.0), (7.5, 2.5), (40.0, 1.0), (100.0, 99.0)]),
    "logPoissonMass": many(log_poisson, [(x, r) for x in [1.0, 7.0, 20.0, 1e4, 1e9]
                                         for r in [1e-8, 0.3, 5.0, 22.0, 1.01e4, 1e9]]),
    "logBinomialMass": many(log_binomial, [(x, n, p) for n in [3.0, 30.0, 1e6] for p in
                                           [1e-9, 0.01, 0.3, 0.75] for x in [1.0, n // 3, n - 1]]),
    "gammaP": many(gamma_p, gamma_pairs()),
    "gammaQ": many(gamma_q, gamma_pairs()),
    "gammaPLarge": large_gamma(),
    "gammaQuantile": many(gamma_quantile, [(a, p) for a in [0.01, 0.3, 0.99, 1.0, 3.5, 60.0, 2e3]
                                           for p in [1e-12, 0.01, 0.3, 0.5, 0.9, 1 - 2**-30]
                                           if a > 0.1 or p > 0.01]),
    "betaI": many(beta_i, beta_triples()),
}


def encode(v):
    v = float(v)
    return v if v - v == 0 else ("NaN" if v != v else "Infinity" if v > 0 else "-Infinity")


print("{")
rows = []
for name, entries in TABLE.items():
    body = ",\n".join("  " + json.dumps([encode(v) for v in e]) for e in entries)
    rows.append(f'"{name}": [\n{body}\n]')
print(",\n".join(rows))
print("}")
