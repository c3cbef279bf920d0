"""NumPyro's vectorised NUTS of eight schools, for many-trees.ts.

    python3 scripts/bench/many_trees.py CHAINS WARMUP DRAWS FILE

writes the draws (mu, tau, eta; chain after chain) as doubles to FILE and prints processor seconds
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


mcmc = numpyro.infer.MCMC(
    numpyro.infer.NUTS(model),
    num_warmup=warmup,
    num_samples=draws,
    num_chains=chains,
    chain_method="vectorized",
    progress_bar=False,
    jit_model_args=True,
)
found = {}
# The second time everything is compiled.
for key in (0, 1):
    begun = time.process_time()
    mcmc.warmup(jax.random.PRNGKey(key))
    jax.block_until_ready(mcmc.last_state.z)
    warm = time.process_time()
    mcmc.run(mcmc.post_warmup_state.rng_key, extra_fields=("num_steps",))
    samples = mcmc.get_samples(group_by_chain=True)
    jax.block_until_ready(samples)
    found = {"warmup": warm - begun, "sampling": time.process_time() - warm}
steps = np.asarray(mcmc.get_extra_fields(group_by_chain=True)["num_steps"])
columns = [samples["mu"], samples["tau"]] + [samples["eta"][..., j] for j in range(8)]
np.stack([np.asarray(c) for c in columns]).astype("<f8").tofile(sys.argv[4])
found |= {"leapfrogs": int(steps.sum()), "synchronised": int(steps.max(axis=0).sum())}
print(json.dumps({**found, "numpyro": numpyro.__version__, "jax": jax.__version__}))
