"""Reference numbers of convergence diagnostics, from ArviZ.

Usage: python3 scripts/reference/diagnostics.py > tests/run/diagnostics/reference/arviz.json

The draws are not stored: `series` below and its twin in the test build the same IEEE doubles from
a multiplicative congruential generator and from +, -, *, / alone.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")
import arviz  # noqa: E402
import numpy as np  # noqa: E402
import scipy  # noqa: E402
from arviz.stats import diagnostics as az  # noqa: E402

MODULUS = 2147483647  # Lehmer's generator with Park and Miller's multiplier


def uniforms(seed, n):
    state = seed
    out = []
    for _ in range(n):
        state = (48271 * state) % MODULUS
        out.append(state / MODULUS)
    return out


def series(case):
    """chains × draws; see the twin `series` in tests/run/diagnostics/arviz.test.ts."""
    chains, draws = case["chains"], case["draws"]
    rows = []
    for c in range(chains):
        u = uniforms(case["seed"] + c, draws + 50)[50:]
        kind = case["kind"]
        row = []
        x = 0.0
        for t in range(draws):
            v = u[t] - 0.5
            if kind == "ar":
                x = case["phi"] * x + v
                row.append(case["offset"] + case["shift"] * c + x)
            elif kind == "heavy":
                row.append(1.0 / v)
            elif kind == "discrete":
                row.append(float(np.floor(u[t] * case["levels"])))
            elif kind == "constant":
                row.append(case["offset"])
            elif kind == "trend":
                row.append(v + case["shift"] * t / draws)
        rows.append(row)
    return np.array(rows)


def ar(name, chains, draws, phi, seed, offset=0.0, shift=0.0):
    return dict(name=name, kind="ar", chains=chains, draws=draws, phi=phi, seed=seed,
                offset=offset, shift=shift)


CASES = [
    ar("independent", 4, 1000, 0.0, 101),
    ar("autocorrelated 0.9", 4, 500, 0.9, 201),
    ar("barely moving 0.999", 4, 400, 0.999, 301),
    ar("antithetic -0.9", 4, 500, -0.9, 401),
    ar("antithetic -0.3", 4, 1000, -0.3, 451),
    ar("chains apart", 4, 500, 0.5, 501, shift=0.4),
    ar("far from zero", 4, 250, 0.5, 551, offset=1.0e6),
    ar("single chain", 1, 1000, 0.7, 601),
    ar("odd number of draws", 3, 151, 0.6, 701),
    ar("four draws", 4, 4, 0.0, 801),
    ar("five draws", 2, 5, 0.0, 811),
    ar("seven draws", 4, 7, 0.3, 821),
    ar("nine draws", 3, 9, 0.3, 831),
    dict(name="heavy tails", kind="heavy", chains=4, draws=500, seed=901),
    dict(name="ties", kind="discrete", chains=4, draws=300, seed=1001, levels=3),
    dict(name="binary", kind="discrete", chains=4, draws=101, seed=1101, levels=2),
    dict(name="constant", kind="constant", chains=4, draws=100, seed=1, offset=2.5),
    dict(name="trend", kind="trend", chains=4, draws=400, seed=1201, shift=1.0),
]


def number(x):
    x = float(x)
    return x if np.isfinite(x) else None


def reference(case):
    x = series(case)
    split = az._split_chains(x)
    folded = abs(split - np.median(split))
    # ArviZ refuses one chain; its own steps, without the refusal.
    rhat = max(az._rhat(az._z_scale(split)), az._rhat(az._z_scale(folded)))
    if case["chains"] > 1:
        public = float(az._rhat_rank(x))
        assert public == rhat or (np.isnan(public) and np.isnan(rhat))
    return dict(
        case=case,
        sum=number(x.sum()),
        rhat=number(rhat),
        ess_bulk=number(arviz.ess(x, method="bulk")),
        ess_tail=number(arviz.ess(x, method="tail")),
        ess_mean=number(arviz.ess(x, method="mean")),
        ess_sd=number(arviz.ess(x, method="sd")),
        ess_q10=number(arviz.ess(x, method="quantile", prob=0.1)),
        mcse_mean=number(arviz.mcse(x, method="mean")),
        mcse_sd=number(arviz.mcse(x, method="sd")),
        mcse_q25=number(arviz.mcse(x, method="quantile", prob=0.25)),
        mcse_q95=number(arviz.mcse(x, method="quantile", prob=0.95)),
        bfmi=[number(b) for b in arviz.bfmi(x)],
    )


json.dump(
    dict(
        made_by="scripts/reference/diagnostics.py",
        versions=dict(arviz=arviz.__version__, numpy=np.__version__, scipy=scipy.__version__),
        references=[reference(case) for case in CASES],
    ),
    sys.stdout,
    indent=1,
)
print()
