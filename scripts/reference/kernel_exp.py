"""Makes src/kernel/mathlib/exp-coefficients.ts with mpmath and prints that file.

    python3 scripts/reference/kernel_exp.py > src/kernel/mathlib/exp-coefficients.ts

(exp(r) - 1 - r) / r^2 on |r| <= ln(2)/2 (a little more), interpolated at Chebyshev points: within
a small factor of minimax. The error stated is relative to exp(r), of the rounded coefficients.
"""

import mpmath as mp

mp.mp.dps = 50
LIMIT = mp.log(2) / 2 * mp.mpf("1.0001")


def f(r):
    return (mp.exp(r) - 1 - r) / r**2


def fit(n):
    points = [LIMIT * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    points = [p if abs(p) > 1e-20 else mp.mpf("1e-12") for p in points]
    matrix = mp.matrix(n, n)
    right = mp.matrix(n, 1)
    for row, r in enumerate(points):
        for j in range(n):
            matrix[row, j] = r**j
        right[row] = f(r)
    solution = mp.lu_solve(matrix, right)
    return [float(solution[j]) for j in range(n)]


def error(c):
    worst = mp.mpf(0)
    for i in range(1, 400):
        r = -LIMIT + 2 * LIMIT * mp.mpf(i) / 400 + mp.mpf("1e-9")
        value = 1 + r + r**2 * sum(mp.mpf(k) * r**j for j, k in enumerate(c))
        worst = max(worst, abs(value / mp.exp(r) - 1))
    return worst


n = next(n for n in range(4, 20) if error(fit(n)) < mp.mpf("2e-18"))
print("/** Made by scripts/reference/kernel_exp.py; change that file, not this one. */")
print()
print("/**")
print(" * (exp r - 1 - r) / r² in ascending powers of r, |r| ≤ (ln 2)/2: the relative error of")
print(f" * exp r is {mp.nstr(error(fit(n)), 2)}.")
print(" */")
print("export const EXPM1_TAIL: readonly number[] = [")
for k in fit(n):
    print(f"  {k!r},")
print("];")
