/**
 * Natural gradients: on conjugate models a step of size 1 with the exact gradient is the posterior
 * (Hoffman, Blei, Wang and Paisley 2013, section 2.3).
 */
import { expect, test } from "vitest";
import { NATURAL_RATE, NEXT_THETA } from "../../../src/inference/objective/index.js";
import { stream } from "../../../src/math/rng/index.js";
import { evaluateGraph } from "../../../src/tensor/evaluate.js";
import { array, build, type Setup } from "./driver.js";

type Noise = (name: string, length: number) => readonly number[];

interface Stepped {
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly grad: Float64Array;
}

/** `theta` before and after one step of a size, for given noise. */
function stepper(setup: Setup): (rate: number, noise: Noise) => Stepped {
  const made = build({ ...setup, natural: true });
  const theta = made.initial(1);
  return (rate, noise) => {
    const inputs: Record<string, Float64Array> = {
      theta,
      [NATURAL_RATE]: Float64Array.of(rate),
    };
    for (const n of made.noise) {
      const length = n.dims.reduce((a, b) => a * b, 1);
      inputs[n.name] = Float64Array.from(noise(n.name, length));
    }
    for (const s of made.states) inputs[s.name] = Float64Array.of(s.init);
    const out = evaluateGraph(made.graph, inputs);
    return { before: theta, after: out[NEXT_THETA], grad: out.grad };
  };
}

/** The mean over two draws, so that ε = ±1 makes gradients of quadratic functions exact. */
const two = `objective both(p, q) {
  for k in 0..2 { z[k] ~ q;  let w[k] = log_joint(p, z[k]) - log_prob(q, z[k]) }
  return (w[0] + w[1]) / 2
}`;
const opposite: Noise = (_, length) => Array.from({ length }, (_, i) => (i < length / 2 ? 1 : -1));

test("a normal mean: the posterior in one step", () => {
  const y = [0.5, 1.8, -0.3, 2.2];
  const setup: Setup = {
    text: `model m(N: int, y: real[N]) {
  mu ~ Normal(0.5, 2)
  for i in 0..N { b[i] ~ Normal(0, 1);  observe y[i] ~ Normal(b[i], 0.5) }
  observe y[0] ~ Normal(mu, 0.7)
}
guide q(N: int) for m {
  param a: real = -1
  param s: positive = 2.5
  param c: real[N] = 0.3
  param d: positive[N] = 0.4
  mu ~ Normal(a, s)
  for i in 0..N { b[i] ~ Normal(c[i], d[i]) }
}
${two}`,
    objective: "both",
    programs: { p: "m", q: "q" },
    data: { y: array([4], y) },
  };
  const { after } = stepper(setup)(1, opposite);
  const precision = 1 / 4 + 1 / 0.49;
  const mean = (0.5 / 4 + y[0] / 0.49) / precision;
  expect(Math.abs(after[0] - mean)).toBeLessThan(1e-12);
  expect(Math.abs(Math.exp(after[1]) - 1 / Math.sqrt(precision))).toBeLessThan(1e-12);
  y.forEach((v, i) => {
    expect(Math.abs(after[2 + i] - (4 * v) / 5)).toBeLessThan(1e-12);
    expect(Math.abs(Math.exp(after[6 + i]) - 1 / Math.sqrt(5))).toBeLessThan(1e-12);
  });
});

test("one mean shared by several draws: the mean of their posteriors in one step", () => {
  const y = [0.5, 1.8, -0.3, 2.2];
  const setup: Setup = {
    text: `model m(N: int, y: real[N]) {
  for i in 0..N { b[i] ~ Normal(0, 1);  observe y[i] ~ Normal(b[i], 0.5) }
}
guide q(N: int) for m {
  param c: real = 0.3
  param d: positive = 0.4
  for i in 0..N { b[i] ~ Normal(c, d) }
}
${two}`,
    objective: "both",
    programs: { p: "m", q: "q" },
    data: { y: array([4], y) },
  };
  const { after } = stepper(setup)(1, opposite);
  const mean = y.reduce((s, v) => s + (4 * v) / 5, 0) / 4;
  expect(Math.abs(after[0] - mean)).toBeLessThan(1e-12);
  expect(Math.abs(Math.exp(after[1]) - 1 / Math.sqrt(5))).toBeLessThan(1e-12);
});

