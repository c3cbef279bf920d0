"""Reference entropies and expected log densities of pairs of distributions.

    python3 scripts/reference/divergences.py > tests/distributions/divergences.json

E_q[-log q] and E_q[log p] by mpmath quadrature of the textbook densities at 30 digits (in log x for
positive, in logit x for unit variables, split at quantiles), by sums for counts, bits and labels, and
for normal vectors by Gauss-Hermite rules on SciPy's densities, which are exact for squares. Entropies
are compared with SciPy's where it has them. "inf" stands for a divergence that is infinite.
"""

import json
import sys

import mpmath as mp
import numpy as np
import scipy
from scipy import stats

mp.mp.dps = 30
F = mp.mpf
log, exp, pi = mp.log, mp.exp, mp.pi


def lbeta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


DENSITY = {
    "Normal": lambda x, mu, sigma: -(((x - mu) / sigma) ** 2) / 2 - log(sigma) - log(2 * pi) / 2,
    "LogNormal": lambda x, mu, sigma: -(((log(x) - mu) / sigma) ** 2) / 2
    - log(x * sigma) - log(2 * pi) / 2,
    "HalfNormal": lambda x, sigma: -((x / sigma) ** 2) / 2 - log(sigma) + log(2 / pi) / 2,
    "Gamma": lambda x, shape, rate: shape * log(rate) + (shape - 1) * log(x) - rate * x
    - mp.loggamma(shape),
    "ChiSquare": lambda x, nu: (nu / 2 - 1) * log(x) - x / 2 - nu / 2 * log(2) - mp.loggamma(nu / 2),
    "Exponential": lambda x, rate: log(rate) - rate * x,
    "InverseGamma": lambda x, shape, scale: shape * log(scale) - (shape + 1) * log(x) - scale / x
    - mp.loggamma(shape),
    "Weibull": lambda x, shape, scale: log(shape / scale) + (shape - 1) * log(x / scale)
    - (x / scale) ** shape,
    "Pareto": lambda x, x_min, alpha: log(alpha) + alpha * log(x_min) - (alpha + 1) * log(x),
    "Beta": lambda x, a, b: (a - 1) * log(x) + (b - 1) * mp.log1p(-x) - lbeta(a, b),
    "Kumaraswamy": lambda x, a, b: log(a * b) + (a - 1) * log(x) + (b - 1) * mp.log1p(-(x**a)),
    "Laplace": lambda x, mu, b: -abs(x - mu) / b - log(2 * b),
    "Logistic": lambda x, mu, s: -(x - mu) / s - log(s) - 2 * mp.log1p(exp(-(x - mu) / s)),
    "Gumbel": lambda x, mu, beta: -(x - mu) / beta - exp(-(x - mu) / beta) - log(beta),
    "Cauchy": lambda x, mu, sigma: -mp.log1p(((x - mu) / sigma) ** 2) - log(pi * sigma),
    "HalfCauchy": lambda x, sigma: -mp.log1p((x / sigma) ** 2) + log(2 / (pi * sigma)),
    "StudentT": lambda x, nu, mu, sigma: mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2)
    - log(nu * pi) / 2 - log(sigma) - (nu + 1) / 2 * mp.log1p(((x - mu) / sigma) ** 2 / nu),
    "HalfStudentT": lambda x, nu, sigma: log(2) + DENSITY["StudentT"](x, nu, F(0), sigma),
    "Uniform": lambda x, a, b: -log(b - a),
    "VonMises": lambda x, mu, kappa: kappa * mp.cos(x - mu) - log(2 * pi * mp.besseli(0, kappa)),
    "Bernoulli": lambda x, p: log(p) if x == 1 else mp.log1p(-p),
    "Geometric": lambda x, p: x * mp.log1p(-p) + log(p),
    "Poisson": lambda x, rate: x * log(rate) - rate - mp.loggamma(x + 1),
    "Binomial": lambda x, n, p: log(mp.binomial(n, x)) + x * log(p) + (n - x) * mp.log1p(-p),
}
LINE, HALF, UNIT = "line", "half", "unit"
SUPPORT = {
    "Normal": LINE, "Laplace": LINE, "Logistic": LINE, "Gumbel": LINE, "Cauchy": LINE,
    "StudentT": LINE, "LogNormal": HALF, "HalfNormal": HALF, "Gamma": HALF, "ChiSquare": HALF,
    "Exponential": HALF, "InverseGamma": HALF, "Weibull": HALF, "HalfCauchy": HALF,
    "HalfStudentT": HALF, "Beta": UNIT, "Kumaraswamy": UNIT,
}


