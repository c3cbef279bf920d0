"""Reference fits for the tests of EM, written to tests/inference/em/reference.json.

Mixtures by scikit-learn's GaussianMixture (means_init, weights_init, precisions_init given, so that
the start is the same), hidden Markov models by hmmlearn, factor analysis by scikit-learn's
FactorAnalysis (lapack, tol 1e-12), PPCA in closed form (Tipping & Bishop 1999, section 3.2), the
Student-t regression by direct maximisation of its likelihood (scipy.optimize, nu fixed).

    python3 scripts/reference/em.py        needs numpy, scipy, scikit-learn, hmmlearn
"""
import json
import warnings
from pathlib import Path

import numpy as np
from scipy import optimize, stats
from sklearn.decomposition import FactorAnalysis
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20261121)
out = {}


def listed(x):
    return np.round(x, 6).tolist()


def mixture_data():
    means = np.array([[-2.0, 0.0], [1.5, 2.0], [2.0, -2.5]])
    scales = [np.array([[1.0, 0.3], [0.0, 0.6]]), np.array([[0.5, 0.0], [0.4, 0.9]]), 0.7 * np.eye(2)]
    labels = rng.choice(3, size=90, p=[0.5, 0.3, 0.2])
    return np.array([means[k] + scales[k] @ rng.standard_normal(2) for k in labels])


x = np.round(mixture_data(), 6)
means_init = np.array([[-1.0, 0.5], [1.0, 1.0], [1.0, -1.0]])
weights_init = np.array([0.4, 0.3, 0.3])
mixtures = {}
for kind, precision in {
    "full": np.array([np.eye(2)] * 3),
    "tied": np.eye(2),
    "diag": np.ones((3, 2)),
    "spherical": np.ones(3),
}.items():
    history = []
    for n in [1, 2, 3, 10, 2000]:
        m = GaussianMixture(
            3, covariance_type=kind, tol=0 if n < 100 else 1e-14, reg_covar=0, max_iter=n,
            means_init=means_init, weights_init=weights_init, precisions_init=precision,
        ).fit(x)
        history.append([n, float(m.score(x) * len(x))])
    mixtures[kind] = {
        "logLikelihoodAfter": history,
        "weights": m.weights_.tolist(),
        "means": m.means_.tolist(),
        "covariances": m.covariances_.tolist(),
    }
out["gaussianMixture"] = {
    "x": listed(x), "means": listed(means_init), "weights": listed(weights_init), "fits": mixtures,
}

# Hidden Markov models.
from hmmlearn import hmm

P = np.array([[0.9, 0.1], [0.2, 0.8]])
z = [0]
for _ in range(149):
    z.append(int(rng.choice(2, p=P[z[-1]])))
y = np.round(np.where(np.array(z) == 0, -1.0, 1.5) + 0.8 * rng.standard_normal(150), 6)
h = hmm.GaussianHMM(2, covariance_type="diag", n_iter=500, tol=1e-10, init_params="", min_covar=0,
                    covars_prior=0, covars_weight=0, means_prior=0, means_weight=0)
h.startprob_ = np.array([0.5, 0.5])
h.transmat_ = np.array([[0.7, 0.3], [0.3, 0.7]])
h.means_ = np.array([[-0.5], [0.5]])
h.covars_ = np.array([[1.0], [1.0]])
h.fit(y[:, None])


def hmm_direct(y, start, a, mean, sd, steps):
    """Baum-Welch in plain numpy: the log likelihood before each update."""
    history = []
    for _ in range(steps):
        b = stats.norm.pdf(y[:, None], mean, sd)
        n, k = b.shape
        alpha = np.zeros((n, k)); c = np.zeros(n)
        alpha[0] = start * b[0]; c[0] = alpha[0].sum(); alpha[0] /= c[0]
        for t in range(1, n):
            alpha[t] = (alpha[t - 1] @ a) * b[t]; c[t] = alpha[t].sum(); alpha[t] /= c[t]
        beta = np.ones((n, k))
        for t in range(n - 2, -1, -1):
            beta[t] = a @ (b[t + 1] * beta[t + 1]) / c[t + 1]
        gamma = alpha * beta
        xi = sum(np.outer(alpha[t], b[t + 1] * beta[t + 1]) * a / c[t + 1] for t in range(n - 1))
        history.append(float(np.log(c).sum()))
        start = gamma[0]
        a = xi / xi.sum(1, keepdims=True)
        mean = (gamma * y[:, None]).sum(0) / gamma.sum(0)
        sd = np.sqrt((gamma * (y[:, None] - mean) ** 2).sum(0) / gamma.sum(0))
    return history, start, a, mean, sd


history, start, a, mean, sd = hmm_direct(
    y, np.array([0.5, 0.5]), np.array([[0.7, 0.3], [0.3, 0.7]]), np.array([-0.5, 0.5]),
    np.array([1.0, 1.0]), 3000)
assert abs(history[-1] - h.score(y[:, None])) < 1e-4, (history[-1], h.score(y[:, None]))
out["hmm"] = {
    "y": listed(y), "history": history[:5], "logLikelihood": history[-1], "transition": a.tolist(),
    "mean": mean.tolist(), "sd": sd.tolist(),
}

# Mixture of Bernoullis, plain numpy.
probabilities = np.array([[0.9, 0.8, 0.1, 0.2, 0.7], [0.2, 0.1, 0.7, 0.9, 0.4]])
labels = rng.choice(2, size=120, p=[0.6, 0.4])
b = (rng.random((120, 5)) < probabilities[labels]).astype(int)
w, p = np.array([0.5, 0.5]), np.array([[0.6] * 5, [0.4] * 5])
history = []
for _ in range(3000):
    logs = np.log(w) + b @ np.log(p).T + (1 - b) @ np.log1p(-p).T
    top = logs.max(1, keepdims=True)
    norm = top[:, 0] + np.log(np.exp(logs - top).sum(1))
    history.append(float(norm.sum()))
    r = np.exp(logs - norm[:, None])
    w = r.mean(0)
    p = (r.T @ b) / r.sum(0)[:, None]
