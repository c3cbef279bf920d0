"""Leave-one-out figures of examples/radon, by a sampler of our own and ArviZ.

A Gibbs sampler in NumPy (intercepts, level and slope from their normal conditionals, both scales by
slice sampling of their logs) and `arviz.loo` of the log densities of the activities; ten runs of 4 x
1000 draws each tell how far such a figure is from the next by chance.
Writes tests/run/compare/radon.json. Needs: pip install "arviz<1".
"""
import csv, json, warnings
import arviz as az
import numpy as np

warnings.simplefilter("ignore")
with open("examples/radon/data.csv") as f:
    rows = list(csv.DictReader(f))
county = np.array([int(r["county"]) for r in rows])
floor = np.array([float(r["first_floor"]) for r in rows])
activity = np.array([float(r["activity"]) for r in rows])
y, J, N = np.log(activity), county.max() + 1, len(rows)
n = np.bincount(county, minlength=J)


def slice_log_scale(rng, s, count, squares):
    """A scale with a half-normal(1) prior, given `count` normal deviations with this sum of squares."""
    # Of u = log s, its Jacobian included.
    lp = lambda u: (1 - count) * u - squares / 2 * np.exp(-2 * u) - np.exp(2 * u) / 2
    u = np.log(s)
    level = lp(u) - rng.exponential()
    low = u - 0.3 * rng.random()
    high = low + 0.3
    while lp(low) > level:
        low -= 0.3
    while lp(high) > level:
        high += 0.3
    while True:
        at = low + (high - low) * rng.random()
        if lp(at) > level:
            return np.exp(at)
        low, high = (at, high) if at < u else (low, at)


def chain(seed, warmup=500, draws=1000, thin=5):
    rng = np.random.default_rng(seed)
    level, slope, spread, sigma = 1.0, 0.0, 0.5, 1.0
    out = np.empty((draws, N))
    for t in range(warmup + draws * thin):
        precision = n / sigma**2 + 1 / spread**2
        sums = np.bincount(county, y - slope * floor, minlength=J)
        alpha = (sums / sigma**2 + level / spread**2) / precision
        alpha += rng.standard_normal(J) / np.sqrt(precision)
        p = J / spread**2 + 1 / 100
        level = alpha.sum() / spread**2 / p + rng.standard_normal() / np.sqrt(p)
        p = (floor**2).sum() / sigma**2 + 1 / 100
        slope = (floor * (y - alpha[county])).sum() / sigma**2 / p + rng.standard_normal() / np.sqrt(p)
        spread = slice_log_scale(rng, spread, J, ((alpha - level) ** 2).sum())
        residual = y - alpha[county] - slope * floor
        sigma = slice_log_scale(rng, sigma, N, (residual**2).sum())
        if t >= warmup and (t - warmup) % thin == thin - 1:
            mean = alpha[county] + slope * floor
            density = -0.5 * ((y - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi)
            out[(t - warmup) // thin] = density - y
    return out


runs = []
for run in range(10):
    ll = np.stack([chain(100 * run + c) for c in range(4)])
    data = az.from_dict(posterior={"x": ll[:, :, :1]}, log_likelihood={"activity": ll})
    runs.append(az.loo(data, pointwise=True, reff=1.0))
figure = lambda of: {
    "mean": float(np.mean([of(r) for r in runs])),
    "sd": float(np.std([of(r) for r in runs], ddof=1)),
}
pointwise = np.array([r.loo_i.values for r in runs])
k = np.array([r.pareto_k.values for r in runs])
out = {
    "arviz": az.__version__,
    "elpd": figure(lambda r: r.elpd_loo),
    "se": figure(lambda r: r.se),
    "p": figure(lambda r: r.p_loo),
    "high_k": [int((row > 0.7).sum()) for row in k],
    "pointwise": pointwise.mean(0).round(6).tolist(),
    "pointwise_sd": pointwise.std(0, ddof=1).round(6).tolist(),
}
with open("tests/run/compare/radon.json", "w") as f:
    json.dump(out, f)
    f.write("\n")
print({key: out[key] for key in ("elpd", "se", "p", "high_k")})
