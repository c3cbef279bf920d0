"""The Bayesian neural network of examples/bayesian_network in NumPyro, by NUTS.

    python scripts/reference/bayesian_network_numpyro.py examples/bayesian_network/data.json

Prints means and sds of the curve and of its spread at two times each. Nothing that tests read comes
from here; the figures stand in examples/bayesian_network/README.md.
"""
import json
import sys

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS

numpyro.enable_x64()
data = json.load(open(sys.argv[1]))
t, y, grid, H = (jnp.array(data["t"]), jnp.array(data["y"]), jnp.array(data["grid"]), data["H"])


def at(times, slope, shift, weights, start):
    return start + jnp.tanh(jnp.outer((times - 25) / 13, slope) + shift) @ weights


def model():
    slope = numpyro.sample("slope", dist.Normal(jnp.zeros(H), 3))
    shift = numpyro.sample("shift", dist.Normal(jnp.zeros(H), 3))
    to_mean = numpyro.sample("to_mean", dist.Normal(jnp.zeros(H), 1.5))
    to_spread = numpyro.sample("to_spread", dist.Normal(jnp.zeros(H), 1))
    mean0 = numpyro.sample("mean0", dist.Normal(0, 1))
    spread0 = numpyro.sample("spread0", dist.Normal(-1, 1))
    mean = 50 * at(t, slope, shift, to_mean, mean0)
    spread = 50 * jnp.exp(at(t, slope, shift, to_spread, spread0))
    numpyro.sample("y", dist.Normal(mean, spread), obs=y)
    numpyro.deterministic("curve", 50 * at(grid, slope, shift, to_mean, mean0))
    numpyro.deterministic("spread", 50 * jnp.exp(at(grid, slope, shift, to_spread, spread0)))


kernel = NUTS(model, target_accept_prob=0.95, max_tree_depth=12)
mcmc = MCMC(kernel, num_warmup=1000, num_samples=1000, num_chains=4, chain_method="sequential",
            progress_bar=False)
mcmc.run(jax.random.key(1))
draws = mcmc.get_samples(group_by_chain=True)
for name, k in (("curve", 12), ("curve", 22), ("spread", 12), ("spread", 30)):
    x = jax.device_get(draws[name][..., k])
    ess, rhat = effective_sample_size(x), split_gelman_rubin(x)
    print(f"{name}[{k}] {x.mean():.2f} sd {x.std():.2f} ess {ess:.0f} R-hat {rhat:.3f}")
print("divergent", int(mcmc.get_extra_fields()["diverging"].sum()))
