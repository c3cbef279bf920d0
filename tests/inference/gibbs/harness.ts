/** Gibbs runs of small models, and Monte Carlo errors of their means. */
import {
  type GibbsDraws,
  type GibbsOptions,
  runGibbs,
} from "../../../src/inference/gibbs/chain.js";
import {
  type GibbsPlan,
  type GibbsPlanOptions,
  planGibbs,
} from "../../../src/inference/gibbs/plan.js";
import { condition } from "../../../src/passes/condition/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

export interface GibbsRun {
  readonly plan: GibbsPlan;
  readonly draws: GibbsDraws;
  /** The draws of one scalar: `mu`, or element `k` of a site. */
  readonly of: (name: string, k?: number) => Float64Array;
}

export function gibbs(
  text: string,
  data: Data,
  options: Partial<GibbsOptions> = {},
  key = { seed: 1, chain: 0 },
  choice: GibbsPlanOptions = {},
): GibbsRun {
  const plan = planGibbs(condition(modelOf(text), dataSet(data)), make, "gibbs", choice);
  const all = { warmup: 500, draws: 10000, thin: 1, ...options };
  const outcome = runGibbs(plan, make(plan.kernels), all, key);
  if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure));
  const { values, discrete, draws } = outcome;
  const column = (data: Float64Array, at: number) => {
    const width = data.length / draws;
    return Float64Array.from({ length: draws }, (_, t) => data[t * width + at]);
  };
  return {
    plan,
    draws: outcome,
    of: (name, k = 0) => {
      const site = plan.joint.sites.find((s) => s.latent.name === name);
      if (site !== undefined) return column(values, site.latent.offset + k);
      const found = plan.joint.discrete.find((s) => s.name === name);
      if (found === undefined) throw new Error(`no site ${name}`);
      return column(discrete, found.offset + k);
    },
  };
}

/** The mean and its standard error by means of batches, which autocorrelation does not spoil. */
export function meanOf(x: ArrayLike<number>): { mean: number; error: number } {
  const batches = 50;
  const size = Math.floor(x.length / batches);
  const means = Array.from({ length: batches }, (_, b) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += x[b * size + i];
    return sum / size;
  });
  const mean = means.reduce((s, m) => s + m, 0) / batches;
  const variance = means.reduce((s, m) => s + (m - mean) ** 2, 0) / (batches - 1);
  return { mean, error: Math.sqrt(variance / batches) };
}
