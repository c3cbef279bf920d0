"""The noisy cone by NumPy alone: log evidence, bounds, and how far they depend on the training.

The figures of the table of examples/noisy_cone/README.md that no command of Tilde gives:
`python scripts/reference/noisy_cone.py`. Needs NumPy; takes half a minute.

x, y ~ N(0, 10), z ~ N(r, 0.1 + r/100) with r = x^2 + y^2, and z = 5.
"""

import numpy as np

Z = 5.0


def log_joint(x, y):
    r = x**2 + y**2
    s = 0.1 + r / 100
    prior = -np.log(2 * np.pi * 100) - r / 200
    return prior - 0.5 * np.log(2 * np.pi) - np.log(s) - 0.5 * ((Z - r) / s) ** 2


def slopes_of_log_joint(x, y):
    """Its derivatives in x and y."""
    r = x**2 + y**2
    s = 0.1 + r / 100
    d = -1 / 200 - 0.01 / s + (Z - r) / s**2 + 0.01 * (Z - r) ** 2 / s**3
    return 2 * x * d, 2 * y * d


def log_mean_exp(w, axis):
    top = w.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.mean(np.exp(w - top), axis=axis))


def evidence():
    """The density depends on the radius alone: midpoints of 2 million steps on (0, 6)."""
    n = 2_000_000
    h = 6 / n
    rho = (np.arange(n) + 0.5) * h
    return np.log(np.sum(2 * np.pi * rho * np.exp(log_joint(rho, 0 * rho))) * h)


def bound(theta, draws, rng, n=2_000_000):
    """IWAE(draws) of normals with means theta[:2] and log scales theta[2:]; its standard error."""
    n = n // draws
    sx, sy = np.exp(theta[2:])
    e, f = rng.standard_normal((2, n, draws))
    x, y = theta[0] + sx * e, theta[1] + sy * f
    lq = -np.log(2 * np.pi) - theta[2] - theta[3] - 0.5 * (e**2 + f**2)
    v = log_mean_exp(log_joint(x, y) - lq, 1)
    return v.mean(), v.std() / np.sqrt(n)


def train(start, draws, batch, steps, rate, runs, rng):
    """Plain stochastic gradient ascent of IWAE(draws), `runs` times over; the last thetas."""
    theta = np.tile(np.array(start, float), (runs, 1))
    for _ in range(steps):
        e, f = rng.standard_normal((2, runs, batch, draws))
        sx, sy = np.exp(theta[:, 2])[:, None, None], np.exp(theta[:, 3])[:, None, None]
        x = theta[:, 0][:, None, None] + sx * e
        y = theta[:, 1][:, None, None] + sy * f
        w = log_joint(x, y) + theta[:, 2:].sum(1)[:, None, None] + 0.5 * (e**2 + f**2)
        share = np.exp(w - w.max(2, keepdims=True))
        share /= share.sum(2, keepdims=True)
        dx, dy = slopes_of_log_joint(x, y)
        grads = [share * dx, share * dy, share * (dx * sx * e + 1), share * (dy * sy * f + 1)]
        theta += rate * np.stack([g.sum(2).mean(1) for g in grads], 1)
    return theta


def ring(log_scales, particles, draws, rng, n=1_000_000):
    """log p - log q-hat of the ring of angles u, with u its own draw first, in IWAE(draws)."""
    n = n // (particles * draws)
    sx, sy = np.exp(log_scales)
    u = rng.uniform(size=(n, draws, particles))
    own = 2 * np.pi * u[..., :1]
    x = np.sqrt(Z) * np.cos(own) + sx * rng.standard_normal((n, draws, 1))
    y = np.sqrt(Z) * np.sin(own) + sy * rng.standard_normal((n, draws, 1))
    a, b = np.sqrt(Z) * np.cos(2 * np.pi * u), np.sqrt(Z) * np.sin(2 * np.pi * u)
    w = -np.log(2 * np.pi * sx * sy) - 0.5 * ((x - a) / sx) ** 2 - 0.5 * ((y - b) / sy) ** 2
    v = log_mean_exp(log_joint(x[..., 0], y[..., 0]) - log_mean_exp(w, 2), 1)
    return v.mean(), v.std() / np.sqrt(n)


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    print(f"log evidence {evidence():.4f}")
    best = np.array([2.2193, 0.0, np.log(0.0336), np.log(0.2809)])
    for k in (1, 5):
        print("guide that is best for the ELBO: IWAE(%d) %.4f +- %.4f" % (k, *bound(best, k, rng)))
    elbo = train([0, 0, 1, 1], 1, 64, 20_000, 1e-3, 1, rng)[0]
    print("ELBO, 20 000 steps of 64 draws from (0, 0, 1, 1): %.4f +- %.4f" % bound(elbo, 1, rng))
    lasts = train([3, 0, 1, 1], 5, 1, 20_000, 1e-3, 200, rng)
    ends = np.array([bound(t, 5, rng, 200_000)[0] for t in lasts])
    print("IWAE(5), 20 000 steps of one estimate each from (3, 0, 1, 1), 200 runs, at the last step:")
    q = np.quantile(ends, [0.05, 0.25, 0.5, 0.75, 0.95])
    print("  mean %.3f, sd %.3f, quantiles 5/25/50/75/95 %%" % (ends.mean(), ends.std()), np.round(q, 3))
    print("  share within 0.05 of -7.79: %.2f" % np.mean(np.abs(ends + 7.79) < 0.05))
    wide = train([3, 0, 1, 1], 5, 64, 20_000, 1e-3, 1, rng)[0]
    print("IWAE(5), the same with 64 estimates a step: %.4f +- %.4f" % bound(wide, 5, rng))
    for m, k in ((1, 1), (5, 1), (5, 5)):
        s = {(1, 1): (0.050, 0.050), (5, 1): (0.050, 0.050), (5, 5): (0.130, 0.130)}[m, k]
        v, e = ring(np.log(s), m, k, rng)
        print(f"ring of scales {s}, {m} particles, {k} draws: {v:.3f} +- {e:.3f}")
