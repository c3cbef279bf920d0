"""scikit-learn's side of em-large.ts: python3 scripts/bench/em_large.py DIRECTORY N ITERATIONS"""
import resource
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture

warnings.filterwarnings("ignore")
at, N, iterations = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
D, K = 16, 64
x = np.fromfile(at / f"x_{N}.f64").reshape(N, D)
means = np.fromfile(at / f"means_{N}.f64").reshape(K, D)


def fit(count):
    m = GaussianMixture(
        K, covariance_type="full", tol=0, reg_covar=0, max_iter=count, init_params="random",
        means_init=means, weights_init=np.full(K, 1 / K), precisions_init=np.array([np.eye(D)] * K),
    )
    wall, processor = time.perf_counter(), time.process_time()
    m.fit(x)
    return time.perf_counter() - wall, time.process_time() - processor, m


short, long = fit(1), fit(1 + iterations)
wall, processor = [1000 * (b - a) / iterations for a, b in zip(short[:2], long[:2])]
print(f"scikit-learn, N = {N}: an iteration {wall:.0f} ms, processor {processor:.0f} ms")
print(f"log likelihood after {1 + iterations}: {long[2].score(x) * N!r}")
print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
