"""Layers of stdlib/nn.ppl at random params, by NumPy and SciPy alone.

Writes tests/library/reference/nn.json: for each case the call that makes the layer, the shapes of its
arguments, params and arguments row by row, and the layer's value. Convolutions are SciPy's
correlate of each pair of channels on the padded picture, every `stride`-th element kept.
"""
import json
import pathlib

import numpy as np
from scipy.signal import correlate
from scipy.special import erf, expit

rng = np.random.default_rng(20261121)
cases = []


def case(layer, params, args, value):
    flat = lambda a: [float(f"{x:.17g}") for x in np.ravel(a)]
    cases.append({
        "layer": layer,
        "params": {k: flat(v) for k, v in params.items()},
        "args": [{"dims": list(np.shape(a)), "data": flat(a)} for a in args],
        "dims": list(np.shape(value)),
        "value": flat(value),
    })


def dense(name, n, m):
    return {f"{name}w": rng.normal(size=(n, m)), f"{name}b": rng.normal(size=m)}


def apply(p, name, x):
    return x @ p[f"{name}w"] + p[f"{name}b"]


p = dense("", 3, 2)
x = rng.normal(size=3)
case("nn.dense(3, 2)", p, [x], apply(p, "", x))

p = dense("layers.0.", 3, 4) | dense("layers.1.", 4, 5) | dense("layers.2.", 5, 2)
gelu = lambda v: v * 0.5 * (1 + erf(v / np.sqrt(2)))
h = gelu(apply(p, "layers.1.", gelu(apply(p, "layers.0.", x))))
case("nn.mlp([3, 4, 5, 2], nn.gelu)", p, [x], apply(p, "layers.2.", h))


def conv(x, kernel, b, stride, padding):
    """Convolution over all axes of x but the last, which holds the channels."""
    axes = x.ndim - 1
    padded = np.pad(x, [(padding, padding)] * axes + [(0, 0)])
    out = []
    for o in range(kernel.shape[-1]):
        full = sum(
            correlate(padded[..., l], kernel[..., l, o], mode="valid", method="direct")
            for l in range(x.shape[-1])
        )
        out.append(full[(slice(None, None, stride),) * axes] + b[o])
    return np.stack(out, axis=-1)


for h, w, c, m, size, stride, padding in [
    (5, 4, 1, 1, 3, 1, 0),
    (5, 6, 2, 3, 3, 1, 1),
    (7, 6, 3, 2, 3, 2, 1),
    (6, 5, 2, 2, 2, 3, 0),
    (3, 4, 2, 2, 5, 2, 2),
    (4, 4, 2, 3, 1, 1, 0),
]:
    p = {"kernel": rng.normal(size=(size, size, c, m)), "b": rng.normal(size=m)}
    x = rng.normal(size=(h, w, c))
    layer = f"nn.conv2d({h}, {w}, {c}, {m}, size: {size}, stride: {stride}, padding: {padding})"
    case(layer, p, [x], conv(x, p["kernel"], p["b"], stride, padding))

for n, c, m, size, stride, padding in [(7, 2, 3, 3, 1, 1), (8, 1, 2, 4, 2, 0)]:
    p = {"kernel": rng.normal(size=(size, c, m)), "b": rng.normal(size=m)}
    x = rng.normal(size=(n, c))
    layer = f"nn.conv1d({n}, {c}, {m}, size: {size}, stride: {stride}, padding: {padding})"
    case(layer, p, [x], conv(x, p["kernel"], p["b"], stride, padding))

p = {"scale": rng.normal(size=5), "shift": rng.normal(size=5)}
x = 3 + 2 * rng.normal(size=5)
z = (x - np.mean(x)) / np.sqrt(np.var(x) + 1e-5)
case("nn.layer_norm(5)", p, [x], z * p["scale"] + p["shift"])

p = dense("update.", 5, 3) | dense("reset.", 5, 3) | dense("candidate.", 5, 3)
x, h = rng.normal(size=2), rng.normal(size=3)
both = np.concatenate([x, h])
u, r = expit(apply(p, "update.", both)), expit(apply(p, "reset.", both))
new = np.tanh(apply(p, "candidate.", np.concatenate([x, r * h])))
case("nn.gru(2, 3)", p, [x, h], (1 - u) * h + u * new)

p = dense("enter.", 5, 3) | dense("leave.", 5, 3) | dense("candidate.", 5, 3)
p |= {"forget_w": rng.normal(size=(5, 3)), "forget_b": rng.normal(size=3)}
s = rng.normal(size=6)
both = np.concatenate([x, s[:3]])
cell = expit(both @ p["forget_w"] + p["forget_b"]) * s[3:]
cell = cell + expit(apply(p, "enter.", both)) * np.tanh(apply(p, "candidate.", both))
out = expit(apply(p, "leave.", both)) * np.tanh(cell)
case("nn.lstm(2, 3)", p, [x, s], np.concatenate([out, cell]))

p = {k: rng.normal(size=(3, 4)) for k in ("query", "key", "value")}
x = rng.normal(size=(5, 3))
a = np.exp((x @ p["query"]) @ (x @ p["key"]).T / 2)
case("nn.attention(3, 4)", p, [x], (a / a.sum(axis=1, keepdims=True)) @ (x @ p["value"]))

at = pathlib.Path(__file__).parents[2] / "tests/library/reference/nn.json"
at.write_text(json.dumps(cases, indent=None, separators=(",", ":")).replace('{"layer"', '\n{"layer"') + "\n")
