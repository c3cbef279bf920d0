"""NumPyro's and JAX's side of bench:gpu, on the same card.

    python3 scripts/bench-gpu/peers.py < jobs.json > found.json

`jobs.json` is what `main.ts` sends: {"seconds": s, "jobs": [{"name": …, "kind": …, sizes…}]}. Each
job is the same work in the way its users would write it for speed: whole loops under `jit`, data on
the device, single precision. Of each the time of a step (median of repeats) and the time from the
start of tracing to the end of the first call.
"""
import json
import os
import statistics
import sys
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import lax, random
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.util import initialize_model

REPEATS = 5


def timed(make, first_steps, seconds):
    """`make(steps)` gives a function of a state that takes so many steps; microseconds of one."""
    begin = time.perf_counter()
    run, state = make(first_steps)
    state = jax.block_until_ready(run(state))
    first = 1000 * (time.perf_counter() - begin)
    steps = first_steps
    while True:
        start = time.perf_counter()
        state = jax.block_until_ready(run(state))
        took = time.perf_counter() - start
        if took > seconds / REPEATS or steps >= 1024:
            break
        steps = min(1024, max(2 * steps, int(steps * seconds / REPEATS / max(took, 1e-6) / 2)))
        run, _ = make(steps)
        state = jax.block_until_ready(run(state))
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        state = jax.block_until_ready(run(state))
        times.append(1e6 * (time.perf_counter() - start) / steps)
    return statistics.median(times), first


def scanned(step, state):
    """`make` of a step: a jitted scan."""

    def make(steps):
        return jax.jit(lambda s: lax.scan(lambda c, _: (step(c), None), s, None, length=steps)[0]), state

    return make


def waves(n, d=None):
    rng = np.random.default_rng(1)
    return jnp.asarray(rng.uniform(-1, 1, n if d is None else (n, d)).astype(np.float32))


def signs(n):
    return jnp.asarray((np.random.default_rng(2).uniform(size=n) > 0.5).astype(np.float32))


def svi_steps(model, guide, columns, rows):
    """Steps of NumPyro's SVI with Adam; rows are drawn on the device, with replacement."""
    n = columns[0].shape[0]
    svi = SVI(model, guide, numpyro.optim.Adam(0.001), Trace_ELBO())
    some = [c[:rows] for c in columns]
    state = svi.init(random.PRNGKey(0), *some)

    def step(carry):
        state, key = carry
        key, own = random.split(key)
        at = random.randint(own, (rows,), 0, n)
        state, _ = svi.update(state, *[c[at] for c in columns])
        return state, key

    return scanned(step, (state, random.PRNGKey(1)))


def logistic(job):
    n, d, rows = job["rows"], job["columns"], job["batch"]
    x, y = waves(n, d), signs(n)

    def model(x, y):
        w = numpyro.sample("w", dist.Normal(0, 1).expand([d]).to_event(1))
        with numpyro.handlers.scale(scale=n / rows):
            numpyro.sample("y", dist.Bernoulli(logits=x @ w).to_event(1), obs=y)

    def guide(x, y):
        m = numpyro.param("m", jnp.zeros(d))
        s = numpyro.param("s", jnp.zeros(d))
        numpyro.sample("w", dist.Normal(m, jnp.exp(s)).to_event(1))

    return svi_steps(model, guide, [x, y], rows)


def vae(job):
    n, pixels, hidden, code, rows = (job[k] for k in ("rows", "pixels", "hidden", "code", "batch"))
    x = jnp.asarray((np.random.default_rng(3).uniform(size=(n, pixels)) > 0.7).astype(np.float32))

    def dense(name, a, b):
        start = lambda key: random.normal(key, (a, b)) / np.sqrt(a)
        return numpyro.param(f"{name}_w", start), numpyro.param(f"{name}_b", jnp.zeros(b))

    def layer(name, a, b, v):
        w, c = dense(name, a, b)
        return v @ w + c

    def model(x):
        with numpyro.handlers.scale(scale=n / rows):
            z = numpyro.sample("z", dist.Normal(0, 1).expand([rows, code]).to_event(2))
            h = jax.nn.relu(layer("d1", code, hidden, z))
            logits = layer("d2", hidden, pixels, h)
            numpyro.sample("x", dist.Bernoulli(logits=logits).to_event(2), obs=x)

    def guide(x):
        h = jax.nn.relu(layer("e1", pixels, hidden, x))
        mean, scale = layer("em", hidden, code, h), jnp.exp(layer("es", hidden, code, h))
        with numpyro.handlers.scale(scale=n / rows):
            numpyro.sample("z", dist.Normal(mean, scale).to_event(2))

    return svi_steps(model, guide, [x], rows)


def leapfrog(model, chains, *args):
    """Leapfrog steps of many chains of a model's potential energy."""
    info = initialize_model(random.PRNGKey(0), model, model_args=args)
    flat, unravel = jax.flatten_util.ravel_pytree(info.param_info.z)
    energy = jax.vmap(jax.value_and_grad(lambda q: info.potential_fn(unravel(q))))
    q = 0.5 * random.normal(random.PRNGKey(1), (chains, flat.size))
    p = random.normal(random.PRNGKey(2), q.shape)
    _, g = energy(q)

    def step(carry):
        q, p, g = carry
        p = p - 0.005 * g
        q = q + 0.01 * p
        _, g = energy(q)
        return q, p - 0.005 * g, g

    return scanned(step, (q, p, g))