def centre(name, a):
    """A place and a width of the bulk, on the scale that is integrated over."""
    if name in ("Normal", "StudentT", "Cauchy"):
        return a["mu"], a["sigma"]
    if name in ("Laplace", "Logistic", "Gumbel"):
        return a["mu"], a.get("b", a.get("s", a.get("beta")))
    if name == "LogNormal":
        return a["mu"], a["sigma"]
    if name in ("HalfNormal", "HalfCauchy", "HalfStudentT"):
        return log(a["sigma"]), F(1)
    if name == "Gamma":
        return log(a["shape"] / a["rate"]), 1 / mp.sqrt(a["shape"])
    if name == "ChiSquare":
        return log(a["nu"]), 1 / mp.sqrt(a["nu"] / 2)
    if name == "Exponential":
        return -log(a["rate"]), F(1)
    if name == "InverseGamma":
        return log(a["scale"] / a["shape"]), 1 / mp.sqrt(a["shape"])
    if name == "Weibull":
        return log(a["scale"]), 1 / a["shape"]
    if name == "Beta":
        return log(a["a"] / a["b"]), mp.sqrt(1 / a["a"] + 1 / a["b"])
    return F(0), 1 / a["a"] + 1 / a["b"]


def mean_of(name, a, f):
    """E f(x)."""
    if name == "Bernoulli":
        return a["p"] * f(1) + (1 - a["p"]) * f(0)
    if name in ("Geometric", "Poisson", "Binomial"):
        total, k, seen = F(0), 0, F(0)
        while True:
            if name == "Binomial" and k > a["n"]:
                return total
            w = exp(DENSITY[name](F(k), **a))
            total += w * f(F(k))
            seen += w
            if 1 - seen < F(10) ** -26 and w < F(10) ** -26:
                return total
            k += 1
    if name == "Uniform":
        return mp.quad(lambda x: f(x), mp.linspace(a["a"], a["b"], 9)) / (a["b"] - a["a"])
    if name == "VonMises":
        grid = mp.linspace(-pi, pi, 33)
        return mp.quad(lambda x: f(x) * exp(DENSITY[name](x, **a)), grid)
    if name == "Pareto":
        # log(x / x_min) is exponential.
        grid = [F(k) / a["alpha"] for k in (0, 0.1, 0.5, 1, 2, 4, 8, 16, 32, 64, 100)]
        return mp.quad(
            lambda t: f(a["x_min"] * exp(t)) * a["alpha"] * exp(-a["alpha"] * t), grid
        )
    at, width = centre(name, a)
    steps = [0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 90, 130]
    kinks = sorted({at + s * width * t for t in steps for s in (-1, 1)})
    kind = SUPPORT[name]
    kinks = sorted(set(kinks) | {F(k) for k in KINKS})
    if kind == LINE:
        to = lambda t: (t, F(1))
        if name in ("Cauchy", "StudentT"):
            # t = sinh u: tails that fall by powers.
            to = lambda u: (at + width * mp.sinh(u), width * mp.cosh(u))
            kinks = mp.linspace(-120, 120, 81)
    elif kind == HALF:
        to = lambda t: (exp(t), exp(t))
        if name in ("HalfCauchy", "HalfStudentT"):
            kinks = mp.linspace(-120, 120, 81)
    else:
        # x e^t/(1 + e^t), from the side on which it is small.
        to = lambda t: (1 / (1 + exp(-t)), 1 / (2 + exp(t) + exp(-t)))
        kinks = [k for k in kinks if abs(k) < 60 / min(F(1), a["a"], a["b"])]

    def integrand(t):
        x, slope = to(t)
        if kind == UNIT and (x <= 0 or x >= 1):
            return F(0)
        w = exp(DENSITY[name](x, **a)) * slope
        return w * f(x) if w > F(10) ** -60 else F(0)

    return mp.quad(integrand, kinks)


