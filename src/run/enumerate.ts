/**
 * `enumerate`: the exact posterior and evidence of a model whose latent sites are all discrete with
 * finitely many values, by sum-product and max-product.
 */
import { fail } from "../base/diagnostic.js";
import { latentVariables } from "../inference/logjoint/latents.js";
import type { Conditioned } from "../passes/condition/index.js";
import { type Run, refuseParams } from "./context.js";
import type { EnumerateOptions } from "./methods.js";
import { marginalsOf, mostProbableOf, openDiscrete, summedSites } from "./results/discrete.js";
import type { ExactFigures, FitData } from "./results/fit.js";
import { figuresOfProbabilities } from "./results/structured.js";

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
  const site = { name, dims: shape.slice(0, -1), low: values[0], count: values.length };
  return figuresOfProbabilities({ ...site, probabilities: data }, (element) => best[element]);
}
