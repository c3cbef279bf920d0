"""NumPyro's vectorised NUTS of eight schools, for many-trees.ts.

    python3 scripts/bench/many_trees.py CHAINS WARMUP DRAWS FILE

writes the draws (mu, log tau, eta; chain after chain) as doubles to FILE and prints processor seconds
of warmup and draws, without compilation, and the leapfrog steps of the draws.
"""
import json
import sys
import time

import jax
import numpy as np
import numpyro
import numpyro.distributions as dist

numpyro.enable_x64()
chains, warmup, draws = (int(a) for a in sys.argv[1:4])
y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
sigma = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def model():
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("schools", 8):
        eta = numpyro.sample("eta", dist.Normal(0, 1))
        numpyro.sample("y", dist.Normal(mu + tau * eta, sigma), obs=y)


kernel = numpyro.infer.NUTS(model)
start = kernel.init(jax.random.split(jax.random.PRNGKey(0), chains), warmup, None, (), {})


def transitions(state, count):
    def step(state, _):
        state = kernel.sample(state, (), {})
        return state, (state.z, state.num_steps)

    return jax.lax.scan(step, state, None, length=count)


warm_up = jax.jit(lambda s: transitions(s, warmup)[0]).lower(start).compile()
draw = jax.jit(lambda s: transitions(s, draws)[1]).lower(start).compile()
begun = time.process_time()
state = jax.block_until_ready(warm_up(start))
warm = time.process_time()
samples, steps = jax.block_until_ready(draw(state))
end = time.process_time()
# Rank-normalised effective sizes are those of tau's logarithm as well. Draws, chains -> chains, draws.
columns = [samples["mu"], samples["tau"]] + [samples["eta"][..., j] for j in range(8)]
np.stack([np.asarray(c).T for c in columns]).astype("<f8").tofile(sys.argv[4])
steps = np.asarray(steps)
figures = {"warmup": warm - begun, "sampling": end - warm, "leapfrogs": int(steps.sum())}
figures |= {"synchronised": int(steps.max(axis=1).sum()), "numpyro": numpyro.__version__}
print(json.dumps(figures))