KINKS = []
ENTROPIES = [
    ("Normal", {"mu": 0.7, "sigma": 1e-3}), ("Normal", {"mu": -3, "sigma": 20}),
    ("LogNormal", {"mu": 0.5, "sigma": 0.8}), ("LogNormal", {"mu": -2, "sigma": 2.5}),
    ("HalfNormal", {"sigma": 0.3}), ("HalfNormal", {"sigma": 7}),
    ("Gamma", {"shape": 0.3, "rate": 2}), ("Gamma", {"shape": 2.5, "rate": 0.4}),
    ("Gamma", {"shape": 400, "rate": 3}),
    ("ChiSquare", {"nu": 0.7}), ("ChiSquare", {"nu": 9}),
    ("Exponential", {"rate": 0.02}), ("Exponential", {"rate": 5}),
    ("InverseGamma", {"shape": 0.6, "scale": 2}), ("InverseGamma", {"shape": 30, "scale": 0.1}),
    ("Weibull", {"shape": 0.7, "scale": 3}), ("Weibull", {"shape": 4, "scale": 0.2}),
    ("Pareto", {"x_min": 2, "alpha": 0.8}), ("Pareto", {"x_min": 0.1, "alpha": 6}),
    ("Beta", {"a": 0.4, "b": 0.6}), ("Beta", {"a": 2, "b": 5}), ("Beta", {"a": 120, "b": 3}),
    ("Kumaraswamy", {"a": 0.7, "b": 2}), ("Kumaraswamy", {"a": 4, "b": 0.9}),
    ("Laplace", {"mu": 1, "b": 0.3}), ("Laplace", {"mu": -2, "b": 9}),
    ("Logistic", {"mu": 1, "s": 0.2}), ("Logistic", {"mu": 0, "s": 6}),
    ("Gumbel", {"mu": -1, "beta": 0.4}), ("Gumbel", {"mu": 2, "beta": 3}),
    ("Cauchy", {"mu": 1, "sigma": 0.5}), ("HalfCauchy", {"sigma": 3}),
    ("StudentT", {"nu": 1.5, "mu": 1, "sigma": 2}), ("StudentT", {"nu": 40, "mu": 0, "sigma": 0.1}),
    ("HalfStudentT", {"nu": 4, "sigma": 2}),
    ("Uniform", {"a": -2, "b": 5}),
    ("VonMises", {"mu": 1, "kappa": 0.3}), ("VonMises", {"mu": -2, "kappa": 25}),
    ("Bernoulli", {"p": 0.3}), ("Bernoulli", {"p": 1e-9}),
    ("Geometric", {"p": 0.2}), ("Geometric", {"p": 0.97}),
]
N = "Normal"
PAIRS = [
    (N, {"mu": 0.7, "sigma": 0.5}, N, {"mu": 0, "sigma": 1}),
    (N, {"mu": 40, "sigma": 0.01}, N, {"mu": -3, "sigma": 6}),
    (N, {"mu": 1.5, "sigma": 0.25}, N, {"mu": 1.5, "sigma": 0.25}),
    (N, {"mu": 0.7, "sigma": 0.5}, "Laplace", {"mu": 1, "b": 2}),
    (N, {"mu": 9, "sigma": 0.5}, "Laplace", {"mu": 1, "b": 2}),
    (N, {"mu": 0.7, "sigma": 0.5}, "Gumbel", {"mu": -1, "beta": 2}),
    ("Laplace", {"mu": 0.5, "b": 0.7}, N, {"mu": -1, "sigma": 2}),
    ("Laplace", {"mu": 0.5, "b": 0.7}, "Laplace", {"mu": -1, "b": 2}),
    ("Laplace", {"mu": 0.5, "b": 3}, "Laplace", {"mu": 0.5, "b": 3}),
    ("Laplace", {"mu": 0.5, "b": 0.7}, "Gumbel", {"mu": 0, "beta": 1.5}),
    ("Logistic", {"mu": 0.5, "s": 0.7}, N, {"mu": -1, "sigma": 2}),
    ("Gumbel", {"mu": 0.5, "beta": 0.7}, N, {"mu": -1, "sigma": 2}),
    ("Gumbel", {"mu": 0.5, "beta": 0.7}, "Gumbel", {"mu": 0, "beta": 1.5}),
    ("StudentT", {"nu": 5, "mu": 0.5, "sigma": 0.7}, N, {"mu": -1, "sigma": 2}),
    ("Uniform", {"a": -1, "b": 2}, N, {"mu": 0.3, "sigma": 2}),
    ("Uniform", {"a": -1, "b": 2}, "Uniform", {"a": -1.5, "b": 2.5}),
    ("Beta", {"a": 2, "b": 3}, "Uniform", {"a": -0.5, "b": 4}),
    ("VonMises", {"mu": 0.4, "kappa": 3}, "VonMises", {"mu": -2, "kappa": 0.5}),
    ("VonMises", {"mu": 0.4, "kappa": 3}, "VonMises", {"mu": 0.4, "kappa": 3}),
    ("VonMises", {"mu": 0.4, "kappa": 3}, "Uniform", {"a": -4, "b": 4}),
    ("Beta", {"a": 2, "b": 3}, N, {"mu": 0.3, "sigma": 0.5}),
    ("Beta", {"a": 2, "b": 3}, "Beta", {"a": 0.5, "b": 7}),
    ("Beta", {"a": 0.6, "b": 0.7}, "Beta", {"a": 60, "b": 9}),
    ("Beta", {"a": 2, "b": 3}, "Beta", {"a": 2, "b": 3}),
    ("Beta", {"a": 2, "b": 3}, "Gamma", {"shape": 2, "rate": 3}),
    ("Beta", {"a": 2, "b": 3}, "InverseGamma", {"shape": 2, "scale": 3}),
    ("Kumaraswamy", {"a": 2, "b": 3}, "Weibull", {"shape": 1.5, "scale": 0.4}),
    ("Kumaraswamy", {"a": 2, "b": 3}, "Exponential", {"rate": 4}),
    ("Kumaraswamy", {"a": 2, "b": 3}, N, {"mu": 0.2, "sigma": 0.4}),
]
POSITIVE_Q = [
    ("LogNormal", {"mu": 0.3, "sigma": 0.6}), ("HalfNormal", {"sigma": 1.4}),
    ("Gamma", {"shape": 3.5, "rate": 2.2}), ("ChiSquare", {"nu": 5}),
    ("Exponential", {"rate": 1.3}), ("InverseGamma", {"shape": 4.5, "scale": 3}),
    ("Weibull", {"shape": 2.2, "scale": 1.5}), ("Pareto", {"x_min": 0.6, "alpha": 4.5}),
]
POSITIVE_P = [
    ("LogNormal", {"mu": -0.2, "sigma": 1.1}), ("HalfNormal", {"sigma": 2}),
    ("Gamma", {"shape": 1.7, "rate": 0.6}), ("ChiSquare", {"nu": 3}),
    ("Exponential", {"rate": 0.4}), ("InverseGamma", {"shape": 2, "scale": 1.5}),
    ("Weibull", {"shape": 1.6, "scale": 2}), ("Normal", {"mu": 1, "sigma": 2}),
    ("Pareto", {"x_min": 0.5, "alpha": 2}),
]
# E log p is infinite.
INFINITE = {("HalfNormal", "InverseGamma"), ("Exponential", "InverseGamma")}
PAIRS += [(q, a, p, b) for q, a in POSITIVE_Q for p, b in POSITIVE_P]
PAIRS += [
    ("Gamma", {"shape": 3.5, "rate": 2.2}, "Gamma", {"shape": 3.5, "rate": 2.2}),
    ("Gamma", {"shape": 5000, "rate": 20}, "Gamma", {"shape": 5010, "rate": 20.1}),
    ("Gamma", {"shape": 0.1, "rate": 1}, "Gamma", {"shape": 3, "rate": 50}),
    ("InverseGamma", {"shape": 300, "scale": 7}, "InverseGamma", {"shape": 290, "scale": 8}),
    ("Gamma", {"shape": 0.5, "rate": 1}, "InverseGamma", {"shape": 2, "scale": 1}),
    ("Exponential", {"rate": 1e-6}, "Exponential", {"rate": 3}),
    ("Bernoulli", {"p": 0.3}, "Bernoulli", {"p": 0.9}),
    ("Bernoulli", {"p": 1e-12}, "Bernoulli", {"p": 0.5}),
    ("Bernoulli", {"p": 0.3}, "Bernoulli", {"p": 0.3}),
    ("Geometric", {"p": 0.3}, "Geometric", {"p": 0.6}),
    ("Poisson", {"rate": 4}, "Geometric", {"p": 0.2}),
    ("Poisson", {"rate": 4}, "Poisson", {"rate": 1.5}),
    ("Poisson", {"rate": 1e-4}, "Poisson", {"rate": 30}),
    ("Binomial", {"n": 9, "p": 0.3}, "Binomial", {"n": 9, "p": 0.55}),
    ("Binomial", {"n": 9, "p": 0.3}, "Geometric", {"p": 0.55}),
]


