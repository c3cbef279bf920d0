"""Opens what `tilde run … --out DIR --format netcdf,cmdstan` wrote, by ArviZ and CmdStanPy.

    pip install arviz netCDF4 h5netcdf cmdstanpy
    python3 scripts/reference/read_fit.py DIR

Compares the groups with draws.csv and summary.json of the folder, and ends with an error where they
differ: draws to the last bit, R-hat and effective sizes to what both round.
"""

import glob
import json
import sys

import arviz as az
import numpy as np
import pandas as pd

folder = sys.argv[1]
fit = az.from_netcdf(f"{folder}/fit.nc")
draws = pd.read_csv(f"{folder}/draws.csv", comment="#")
summary = json.load(open(f"{folder}/summary.json"))
chains = draws["chain__"].nunique()


def scalars(array):
    """`name[i,j]` and its draws, chain after chain."""
    values = array.values
    for index in np.ndindex(values.shape[2:]):
        tail = f"[{','.join(map(str, index))}]" if index else ""
        yield array.name + tail, values[(slice(None), slice(None), *index)]


def check(data, what, exact=True):
    for name, array in data.data_vars.items():
        for scalar, values in scalars(array):
            if scalar not in draws:
                continue
            ours = draws[scalar].to_numpy().reshape(chains, -1)
            assert np.array_equal(values, ours) if exact else np.allclose(values, ours), (what, scalar)
            figures = summary["variables"][scalar]
            for key, mine in [
                ("rhat", az.rhat(np.ascontiguousarray(values))),
                ("ess_bulk", az.ess(np.ascontiguousarray(values), method="bulk")),
                ("ess_tail", az.ess(np.ascontiguousarray(values), method="tail")),
            ]:
                if figures.get(key) is not None:
                    assert abs(float(mine) - figures[key]) < 1e-6 * max(1, figures[key]), (key, scalar)


check(fit.posterior, "netcdf")
assert np.array_equal(fit.sample_stats.lp.values.ravel(), draws["lp__"].to_numpy())
print(fit)
print({g: {k: dict(v.sizes) for k, v in fit[g].data_vars.items()} for g in fit.groups()})
print(az.summary(fit))
if "log_likelihood" in fit.groups():
    print(az.loo(fit))
files = sorted(glob.glob(f"{folder}/cmdstan-*.csv"))
if files:
    check(az.from_cmdstan(files).posterior, "cmdstan by arviz")
    import cmdstanpy

    stan = cmdstanpy.from_csv(files)
    assert stan.chains == chains
    names = [c for c in draws.columns if not c.endswith("__")]
    print(stan.metric_type, stan.inv_metric.shape, stan.step_size, stan.divergences)
    for name in fit.posterior.data_vars:
        theirs = stan.stan_variable(name)
        ours = fit.posterior[name].values
        assert np.array_equal(theirs.reshape(ours.reshape(-1, *ours.shape[2:]).shape), ours.reshape(-1, *ours.shape[2:])), name
print("all the same")
