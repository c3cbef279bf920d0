/** Mean-field runs of small models. */
import {
  CAVI_DEFAULTS,
  type CaviOptions,
  type CaviPlanOptions,
  type CaviResult,
  planCavi,
  runCavi,
} from "../../../src/inference/cavi/index.js";
import { Sweep } from "../../../src/inference/cavi/run.js";
import { condition } from "../../../src/passes/condition/index.js";
import { type Data, make } from "../conditionals/harness.js";
import { dataSet, modelOf } from "../logjoint/models.js";

export const planOf = (text: string, data: Data, options: CaviPlanOptions = {}) =>
  planCavi(condition(modelOf(text), dataSet(data)), make, options);

export interface Fit extends CaviResult {
  readonly mean: (name: string, k?: number) => number;
  readonly sd: (name: string, k?: number) => number;
  /** `Normal elementwise`, by name. */
  readonly families: Readonly<Record<string, string>>;
  readonly marginal: (name: string) => Float64Array;
}

export function cavi(
  text: string,
  data: Data,
  options: Partial<CaviOptions> & CaviPlanOptions = {},
  seed = 1,
): Fit {
  const plan = planOf(text, data, options);
  const outcome = runCavi(plan, { ...CAVI_DEFAULTS, tolerance: 1e-13, ...options }, seed);
  if (outcome.kind === "failed") throw new Error(JSON.stringify(outcome.failure));
  if (outcome.kind === "nothing") throw new Error("stopped");
  const { sites, discrete } = outcome.posterior;
  const of = (name: string) => {
    const found = sites.find((s) => s.latent.name === name);
    if (found === undefined) throw new Error(`no site ${name}`);
    return found;
  };
  return {
    ...outcome,
    mean: (name, k = 0) => of(name).mean(k),
    sd: (name, k = 0) => of(name).sd(k),
    families: Object.fromEntries(sites.map((s) => [s.latent.name, `${s.family} ${s.structure}`])),
    marginal: (name) => {
      const found = discrete.find((d) => d.site.name === name);
      if (found === undefined) throw new Error(`no site ${name}`);
      return found.marginals;
    },
  };
}

/** The largest fall of the bound at any single update, relative to the bound. */
export function largestFall(
  text: string,
  data: Data,
  sweeps: number,
  options: CaviPlanOptions = {},
  seed = 1,
): number {
  const plan = planOf(text, data, options);
  const sweep = new Sweep(plan, seed);
  let worst = 0;
  for (let restart = 0; restart < 3; restart++) {
    if (sweep.start(seed, restart) !== undefined) throw new Error("no start");
    let before = Number.NEGATIVE_INFINITY;
    for (let s = 0; s < sweeps; s++) {
      const failed = sweep.run(() => {
        const now = sweep.elbo();
        if (Number.isNaN(now) && s === 0) return;
        if (!Number.isFinite(now)) throw new Error(`the bound is ${now}`);
        const fall = (before - now) / (1 + Math.abs(now));
        if (fall > worst) worst = fall;
        before = now;
      });
      if (failed !== undefined) throw new Error(JSON.stringify(failed));
      if (s === 0) before = sweep.elbo();
    }
  }
  return worst;
}
