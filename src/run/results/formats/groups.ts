/**
 * A fit as the groups of ArviZ's InferenceData (schema 1.0): named arrays over chains and draws with
 * the statistics of the sampler, the data, predictions and log likelihoods beside them. Each array
 * is made when its turn comes.
 */
import { TildeError } from "../../../base/diagnostic.js";
import { type DataSet, elementCount } from "../../../model/data.js";
import { pointwiseOf } from "../../compare/pointwise.js";
import { predict } from "../../simulate.js";
import { forEachColumn, openColumns } from "../columns.js";
import type { DrawStatistic, FitData, VariableDraws } from "../fit.js";
import { readableNames, readVariables } from "../readout.js";

export interface GroupArray {
  readonly name: string;
  /** `[chains, draws, …]` in groups of draws. */
  readonly shape: readonly number[];
  readonly scalar: "real" | "int" | "bool";
  readonly values: () => Float64Array;
}

export interface Group {
  readonly name: string;
  /** Whether the first two axes of its arrays are chains and draws. */
  readonly isDrawn: boolean;
  readonly arrays: readonly GroupArray[];
}

/** ArviZ's names of the samplers' statistics. */
const statisticNames: {
  readonly [S in DrawStatistic]: readonly [name: string, scalar: GroupArray["scalar"]];
} = {
  lp: ["lp", "real"],
  accept_stat: ["acceptance_rate", "real"],
  stepsize: ["step_size", "real"],
  treedepth: ["tree_depth", "int"],
  n_leapfrog: ["n_steps", "int"],
  divergent: ["diverging", "bool"],
  energy: ["energy", "real"],
};

/** Predictions and log likelihoods of more numbers than this are left out: they are in memory. */
const MOST_NUMBERS = 1 << 25;

/** @param names the variables of the posterior; undefined for all */
export function groupsOf(fit: FitData, names?: readonly string[]): Group[] {
  const { conditioned, method, chains } = fit;
  const draws = chains[0]?.draws ?? 0;
  const wanted =
    names === undefined ? undefined : new Set(names.map((n) => n.replace(/\[.*$/, "")));
  const own = readableNames(fit).filter((n) => wanted?.has(n) ?? true);
  const scalarOf = (name: string): GroupArray["scalar"] => {
    const found = conditioned.model.variables.find((v) => v.name === name)?.type.scalar;
    return found ?? conditioned.model.inputs.find((v) => v.name === name)?.type.scalar ?? "real";
  };
  const drawn = (all: ReadonlyMap<string, VariableDraws>): GroupArray[] =>
    [...all].map(([name, { shape, data }]) => {
      return { name, shape, scalar: scalarOf(name), values: () => data };
    });
  const given = (set: DataSet): GroupArray[] =>
    [...set].map(([name, { dims, data, missing }]) => {
      // Integers have no way to say that one is missing.
      const scalar = missing === undefined ? scalarOf(name) : "real";
      return { name, shape: dims, scalar, values: () => data };
    });
  const groups: Group[] = [
    {
      name: method === "prior" ? "prior" : "posterior",
      isDrawn: true,
      arrays: chains.length === 0 ? [] : own.map((name) => variable(fit, name, scalarOf(name))),
    },
    { name: "sample_stats", isDrawn: true, arrays: statisticsOf(fit, draws) },
    { name: "observed_data", isDrawn: false, arrays: given(conditioned.observed) },
    { name: "constant_data", isDrawn: false, arrays: given(conditioned.inputs) },
  ];
  const isWhole = fit.whole === undefined && fit.process === undefined && !fit.isPoint;
  const observed = [...conditioned.observed.values()].reduce((n, v) => n + v.data.length, 0);
  if (isWhole && observed > 0 && draws > 0 && observed * draws * chains.length < MOST_NUMBERS) {
    const predicted = available(() => predict(fit, undefined, fit.seed));
    if (predicted !== undefined) {
      // Lets are the posterior's own: what is predicted are data.
      const sites = new Map([...predicted].filter(([name]) => conditioned.observed.has(name)));
      groups.push({ name: "posterior_predictive", isDrawn: true, arrays: drawn(sites) });
    }
    const likelihood = available(() => likelihoodOf(fit, draws));
    if (likelihood !== undefined) {
      groups.push({ name: "log_likelihood", isDrawn: true, arrays: likelihood });
    }
  }
  return groups.filter((g) => g.arrays.length > 0);
}

/** Some models have no predictions or pointwise densities: the group is left out there. */
function available<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof TildeError) return undefined;
    throw error;
  }
}

/** Gathered scalar by scalar, so that no more than this variable is in memory. */
function variable(fit: FitData, name: string, scalar: GroupArray["scalar"]): GroupArray {
  const { chains } = fit;
  const draws = chains[0]?.draws ?? 0;
  const isPartial = fit.latents.some((v) => v.name === name && v.elements !== undefined);
  if (isPartial || fit.whole?.has(name)) {
    const { shape, data } = readVariables(fit, [name]).get(name) ?? { shape: [], data: undefined };
    return { name, shape, scalar, values: () => data ?? new Float64Array(0) };
  }
  const { columns, dims } = openVariable(fit, name);
  const size = columns.length;
  return {
    name,
    shape: [chains.length, draws, ...dims],
    scalar,
    values: () => {
      const data = new Float64Array(chains.length * draws * size);
      forEachColumn(fit, columns, ({ index }, x) => {
        for (let row = 0; row < x.length; row++) data[row * size + index] = x[row];
      });
      return data;
    },
  };
}

/** The scalars of a variable, all of them, and its dims. */
export function openVariable(fit: FitData, name: string) {
  const { columns } = openColumns(fit, [name], Number.POSITIVE_INFINITY);
  const last = columns.at(-1)?.name.slice(name.length + 1, -1);
  // The last scalar's indices tell the dims.
  const dims = last === undefined || last === "" ? [] : last.split(",").map((i) => Number(i) + 1);
  return { columns, dims };
}

function statisticsOf({ chains }: FitData, draws: number): GroupArray[] {
  const known = Object.keys(statisticNames) as DrawStatistic[];
  return known.flatMap((statistic) => {
    if (!chains.every((c) => statistic in c.statistics)) return [];
    const [name, scalar] = statisticNames[statistic];
    const values = (): Float64Array => {
      const data = new Float64Array(chains.length * draws);
      chains.forEach((c, k) => {
        data.set(c.statistics[statistic] ?? [], k * draws);
      });
      return data;
    };
    return chains.length === 0 ? [] : [{ name, shape: [chains.length, draws], scalar, values }];
  });
}

/** Log densities by site, in its dims where all of its elements have one. */
function likelihoodOf(fit: FitData, draws: number): GroupArray[] {
  const found = pointwiseOf(fit);
  const total = found.chains * draws;
  const sites = new Map<string, number[]>();
  found.names.forEach((unit, at) => {
    const site = unit.replace(/[[ ].*$/, "");
    sites.set(site, [...(sites.get(site) ?? []), at]);
  });
  return [...sites].map(([name, units]) => {
    const dims = fit.conditioned.observed.get(name)?.dims ?? [];
    const shape = elementCount(dims) === units.length ? dims : [units.length];
    const values = (): Float64Array => {
      const data = new Float64Array(total * units.length);
      const places = new Map(units.map((unit, k) => [unit, k]));
      found.forEach((unit, logLik) => {
        const k = places.get(unit);
        if (k === undefined) return;
        for (let row = 0; row < total; row++) data[row * units.length + k] = logLik[row];
      });
      return data;
    };
    return { name, shape: [found.chains, draws, ...shape], scalar: "real", values };
  });
}
