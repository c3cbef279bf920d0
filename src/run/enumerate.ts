/**
 * `enumerate`: the exact posterior and evidence of a model whose latent sites are all discrete with
 * finitely many values, by sum-product and max-product.
 */
import { fail } from "../base/diagnostic.js";
import { latentVariables } from "../inference/logjoint/latents.js";
import { elementCount, elementName, unravel } from "../model/data.js";
import type { Conditioned } from "../passes/condition/index.js";
import { type Run, refuseParams } from "./context.js";
import type { EnumerateOptions } from "./methods.js";
import { marginalsOf, mostProbableOf, openDiscrete, summedSites } from "./results/discrete.js";
import type { ExactFigures, FitData } from "./results/fit.js";

/**
 * @throws TildeError where a site is continuous, has no end of values or is too much to sum over,
 * and where the data rule out every assignment
 */
export function enumerateAll(run: Run, method: EnumerateOptions): FitData {
  const { conditioned } = run;
  refuseParams(conditioned, method.method);
  refuseContinuous(conditioned);
  const base: FitData = {
    conditioned,
    method: "enumerate",
    latents: [],
    chains: [{ values: new Float64Array(0), draws: method.draws, statistics: {} }],
    timing: { compileSeconds: 0, warmupSeconds: 0, sampleSeconds: 0, gradients: 0 },
    seed: run.seed,
    isPoint: false,
    interrupted: false,
    warmup: 0,
    warnings: [],
    figures: {},
  };
  const sites = summedSites(base);
  if (sites.length === 0) fail("no_latent_sites", undefined, { method: method.method });
  const reader = openDiscrete(base);
  const compiled = performance.now();
  reader.moveTo(base.chains[0].values, 0);
  const evidence = reader.propagation.logSum() + reader.rest[0];
  if (!Number.isFinite(evidence)) fail("no_assignment", undefined, { method: method.method });
  const exact = new Map(sites.flatMap((name) => figuresOf(base, name)));
  return {
    ...base,
    exact,
    timing: {
      compileSeconds: (compiled - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - compiled) / 1000,
      gradients: 0,
    },
    figures: { log_evidence: evidence },
  };
}

/** @throws TildeError where a continuous site is latent */
export function refuseContinuous(conditioned: Conditioned): void {
  const [continuous] = latentVariables(conditioned);
  if (continuous === undefined) return;
  fail("enumerate_continuous", continuous.variable.span, { name: continuous.name });
}

/** Moments and probabilities of each element of a site. */
function figuresOf(fit: FitData, name: string): [string, ExactFigures][] {
  const { data, shape, values } = marginalsOf(fit, name);
  const best = mostProbableOf(fit, name).data;
  const dims = shape.slice(0, -1);
  return Array.from({ length: elementCount(dims) }, (_, k) => {
    const p = data.subarray(k * values.length, (k + 1) * values.length);
    const mean = values.reduce((m, v, i) => m + v * p[i], 0);
    const variance = values.reduce((s, v, i) => s + (v - mean) ** 2 * p[i], 0);
    const quantile = (level: number): number => {
      let below = 0;
      for (let k = 0; k < p.length; k++) {
        below += p[k];
        // The probabilities sum to 1 only up to rounding.
        if (below >= level - 1e-12) return values[k];
      }
      return values[values.length - 1];
    };
    const figures: ExactFigures = {
      mean,
      sd: Math.sqrt(variance),
      q5: quantile(0.05),
      q50: quantile(0.5),
      q95: quantile(0.95),
      values,
      probabilities: Array.from(p),
      mostProbable: best[k],
    };
    return [elementName(name, unravel(k, dims)), figures];
  });
}
