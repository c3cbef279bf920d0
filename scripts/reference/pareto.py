"""Reference numbers of Pareto k, from ArviZ's psislw.

Usage: python3 scripts/reference/pareto.py > tests/inference/laplace/reference/pareto.json

The log weights are not stored: the test builds the same numbers, k·log(1 / u) with u from Park and
Miller's generator, whose exact tail shape is k.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")
import arviz  # noqa: E402
import numpy as np  # noqa: E402

MODULUS = 2147483647


def uniforms(seed, n):
    state = seed
    out = []
    for _ in range(n):
        state = (48271 * state) % MODULUS
        out.append(state / MODULUS)
    return np.array(out)


rows = []
for seed, n, k in [(1, 1000, 0.2), (2, 1000, 0.7), (3, 4000, 0.5), (4, 4000, 1.2), (5, 100, 0.4)]:
    weights = -k * np.log(uniforms(seed, n))
    _, shape = arviz.psislw(weights)
    rows.append(dict(seed=seed, n=n, k=k, pareto_k=float(shape)))
json.dump(
    dict(made_by="scripts/reference/pareto.py", arviz=arviz.__version__, rows=rows),
    sys.stdout,
    indent=1,
)
print()
