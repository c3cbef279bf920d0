"""Reference log densities and tails of the distributions, by mpmath, checked against SciPy.

    python3 scripts/reference/distributions.py > tests/distributions/reference.json

Each formula is the textbook density evaluated at 360 digits (not the code's own form), at the exact
doubles that the test passes in, rounded once to double. Where SciPy has the distribution the script
stops unless both agree to 1e-8 (SciPy itself loses that much at the extreme arguments used here;
points where it loses more, or overflows, are listed in SCIPY_FAILS). Non-finite numbers are strings.
"""

import json
import sys

import mpmath as mp
import numpy as np
import scipy
from scipy import stats

# Differences such as P(|X| <= 1e-300) = 1 - P(|X| > 1e-300) need more than 300 digits.
mp.mp.dps = 360
INF = mp.inf
F = mp.mpf


def log(v):
    return -INF if v == 0 else (INF if v == INF else mp.log(v))


def vec(v):
    return [F(e) for e in v]


def mat(m):
    return mp.matrix([[F(e) for e in row] for row in m])


# ---------------------------------------------------------------- densities of scalars


def normal(x, mu, sigma):
    return -((x - mu) / sigma) ** 2 / 2 - mp.log(sigma * mp.sqrt(2 * mp.pi))


def student(x, nu, mu, sigma):
    z = (x - mu) / sigma
    c = mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(mp.sqrt(nu * mp.pi) * sigma)
    return c - (nu + 1) / 2 * mp.log(1 + z * z / nu)


def gamma(x, shape, rate):
    if x < 0:
        return -INF
    if x == 0:
        return INF if shape < 1 else (mp.log(rate) if shape == 1 else -INF)
    return shape * mp.log(rate) + (shape - 1) * mp.log(x) - rate * x - mp.loggamma(shape)


def power(base, exponent):
    """log(base ** exponent) with 0 ** 0 = 1."""
    if base == 0:
        return F(0) if exponent == 0 else (-INF if exponent > 0 else INF)
    return exponent * mp.log(base)


def log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def beta(x, a, b):
    if not 0 <= x <= 1:
        return -INF
    return power(x, a - 1) + power(1 - x, b - 1) - log_beta(a, b)


def kumaraswamy(x, a, b):
    if not 0 <= x <= 1:
        return -INF
    return mp.log(a * b) + power(x, a - 1) + power(1 - x**a, b - 1)


def weibull(x, shape, scale):
    if x < 0:
        return -INF
    z = x / scale
    return mp.log(shape / scale) + power(z, shape - 1) - z**shape


def von_mises(x, mu, kappa):
    if abs(x) > mp.pi:
        return -INF
    return kappa * mp.cos(x - mu) - mp.log(2 * mp.pi * mp.besseli(0, kappa))


def triangular(x, a, c, b):
    if not a <= x <= b:
        return -INF
    if x == c:
        return mp.log(2 / (b - a))
    if x < c:
        return log(2 * (x - a) / ((b - a) * (c - a)))
    return log(2 * (b - x) / ((b - a) * (b - c)))


def choose(n, k):
    return mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)


def binomial(x, n, p):
    if not 0 <= x <= n:
        return -INF
    return choose(n, x) + power(p, x) + power(1 - p, n - x)


def sigmoid(eta):
    return 1 / (1 + mp.exp(-eta))


def poisson(x, rate):
    if x < 0:
        return -INF
    return power(rate, x) - rate - mp.loggamma(x + 1)


def negative_binomial(x, mean, phi):
    if x < 0:
        return -INF
    ways = mp.loggamma(x + phi) - mp.loggamma(phi) - mp.loggamma(x + 1)
    return ways + power(mean / (mean + phi), x) + phi * mp.log(phi / (mean + phi))


def beta_binomial(x, n, a, b):
    if not 0 <= x <= n:
        return -INF
    return choose(n, x) + log_beta(x + a, n - x + b) - log_beta(a, b)


def hypergeometric(x, n, hits, total):
    if not max(0, n - (total - hits)) <= x <= min(n, hits):
        return -INF
    return choose(hits, x) + choose(total - hits, n - x) - choose(total, n)


def ordered_logistic(x, eta, cuts):
    upper = F(1) if x == len(cuts) else sigmoid(cuts[int(x)] - eta)
    lower = F(0) if x == 0 else sigmoid(cuts[int(x) - 1] - eta)
    return log(upper - lower)


def on(condition, value):
    return value() if condition else -INF


# ---------------------------------------------------------------- densities of arrays


def mahalanobis(x, mu, cov):
    d = mp.matrix([a - b for a, b in zip(x, mu)])
    return (d.T * mp.lu_solve(cov, d))[0]


def mv_normal(x, mu, cov):
    n = len(mu)
    return -mahalanobis(x, mu, cov) / 2 - mp.log((2 * mp.pi) ** n * mp.det(cov)) / 2


def mv_student(x, nu, mu, cov):
    n = len(mu)
    c = mp.loggamma((nu + n) / 2) - mp.loggamma(nu / 2) - mp.log((nu * mp.pi) ** n * mp.det(cov)) / 2
    return c - (nu + n) / 2 * mp.log(1 + mahalanobis(x, mu, cov) / nu)


