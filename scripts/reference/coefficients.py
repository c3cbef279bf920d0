"""Computes the polynomials of src/math/special/coefficients.ts with mpmath and prints that file.

    python3 scripts/reference/coefficients.py > src/math/special/coefficients.ts
    npx biome format --write src/math/special/coefficients.ts

Each table interpolates a smooth function at the Chebyshev points of an interval (polynomials, and
rationals p/q with q(0) = 1 solved as a linear system): within a small factor of minimax. The
degree is the smallest whose largest relative error on a fine grid is below the stated bound, the
error being measured on the *rounded* coefficients in exact arithmetic.
"""

import mpmath as mp

mp.mp.dps = 60


def chebyshev_points(a, b, n):
    return [
        (a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)
    ]


def fit(f, a, b, p, q):
    """Coefficients of p/q (degrees p, q) that interpolate f at Chebyshev points of [a, b]."""
    n = p + q + 1
    matrix, right = mp.matrix(n, n), mp.matrix(n, 1)
    for row, x in enumerate(chebyshev_points(a, b, n)):
        y = f(x)
        for j in range(p + 1):
            matrix[row, j] = x**j
        for j in range(1, q + 1):
            matrix[row, p + j] = -y * x**j
        right[row] = y
    solution = mp.lu_solve(matrix, right)
    numerator = [float(solution[j]) for j in range(p + 1)]
    denominator = [1.0] + [float(solution[p + j]) for j in range(1, q + 1)]
    return numerator, denominator


def evaluate(c, x):
    total = mp.mpf(0)
    for k in reversed(c):
        total = total * x + mp.mpf(k)
    return total


def error(f, a, b, numerator, denominator):
    worst = mp.mpf(0)
    for i in range(201):
        x = a + (b - a) * mp.mpf(i) / 200
        y = f(x)
        worst = max(worst, abs(evaluate(numerator, x) / evaluate(denominator, x) / y - 1))
    return worst


def amplification(c, d, a, b):
    """Largest sum |c_k x^k| / |sum c_k x^k|: the condition of Horner's rule on [a, b]."""
    worst = 0.0
    for i in range(101):
        x = float(a + (b - a) * i / 100)
        for e in (c, d):
            value = abs(float(evaluate(e, x)))
            worst = max(worst, sum(abs(k) * abs(x) ** j for j, k in enumerate(e)) / value)
    return worst


