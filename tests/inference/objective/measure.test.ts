/** Measure-valued derivatives and draws of counts, against closed forms and other estimators. */
import { describe, expect, test } from "vitest";
import { stream } from "../../../src/math/rng/index.js";
import { digamma, lgamma } from "../../../src/math/special/index.js";
import { array, build, drive, type Setup } from "./driver.js";
import { meanGradient } from "./variance.js";

const at = { a: 0.2, s: 0.8 };
const entropyOf = (law: string, using: string): Setup => ({
  text: `guide q() for m { param a: real = ${at.a};  param s: real = ${at.s};  x ~ ${law} ${using} }
model m() { x ~ ${law.replace(/\ba\b/g, "0.2").replace(/\bs\b/g, "0.8")} }
objective entropy(q) { z ~ q;  return -log_prob(q, z) }`,
  objective: "entropy",
  programs: { q: "q" },
});

const poissonEntropy = (rate: number): number => {
  let sum = 0;
  for (let k = 0; k < 200; k++) {
    const log = k * Math.log(rate) - rate - lgamma(k + 1);
    sum -= Math.exp(log) * log;
  }
  return sum;
};
const gammaEntropy = (k: number): number => k + lgamma(k) + (1 - k) * digamma(k);

const laws: Readonly<Record<string, readonly [string, (a: number, s: number) => number]>> = {
  Normal: ["Normal(a, s)", (_, s) => 0.5 * Math.log(2 * Math.PI * Math.E * s * s)],
  Exponential: ["Exponential(s)", (_, s) => 1 - Math.log(s)],
  Gamma: ["Gamma(s, 1 + a)", (a, s) => gammaEntropy(s) - Math.log(1 + a)],
  "several gammas": ["iid(Gamma(1 + s, 2), 3)", (_, s) => 3 * (gammaEntropy(1 + s) - Math.log(2))],
  Poisson: ["Poisson(3 + s)", (_, s) => poissonEntropy(3 + s)],
  "Poisson by log rate": ["Poisson(log_rate: a)", (a) => poissonEntropy(Math.exp(a))],
};

describe("entropies", () => {
  test.each(Object.entries(laws))("%s using mvd", (_, [law, entropy]) => {
    const { mean, error } = meanGradient(entropyOf(law, "using mvd"), 20_000);
    const h = 1e-5;
    const exact = [
      (entropy(at.a + h, at.s) - entropy(at.a - h, at.s)) / (2 * h),
      (entropy(at.a, at.s + h) - entropy(at.a, at.s - h)) / (2 * h),
    ];
    // 12 figures: fair ones pass 4.5 standard errors in all but 1e-4 of the seeds.
    exact.forEach((e, i) => {
      expect(Math.abs(mean[i] - e)).toBeLessThan(4.5 * error[i] + 1e-6);
    });
  });

  test("counts by their score", () => {
    const { mean, error } = meanGradient(entropyOf("Poisson(3 + s)", "using reinforce"), 20_000);
    const slope = (poissonEntropy(3.8 + 1e-5) - poissonEntropy(3.8 - 1e-5)) / 2e-5;
    expect(Math.abs(mean[1] - slope)).toBeLessThan(4.5 * error[1]);
  });
});

test("draws of counts have their law", () => {
  for (const rate of [0.05, 1, 9.5, 40, 1000]) {
    const d = drive(
      build({
        text: `guide q() for m { param s: real = ${rate};  for i in 0..1000 { x[i] ~ Poisson(s) using reinforce } }
model m() { for i in 0..1000 { x[i] ~ Poisson(1) } }
objective mean(q) { z ~ q;  return log_prob(q, z) }`,
        objective: "mean",
        programs: { q: "q" },
      }),
    );
    let sum = 0;
    let squares = 0;
    const times = 40;
    for (let t = 0; t < times; t++) {
      d.draw(stream(6, 0, 0, t));
      const v = d.evaluate() / 1000;
      sum += v;
      squares += v * v;
    }
    let exact = 0;
    for (let k = 0; k < 3 * rate + 100; k++) {
      const log = k * Math.log(rate) - rate - lgamma(k + 1);
      exact += Math.exp(log) * log;
    }
    const mean = sum / times;
    const error = Math.sqrt((squares / times - mean * mean) / times);
    expect(Math.abs(mean - exact), `rate ${rate}`).toBeLessThan(4.5 * error);
  }
});

/** Draws that depend on each other, by elements: both ways are unbiased. */
const coupled = (using: string): Setup => ({
  text: `import objectives
model m(N: int, y: real[N]) {
  mu ~ Normal(0, 1)
  tau ~ Gamma(2, 1)
  for i in 0..N { x[i] ~ Normal(mu, 0.7);  observe y[i] ~ Normal(x[i] * x[(i + 1) % N] + tau, 1) }
}
guide q(N: int, y: real[N]) for m {
  param a: real = 0.3
  param b: real = 0.2
  mu ~ Normal(a, exp(b)) ${using}
  tau ~ Gamma(exp(b) + 1, 2 + a) ${using}
  for i in 0..N { x[i] ~ Normal(mu + a * y[i], exp(b) / tau) ${using} }
}`,
  objective: "elbo",
  programs: { p: "m", q: "q" },
  data: { y: array([3], [0.5, 1.2, -0.3]) },
});

test("of sites that depend on each other, as by reparameterisation", () => {
  const one = meanGradient(coupled("using reparam"), 20_000);
  const two = meanGradient(coupled("using mvd"), 20_000);
  one.mean.forEach((m, i) => {
    const error = Math.hypot(one.error[i], two.error[i]);
    expect(Math.abs(m - two.mean[i])).toBeLessThan(4.5 * error);
  });
});
