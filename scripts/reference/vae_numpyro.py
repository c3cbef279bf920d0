"""The variational autoencoder of examples/vae in NumPyro: same networks, data, steps and step sizes.

    python scripts/reference/vae_numpyro.py examples/vae/data.json [STEPS] [SEED]

Prints the ELBO of all pictures, from 200 fresh draws, and the seconds of the steps. Nothing that
tests read comes from here; the figures stand in examples/vae/README.md.
"""
import json
import sys
import time

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.infer import SVI, Trace_ELBO, TraceMeanField_ELBO

data = json.load(open(sys.argv[1]))
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 40000
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
x = jnp.array(data["x"], dtype=jnp.float32)
N, D, d, H, batch = data["N"], data["D"], data["d"], data["H"], 100


def weights(name, n, m):
    """A layer's params, begun as those of the stdlib's `nn.dense` (Glorot and Bengio 2010)."""
    w = numpyro.param(f"{name}.w", lambda key: jax.random.normal(key, (n, m)) * jnp.sqrt(2 / (n + m)))
    return w, numpyro.param(f"{name}.b", jnp.zeros(m))


def layer(name, v, n, m):
    w, b = weights(name, n, m)
    return v @ w + b


def model(rows):
    h = None
    with numpyro.plate("N", N, subsample_size=rows.shape[0]):
        z = numpyro.sample("z", dist.Normal(jnp.zeros((rows.shape[0], d)), 1).to_event(1))
        h = jax.nn.relu(layer("decode0", z, d, H))
        logits = layer("decode1", h, H, D)
        numpyro.sample("x", dist.Bernoulli(logits=logits).to_event(1), obs=rows)


def guide(rows):
    h = jax.nn.relu(layer("body", rows, D, H))
    mean, logsd = layer("mean", h, H, d), layer("logsd", h, H, d)
    with numpyro.plate("N", N, subsample_size=rows.shape[0]):
        numpyro.sample("z", dist.Normal(mean, jnp.exp(logsd)).to_event(1))


def rate(step):
    return 0.003 * (0.01 + 0.99 * 0.5 * (1 + jnp.cos(jnp.pi * step / steps)))


# KL(q || p) in closed form, as Tilde takes it.
svi = SVI(model, guide, numpyro.optim.Adam(rate), TraceMeanField_ELBO())
state = svi.init(jax.random.key(seed), x[:batch])


@jax.jit
def run(state, key):
    def step(carry, key):
        rows = jax.random.choice(key, N, (batch,), replace=False)
        carry, loss = svi.update(carry, x[rows])
        return carry, loss

    return jax.lax.scan(step, state, jax.random.split(key, 1000))


run(state, jax.random.key(0))[1].block_until_ready()
begun = time.time()
for k in range(steps // 1000):
    state, losses = run(state, jax.random.key(1000 * seed + k))
losses.block_until_ready()
seconds = time.time() - begun
params = svi.get_params(state)
bound = jax.jit(lambda key: -Trace_ELBO().loss(key, params, model, guide, x))
values = jnp.array([bound(jax.random.key(10**6 + k)) for k in range(200)])
error = values.std() / jnp.sqrt(values.size)
print(f"ELBO {values.mean():.1f} ± {error:.1f}, {steps} steps in {seconds:.1f} s")