def num(v):
    return str(v) if not mp.isfinite(v) else float(v)


def real(a):
    return {k: F(v) for k, v in a.items()}


def plain_entropy(name, a):
    a = real(a)
    return -mean_of(name, a, lambda x: DENSITY[name](x, **a))


SCIPY = {
    "Normal": lambda mu, sigma: stats.norm(mu, sigma),
    "LogNormal": lambda mu, sigma: stats.lognorm(sigma, scale=np.exp(mu)),
    "HalfNormal": lambda sigma: stats.halfnorm(scale=sigma),
    "Gamma": lambda shape, rate: stats.gamma(shape, scale=1 / rate),
    "ChiSquare": lambda nu: stats.chi2(nu),
    "Exponential": lambda rate: stats.expon(scale=1 / rate),
    "InverseGamma": lambda shape, scale: stats.invgamma(shape, scale=scale),
    "Weibull": lambda shape, scale: stats.weibull_min(shape, scale=scale),
    "Pareto": lambda x_min, alpha: stats.pareto(alpha, scale=x_min),
    "Beta": lambda a, b: stats.beta(a, b),
    "Laplace": lambda mu, b: stats.laplace(mu, b),
    "Logistic": lambda mu, s: stats.logistic(mu, s),
    "Gumbel": lambda mu, beta: stats.gumbel_r(mu, beta),
    "Cauchy": lambda mu, sigma: stats.cauchy(mu, sigma),
    "HalfCauchy": lambda sigma: stats.halfcauchy(scale=sigma),
    "StudentT": lambda nu, mu, sigma: stats.t(nu, mu, sigma),
    "Uniform": lambda a, b: stats.uniform(a, b - a),
    "VonMises": lambda mu, kappa: stats.vonmises(kappa, mu),
    "Bernoulli": lambda p: stats.bernoulli(p),
}


