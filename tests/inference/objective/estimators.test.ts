/**
 * Estimators without bias: the mean gradient over many draws of the noise against the exact
 * gradient, which is that of the objective summed over all values of the discrete site by hand.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { array, build, drive, type Setup } from "./driver.js";
import { bits, estimatorTable, exactBits, meanGradient } from "./variance.js";

/** One bit that others are drawn from: it has no exact sum over its own values alone. */
const chain = (using: string): Setup => ({
  text: `import objectives
model m() {
  param w: real = 0.7
  z ~ Bernoulli(0.3)
  x ~ Normal(w * z, 1)
  observe 0.8 ~ Normal(x, 0.5)
}
guide q() for m {
  param b: real = -0.2
  param c: real = 0.5
  z ~ Bernoulli(logits: b) ${using}
  x ~ Normal(c * z, 0.9)
}`,
  objective: "elbo",
  programs: { p: "m", q: "q" },
});

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

  test("a bit that others are drawn from is enumerated for its gradient alone", () => {
    const made = build(chain(""));
    expect(made.strategies[0]).toMatchObject({
      draw: "z",
      site: "z",
      strategy: "enumerate",
      chosen: true,
    });
    // E over z and x in closed form: x is normal, every log density quadratic in it.
    const elbo = ([w, b, c]: readonly number[]): number => {
      const p1 = 1 / (1 + Math.exp(-b));
      return [0, 1].reduce((sum, z) => {
        const q = z === 1 ? p1 : 1 - p1;
        const [mean, variance] = [c * z, 0.81];
        const expected = (m: number, s2: number): number =>
          -0.5 * Math.log(2 * Math.PI * s2) - ((mean - m) ** 2 + variance) / (2 * s2);
        const entropy = 0.5 * Math.log(2 * Math.PI * Math.E * variance);
        const prior = Math.log(z === 1 ? 0.3 : 0.7) - Math.log(q);
        return sum + q * (prior + expected(w * z, 1) + expected(0.8, 0.25) + entropy);
      }, 0);
    };
    const at = [0.7, -0.2, 0.5];
    const written = [
      "",
      "using reinforce",
      "using rebar",
      "using reinforce(baseline: muprop)",
      "using mvd",
    ];
    for (const using of written) {
      const { mean, error } = meanGradient(chain(using), 20_000);
      mean.forEach((m, i) => {
        const moved = (h: number) => elbo(at.map((v, k) => (k === i ? v + h : v)));
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        expect(Math.abs(m - slope) / error[i], using).toBeLessThan(4.5);
      });
    }
  });

  test("the table of docs/inference.md", () => {
    const docs = readFileSync(new URL("../../../docs/inference.md", import.meta.url), "utf8");
    const rows = [
      ...docs.matchAll(/^\| `([a-z_]+(?:\([^)]*\))?)` \| ([0-9.]+) \| ([0-9.]+) \|$/gm),
    ];
    const written = new Map(rows.map(([, name, bias, variance]) => [name, [+bias, +variance]]));
    for (const { strategy, bias, variance } of estimatorTable(20_000)) {
      const row = written.get(strategy) ?? [Number.NaN, Number.NaN];
      // The noise is the same everywhere; figures are rounded to three places.
      expect(Math.abs(row[0] - bias), strategy).toBeLessThan(0.002);
      expect(Math.abs(row[1] - variance), strategy).toBeLessThan(0.002 * (1 + variance));
    }
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
    expect(made.strategies).toMatchObject([
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
