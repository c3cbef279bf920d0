"""Reference values of dP(a, x)/da by mpmath, 40 digits: differences of the regularised function.

python3 scripts/reference/incomplete-gamma-shape.py > tests/math/reference/incomplete-gamma-shape.json
"""
import json
import random

import mpmath as mp

mp.mp.dps = 60
random.seed(1)


def slope(a, x):
    h = mp.mpf(10) ** -20
    p = lambda s: mp.gammainc(s, 0, x, regularized=True)
    q = lambda s: mp.gammainc(s, x, mp.inf, regularized=True)
    a, x = mp.mpf(a), mp.mpf(x)
    if x > a:
        return -(q(a + h * a) - q(a - h * a)) / (2 * h * a)
    return (p(a + h * a) - p(a - h * a)) / (2 * h * a)


points = []
for _ in range(60):
    a = 10 ** random.uniform(-2, 2.5)
    points.append((a, a * 10 ** random.uniform(-1, 0.3)))
for _ in range(30):
    a = 10 ** random.uniform(-2, 1)
    points.append((a, a + random.uniform(0.5, 30)))
for a in (500.0, 3000.0):
    for n in (-4, -1, 0.5, 4):
        points.append((a, a + n * a**0.5))
print(json.dumps([[a, x, float(slope(a, x))] for a, x in points]))
