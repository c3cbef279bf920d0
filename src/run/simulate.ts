/** Runs forward: the prior and prior predictive, and predictions from a fit. */
import type { DrawArray, Predictive } from "../inference/prior/index.js";
import { openPredictive, samplePrior } from "../inference/prior/index.js";
import { type DataSet, type DataValue, elementCount } from "../model/data.js";
import type { Model } from "../model/ir.js";
import type { Run } from "./context.js";
import type { RawData } from "./data/values.js";
import type { PriorOptions } from "./methods.js";
import { summedSites } from "./results/discrete.js";
import { type FitData, latentLength, rowOf, type VariableDraws } from "./results/fit.js";
import { compileLets } from "./results/lets.js";

/** Draws of every site and let from the joint distribution, given the inputs alone. */
export function simulate(run: Run, model: Model, data: RawData, method: PriorOptions): FitData {
  const begun = performance.now();
  const made = samplePrior(model, data.values, { draws: method.draws, seed: run.seed });
  const whole = new Map<string, VariableDraws>();
  for (const [name, array] of made.draws) whole.set(name, asVariable(array, 1, made.count));
  return {
    conditioned: { ...made.conditioned, warnings: run.conditioned.warnings },
    method: "prior",
    latents: [],
    chains: [{ values: new Float64Array(0), draws: made.count, statistics: {} }],
    timing: {
      compileSeconds: (begun - run.start) / 1000,
      warmupSeconds: 0,
      sampleSeconds: (performance.now() - begun) / 1000,
      gradients: 0,
    },
    seed: run.seed,
    isPoint: false,
    interrupted: false,
    warmup: 0,
    whole,
    warnings: made.warnings,
    figures: {},
  };
}

function asVariable(array: DrawArray, chains: number, draws: number): VariableDraws {
  return { data: array.data, shape: [chains, draws, ...array.dims] };
}

/** For each posterior draw, the observed sites again, or the sites of the model on new data. */
export function predict(
  fit: FitData,
  newData: DataSet | undefined,
  seed: number,
): Map<string, VariableDraws> {
  const { rows, predictive, latent } = openPredictions(fit, newData, seed);
  const made = predictive.collect(rows, latent);
  const draws = fit.chains[0]?.draws ?? 0;
  return new Map([...made].map(([name, a]) => [name, asVariable(a, fit.chains.length, draws)]));
}

export interface Predictions {
  /** Over all chains; 0 where the fit has no latent site. */
  readonly rows: number;
  readonly predictive: Predictive;
  /** The latent sites and params of a draw, in room that is used again; in any order of rows. */
  readonly latent: (row: number) => DataSet;
}

/**
 * The same one draw at a time: of a fit in files no more than a page of draws is in memory.
 * @throws TildeError where the new data do not fit the model
 */
export function openPredictions(
  fit: FitData,
  newData: DataSet | undefined,
  seed: number,
): Predictions {
  const width = latentLength(fit.latents);
  const whole = fit.latents.filter((v) => v.elements === undefined);
  const own = new Set(whole.map((v) => v.name));
  const names = [...fit.latents.map((v) => v.name), ...summedSites(fit)];
  const computed = names.filter((name) => !own.has(name));
  const readout = computed.length === 0 ? undefined : compileLets(fit, computed);
  const draws = fit.chains[0]?.draws ?? 0;
  const dims = new Map<string, readonly number[]>([
    ...whole.map((v) => [v.name, v.dims] as const),
    ...(readout?.variables ?? []).map((v) => [v.name, v.dims] as const),
  ]);
  const hasDraws = [...dims.values()].some((d) => elementCount(d) > 0);
  const latent = (row: number): DataSet => {
    const { values, start } = rowOf(fit.chains[Math.floor(row / draws)], row % draws, width);
    readout?.compute(values, start, row);
    const found = new Map<string, DataValue>();
    for (const v of whole) {
      const from = start + v.offset;
      found.set(v.name, { dims: v.dims, data: values.subarray(from, from + v.length) });
    }
    for (const v of readout?.variables ?? []) found.set(v.name, { dims: v.dims, data: v.values });
    return found;
  };
  return {
    rows: hasDraws ? fit.chains.length * draws : 0,
    predictive: openPredictive(fit.conditioned, dims, newData, { seed }),
    latent,
  };
}