def same(a, b, what, tolerance=1e-8):
    if abs(float(a) - float(b)) > tolerance * max(1, abs(float(b))):
        sys.exit(f"{what}: {float(a)} here, {float(b)} by SciPy")


# ---------------------------------------------------------------- vectors and matrices


def hermite(mean, factor):
    """Nodes and weights that are exact for polynomials of degree 7 under a normal vector."""
    t, w = np.polynomial.hermite_e.hermegauss(4)
    grid = np.stack(np.meshgrid(*[t] * factor.shape[1], indexing="ij"), -1).reshape(-1, factor.shape[1])
    weights = np.prod(np.stack(np.meshgrid(*[w / w.sum()] * factor.shape[1], indexing="ij"), -1), -1)
    return mean + grid @ factor.T, weights.reshape(-1)


def normal_of(args):
    mu = np.array(args["mu"], float)
    if "cov" in args:
        return mu, np.array(args["cov"], float)
    if "cholesky" in args:
        l = np.array(args["cholesky"], float)
        return mu, l @ l.T
    if "precision" in args:
        return mu, np.linalg.inv(np.array(args["precision"], float))
    w = np.array(args["W"], float)
    return mu, w @ w.T + np.diag(args["diag"])


def expected_normal(qa, pa):
    (m, s), (n, t) = normal_of(qa), normal_of(pa)
    x, w = hermite(m, np.linalg.cholesky(s))
    return float(w @ stats.multivariate_normal(n, t).logpdf(x))


