/** Variables computed from a draw: lets by one compiled function, summed-out sites by sampling. */
import { buildReadout } from "../../inference/logjoint/index.js";
import { compileFunction } from "./compiled.js";
import { dependents, drawnDiscrete, readSummed, simulateLets, summedNames } from "./discrete.js";
import type { FitData } from "./fit.js";

/** A variable as it is left by `compute`: `values` is live and row-major of `dims`. */
export interface ComputedVariable {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float64Array;
}

export interface LetReadout {
  readonly variables: readonly ComputedVariable[];
  /**
   * Computes the variables of one draw, which stands at `start` of the chain's values and is the
   * `row`-th over all chains.
   */
  readonly compute: (draws: Float64Array, start: number, row: number) => void;
}

/**
 * Readies `names`: lets, sites that are observed in part, discrete sites that were summed out and
 * lets that depend on those.
 */
export function compileLets(fit: FitData, names: readonly string[]): LetReadout {
  const summed = summedNames(fit);
  const drawn = dependents(fit.conditioned.model, drawnDiscrete(fit));
  const parts: LetReadout[] = [];
  const plain = names.filter((n) => !summed.has(n) && !drawn.has(n));
  if (plain.length > 0) parts.push(compilePlain(fit, plain));
  const others = names.filter((n) => summed.has(n));
  if (others.length > 0) parts.push(readSummed(fit, others));
  const simulated = names.filter((n) => drawn.has(n) && !summed.has(n));
  if (simulated.length > 0) parts.push(simulateLets(fit, simulated));
  return {
    variables: parts.flatMap((p) => p.variables),
    compute: (draws, start, row) => {
      for (const p of parts) p.compute(draws, start, row);
    },
  };
}

/** Names that are functions of the latent scalars. */
function compilePlain(fit: FitData, names: readonly string[]): LetReadout {
  const readout = buildReadout(fit.conditioned, names);
  // Discrete sites that were drawn stand behind the continuous scalars.
  const [width] = readout.values.shape;
  const compiled = compileFunction(
    readout.values,
    readout.outputs.map((o) => o.node),
  );
  return {
    variables: readout.outputs.map(({ name, dims }, k) => ({
      name,
      dims,
      values: compiled.outputs[k],
    })),
    compute: (draws, start) => compiled.compute(draws.subarray(start, start + width)),
  };
}