def log_mv_gamma(n, a):
    return F(n * (n - 1)) / 4 * mp.log(mp.pi) + sum(mp.loggamma(a - F(j) / 2) for j in range(n))


def trace(m):
    return sum(m[i, i] for i in range(m.rows))


def wishart(x, nu, V):
    n = V.rows
    return (
        (nu - n - 1) / 2 * mp.log(mp.det(x)) - trace(mp.inverse(V) * x) / 2
        - nu * n / 2 * mp.log(2) - nu / 2 * mp.log(mp.det(V)) - log_mv_gamma(n, nu / 2)
    )


def inverse_wishart(x, nu, S):
    n = S.rows
    return (
        nu / 2 * mp.log(mp.det(S)) - (nu + n + 1) / 2 * mp.log(mp.det(x))
        - trace(S * mp.inverse(x)) / 2 - nu * n / 2 * mp.log(2) - log_mv_gamma(n, nu / 2)
    )


def lkj_constant(eta, n):
    """log of the normaliser by Lewandowski, Kurowicka and Joe (2009), equation 16 (vine form)."""
    total = F(0)
    for k in range(1, n):
        total += (2 * (eta - 1) + n - k) * (n - k) * mp.log(2)
        b = eta + F(n - k - 1) / 2
        total += (n - k) * log_beta(b, b)
    return total


def lkj(x, eta):
    return (eta - 1) * mp.log(mp.det(x)) - lkj_constant(eta, x.rows)


def lkj_cholesky(x, eta):
    """The density of R = L L' times the Jacobian of L -> R: prod_k L[k, k]^(n - 1 - k), k from 0."""
    n = x.rows
    jacobian = sum((n - 1 - k) * mp.log(x[k, k]) for k in range(1, n))
    return lkj(x * x.T, eta) + jacobian


def dirichlet(x, alpha):
    total = sum(x)
    if any(e < 0 for e in x) or abs(total - 1) > F("1e-6"):
        return -INF
    c = mp.loggamma(sum(alpha)) - sum(mp.loggamma(a) for a in alpha)
    return c + sum(power(e, a - 1) for e, a in zip(x, alpha))


def multinomial(x, n, p):
    if any(e < 0 for e in x) or sum(x) != n:
        return -INF
    c = mp.loggamma(n + 1) - sum(mp.loggamma(e + 1) for e in x)
    return c + sum(power(q, e) for e, q in zip(x, p))


def dirichlet_multinomial(x, n, alpha):
    if any(e < 0 for e in x) or sum(x) != n:
        return -INF
    total = sum(alpha)
    c = mp.loggamma(n + 1) + mp.loggamma(total) - mp.loggamma(n + total)
    return c + sum(mp.loggamma(e + a) - mp.loggamma(e + 1) - mp.loggamma(a)
                   for e, a in zip(x, alpha))


def low_rank(W, diag):
    return W * W.T + mp.diag(list(diag))


def matrix_normal(x, M, U, V):
    d = x - M
    rows, columns = x.rows, x.cols
    squared = sum((mp.inverse(V) * d.T * mp.inverse(U) * d)[i, i] for i in range(columns))
    log_det = columns * log(mp.det(U)) + rows * log(mp.det(V))
    return -squared / 2 - log_det / 2 - F(rows * columns) / 2 * log(2 * mp.pi)


# ---------------------------------------------------------------- tails: (P(X <= x), P(X > x))