VECTORS = {
    "cov": {"mu": [0.4, -1, 2], "cov": [[2, 0.3, -0.4], [0.3, 1, 0.2], [-0.4, 0.2, 0.5]]},
    "cholesky": {"mu": [1, 0.5, -0.3], "cholesky": [[0.7, 0, 0], [-0.4, 1.2, 0], [0.2, 0.9, 0.3]]},
    "precision": {"mu": [0, 0.2, 1], "precision": [[3, -1, 0.2], [-1, 2, 0.4], [0.2, 0.4, 1.5]]},
    "low rank, wide": {"mu": [0.3, 1, -0.5], "W": [[0.2], [0.7], [-1]], "diag": [1.5, 0.6, 0.3]},
    "low rank": {"mu": [0.1, 0, -1], "W": [[0.5, 1], [-1, 0.2], [0.3, 0.3]], "diag": [0.4, 0.1, 2]},
}


def name_of(key):
    return "LowRankMvNormal" if key.startswith("low rank") else "MvNormal"


def dirichlet(qa, pa):
    a, b = [F(x) for x in qa], [F(x) for x in pa]
    total = mp.loggamma(sum(b)) - sum(mp.loggamma(x) for x in b)
    for x, y in zip(a, b):
        own = {"a": x, "b": sum(a) - x}
        total += (y - 1) * mean_of("Beta", own, lambda t: log(t))
    return total


entropies, pairs = [], []
for name, args in ENTROPIES:
    h = plain_entropy(name, args)
    if name in SCIPY:
        same(h, SCIPY[name](**args).entropy(), f"entropy of {name} {args}", 1e-6)
    entropies.append({"q": name, "args": args, "entropy": num(h)})

for q, a, p, b in PAIRS:
    ra, rb = real(a), real(b)
    if (q, p) in INFINITE or (q == "Gamma" and a["shape"] == 0.5 and p == "InverseGamma"):
        e = -mp.inf
    elif (p == "Pareto" and q != "Pareto") or (p == "LogNormal" and "Gamma" in q + " Gamma" * (q == "ChiSquare")):
        continue
    else:
        KINKS = [rb["mu"]] if p == "Laplace" and SUPPORT.get(q) == LINE else []
        e = mean_of(q, ra, lambda x: DENSITY[p](x, **rb))
        KINKS = []
    h = plain_entropy(q, a)
    pairs.append({"q": q, "qArgs": a, "p": p, "pArgs": b, "expected": num(e),
                  "divergence": num(-h - e)})

