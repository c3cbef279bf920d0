/**
 * Estimators without bias: the mean gradient over many draws of the noise against the exact
 * gradient, which is that of the objective summed over all values of the discrete site by hand.
 */
import { describe, expect, test } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { array, build, drive, type Setup } from "./driver.js";

const bits = (using: string): Setup => ({
  text: `import objectives
model m(N: int, y: real[N]) {
  param w: real = 0.7
  for i in 0..N { z[i] ~ Bernoulli(0.3);  observe y[i] ~ Normal(w * z[i], 1) }
}
guide q(N: int, y: real[N]) for m {
  param a: real = 0.4
  param b: real = -0.2
  for i in 0..N { z[i] ~ Bernoulli(logits: a * y[i] + b) ${using} }
}`,
  objective: "elbo",
  programs: { p: "m", q: "q" },
  data: { y: array([4], [0.2, 1.4, -0.5, 0.9]) },
});

/** The ELBO in closed form, its gradient by central differences. */
function exactBits(): number[] {
  const y = [0.2, 1.4, -0.5, 0.9];
  const elbo = ([w, a, b]: readonly number[]): number => {
    let total = 0;
    for (const x of y) {
      const p1 = 1 / (1 + Math.exp(-(a * x + b)));
      for (const z of [0, 1]) {
        const q = z === 1 ? p1 : 1 - p1;
        const prior = Math.log(z === 1 ? 0.3 : 0.7);
        const normal = -0.5 * (x - w * z) ** 2 - 0.5 * Math.log(2 * Math.PI);
        total += q * (prior + normal - Math.log(q));
      }
    }
    return total;
  };
  const at = [0.7, 0.4, -0.2];
  return at.map((_, i) => {
    const shifted = (h: number) => at.map((v, k) => (k === i ? v + h : v));
    return (elbo(shifted(1e-5)) - elbo(shifted(-1e-5))) / 2e-5;
  });
}

/** Mean gradient and its standard error, each component. */
function meanGradient(setup: Setup, draws: number): { mean: number[]; error: number[] } {
  const d = drive(build(setup));
  const sum = d.gradient.map(() => 0);
  const squares = d.gradient.map(() => 0);
  for (let t = 0; t < draws; t++) {
    d.draw(stream(11, 0, 0, t));
    d.evaluate();
    d.gradient.forEach((g, i) => {
      sum[i] += g;
      squares[i] += g * g;
    });
  }
  const mean = [...sum].map((s) => s / draws);
  const error = [...squares].map((s, i) =>
    Math.sqrt(Math.max(0, s / draws - mean[i] ** 2) / draws),
  );
  return { mean, error };
}