def normal_tails(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2, mp.erfc(z / mp.sqrt(2)) / 2


def student_tails(z, nu):
    tail = mp.betainc(nu / 2, F(1) / 2, 0, nu / (nu + z * z), regularized=True) / 2
    return (1 - tail, tail) if z > 0 else (tail, 1 - tail)


def half(tails):
    return tails[0] - tails[1], 2 * tails[1]


def gamma_tails(a, x):
    if x <= 0:
        return F(0), F(1)
    if x == INF:
        return F(1), F(0)
    return mp.gammainc(a, 0, x, regularized=True), mp.gammainc(a, x, mp.inf, regularized=True)


def beta_tails(a, b, x):
    if x <= 0:
        return F(0), F(1)
    if x >= 1:
        return F(1), F(0)
    lower = mp.betainc(a, b, 0, x, regularized=True)
    return lower, mp.betainc(b, a, 0, 1 - x, regularized=True)


def cauchy_tails(z):
    return mp.atan2(1, -z) / mp.pi, mp.atan2(1, z) / mp.pi


def laplace_tails(z):
    small = mp.exp(-abs(z)) / 2
    return (1 - small, small) if z > 0 else (small, 1 - small)


def complement(upper):
    return 1 - upper, upper


def triangular_tails(x, a, c, b):
    if x <= a:
        return F(0), F(1)
    if x >= b:
        return F(1), F(0)
    if x < c:
        return complement(1 - (x - a) ** 2 / ((b - a) * (c - a)))
    return complement((b - x) ** 2 / ((b - a) * (b - c)))


# ---------------------------------------------------------------- the table
# name: (log density, SciPy's, tails or None, [(args, points, ...)])

S = stats


def sp_matrix(m):
    return np.array(m, dtype=float)


COV2 = [[2.0, 0.6], [0.6, 1.0]]
COV3 = [[1.5, 0.3, -0.2], [0.3, 0.8, 0.25], [-0.2, 0.25, 2.0]]
CHOL3 = [[1.2, 0.0, 0.0], [0.25, 0.75, 0.0], [-0.5, 0.125, 1.5]]
CORR3 = [[1.0, 0.5, -0.25], [0.5, 1.0, 0.125], [-0.25, 0.125, 1.0]]
CHOL_CORR2 = [[1.0, 0.0], [0.6, 0.8]]


def chol_corr(rows):
    """A factor whose rows have length 1, from its elements below the diagonal."""
    n = len(rows)
    out = [[0.0] * n for _ in range(n)]
    for i, row in enumerate(rows):
        for j, v in enumerate(row):
            out[i][j] = v
        out[i][i] = float(mp.sqrt(1 - sum(F(v) ** 2 for v in row)))
    return out


CHOL_CORR4 = chol_corr([[], [0.5], [-0.25, 0.7], [0.1, -0.3, 0.6]])

LINE = [-40.0, -7.5, -1.0, 0.0, 0.3, 1.0, 2.5, 9.0, 1e5]
HALF = [0.0, 1e-300, 1e-10, 0.1, 0.7, 1.0, 3.0, 12.0, 50.0]
UNIT = [0.0, 1e-300, 1e-12, 0.1, 0.5, 0.9, 1 - 1e-9, 1.0]
COUNTS = [0, 1, 2, 5, 17, 100]

SCALARS = {
    "Normal": (
        normal,
        lambda mu, sigma: S.norm(mu, sigma),
        lambda x, mu, sigma: normal_tails((x - mu) / sigma),
        [(dict(mu=0.0, sigma=1.0), LINE + [-38.5, 1e150]),
         (dict(mu=1.25, sigma=0.3), LINE), (dict(mu=-1e8, sigma=1e8), LINE),
         (dict(mu=0.0, sigma=1e-300), [0.0, 1e-300])],
    ),
    "HalfNormal": (
        lambda x, sigma: on(x >= 0, lambda: normal(x, F(0), sigma) + mp.log(2)),
        lambda sigma: S.halfnorm(scale=sigma),
        lambda x, sigma: half(normal_tails(max(x, F(0)) / sigma)),
        [(dict(sigma=1.0), HALF + [-1.0]), (dict(sigma=2.5), HALF)],
    ),
    "LogNormal": (
        lambda x, mu, sigma: on(x > 0, lambda: normal(mp.log(x), mu, sigma) - mp.log(x)),
        lambda mu, sigma: S.lognorm(sigma, scale=np.exp(mu)),
        lambda x, mu, sigma: normal_tails((mp.log(x) - mu) / sigma) if x > 0 else (F(0), F(1)),
        [(dict(mu=0.0, sigma=1.0), HALF + [-1.0, 1e300]), (dict(mu=-2.0, sigma=0.25), HALF)],
    ),
    "StudentT": (
        student,
        lambda nu, mu, sigma: S.t(nu, mu, sigma),
        lambda x, nu, mu, sigma: student_tails((x - mu) / sigma, nu),
        [(dict(nu=4.0, mu=0.0, sigma=1.0), LINE + [-1e300, 1e300]),
         (dict(nu=0.5, mu=1.0, sigma=2.0), LINE), (dict(nu=30.0, mu=-3.0, sigma=0.5), LINE),
         (dict(nu=1e10, mu=0.0, sigma=1.0), [-7.5, 0.0, 2.5])],
    ),
    "HalfStudentT": (
        lambda x, nu, sigma: on(x >= 0, lambda: student(x, nu, F(0), sigma) + mp.log(2)),
        None,
        lambda x, nu, sigma: half(student_tails(max(x, F(0)) / sigma, nu)),
        [(dict(nu=3.0, sigma=1.0), HALF + [-1.0, 1e300]), (dict(nu=7.5, sigma=2.0), HALF)],
    ),
    "Cauchy": (
        lambda x, mu, sigma: -mp.log(mp.pi * sigma * (1 + ((x - mu) / sigma) ** 2)),
        lambda mu, sigma: S.cauchy(mu, sigma),
        lambda x, mu, sigma: cauchy_tails((x - mu) / sigma),
        [(dict(mu=0.0, sigma=1.0), LINE + [-1e300, 1e300, 1e19, 1e21]),
         (dict(mu=2.0, sigma=0.1), LINE)],
    ),
    "HalfCauchy": (
        lambda x, sigma: on(x >= 0, lambda: -mp.log(mp.pi * sigma * (1 + (x / sigma) ** 2) / 2)),
        lambda sigma: S.halfcauchy(scale=sigma),
        lambda x, sigma: half(cauchy_tails(max(x, F(0)) / sigma)),
        [(dict(sigma=1.0), HALF + [-1.0, 1e300]), (dict(sigma=5.0), HALF)],
    ),
    "Laplace": (
        lambda x, mu, b: -abs(x - mu) / b - mp.log(2 * b),
        lambda mu, b: S.laplace(mu, b),
        lambda x, mu, b: laplace_tails((x - mu) / b),
        [(dict(mu=0.0, b=1.0), LINE), (dict(mu=1.0, b=0.2), LINE + [1e300])],
    ),
    "Logistic": (
        lambda x, mu, s: -abs(x - mu) / s - 2 * mp.log(1 + mp.exp(-abs(x - mu) / s)) - mp.log(s),
        lambda mu, s: S.logistic(mu, s),
        lambda x, mu, s: (1 / (1 + mp.exp(-(x - mu) / s)), 1 / (1 + mp.exp((x - mu) / s))),
        [(dict(mu=0.0, s=1.0), LINE), (dict(mu=1.0, s=0.2), LINE)],
    ),
    "Gumbel": (
        lambda x, mu, beta: -(x - mu) / beta - mp.exp(-(x - mu) / beta) - mp.log(beta),
        lambda mu, beta: S.gumbel_r(mu, beta),
        lambda x, mu, beta: (
            mp.exp(-mp.exp(-(x - mu) / beta)), -mp.expm1(-mp.exp(-(x - mu) / beta))),
        [(dict(mu=0.0, beta=1.0), LINE), (dict(mu=1.0, beta=2.0), LINE)],
    ),
    "Exponential": (
        lambda x, rate: on(x >= 0, lambda: mp.log(rate) - rate * x),
        lambda rate: S.expon(scale=1 / rate),
        lambda x, rate: complement(mp.exp(-rate * max(x, F(0)))),
        [(dict(rate=1.0), HALF + [-1.0, 1e300]), (dict(rate=0.01), HALF)],
    ),
    "Gamma": (
        gamma,
        lambda shape, rate: S.gamma(shape, scale=1 / rate),
        lambda x, shape, rate: gamma_tails(shape, rate * x),
        [(dict(shape=1.0, rate=2.0), HALF + [-1.0]), (dict(shape=0.5, rate=1.0), HALF),
         (dict(shape=3.5, rate=0.5), HALF + [400.0]), (dict(shape=60.0, rate=4.0), HALF + [1e-7]),
         (dict(shape=0.01, rate=1.0), HALF)],
    ),
    "ChiSquare": (
        lambda x, nu: gamma(x, nu / 2, F(1) / 2),
        lambda nu: S.chi2(nu),
        lambda x, nu: gamma_tails(nu / 2, x / 2),
        [(dict(nu=2.0), HALF + [-1.0]), (dict(nu=1.0), HALF), (dict(nu=7.0), HALF)],
    ),
    "InverseGamma": (
        lambda x, shape, scale: on(
            x > 0, lambda: gamma(1 / x, shape, scale) - 2 * mp.log(x)),
        lambda shape, scale: S.invgamma(shape, scale=scale),
        lambda x, shape, scale: tuple(
            reversed(gamma_tails(shape, scale / x if x > 0 else INF))),
        [(dict(shape=1.0, scale=1.0), [0.0, 1e-3, 0.02, 0.1, 1.0, 3.0, 50.0, 1e300, -1.0]),
         (dict(shape=4.5, scale=2.0), [1e-3, 0.1, 1.0, 3.0, 50.0, 1e6])],
    ),
    "Beta": (
        beta,
        lambda a, b: S.beta(a, b),
        lambda x, a, b: beta_tails(a, b, x),
        [(dict(a=1.0, b=1.0), UNIT + [-0.5, 1.5]), (dict(a=0.5, b=0.5), UNIT),
         (dict(a=2.0, b=5.0), UNIT), (dict(a=1.0, b=3.0), UNIT), (dict(a=4.0, b=1.0), UNIT),
         (dict(a=120.0, b=80.0), UNIT + [0.6])],
    ),
    "Kumaraswamy": (
        kumaraswamy,
        None,
        lambda x, a, b: complement((1 - min(max(x, F(0)), F(1)) ** a) ** b),
        [(dict(a=1.0, b=1.0), UNIT + [-0.5, 1.5]), (dict(a=0.5, b=0.5), UNIT),
         (dict(a=2.0, b=5.0), UNIT)],
    ),
    "Uniform": (
        lambda x, a, b: on(a <= x <= b, lambda: -mp.log(b - a)),
        lambda a, b: S.uniform(a, b - a),
        lambda x, a, b: complement(min(max((b - x) / (b - a), F(0)), F(1))),
        [(dict(a=0.0, b=1.0), UNIT + [-0.5, 1.5]), (dict(a=-2.0, b=6.0), [-2.0, 0.0, 6.0, 6.5])],
    ),
    "Weibull": (
        weibull,
        lambda shape, scale: S.weibull_min(shape, scale=scale),
        lambda x, shape, scale: complement(mp.exp(-(max(x, F(0)) / scale) ** shape)),
        [(dict(shape=1.0, scale=1.0), HALF + [-1.0]), (dict(shape=0.5, scale=2.0), HALF),
         (dict(shape=3.0, scale=1.5), [0.0, 1e-100, 1e-10, 0.1, 0.7, 1.0, 3.0, 12.0])],
    ),
    "Pareto": (
        lambda x, x_min, alpha: on(
            x >= x_min, lambda: mp.log(alpha / x) - alpha * mp.log(x / x_min)),
        lambda x_min, alpha: S.pareto(alpha, scale=x_min),
        lambda x, x_min, alpha: complement((x_min / max(x, x_min)) ** alpha),
        [(dict(x_min=1.0, alpha=2.5), [0.5, 1.0, 1.5, 40.0, 1e300]),
         (dict(x_min=0.1, alpha=0.7), [0.1, 1.0, 1e10])],
    ),
    "VonMises": (
        von_mises,
        lambda mu, kappa: S.vonmises(kappa, loc=mu) if kappa > 0 else None,
        None,
        [(dict(mu=0.0, kappa=1.0), [-3.0, -0.5, 0.0, 1.0, 3.14]),
         (dict(mu=1.0, kappa=20.0), [-3.0, -0.5, 0.0, 1.0, 3.14, 3.5]),
         (dict(mu=-0.5, kappa=59.0), [-0.5, 0.25]), (dict(mu=-0.5, kappa=61.0), [-0.5, 0.25]),
         (dict(mu=0.5, kappa=1e6), [0.5, 0.501]), (dict(mu=0.0, kappa=0.0), [-3.0, 1.0])],
    ),
    "Triangular": (
        triangular,
        lambda a, c, b: S.triang((c - a) / (b - a), a, b - a),
        triangular_tails,
        [(dict(a=0.0, c=0.25, b=1.0), [-1.0, 0.0, 0.125, 0.25, 0.7, 1.0, 1.5]),
         (dict(a=-1.0, c=-1.0, b=2.0), [-1.0, 0.0, 2.0]),
         (dict(a=-1.0, c=2.0, b=2.0), [-1.0, 0.0, 1.999, 2.0])],
    ),
    "Bernoulli": (
        lambda x, p=None, logits=None: (
            binomial(x, F(1), p) if logits is None else on(
                0 <= x <= 1, lambda: -mp.log(1 + mp.exp(-logits if x == 1 else logits)))),
        lambda p=None, logits=None: S.bernoulli(p) if logits is None else None,
        lambda x, p=None, logits=None: (
            lambda q, r: (r, q) if 0 <= x < 1 else ((F(0), F(1)) if x < 0 else (F(1), F(0)))
        )(p if logits is None else sigmoid(logits), 1 - p if logits is None else sigmoid(-logits)),
        [(dict(p=0.3), [0, 1, -1, 2]), (dict(p=0.0), [0, 1]), (dict(p=1.0), [0, 1]),
         (dict(p=1e-20), [0, 1]), (dict(logits=0.7), [0, 1, -1, 2]), (dict(logits=-800.0), [0, 1]),
         (dict(logits=800.0), [0, 1]), (dict(logits=40.0), [0, 1])],
    ),
    "Binomial": (
        lambda x, n, p=None, logits=None: (
            binomial(x, n, p) if logits is None else on(
                0 <= x <= n, lambda: choose(n, x) + x * logits - n * mp.log(1 + mp.exp(logits)))),
        lambda n, p=None, logits=None: S.binom(n, p) if logits is None else None,
        lambda x, n, p=None, logits=None: (F(0), F(1)) if x < 0 else (
            (F(1), F(0)) if x >= n else beta_tails(
                n - mp.floor(x), mp.floor(x) + 1,
                1 - p if logits is None else sigmoid(-logits))),
        [(dict(n=10.0, p=0.3), [0, 3, 9, 10, 11, -1]), (dict(n=0.0, p=0.3), [0, 1]),
         (dict(n=4.0, p=0.0), [0, 1, 4]), (dict(n=4.0, p=1.0), [0, 3, 4]),
         (dict(n=1000.0, p=0.01), [0, 10, 100, 1000]),
         (dict(n=10.0, logits=-2.0), [0, 3, 10, 11]), (dict(n=10.0, logits=300.0), [0, 9, 10])],
    ),
    "Poisson": (
        lambda x, rate=None, log_rate=None: poisson(
            x, rate if log_rate is None else mp.exp(log_rate)),
        lambda rate=None, log_rate=None: S.poisson(rate) if log_rate is None else None,
        lambda x, rate=None, log_rate=None: (F(0), F(1)) if x < 0 else tuple(reversed(gamma_tails(
            mp.floor(x) + 1, rate if log_rate is None else mp.exp(log_rate)))),
        [(dict(rate=2.5), COUNTS + [-1]), (dict(rate=0.0), [0, 1]), (dict(rate=80.0), COUNTS),
         (dict(log_rate=-1.5), COUNTS), (dict(log_rate=-800.0), [0, 1, 2])],
    ),
    "NegativeBinomial": (
        lambda x, mean, dispersion: negative_binomial(x, mean, dispersion),
        lambda mean, dispersion: S.nbinom(dispersion, dispersion / (mean + dispersion)),
        lambda x, mean, dispersion: (F(0), F(1)) if x < 0 else beta_tails(
            dispersion, mp.floor(x) + 1, dispersion / (mean + dispersion)),
        [(dict(mean=3.0, dispersion=1.5), COUNTS + [-1]), (dict(mean=0.0, dispersion=2.0), [0, 1]),
         (dict(mean=20.0, dispersion=0.1), COUNTS), (dict(mean=4.0, dispersion=1e12), COUNTS[:5])],
    ),
    "Geometric": (
        lambda x, p: on(x >= 0, lambda: power(1 - p, x) + log(p)),
        lambda p: S.geom(p, loc=-1),
        lambda x, p: complement((1 - p) ** (mp.floor(max(x, F(-1))) + 1)),
        [(dict(p=0.3), COUNTS + [-1]), (dict(p=1.0), [0, 1]), (dict(p=1e-10), COUNTS)],
    ),
    "BetaBinomial": (
        beta_binomial,
        lambda n, a, b: S.betabinom(n, a, b),
        None,
        [(dict(n=12.0, a=2.0, b=3.0), [0, 4, 12, 13, -1]), (dict(n=12.0, a=0.1, b=0.2), [0, 4, 12]),
         (dict(n=12.0, a=1e9, b=2e9), [0, 4, 12]), (dict(n=0.0, a=2.0, b=3.0), [0])],
    ),
    "Hypergeometric": (
        hypergeometric,
        lambda n, hits, total: S.hypergeom(total, hits, n),
        None,
        [(dict(n=5.0, hits=7.0, total=12.0), [0, 3, 5, 6, -1]),
         (dict(n=8.0, hits=3.0, total=10.0), [0, 1, 3, 4]),
         (dict(n=0.0, hits=3.0, total=10.0), [0, 1]), (dict(n=4.0, hits=4.0, total=4.0), [3, 4]),
         (dict(n=1000.0, hits=2e6, total=1e7), [150, 200, 260])],
    ),
    "Delta": (
        lambda v, x: on(v == x, lambda: F(0)),
        None,
        None,
        [(dict(x=3.0), [3, 2, 4]), (dict(x=0.0), [0, 1])],
    ),
    "Categorical": (
        lambda x, p=None, logits=None: on(
            0 <= x < len(p or logits),
            lambda: log(p[int(x)]) if logits is None
            else logits[int(x)] - mp.log(sum(mp.exp(e) for e in logits))),
        None,
        None,
        [(dict(p=[0.2, 0.5, 0.3, 0.0]), [0, 1, 2, 3, 4, -1]),
         (dict(logits=[0.5, -1.0, 700.0]), [0, 1, 2, 3]), (dict(logits=[-800.0, -801.0]), [0, 1])],
    ),
    "OrderedLogistic": (
        lambda x, eta, cuts: on(0 <= x <= len(cuts), lambda: ordered_logistic(x, eta, cuts)),
        None,
        None,
        [(dict(eta=0.4, cuts=[-1.0, 0.5, 2.0]), [0, 1, 2, 3, 4, -1]),
         (dict(eta=60.0, cuts=[-1.0, 0.5, 2.0]), [0, 1, 2, 3]),
         (dict(eta=-60.0, cuts=[-1.0, 0.5, 2.0]), [0, 1, 2, 3]), (dict(eta=0.4, cuts=[1.0]), [0, 1])],
    ),
    "Flat": (
        lambda x, lower=-INF, upper=INF: on(lower <= x <= upper, lambda: F(0)),
        None,
        None,
        [(dict(), [-1e300, 0.0, 3.0]), (dict(lower=0.0), [-1.0, 0.0, 3.0]),
         (dict(upper=1.0), [-1.0, 1.0, 3.0]), (dict(lower=0.0, upper=1.0), [-1.0, 0.5, 3.0])],
    ),
}

ARRAYS = {
    "Multinomial": (
        lambda x, n, p: multinomial(vec(x), n, p),
        lambda x, n, p: S.multinomial(int(n), p).logpmf(x),
        [(dict(n=6.0, p=[0.2, 0.5, 0.3]), [[1, 2, 3], [6, 0, 0], [1, 1, 1], [7, -1, 0]]),
         (dict(n=0.0, p=[0.2, 0.8]), [[0, 0]]), (dict(n=3.0, p=[0.0, 1.0]), [[0, 3], [1, 2]])],
    ),
    "DirichletMultinomial": (
        lambda x, n, alpha: dirichlet_multinomial(vec(x), n, alpha),
        lambda x, n, alpha: S.dirichlet_multinomial(alpha, int(n)).logpmf(x),
        [(dict(n=6.0, alpha=[0.5, 2.0, 3.0]), [[1, 2, 3], [6, 0, 0], [1, 1, 1], [7, -1, 0]]),
         (dict(n=0.0, alpha=[0.2, 0.8]), [[0, 0]]), (dict(n=3.0, alpha=[1e7, 3e7]), [[0, 3], [1, 2]]),
         (dict(n=4.0, alpha=[1e-3, 2e-3]), [[0, 4], [2, 2]])],
    ),
    "LowRankMvNormal": (
        lambda x, mu, W, diag: mv_normal(vec(x), mu, low_rank(W, diag)),
        lambda x, mu, W, diag: S.multivariate_normal(
            mu, np.array(W) @ np.array(W).T + np.diag(diag)).logpdf(x),
        [(dict(mu=[0.5, -1.0, 2.0], W=[[1.0], [0.5], [-2.0]], diag=[1.0, 0.25, 3.0]),
          [[0.0, 0.0, 0.0], [0.5, -1.0, 2.0], [40.0, -100.0, 7.0]]),
         (dict(mu=[0.0, 1.0, 2.0], W=[[1.0, 0.5], [0.0, 2.0], [3.0, -1.0]], diag=[0.5, 1.0, 2.0]),
          [[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]])],
    ),
    "MatrixNormal": (
        lambda x, M, U, V: matrix_normal(mat(x), M, U, V),
        lambda x, M, U, V: S.matrix_normal(M, U, V).logpdf(x),
        [(dict(M=[[0.0, 1.0], [2.0, -1.0], [0.5, 0.0]], U=COV3, V=COV2),
          [[[0.0, 0.0], [1.0, 1.0], [-1.0, 2.0]], [[3.0, 0.0], [10.0, 1.0], [-1.0, -20.0]]]),
         (dict(M=[[1.0, 2.0]], U=[[2.0]], V=COV2), [[[0.0, 0.0]]])],
    ),
    "Dirichlet": (
        lambda x, alpha: dirichlet(vec(x), alpha),
        lambda x, alpha: S.dirichlet(alpha).logpdf(x) if min(x) > 0 else None,
        [(dict(alpha=[1.0, 1.0, 1.0]),
          [[0.25, 0.5, 0.25], [1.0, 0.0, 0.0], [0.5, 0.75, -0.25], [0.5, 0.25, 0.5]]),
         (dict(alpha=[0.5, 2.0, 30.0]), [[0.25, 0.5, 0.25], [1e-12, 0.25, 0.75 - 1e-12]]),
         (dict(alpha=[0.5, 2.0]), [[0.0, 1.0], [0.75, 0.25]])],
    ),
    "MvNormal": (
        lambda x, mu, cov=None, cholesky=None, precision=None: mv_normal(
            vec(x), mu,
            cov if cov is not None else mp.inverse(precision) if precision is not None
            else cholesky * cholesky.T),
        lambda x, mu, cov=None, cholesky=None, precision=None: (
            S.multivariate_normal(mu, cov).logpdf(x) if cov is not None else None),
        [(dict(mu=[0.5, -1.0], cov=COV2), [[0.0, 0.0], [0.5, -1.0], [40.0, -100.0]]),
         (dict(mu=[0.0, 1.0, 2.0], cov=COV3), [[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]]),
         (dict(mu=[0.0, 1.0, 2.0], cholesky=CHOL3), [[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]]),
         (dict(mu=[0.0, 1.0, 2.0], precision=COV3), [[0.0, 0.0, 0.0], [1.0, -2.0, 3.0]]),
         (dict(mu=[0.5], cov=[[4.0]]), [[2.0]])],
    ),
    "MvStudentT": (
        lambda x, nu, mu, cov: mv_student(vec(x), nu, mu, cov),
        lambda x, nu, mu, cov: S.multivariate_t(mu, cov, df=nu).logpdf(x),
        [(dict(nu=3.0, mu=[0.5, -1.0], cov=COV2), [[0.0, 0.0], [0.5, -1.0], [40.0, -100.0]]),
         (dict(nu=30.0, mu=[0.0, 1.0, 2.0], cov=COV3), [[1.0, -2.0, 3.0]])],
    ),
    "Wishart": (
        lambda x, nu, V: wishart(mat(x), nu, V),
        lambda x, nu, V: S.wishart(nu, V).logpdf(sp_matrix(x)),
        [(dict(nu=4.5, V=COV3), [COV3, [[3.0, 0.0, 1.0], [0.0, 2.0, 0.5], [1.0, 0.5, 9.0]]]),
         (dict(nu=2.0, V=COV2), [COV2]), (dict(nu=3.0, V=[[2.0]]), [[[5.0]]])],
    ),
    "InverseWishart": (
        lambda x, nu, S: inverse_wishart(mat(x), nu, S),
        lambda x, nu, S: stats.invwishart(nu, S).logpdf(sp_matrix(x)),
        [(dict(nu=4.5, S=COV3), [COV3, [[3.0, 0.0, 1.0], [0.0, 2.0, 0.5], [1.0, 0.5, 9.0]]]),
         (dict(nu=2.0, S=COV2), [COV2]), (dict(nu=3.0, S=[[2.0]]), [[[5.0]]])],
    ),
    "LKJ": (
        lambda x, eta, D: lkj(mat(x), eta),
        None,
        [(dict(eta=1.0, D=3.0), [CORR3]), (dict(eta=2.5, D=3.0), [CORR3]),
         (dict(eta=0.5, D=2.0), [[[1.0, 0.6], [0.6, 1.0]]])],
    ),
    "LKJCholesky": (
        lambda x, eta, D: lkj_cholesky(mat(x), eta),
        None,
        [(dict(eta=1.0, D=4.0), [CHOL_CORR4]), (dict(eta=2.5, D=4.0), [CHOL_CORR4]),
         (dict(eta=0.5, D=2.0), [CHOL_CORR2])],
    ),
}

# base, arguments, lower, upper, points
TRUNCATED = [
    ("Normal", dict(mu=0.0, sigma=1.0), 0.5, None, [0.4, 0.5, 1.0, 9.0]),
    ("Normal", dict(mu=0.0, sigma=1.0), None, -35.0, [-36.0, -35.0, -34.0]),
    ("Normal", dict(mu=1.0, sigma=2.0), 30.0, 31.0, [30.0, 30.5, 31.5]),
    ("Normal", dict(mu=1.0, sigma=2.0), -1.0, 4.0, [-2.0, -1.0, 0.0, 4.0]),
    ("Normal", dict(mu=0.0, sigma=1.0), -12.0, -11.0, [-11.5]),
    ("StudentT", dict(nu=4.0, mu=0.0, sigma=1.0), 20.0, 1000.0, [20.0, 500.0]),
    ("Cauchy", dict(mu=0.0, sigma=1.0), 100.0, None, [100.0, 1e6]),
    ("Gamma", dict(shape=3.5, rate=0.5), 60.0, None, [60.0, 80.0]),
    ("Gamma", dict(shape=3.5, rate=0.5), 0.0, 2.0, [0.5, 2.0, 3.0]),
    ("Exponential", dict(rate=2.0), 500.0, 501.0, [500.25]),
    ("Beta", dict(a=2.0, b=5.0), 0.25, 0.5, [0.2, 0.25, 0.4]),
    ("Poisson", dict(rate=2.5), 1.0, None, [0, 1, 5]),
    ("Poisson", dict(rate=2.5), 3.0, 7.0, [2, 3, 7, 8]),
    ("NegativeBinomial", dict(mean=3.0, dispersion=1.5), 1.0, 20.0, [0, 1, 20]),
    ("Binomial", dict(n=10.0, p=0.3), 1.0, None, [0, 1, 10]),
]

# SciPy's own rounding or overflow at these (name, argument sets by index) is beyond the bound.
SCIPY_FAILS = {("StudentT", 3), ("DirichletMultinomial", 2), ("NegativeBinomial", 3), ("BetaBinomial", 2), ("VonMises", 4)}
EXTREME = 1e100


def lift(v):
    if isinstance(v, list):
        return mat(v) if isinstance(v[0], list) else vec(v)
    return F(v)


def out(v):
    f = float(v)
    return f if np.isfinite(f) else str(f)


def agree(name, k, args, x, ours, theirs):
    if theirs is None or (name.split()[0], k) in SCIPY_FAILS:
        return
    if np.ndim(x) == 0 and abs(x) > EXTREME:
        return
    ours, theirs = float(ours), float(theirs)
    if ours == theirs or abs(ours - theirs) <= 1e-8 * max(1, abs(ours)):
        return
    # SciPy under- or overflows here, or leaves an end of the support out: said, not hidden.
    if not np.isfinite(theirs):
        print(f"SciPy gives {theirs} for {name}{args} at {x}: {ours}", file=sys.stderr)
        return
    sys.exit(f"{name}{args} at {x}: {ours} here, {theirs} by SciPy")


def scalar_entry(name):
    density, scipy_of, tails, sets = SCALARS[name]
    points = []
    for k, (args, xs) in enumerate(sets):
        lifted = {key: lift(v) for key, v in args.items()}
        frozen = scipy_of(**args) if scipy_of else None
        for x in xs:
            value = density(F(x), **lifted)
            point = {"args": args, "x": x, "logProb": out(value)}
            if frozen is not None:
                theirs = frozen.logpmf(x) if hasattr(frozen, "logpmf") and hasattr(
                    frozen.dist, "pmf") else frozen.logpdf(x)
                agree(name, k, args, x, value, theirs)
            if tails is not None:
                below, above = tails(F(x), **lifted)
                point.update(cdf=out(below), logCdf=out(log(below)), logCcdf=out(log(above)))
                if frozen is not None:
                    agree(name + " cdf", k, args, x, below, frozen.cdf(x))
                    agree(name + " ccdf", k, args, x, above, frozen.sf(x))
            points.append(point)
    return points


def array_entry(name):
    density, scipy_of, sets = ARRAYS[name]
    points = []
    for k, (args, xs) in enumerate(sets):
        lifted = {key: lift(v) for key, v in args.items()}
        for x in xs:
            value = density(x, **lifted)
            if scipy_of is not None and value != -INF:
                agree(name, k, args, x, value, scipy_of(x, **args))
            points.append({"args": args, "x": x, "logProb": out(value)})
    return points


def truncated_entry(base, args, lower, upper, xs):
    density, _, tails, _ = SCALARS[base]
    lifted = {key: lift(v) for key, v in args.items()}
    discrete = base in ("Poisson", "NegativeBinomial", "Binomial")
    start = None if lower is None else F(lower) - (1 if discrete else 0)
    # At so many digits, difference of the smaller tails loses nothing.
    above = F(1) if start is None else tails(start, **lifted)[1]
    beyond = F(0) if upper is None else tails(F(upper), **lifted)[1]
    below = F(0) if start is None else tails(start, **lifted)[0]
    until = F(1) if upper is None else tails(F(upper), **lifted)[0]
    mass = above - beyond if above < until else until - below
    points = []
    for x in xs:
        inside = (lower is None or x >= lower) and (upper is None or x <= upper)
        value = density(F(x), **lifted) - mp.log(mass) if inside else -INF
        points.append({"x": x, "logProb": out(value)})
    return {"base": base, "args": args, "lower": lower, "upper": upper, "points": points}


result = {
    "versions": {"mpmath": mp.__version__, "scipy": scipy.__version__, "numpy": np.__version__},
    "distributions": {
        **{name: scalar_entry(name) for name in SCALARS},
        **{name: array_entry(name) for name in ARRAYS},
    },
    "truncated": [truncated_entry(*t) for t in TRUNCATED],
}
json.dump(result, sys.stdout, indent=1)
print()
