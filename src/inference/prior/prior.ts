/** Draws from the prior and the prior predictive: the model's own `~` statements, run forward. */
import { type Diagnostic, fail } from "../../base/diagnostic.js";
import { nearestNames } from "../../base/nearest.js";
import { philoxKey } from "../../math/rng/index.js";
import { writtenNames } from "../../model/auxiliary.js";
import type { DataSet } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import { type Conditioned, condition } from "../../passes/condition/index.js";
import { compileSimulator } from "../../passes/interpret/simulate.js";
import { collectDraws, type Draws } from "./draws.js";
import { streamOffset } from "./streams.js";

export interface SimulationOptions {
  readonly draws: number;
  readonly seed: number;
  /** Just these variables (and what they depend on) are simulated; otherwise all. */
  readonly only?: readonly string[];
}

export interface Simulation {
  readonly draws: Draws;
  readonly count: number;
  readonly conditioned: Conditioned;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Draws from the joint distribution of all sites, observed ones too (the prior predictive), with
 * the lets that follow from them. Of `data` the inputs and sizes are used; values of sites are not.
 * Draw k of a site depends on the seed, k and what the site itself depends on, and on nothing else.
 * @throws TildeError where an input is missing, a site's prior is improper, a param has no value,
 * or a distribution's parameter leaves its domain.
 */
export function samplePrior(model: Model, data: DataSet, options: SimulationOptions): Simulation {
  const inputs = new Set([...model.inputs.map((i) => i.name), ...model.boundSizes]);
  const conditioned = condition(model, new Map([...data].filter(([name]) => inputs.has(name))));
  return samplePriorOf(conditioned, options);
}

/** The same of a model that has its data already. */
export function samplePriorOf(conditioned: Conditioned, options: SimulationOptions): Simulation {
  const only = checkedNames(conditioned.model, options.only);
  const simulator = compileSimulator(conditioned, only && new Set(only));
  const keys = { key: philoxKey(options.seed), offset: streamOffset.prior };
  const components = new Set(conditioned.model.unbounded?.variables);
  const ragged = only?.find((name) => components.has(name));
  if (ragged !== undefined) fail("unbounded_draws", undefined, { name: ragged });
  const names = writtenNames(conditioned.model);
  const keep = only ?? names.filter((name) => !components.has(name));
  const none: DataSet = new Map();
  const draws = collectDraws(simulator, keys, options.draws, keep, () => none);
  return { draws, count: options.draws, conditioned, warnings: simulator.warnings };
}

/** The names, each known to the model. */
export function checkedNames(
  model: Model,
  names: readonly string[] | undefined,
): readonly string[] | undefined {
  const known = model.variables.map((v) => v.name);
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    fail("unknown_variable", undefined, { name, known, near: nearestNames(name, known) });
  }
  return names;
}