describe("unbiased gradients", () => {
  const exact = exactBits();
  test.each([
    "using reinforce",
    "using reinforce(baseline: moving_average)",
    "using reinforce(baseline: constant)",
    "using reinforce(baseline: nvil)",
    "using reinforce(baseline: muprop)",
    "using rebar",
  ])("of bits %s", (using) => {
    const { mean, error } = meanGradient(bits(using), 40_000);
    // Three components, six estimators: a fair one passes 4.5 standard errors all but 1.3e-4 of the seeds.
    mean.forEach((m, i) => {
      expect(error[i]).toBeGreaterThan(0);
      expect(Math.abs(m - exact[i]) / error[i]).toBeLessThan(4.5);
    });
  });

  test.each(["using enumerate", ""])("bits %s have the exact gradient at every draw", (using) => {
    const { mean, error } = meanGradient(bits(using), 3);
    mean.forEach((m, i) => {
      expect(error[i]).toBeLessThan(1e-7);
      expect(Math.abs(m - exact[i])).toBeLessThan(1e-8);
    });
  });

  test("costs of other elements are left out, which takes noise away", () => {
    const variance = (setup: Setup): number =>
      meanGradient(setup, 4000).error.reduce((s, e) => s + e * e, 0);
    const own = bits("using reinforce");
    // The same objective in a form that is not seen to be a sum.
    const hidden = {
      ...own,
      text: `${own.text}\nobjective hidden(p, q) { z ~ q;  return log(exp(log_joint(p, z) - log_prob(q, z))) }`,
      objective: "hidden",
    };
    expect(variance(own)).toBeLessThan(0.6 * variance(hidden));
  });

  test("relaxed bits are biased, less so at low temperatures", () => {
    const bias = (using: string): number => {
      const { mean } = meanGradient(bits(using), 20_000);
      return Math.max(...mean.map((m, i) => Math.abs(m - exact[i])));
    };
    const scale = Math.max(...exact.map(Math.abs));
    const cold = bias("using gumbel(0.1)");
    expect(cold).toBeLessThan(0.1 * scale);
    expect(bias("using gumbel(2)")).toBeGreaterThan(cold);
    expect(bias("using straight_through(0.5)")).toBeLessThan(0.35 * scale);
  });

  test("labels are enumerated where nothing is said", () => {
    const setup: Setup = {
      text: `import objectives
model m(N: int, K: int, y: real[N]) {
  param mu: real[K] = Normal(0, 1)
  for i in 0..N { z[i] ~ Categorical(ones(K) / K);  observe y[i] ~ Normal(mu[z[i]], 1) }
}
guide q(N: int, K: int) for m {
  param eta: real[N, K] = Normal(0, 1)
  for i in 0..N { z[i] ~ Categorical(logits: eta[i]) }
}`,
      objective: "elbo",
      programs: { p: "m", q: "q" },
      data: { K: 3, y: array([4], [0.2, 1.4, -0.5, 0.9]) },
    };
    const made = build(setup);
    expect(made.strategies).toEqual([
      { draw: "z", site: "z", strategy: "enumerate", chosen: true },
    ]);
    const d = drive(made, 5);
    const value = d.evaluate();
    const slope = [...d.gradient];
    const { mu, "q.eta": eta } = d.params();
    // Σ_i Σ_k q_ik (log p(k, y_i) − log q_ik)
    let expected = 0;
    [0.2, 1.4, -0.5, 0.9].forEach((y, i) => {
      const e = eta.slice(3 * i, 3 * i + 3);
      const norm = Math.log(e.reduce((s, x) => s + Math.exp(x), 0));
      for (let k = 0; k < 3; k++) {
        const lq = e[k] - norm;
        const lp = -Math.log(3) - 0.5 * (y - mu[k]) ** 2 - 0.5 * Math.log(2 * Math.PI);
        expected += Math.exp(lq) * (lp - lq);
      }
    });
    expect(Math.abs(value - expected)).toBeLessThan(1e-12);
    d.theta[0] += 1e-5;
    const up = d.evaluate();
    d.theta[0] -= 2e-5;
    expect(Math.abs((up - d.evaluate()) / 2e-5 - slope[0])).toBeLessThan(1e-8);
  });
});

test("minibatches: the mean over all of them is the objective of all data", () => {
  const setup = (batch: Record<string, number>): Setup => ({
    text: `import objectives
model m(N: int, x: real[N]) { param a: real = 0.3;  for i in 0..N { y[i] ~ Normal(a * x[i], 1) } }`,
    objective: "maximum_likelihood",
    programs: { p: "m" },
    data: { x: array([3], [1, 2, 3]), y: array([3], [0.5, 1, 2]) },
    batch,
  });
  const whole = drive(build(setup({})));
  const expected = whole.evaluate();
  const one = drive(build(setup({ N: 1 })));
  let sum = 0;
  let slope = 0;
  for (let i = 0; i < 3; i++) {
    one.input("data.x")[0] = [1, 2, 3][i];
    one.input("data.y")[0] = [0.5, 1, 2][i];
    sum += one.evaluate() / 3;
    slope += one.gradient[0] / 3;
  }
  expect(Math.abs(sum - expected)).toBeLessThan(1e-12);
  expect(Math.abs(slope - whole.gradient[0])).toBeLessThan(1e-12);
});