out["bernoulliMixture"] = {
    "x": b.tolist(), "start": [[0.6] * 5, [0.4] * 5], "history": history[:5],
    "logLikelihood": history[-1], "weights": w.tolist(), "p": p.tolist(),
}

# Linear Gaussian models.
n, D, d = 60, 5, 2
loadings = rng.standard_normal((D, d)) * np.array([2.0, 1.0])
data = np.round(rng.standard_normal((n, d)) @ loadings.T + 0.5 * rng.standard_normal((n, D))
                * np.array([0.5, 1.0, 1.5, 0.8, 1.2]) + np.array([1, 2, 3, 4, 5]), 6)
S = np.cov(data.T, bias=True)
values, vectors = np.linalg.eigh(S)
values, vectors = values[::-1], vectors[:, ::-1]
noise = values[d:].mean()
W = vectors[:, :d] * np.sqrt(values[:d] - noise)
C = W @ W.T + noise * np.eye(D)
out["ppca"] = {
    "x": listed(data), "noise": float(noise), "covariance": C.tolist(), "mean": data.mean(0).tolist(),
    "logLikelihood": float(stats.multivariate_normal(data.mean(0), C).logpdf(data).sum()),
}
# Eight dimensions, where no noise variance goes to zero.
wide = np.round(rng.standard_normal((150, d)) @ rng.standard_normal((d, 8))
                + rng.standard_normal((150, 8)) * np.linspace(0.6, 1.4, 8), 6)
fa = FactorAnalysis(d, tol=1e-14, max_iter=200000, svd_method="lapack").fit(wide)
out["factorAnalysis"] = {
    "x": listed(wide),
    "noise": fa.noise_variance_.tolist(), "covariance": fa.get_covariance().tolist(),
    "logLikelihood": float(fa.score(wide) * len(wide)),
}

# PPCA with missing entries: the observed-data likelihood by direct maximisation.
gaps = rng.random((n, D)) < 0.15
partial = np.where(gaps, np.nan, data)


def observed(theta):
    w = theta[: D * d].reshape(D, d); m = theta[D * d: D * d + D]; s = np.exp(theta[-1])
    c = w @ w.T + s * s * np.eye(D)
    total = 0.0
    for row in partial:
        k = ~np.isnan(row)
        total += stats.multivariate_normal(m[k], c[np.ix_(k, k)]).logpdf(row[k])
    return -total


start = np.concatenate([W.ravel(), data.mean(0), [0.5 * np.log(noise)]])
found = optimize.minimize(observed, start, method="BFGS", options={"gtol": 1e-6, "maxiter": 2000})
w = found.x[: D * d].reshape(D, d)
out["ppcaMissing"] = {
    "x": [[None if g else float(v) for v, g in zip(r, k)] for r, k in zip(listed(data), gaps)],
    "logLikelihood": float(-found.fun), "noise": float(np.exp(2 * found.x[-1])),
    "mean": found.x[D * d: D * d + D].tolist(),
    "covariance": (w @ w.T + np.exp(2 * found.x[-1]) * np.eye(D)).tolist(),
}

# Student-t regression with nu = 4.
u = np.round(rng.uniform(-2, 2, 80), 6)
v = np.round(0.5 + 1.5 * u + 0.4 * rng.standard_t(4, 80), 6)
nll = lambda t: -stats.t(4, t[0] + t[1] * u, np.exp(t[2])).logpdf(v).sum()
found = optimize.minimize(nll, [0, 1, 0], method="BFGS", options={"gtol": 1e-9})


def hessian(f, t, h=1e-4):
    k = len(t)
    H = np.zeros((k, k))
    for i in range(k):
        for j in range(k):
            e, g = np.eye(k)[i] * h, np.eye(k)[j] * h
            H[i, j] = (f(t + e + g) - f(t + e - g) - f(t - e + g) + f(t - e - g)) / (4 * h * h)
    return H


cov = np.linalg.inv(hessian(nll, found.x))
out["student"] = {
    "u": listed(u), "v": listed(v), "a": found.x[0], "b": found.x[1], "s": float(np.exp(found.x[2])),
    "logLikelihood": float(-found.fun),
    "standardErrors": [float(cov[0, 0] ** 0.5), float(cov[1, 1] ** 0.5),
                       float(np.exp(found.x[2]) * cov[2, 2] ** 0.5)],
}

# Local level (state space), by the Kalman filter's likelihood.
T = 100
level = np.cumsum(0.4 * rng.standard_normal(T))
obs = np.round(level + 0.7 * rng.standard_normal(T), 6)


def local_level(t):
    q, r = np.exp(2 * t)
    m, p, total = 0.0, 0.0, 0.0
    for i, yt in enumerate(obs):
        p = p + (q if i > 0 else 1.0)
        f = p + r
        total += stats.norm.logpdf(yt, m, f ** 0.5)
        k = p / f
        m, p = m + k * (yt - m), p * (1 - k)
    return -total


found = optimize.minimize(local_level, np.log([0.5, 0.5]), method="BFGS", options={"gtol": 1e-9})
out["localLevel"] = {
    "y": listed(obs), "q": float(np.exp(found.x[0])), "r": float(np.exp(found.x[1])),
    "logLikelihood": float(-found.fun),
}

target = Path(__file__).parents[2] / "tests/inference/em/reference.json"
target.write_text(json.dumps(out) + "\n")
print({k: list(v) for k, v in out.items()})
