/** Programs of bits and labels that depend on each other. For tests and benchmarks alone. */
import { array, type Setup } from "./driver.js";
import { meanGradient } from "./variance.js";

const elbo = (text: string, data: Setup["data"] = {}): Setup => ({
  text: `import objectives\n${text}`,
  objective: "elbo",
  programs: { p: "m", q: "q" },
  data,
});

/** A sigmoid belief net of two layers of bits under a visible one (Neal 1992). */
export const layers = (using: string): Setup =>
  elbo(
    `model m(D: int, x: real[D]) {
  param v: real[2, 2] = [[0.8, -0.6], [-0.4, 1.1]]
  param w: real[2, 3] = [[1.2, -0.7, 0.4], [0.3, 0.9, -1.0]]
  for k in 0..2 { a[k] ~ Bernoulli(0.4) }
  for j in 0..2 { b[j] ~ Bernoulli(logits: sum(for k in 0..2: v[j, k] * a[k]) - 0.2) }
  for d in 0..D { observe x[d] ~ Normal(sum(for j in 0..2: w[j, d] * b[j]), 1) }
}
guide q(D: int, x: real[D]) for m {
  param u: real[2, 2] = [[0.5, -0.3], [0.2, 0.7]]
  param c: real[2] = [0.3, -0.4]
  for j in 0..2 { b[j] ~ Bernoulli(logits: c[j] + 0.3 * x[j]) ${using} }
  for k in 0..2 { a[k] ~ Bernoulli(logits: sum(for j in 0..2: u[k, j] * b[j])) ${using} }
}`,
    { x: array([3], [0.7, -0.4, 1.1]) },
  );

/** The same in vectors: draws of several bits at once. */
export const vectors = (using: string): Setup =>
  elbo(
    `model m(x: real[3]) {
  param v: real[2, 2] = [[0.8, -0.6], [-0.4, 1.1]]
  param w: real[3, 2] = [[1.2, 0.3], [-0.7, 0.9], [0.4, -1.0]]
  a ~ iid(Bernoulli(0.4), 2)
  b ~ Bernoulli(logits: v @ real(a))
  observe x ~ Normal(w @ real(b), 1)
}
guide q() for m {
  param u: real[2, 2] = [[0.5, -0.3], [0.2, 0.7]]
  param c: real[2] = [0.3, -0.4]
  b ~ Bernoulli(logits: c) ${using}
  a ~ Bernoulli(logits: u @ real(b)) ${using}
}`,
    { x: array([3], [0.7, -0.4, 1.1]) },
  );

/** A chain of bits. */
export const chain = (using: string): Setup =>
  elbo(
    `model m(T: int, y: real[T]) {
  param r: real = 0.8
  z[0] ~ Bernoulli(0.5)
  for t in 1..T { z[t] ~ Bernoulli(logits: r * z[t - 1] - 0.3) }
  for t in 0..T { observe y[t] ~ Normal(1.5 * z[t], 0.8) }
}
guide q(T: int, y: real[T]) for m {
  param a: real = 0.6
  param b: real = -0.3
  z[0] ~ Bernoulli(logits: b) ${using}
  for t in 1..T { z[t] ~ Bernoulli(logits: a * z[t - 1] + b * y[t]) ${using} }
}`,
    { y: array([4], [0.2, 1.4, -0.5, 0.9]) },
  );

/** Labels of a mixture. */
export const mixture = (using: string): Setup =>
  elbo(
    `model m(N: int, y: real[N]) {
  param mu: real[3] = [-1, 0.3, 1.2]
  for i in 0..N { z[i] ~ Categorical([0.2, 0.5, 0.3]);  observe y[i] ~ Normal(mu[z[i]], 0.9) }
}
guide q(N: int, y: real[N]) for m {
  param e: real[3] = [0.2, -0.1, 0.3]
  param s: real = 0.4
  for i in 0..N { z[i] ~ Categorical(logits: e + [0, s * y[i], 0]) ${using} }
}`,
    { y: array([3], [0.2, 1.4, -0.5]) },
  );

/** A chain of labels, read as indices by the next and as numbers and conditions by the data. */
export const labelChain = (using: string): Setup =>
  elbo(
    `model m(T: int, y: real[T]) {
  param A: real[3, 3] = [[0.5, -0.2, 0.1], [0.3, 0.8, -0.4], [-0.6, 0.2, 0.4]]
  z[0] ~ Categorical([0.3, 0.3, 0.4])
  for t in 1..T { z[t] ~ Categorical(logits: A[z[t - 1]]) }
  for t in 0..T { observe y[t] ~ Normal(0.5 * z[t] + (if z[t] == 1 then 0.4 else -0.1), 1) }
}
guide q(T: int, y: real[T]) for m {
  param B: real[3, 3] = [[0.4, 0.1, -0.3], [0.2, -0.5, 0.3], [0.1, 0.6, -0.2]]
  z[0] ~ Categorical(logits: B[0]) ${using}
  for t in 1..T { z[t] ~ Categorical(logits: B[z[t - 1]]) ${using} }
}`,
    { y: array([3], [0.2, 1.4, -0.5]) },
  );

/** Strategies of the table below; those that labels do not have are left out there. */
export const structuredStrategies = [
  "reinforce",
  "reinforce(baseline: constant)",
  "reinforce(baseline: moving_average)",
  "reinforce(baseline: nvil)",
  "reinforce(baseline: muprop)",
  "rebar",
  "mvd",
  "enumerate",
  "gumbel(0.5)",
  "straight_through(0.5)",
] as const;

/** Each program with the number of the model's params, which stand before those of its guide. */
const programs = [
  [layers, 10],
  [vectors, 10],
  [chain, 1],
  [mixture, 3],
  [labelChain, 9],
] as const;

/**
 * The variance of one draw's gradient in the guide's params, summed, of each program; after 1000
 * steps in which baselines settle.
 */
export function structuredTable(draws: number): { strategy: string; variances: number[] }[] {
  return structuredStrategies.map((strategy) => ({
    strategy,
    variances: programs.map(([make, own]) => {
      if (strategy === "mvd" && (make === mixture || make === labelChain)) return Number.NaN;
      // Strategies beside each other, with the draws' whole densities.
      const setup = { ...make(`using ${strategy}`), analytic: false };
      const { error } = meanGradient(setup, draws, 1000);
      return error.slice(own).reduce((s, e) => s + e * e * draws, 0);
    }),
  }));
}
