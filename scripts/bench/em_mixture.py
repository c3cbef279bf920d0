"""scikit-learn's side of em-mixture.ts: python3 scripts/bench/em_mixture.py DIRECTORY"""
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")
N, D, K, ITERATIONS = 100_000, 10, 10, 10
at = Path(sys.argv[1])
x = np.fromfile(at / "em_x.f64").reshape(N, D)
means = np.fromfile(at / "em_means.f64").reshape(K, D)


def fit(iterations):
    m = GaussianMixture(
        K, covariance_type="full", tol=0, reg_covar=0, max_iter=iterations, init_params="random",
        means_init=means, weights_init=np.full(K, 1 / K), precisions_init=np.array([np.eye(D)] * K),
    )
    begin = time.perf_counter()
    m.fit(x)
    return time.perf_counter() - begin, m


short, _ = fit(1)
long, m = fit(1 + ITERATIONS)
_, ten = fit(ITERATIONS)
print(f"iteration {1000 * (long - short) / ITERATIONS:.1f} ms")
print(f"log likelihood after {ITERATIONS}: {ten.score(x) * N!r}")