def schools(job):
    y = jnp.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    sigma = jnp.array([15.0, 10, 16, 11, 9, 11, 10, 18])

    def model():
        mu = numpyro.sample("mu", dist.Normal(0, 5))
        tau = numpyro.sample("tau", dist.HalfCauchy(5))
        eta = numpyro.sample("eta", dist.Normal(0, 1).expand([8]).to_event(1))
        numpyro.sample("y", dist.Normal(mu + tau * eta, sigma).to_event(1), obs=y)

    return leapfrog(model, job["chains"])


def regression(job):
    n, d = job["rows"], job["columns"]
    x, y = waves(n, d), signs(n)

    def model():
        w = numpyro.sample("w", dist.Normal(0, 1).expand([d]).to_event(1))
        numpyro.sample("y", dist.Bernoulli(logits=x @ w).to_event(1), obs=y)

    return leapfrog(model, job["chains"])


def mixture(job):
    """EM with full covariances: the E-step is one product of second-order features, the M-step another."""
    n, d, k = job["rows"], job["columns"], job["components"]
    rng = np.random.default_rng(4)
    centres = 3 * rng.standard_normal((k, d))
    x = jnp.asarray((centres[rng.integers(k, size=n)] + rng.standard_normal((n, d))).astype(np.float32))
    i, j = np.triu_indices(d)
    twice = jnp.asarray(np.where(i == j, 1.0, 2.0).astype(np.float32))
    features = jax.jit(
        lambda x: jnp.concatenate([x[:, i] * x[:, j], x, jnp.ones((x.shape[0], 1))], axis=1)
    )(x)

    def step(carry):
        pi, mu, sigma = carry
        precision = jnp.linalg.inv(sigma)
        linear = jnp.einsum("kab,kb->ka", precision, mu)
        constant = (
            jnp.log(pi)
            - 0.5 * jnp.linalg.slogdet(sigma)[1]
            - 0.5 * jnp.einsum("ka,ka->k", linear, mu)
            - 0.5 * d * np.log(2 * np.pi)
        )
        weights = jnp.concatenate([-0.5 * precision[:, i, j] * twice, linear, constant[:, None]], axis=1)
        r = jax.nn.softmax(features @ weights.T, axis=1)
        sums = r.T @ features
        total = sums[:, -1]
        mean = sums[:, -1 - d : -1] / total[:, None]
        second = sums[:, : -1 - d] / total[:, None]
        full = jnp.zeros((k, d, d)).at[:, i, j].set(second).at[:, j, i].set(second)
        return total / n, mean, full - mean[:, :, None] * mean[:, None, :]

    start = jnp.asarray((centres + 0.5 * rng.standard_normal((k, d))).astype(np.float32))
    return scanned(step, (jnp.full(k, 1 / k), start, jnp.tile(jnp.eye(d), (k, 1, 1))))


def process(job):
    """Blocked Gibbs of a truncated Dirichlet process (Ishwaran & James 2001), all of it on the device."""
    n, t = job["rows"], job["components"]
    rng = np.random.default_rng(5)
    x = jnp.asarray((3 * rng.standard_normal(12)[rng.integers(12, size=n)] + rng.standard_normal(n)).astype(np.float32))

    def step(carry):
        key, logw, mu, tau, alpha = carry
        key, a, b, c, e, f = random.split(key, 6)
        logits = logw + 0.5 * jnp.log(tau) - 0.5 * tau * (x[:, None] - mu) ** 2
        z = random.categorical(a, logits, axis=1)
        rows = jax.nn.one_hot(z, t)
        counts, sums, squares = rows.sum(0), x @ rows, (x * x) @ rows
        precision = tau * counts + 1 / 25
        mu = tau * sums / precision + random.normal(b, (t,)) / jnp.sqrt(precision)
        rate = 3 + 0.5 * (squares - 2 * mu * sums + mu**2 * counts)
        tau = random.gamma(c, 3 + 0.5 * counts) / rate
        beyond = jnp.cumsum(counts[::-1])[::-1] - counts
        v = random.beta(e, 1 + counts, alpha + beyond)[:-1]
        v = jnp.clip(v, 1e-7, 1 - 1e-7)
        rest = jnp.cumsum(jnp.log1p(-v))
        logw = jnp.concatenate([jnp.log(v), jnp.zeros(1)]) + jnp.concatenate([jnp.zeros(1), rest])
        alpha = random.gamma(f, 2 + t - 1) / (2 - rest[-1])
        return key, logw, mu, tau, alpha

    start = (random.PRNGKey(0), jnp.full(t, -np.log(t)), jnp.linspace(-9, 9, t), jnp.ones(t), jnp.array(1.0))
    return scanned(step, start)


KINDS = {
    "logistic": logistic,
    "vae": vae,
    "schools": schools,
    "regression": regression,
    "mixture": mixture,
    "process": process,
}


def main():
    request = json.load(sys.stdin)
    lines = []
    for job in request["jobs"]:
        try:
            begin = time.perf_counter()
            make = KINDS[job["kind"]](job)
            built = 1000 * (time.perf_counter() - begin)
            microseconds, first = timed(make, 1, request["seconds"])
            line = {"microseconds": microseconds, "firstMilliseconds": built + first}
        except Exception as error:  # one line that fails does not end the others
            line = {"failed": f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
        lines.append({"name": job["name"], **line})
        print(lines[-1], file=sys.stderr)
    device = jax.devices()[0]
    found = {
        "jax": jax.__version__,
        "numpyro": numpyro.__version__,
        "device": f"{device.platform}: {device.device_kind}",
        "lines": lines,
    }
    json.dump(found, sys.stdout)


main()
