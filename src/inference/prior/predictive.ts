/** Posterior prediction: the model run forward from each posterior draw. */
import type { Diagnostic } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { philoxKey } from "../../math/rng/index.js";
import { writtenNames } from "../../model/auxiliary.js";
import type { DataSet, DataValue } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import { constantSize, type Size, sizeNames } from "../../model/size.js";
import { type Conditioned, concreteDims, condition } from "../../passes/condition/index.js";
import { compileSimulator } from "../../passes/interpret/simulate.js";
import { collectDraws, type Draws, drawAt } from "./draws.js";
import { checkedNames, type Simulation } from "./prior.js";
import { streamOffset } from "./streams.js";

export interface PredictiveOptions {
  readonly seed: number;
  /** Just these variables; otherwise all that do not keep their draws. */
  readonly only?: readonly string[];
}

/**
 * For each posterior draw, the sites of the data simulated again; with `newData`, the sites of the
 * same model over new inputs. Inputs that `newData` leaves out keep their value, as far as their
 * size has not changed; sites that it gives are fixed, but for missing entries. Latent sites and
 * params keep their posterior draws where their dims are still the same; all others are simulated.
 * @param draws whole arrays of the fit's latent sites and params
 * @throws TildeError as `samplePrior` does.
 */
export function posteriorPredictive(
  fitted: Conditioned,
  draws: Draws,
  newData: DataSet | undefined,
  options: PredictiveOptions,
): Simulation {
  const dims = new Map([...draws].map(([name, array]) => [name, array.dims]));
  const predictive = openPredictive(fitted, dims, newData, options);
  const at = (step: number): DataSet =>
    new Map([...draws].map(([name, array]) => [name, drawAt(array, step)]));
  const { conditioned, warnings } = predictive;
  const count = countOf(draws);
  return { draws: predictive.collect(count, at), count, conditioned, warnings };
}

/** Predictions draw by draw. */
export interface Predictive {
  /** What is simulated. */
  readonly names: readonly string[];
  readonly conditioned: Conditioned;
  readonly warnings: readonly Diagnostic[];
  /**
   * The simulation given latent sites and params; it depends on the seed and the step alone beside
   * them. Values may be used again by the next call.
   */
  readonly draw: (latent: DataSet, step: number) => DataSet;
  /** `count` of them as arrays. */
  readonly collect: (count: number, latent: (step: number) => DataSet) => Draws;
}

/**
 * The same for a reader that has one draw at a time.
 * @param dims of the fit's latent sites and params
 * @throws TildeError as `samplePrior` does.
 */
export function openPredictive(
  fitted: Conditioned,
  dims: ReadonlyMap<string, readonly number[]>,
  newData: DataSet | undefined,
  options: PredictiveOptions,
): Predictive {
  const { model } = fitted;
  const conditioned =
    newData === undefined ? fitted : condition(model, withOldInputs(fitted, newData));
  const fixed: DataSet = newData === undefined ? new Map() : conditioned.observed;
  const kept = keptNames(conditioned, fitted, dims, fixed);
  const asked = checkedNames(model, options.only);
  const names =
    asked ?? writtenNames(model).filter((name) => !kept.includes(name) && !fixed.has(name));
  const simulator = compileSimulator(conditioned, new Set(names));
  const keys = { key: philoxKey(options.seed), offset: streamOffset.predictive };
  const given = (latent: DataSet): DataSet => {
    const values = new Map<string, DataValue>(fixed);
    for (const name of kept) {
      values.set(name, latent.get(name) ?? internalError(`no draws of ${name}`));
    }
    return values;
  };
  return {
    names,
    conditioned,
    warnings: [...(newData === undefined ? [] : conditioned.warnings), ...simulator.warnings],
    draw: (latent, step) => simulator.draw(given(latent), keys, step),
    collect: (count, latent) =>
      collectDraws(simulator, keys, count, names, (step) => given(latent(step))),
  };
}

/** Latent sites and params whose posterior draws still fit. Sites of the data are drawn anew. */
function keptNames(
  conditioned: Conditioned,
  fitted: Conditioned,
  draws: ReadonlyMap<string, readonly number[]>,
  fixed: DataSet,
): string[] {
  return conditioned.model.variables.flatMap((v) => {
    const drawn = draws.get(v.name);
    if (v.role === "let" || drawn === undefined) return [];
    if (fitted.observed.has(v.name) || fixed.has(v.name)) return [];
    const dims = concreteDims(conditioned, v.type.dims);
    const isSame = dims.length === drawn.length && dims.every((d, k) => d === drawn[k]);
    return isSame ? [v.name] : [];
  });
}

function countOf(draws: Draws): number {
  for (const { dims, data } of draws.values()) {
    const size = dims.reduce((n, d) => n * d, 1);
    if (size > 0) return data.length / size;
  }
  return 0;
}

/** `newData` with the fit's inputs for those it leaves out, unless their size has changed. */
function withOldInputs(fitted: Conditioned, newData: DataSet): DataSet {
  const { model, sizes, inputs } = fitted;
  const changed = changedSizes(model, sizes, newData);
  const data = new Map(newData);
  for (const input of model.inputs) {
    const old = inputs.get(input.name);
    if (data.has(input.name) || old === undefined) continue;
    // A size that the new arrays tell is found from them; an array of the old size is missing.
    if (changed.has(input.name)) continue;
    const names = input.type.dims.flatMap((d) => [...sizeNames(d)]);
    if (!names.some((n) => changed.has(n))) data.set(input.name, old);
  }
  return data;
}

/** Size names to which `newData` gives another value than the fit's. */
function changedSizes(
  model: Model,
  sizes: ReadonlyMap<string, number>,
  newData: DataSet,
): Set<string> {
  const changed = new Set<string>();
  const note = (name: string, value: number | undefined) => {
    const old = sizes.get(name);
    if (old !== undefined && value !== old) changed.add(name);
  };
  for (const [name, value] of newData) {
    if (value.dims.length === 0) note(name, value.data[0]);
    const declared =
      model.inputs.find((i) => i.name === name) ?? model.variables.find((v) => v.name === name);
    declared?.type.dims.forEach((dim, axis) => {
      const plain = plainName(dim);
      if (plain !== undefined) note(plain, value.dims[axis]);
    });
  }
  // Sizes computed from others change with them.
  for (const name of Object.keys(model.opaqueSizes)) if (changed.size > 0) changed.add(name);
  return changed;
}

function plainName(size: Size): string | undefined {
  if (constantSize(size) !== undefined || size.terms.length !== 1) return undefined;
  const [{ coefficient, names }] = size.terms;
  return coefficient === 1 && names.length === 1 ? names[0] : undefined;
}
