/** Estimators of one gradient through four bits, with their bias and variance. For tests alone. */
import { stream } from "../../../src/math/rng/index.js";
import { array, build, drive, type Setup } from "./driver.js";

const y = [0.2, 1.4, -0.5, 0.9];

/** A Bernoulli guide of four bits that share its params; `using` is what its sites say. */
export const bits = (using: string): Setup => ({
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
  data: { y: array([4], y) },
});

/** The ELBO in closed form, its gradient by central differences. */
export function exactBits(): number[] {
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
export function meanGradient(
  setup: Setup,
  draws: number,
  warmup = 0,
): { mean: number[]; error: number[] } {
  const d = drive(build(setup));
  const sum = d.gradient.map(() => 0);
  const squares = d.gradient.map(() => 0);
  for (let t = -warmup; t < draws; t++) {
    d.draw(stream(11, 0, t < 0 ? 1 : 0, Math.abs(t)));
    d.evaluate();
    if (t < 0) continue;
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

export const strategies = [
  "reinforce",
  "reinforce(baseline: constant)",
  "reinforce(baseline: moving_average)",
  "reinforce(baseline: nvil)",
  "reinforce(baseline: muprop)",
  "rebar",
  "mvd",
  "gumbel(0.1)",
  "gumbel(0.5)",
  "gumbel(2)",
  "straight_through(0.1)",
  "straight_through(0.5)",
  "straight_through(1)",
  "enumerate",
] as const;

export interface EstimatorRow {
  readonly strategy: (typeof strategies)[number];
  /** Largest error of the mean gradient, any component. */
  readonly bias: number;
  /** Summed over the guide's two components, for one draw. */
  readonly variance: number;
}

/** Each strategy after 1000 steps in which its baselines settle. */
export function estimatorTable(draws: number): EstimatorRow[] {
  const exact = exactBits();
  return strategies.map((strategy) => {
    // Strategies beside each other, with the draws' whole densities.
    const setup = { ...bits(`using ${strategy}`), analytic: false };
    const { mean, error } = meanGradient(setup, draws, 1000);
    return {
      strategy,
      bias: Math.max(...mean.map((m, i) => Math.abs(m - exact[i]))),
      variance: error.slice(1).reduce((s, e) => s + e * e * draws, 0),
    };
  });
}