def table(name, doc, f, a, b, rational, bound=1.3e-16):
    a, b = mp.mpf(a), mp.mpf(b)
    for n in range(2, 40):
        p, q = ((n + 1) // 2, n // 2) if rational else (n, 0)
        numerator, denominator = fit(f, a, b, p, q)
        if error(f, a, b, numerator, denominator) < bound:
            break
    else:
        raise SystemExit(f"{name}: no degree reaches {bound}")
    worst = mp.nstr(error(f, a, b, numerator, denominator), 2)
    condition = amplification(numerator, denominator, a, b)
    if condition > 12 and bound < 1e-12:
        raise SystemExit(f"{name}: Horner's rule amplifies rounding {condition:.1f} times")
    text = f"relative error {worst}, Horner condition {condition:.1f}."
    print(f"\n/**\n * {doc}\n * {text}\n */")
    print(f"export const {name}_P: readonly number[] = {show(numerator)};")
    if rational:
        print(f"\n/** Denominator of `{name}_P`. */")
        print(f"export const {name}_Q: readonly number[] = {show(denominator)};")


def show(c):
    return "[\n" + "".join(f"  {k!r},\n" for k in c) + "]"


def near(f, x):
    """f at a removable singularity: the mean of both sides, far below double precision."""
    step = mp.mpf(10) ** -25
    return (f(x - step) + f(x + step)) / 2


def removable(f, zeros):
    return lambda x: near(f, x) if any(abs(x - z) < mp.mpf(10) ** -26 for z in zeros) else f(x)


def stirling(w):
    if w < mp.mpf(10) ** -40:
        return mp.mpf(1) / 12
    z = 1 / mp.sqrt(w)
    with mp.workdps(90):
        rest = mp.loggamma(z) - (z - mp.mpf(1) / 2) * mp.log(z) + z - mp.log(2 * mp.pi) / 2
    return rest * z


def digamma_tail(w):
    if w < mp.mpf(10) ** -40:
        return mp.mpf(1) / 12
    z = 1 / mp.sqrt(w)
    with mp.workdps(90):
        return (mp.log(z) - 1 / (2 * z) - mp.digamma(z)) / w


def trigamma_tail(w):
    if w < mp.mpf(10) ** -40:
        return mp.mpf(1) / 6
    z = 1 / mp.sqrt(w)
    with mp.workdps(90):
        return (mp.psi(1, z) - 1 / z - 1 / (2 * z * z)) * z / w


def erfcx(x):
    with mp.workdps(80 + int(x * x)):
        return mp.exp(x * x) * mp.erfc(x)


def erfcx_far(w):
    """x erfcx(x) √π for w = 1/x²."""
    if w < mp.mpf(10) ** -40:
        return mp.mpf(1)
    x = 1 / mp.sqrt(w)
    if x > 40:
        total, term = mp.mpf(1), mp.mpf(1)
        for k in range(1, 40):
            term *= -(2 * k - 1) * w / 2
            total += term
        return total
    return x * erfcx(x) * mp.sqrt(mp.pi)


def quantile_center(w):
    """Φ⁻¹(1/2 + q) / q for w = q²."""
    if w < mp.mpf(10) ** -40:
        return mp.sqrt(2 * mp.pi)
    q = mp.sqrt(w)
    return mp.sqrt(2) * mp.erfinv(2 * q) / q


def quantile_tail(r):
    """-Φ⁻¹(exp(-r²)), by Newton's method on log Φ."""
    target = -r * r
    x = mp.sqrt(2) * r
    with mp.workdps(60):
        for _ in range(200):
            tail = mp.erfc(x / mp.sqrt(2)) / 2
            density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
            step = (mp.log(tail) - target) * tail / density
            x += step
            if abs(step) < mp.mpf(10) ** -45:
                return x
    raise SystemExit("quantile_tail did not converge")


def i0_scaled(u):
    """√x e^(-x) I0(x) for u = 1/x."""
    if u < mp.mpf(10) ** -4:
        return asymptotic(0, u)
    return mp.besseli(0, 1 / u) * mp.exp(-1 / u) / mp.sqrt(u)


def i1_scaled(u):
    if u < mp.mpf(10) ** -4:
        return asymptotic(1, u)
    return mp.besseli(1, 1 / u) * mp.exp(-1 / u) / mp.sqrt(u)


def asymptotic(order, u):
    total, term = mp.mpf(1), mp.mpf(1)
    for k in range(1, 15):
        term *= -(4 * order**2 - (2 * k - 1) ** 2) * u / (8 * k)
        total += term
    return total / mp.sqrt(2 * mp.pi)


PSI_ZERO = mp.findroot(mp.digamma, mp.mpf("1.4616321449683623"))
PSI_ZERO_HIGH = float(PSI_ZERO)

print("/**")
print(" * Made by scripts/reference/coefficients.py; change that file, not this one. Coefficients are")
print(" * in ascending powers, for Horner's rule; a table `X_P` with an `X_Q` is a rational P/Q.")
print(" */")
print("\n/** The positive zero of digamma, and what its rounding leaves out. */")
print(f"export const DIGAMMA_ZERO: readonly [number, number] = [\n  {PSI_ZERO_HIGH!r},")
print(f"  {float(PSI_ZERO - mp.mpf(PSI_ZERO_HIGH))!r},\n];")

table("LGAMMA_CORE", "lgamma(2 + s) / (s (1 + s)), s in [-1/2, 1]:",
      removable(lambda s: mp.loggamma(2 + s) / (s * (1 + s)), [0]), -0.5, 1, True)
table("STIRLING", "x · (lgamma(x) - (x - 1/2) log x + x - log(2π)/2) in w = 1/x², x ≥ 8:",
      stirling, 0, mp.mpf(1) / 64, False)
table("DIGAMMA_CORE", "digamma(x) / (x - zero) in s = x - 3/2, x in [1, 2]:",
      removable(lambda s: mp.digamma(mp.mpf(3) / 2 + s) / (mp.mpf(3) / 2 + s - PSI_ZERO),
                [PSI_ZERO - mp.mpf(3) / 2]), -0.5, 0.5, True)
table("DIGAMMA_TAIL", "(log x - 1/(2x) - digamma(x)) x² in w = 1/x², x ≥ 8:",
      digamma_tail, 0, mp.mpf(1) / 64, False)
table("TRIGAMMA_TAIL", "(trigamma(x) - 1/x - 1/(2x²)) x³ in w = 1/x², x ≥ 8:",
      trigamma_tail, 0, mp.mpf(1) / 64, False)
table("ERF_CORE", "erf(x) / x in w = x², |x| ≤ 1:",
      lambda w: mp.erf(mp.sqrt(w)) / mp.sqrt(w) if w > 0 else 2 / mp.sqrt(mp.pi), 0, 1, True)
table("ERFCX_NEAR", "erfcx(x), x in [0, 3]:", erfcx, 0, 3, True)
table("ERFCX_FAR", "x erfcx(x) √π in w = 1/x², x ≥ 3:", erfcx_far, 0, mp.mpf(1) / 9, True)
table("QUANTILE_CENTER", "Φ⁻¹(1/2 + q) / q in w = q², |q| ≤ 0.425:",
      quantile_center, 0, mp.mpf("0.425") ** 2, True, 1e-9)
table("QUANTILE_NEAR", "-Φ⁻¹(p) in s = √(-log p) - 3, p in [exp(-25), 0.075]:",
      lambda s: quantile_tail(s + 3), mp.sqrt(-mp.log(mp.mpf("0.0751"))) - 3, 2, True, 1e-9)
table("QUANTILE_FAR", "-Φ⁻¹(p) / r in u = 5 / r, r = √(-log p) in [5, 27.4]:",
      lambda u: quantile_tail(5 / u) * u / 5, mp.mpf(5) / mp.mpf("27.4"), 1, True, 1e-9)
table("I0_NEAR", "(I0(x) - 1) / (x/2)² in w = (x/2)², 0 ≤ x ≤ 8:",
      lambda w: (mp.besseli(0, 2 * mp.sqrt(w)) - 1) / w if w > 0 else mp.mpf(1), 0, 16, False)
table("I1_NEAR", "2 I1(x) / x in w = (x/2)², 0 ≤ x ≤ 8:",
      lambda w: mp.besseli(1, 2 * mp.sqrt(w)) / mp.sqrt(w) if w > 0 else mp.mpf(1), 0, 16, False)
SIXTEENTH = mp.mpf(1) / 16
table("I0_FAR", "√x exp(-x) I0(x) in s = 1/x - 1/16, x ≥ 8:",
      lambda s: i0_scaled(s + SIXTEENTH), -SIXTEENTH, SIXTEENTH, False)
table("I1_FAR", "√x exp(-x) I1(x) in s = 1/x - 1/16, x ≥ 8:",
      lambda s: i1_scaled(s + SIXTEENTH), -SIXTEENTH, SIXTEENTH, False)