for key, args in VECTORS.items():
    mu, cov = normal_of(args)
    h = stats.multivariate_normal(mu, cov).entropy()
    entropies.append({"q": name_of(key), "args": args, "entropy": float(h)})
    for other, pa in VECTORS.items():
        e = expected_normal(args, pa)
        pairs.append({"q": name_of(key), "qArgs": args, "p": name_of(other), "pArgs": pa,
                      "expected": e, "divergence": float(-h - e)})
for alpha in ([0.5, 2, 3], [12, 0.3], [1, 1, 1, 1]):
    h = -dirichlet(alpha, alpha)
    same(h, stats.dirichlet(alpha).entropy(), f"entropy of Dirichlet {alpha}")
    entropies.append({"q": "Dirichlet", "args": {"alpha": alpha}, "entropy": num(h)})
    for beta in ([0.7] * len(alpha), list(reversed(alpha)), alpha):
        e = dirichlet(alpha, beta)
        pairs.append({"q": "Dirichlet", "qArgs": {"alpha": alpha}, "p": "Dirichlet",
                      "pArgs": {"alpha": beta}, "expected": num(e), "divergence": num(-h - e)})
LABELS = ([0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [1e-9, 0.4, 0.6 - 1e-9], [0, 0.25, 0.75])
for p in LABELS:
    entropies.append({"q": "Categorical", "args": {"p": p}, "entropy": float(stats.entropy(p))})
    for r in LABELS[:3]:
        kl = float(stats.entropy(p, r))
        pairs.append({"q": "Categorical", "qArgs": {"p": p}, "p": "Categorical", "pArgs": {"p": r},
                      "expected": -kl - float(stats.entropy(p)), "divergence": kl})
V = [[2, 0.3], [0.3, 1]]
S = [[1.5, -0.2], [-0.2, 0.6]]
for nu in (2.5, 9):
    entropies.append({"q": "Wishart", "args": {"nu": nu, "V": V},
                      "entropy": float(stats.wishart(nu, V).entropy())})
    # By its density at one place, E log |X| by Bartlett's decomposition and E tr(S X^-1) = 2 nu.
    # (SciPy 1.17's entropy takes (D + 1)/2 log 2 for D (D + 1)/2 log 2.)
    eye = np.eye(2)
    const = stats.invwishart(nu, V).logpdf(eye) + np.trace(V) / 2
    det = np.log(np.linalg.det(V)) - float(
        sum(mean_of("ChiSquare", {"nu": F(nu - i)}, lambda x: log(x)) for i in range(2))
    )
    entropies.append({"q": "InverseWishart", "args": {"nu": nu, "S": V},
                      "entropy": float((nu + 3) / 2 * det + nu - const)})
U = VECTORS["cov"]["cov"]
M = [[0.1, 2], [-1, 0.3], [0.5, 0.5]]
K = [[1.2, 0.1, 0], [0.1, 0.4, 0.05], [0, 0.05, 3]]
entropies.append({"q": "MatrixNormal", "args": {"M": M, "U": U, "V": V},
                  "entropy": float(stats.matrix_normal(M, U, V).entropy())})
Z = [[0, 0], [0, 0], [0, 1]]
x, w = hermite(np.array(M).reshape(-1), np.linalg.cholesky(np.kron(U, V)))
e = float(w @ stats.matrix_normal(Z, K, S).logpdf(x.reshape(-1, 3, 2)))
pairs.append({"q": "MatrixNormal", "qArgs": {"M": M, "U": U, "V": V}, "p": "MatrixNormal",
              "pArgs": {"M": Z, "U": K, "V": S}, "expected": e,
              "divergence": float(-stats.matrix_normal(M, U, V).entropy() - e)})

versions = {"mpmath": mp.__version__, "scipy": scipy.__version__, "numpy": np.__version__}
print(json.dumps({"versions": versions, "entropies": entropies, "pairs": pairs}, indent=1))
