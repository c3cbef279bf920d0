/** Runs forward: the prior and prior predictive, and predictions from a fit. */
import type { DrawArray, Draws } from "../inference/prior/index.js";
import { posteriorPredictive, samplePrior } from "../inference/prior/index.js";
import type { DataSet } from "../model/data.js";
import type { Model } from "../model/ir.js";
import type { Run } from "./context.js";
import type { RawData } from "./data/values.js";
import type { PriorOptions } from "./methods.js";
import { summedSites } from "./results/discrete.js";
import type { FitData, VariableDraws } from "./results/fit.js";
import { readVariables } from "./results/readout.js";

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
  const names = [...fit.latents.map((v) => v.name), ...summedSites(fit)];
  const latent: Draws = new Map(
    [...readVariables(fit, names)].map(([name, v]) => [
      name,
      { dims: v.shape.slice(2), data: v.data },
    ]),
  );
  const made = posteriorPredictive(fit.conditioned, latent, newData, { seed });
  const draws = fit.chains[0]?.draws ?? 0;
  return new Map(
    [...made.draws].map(([name, a]) => [name, asVariable(a, fit.chains.length, draws)]),
  );
}