test("bits and labels: their posterior logits in one step", () => {
  const y = [0.2, 1.4, -0.5];
  const setup: Setup = {
    text: `import objectives
model m(N: int, y: real[N]) {
  for i in 0..N {
    z[i] ~ Bernoulli(0.3)
    observe y[i] ~ Normal(0.7 * z[i], 1)
    k[i] ~ Categorical([0.2, 0.5, 0.3])
    observe y[i] ~ Normal([-1, 0.5, 2][k[i]], 0.8)
  }
}
guide q(N: int) for m {
  param l: real[N] = 0.4
  param e: real[N, 3] = Normal(0, 1)
  for i in 0..N { z[i] ~ Bernoulli(logits: l[i]);  k[i] ~ Categorical(logits: e[i]) }
}`,
    objective: "elbo",
    programs: { p: "m", q: "q" },
    data: { y: array([3], y) },
  };
  const { after } = stepper(setup)(1, (_, length) => Array.from({ length }, () => 0.5));
  y.forEach((v, i) => {
    const logit = Math.log(0.3 / 0.7) - 0.5 * (v - 0.7) ** 2 + 0.5 * v * v;
    expect(Math.abs(after[i] - logit)).toBeLessThan(1e-12);
    const logs = [-1, 0.5, 2].map((m, k) => {
      return Math.log([0.2, 0.5, 0.3][k]) - (0.5 * (v - m) ** 2) / 0.64;
    });
    for (const k of [1, 2]) {
      const found = after[3 + 3 * i + k] - after[3 + 3 * i];
      expect(Math.abs(found - (logs[k] - logs[0]))).toBeLessThan(1e-11);
    }
  });
});

test("a rate of counts: the posterior in the mean of the noise", () => {
  const y = [3, 1, 4, 2];
  const setup: Setup = {
    text: `import objectives
model m(N: int, y: int[N]) {
  rate ~ Gamma(2, 1)
  share ~ Beta(2, 3)
  for i in 0..N { observe y[i] ~ Poisson(rate);  observe y[i] ~ Binomial(5, share) }
}
guide q() for m {
  param a: positive = 8
  param b: positive = 3
  param c: positive = 9
  param d: positive = 10
  rate ~ Gamma(a, b)
  share ~ Beta(c, d)
}`,
    objective: "elbo",
    programs: { p: "m", q: "q" },
    data: { y: array([4], y) },
  };
  const sums = [0, 0, 0, 0];
  const squares = [0, 0, 0, 0];
  const draws = 200;
  const step = stepper(setup);
  for (let t = 0; t < draws; t++) {
    const rng = stream(8, 0, 0, t);
    const noise: Noise = (name, length) =>
      Array.from({ length }, () => (name.includes("~normal") ? rng.normal() : rng.uniform()));
    // A short step, which no draw takes below 0: it is linear in the gradient.
    const { before, after } = step(0.02, noise);
    after.forEach((v, i) => {
      const [from, to] = [Math.exp(before[i]), Math.exp(v)];
      const whole = from + (to - from) / 0.02;
      sums[i] += whole;
      squares[i] += whole * whole;
    });
  }
  [12, 5, 12, 13].forEach((exact, i) => {
    const mean = sums[i] / draws;
    const error = Math.sqrt((squares[i] / draws - mean * mean) / draws);
    expect(Math.abs(mean - exact)).toBeLessThan(4.5 * error);
  });
});

test("other params: the Fisher matrix by conjugate gradients", () => {
  const setup: Setup = {
    text: `import objectives
model m(N: int, x: real[N]) { for i in 0..N { z[i] ~ Normal(0, 1);  observe x[i] ~ Normal(z[i], 1) } }
guide q(N: int, x: real[N]) for m {
  param a: real = 0.4
  param b: real = -0.2
  param l: real = 0.3
  for i in 0..N { z[i] ~ Normal(a * x[i] + b, exp(l)) }
}`,
    objective: "elbo",
    programs: { p: "m", q: "q" },
    data: { x: array([3], [0.5, -1.2, 2]) },
  };
  const normals: Noise = (_, length) => Array.from({ length }, (_, i) => [0.3, -1.1, 0.8][i]);
  const { before, after, grad } = stepper(setup)(1, normals);
  // F = [[Σ x², Σ x], [Σ x, N]] / σ² for a and b, and 2 N for l.
  const [xx, x1, n, v] = [0.25 + 1.44 + 4, 1.3, 3, Math.exp(0.6)];
  const det = xx * n - x1 * x1;
  const expected = [
    (v * (n * grad[0] - x1 * grad[1])) / det,
    (v * (xx * grad[1] - x1 * grad[0])) / det,
    grad[2] / (2 * n),
  ];
  // λ is a thousandth of the curvature.
  const scale = Math.max(...expected.map(Math.abs));
  expected.forEach((e, i) => {
    expect(Math.abs(after[i] - before[i] - e)).toBeLessThan(0.01 * scale);
  });
});
