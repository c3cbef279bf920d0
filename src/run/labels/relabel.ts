/**
 * Draws of exchangeable components, relabelled: each draw is permuted to lie closest to a pivot
 * (Marin, Mengersen & Robert 2005, section 3.1, with a mean in place of the mode after the first
 * round). The posterior of such a model is the same in every labelling; what is left is its part
 * around one of them, where means, R-hat and effective sizes of components say something.
 */
import { assign } from "../../math/assignment.js";
import type { ChainDraws, FitData, Relabelling } from "../results/fit.js";
import { latentLength } from "../results/fit.js";
import { type Exchangeable, findExchangeable, inverseOf, positions } from "./exchangeable.js";

export interface Relabelled {
  readonly fit: FitData;
  readonly relabellings: readonly Relabelling[];
}

/** Rounds of moving the pivot to the mean of what was assigned to it. */
const ROUNDS = 3;

/** The fit with the draws of each group of components relabelled. */
export function relabel(fit: FitData, groups: readonly Exchangeable[]): Relabelled {
  const relabellings: Relabelling[] = [];
  let chains = fit.chains;
  for (const group of groups) {
    const done = relabelGroup({ ...fit, chains }, group);
    if (done === undefined) continue;
    chains = done.chains;
    relabellings.push(done.relabelling);
  }
  return { fit: { ...fit, chains }, relabellings };
}

/**
 * The fit of a sampler with its exchangeable components relabelled, and what was done kept beside
 * it. Draws are left as they are where the model has none.
 */
export function withoutSwitching(fit: FitData): FitData {
  const groups = findExchangeable(fit.conditioned);
  if (groups.length === 0) return fit;
  const { fit: done, relabellings } = relabel(fit, groups);
  return { ...done, relabellings };
}

/** What of a draw tells the components apart: for each a row of numbers. */
interface Features {
  readonly count: number;
  /** Positions in a draw, `[components · count]`. */
  readonly positions: Int32Array;
  /** Of each feature: 1/variance over draws and components. */
  readonly weights: Float64Array;
}

function relabelGroup(
  fit: FitData,
  group: Exchangeable,
): { readonly chains: ChainDraws[]; readonly relabelling: Relabelling } | undefined {
  const width = latentLength(fit.latents);
  const total = fit.chains.reduce((n, c) => n + c.draws, 0);
  const features = featuresOf(fit, group, width);
  if (total === 0 || features.count === 0) return undefined;
  const draws = fit.chains.flatMap((c) =>
    Array.from({ length: c.draws }, (_, t) => c.values.subarray(t * width, (t + 1) * width)),
  );
  const permutations = match(draws, features, group.size, bestDraw(fit));
  const moves = fit.latents.flatMap((v) => {
    const axes = group.variables.find((g) => g.name === v.name)?.axes;
    const isLabel = group.labels.includes(v.name);
    return axes === undefined && !isLabel ? [] : [{ latent: v, axes }];
  });
  let row = 0;
  const chains = fit.chains.map((chain): ChainDraws => {
    const values = chain.values.slice(0, chain.draws * width);
    for (let t = 0; t < chain.draws; t++, row++) {
      const permutation = permutations[row];
      if (permutation.every((p, k) => p === k)) continue;
      const before = draws[row];
      const after = values.subarray(t * width, (t + 1) * width);
      const inverse = inverseOf(permutation);
      for (const { latent, axes } of moves) {
        const { offset, length } = latent;
        if (axes === undefined) {
          for (let i = 0; i < length; i++) after[offset + i] = inverse[before[offset + i]];
          continue;
        }
        const from = positions(latent.dims, axes, permutation);
        for (let i = 0; i < length; i++) after[offset + i] = before[offset + from[i]];
      }
    }
    // What lies in a file are the draws as they were made.
    return { ...chain, values, pages: undefined };
  });
  return { chains, relabelling: { group, ...usual(fit, permutations) } };
}

/** Entries of the components: those off the diagonal of a matrix over them tell no two apart. */
function featuresOf(fit: FitData, group: Exchangeable, width: number): Features {
  const rows: number[][] = Array.from({ length: group.size }, () => []);
  for (const { name, axes } of group.variables) {
    const latent = fit.latents.find((v) => v.name === name);
    if (latent === undefined) continue;
    const shift = Int32Array.from({ length: group.size }, (_, k) => (k + 1) % group.size);
    const next = positions(latent.dims, axes, shift);
    const component = componentOf(latent.dims, axes);
    // The entries of component 0, and where a cyclic shift takes each of them.
    for (let at = 0; at < latent.length; at++) {
      if (component(at) !== 0) continue;
      let p = at;
      for (let k = 0; k < group.size; k++) {
        rows[k].push(latent.offset + p);
        p = next[p];
      }
    }
  }
  const count = rows[0].length;
  const weights = new Float64Array(count);
  for (let f = 0; f < count; f++) {
    let n = 0;
    let mean = 0;
    let square = 0;
    for (const { values, draws } of fit.chains) {
      for (let t = 0; t < draws; t++) {
        for (const r of rows) {
          const x = values[t * width + r[f]];
          n++;
          const d = x - mean;
          mean += d / n;
          square += d * (x - mean);
        }
      }
    }
    weights[f] = square > 0 ? n / square : 0;
  }
  return { count, positions: Int32Array.from(rows.flat()), weights };
}

/** The component of an entry, where it has the same index along all of the axes; else −1. */
function componentOf(dims: readonly number[], axes: readonly number[]): (at: number) => number {
  return (at) => {
    let rest = at;
    let found: number | undefined;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const index = rest % dims[axis];
      rest = (rest - index) / dims[axis];
      if (!axes.includes(axis)) continue;
      if (found !== undefined && found !== index) return -1;
      found = index;
    }
    return found ?? -1;
  };
}

/** Over all chains, the draw of highest density, or the first. */
function bestDraw(fit: FitData): number {
  let best = 0;
  let highest = Number.NEGATIVE_INFINITY;
  let row = 0;
  for (const { statistics, draws } of fit.chains) {
    for (let t = 0; t < draws; t++, row++) {
      const lp = statistics.lp?.[t] ?? Number.NEGATIVE_INFINITY;
      if (lp > highest) {
        highest = lp;
        best = row;
      }
    }
  }
  return best;
}

/** For each draw: which of its components is component k of the pivot. */
function match(
  draws: readonly Float64Array[],
  features: Features,
  size: number,
  start: number,
): Int32Array[] {
  const { count, positions: at, weights } = features;
  const pivot = Float64Array.from(at, (p) => draws[start][p]);
  const cost = new Float64Array(size * size);
  let permutations: Int32Array[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const mean = new Float64Array(pivot.length);
    permutations = draws.map((draw) => {
      for (let k = 0; k < size; k++) {
        for (let own = 0; own < size; own++) {
          let sum = 0;
          for (let f = 0; f < count; f++) {
            const d = draw[at[own * count + f]] - pivot[k * count + f];
            sum += weights[f] * d * d;
          }
          cost[k * size + own] = sum;
        }
      }
      const permutation = assign(cost, size);
      for (let k = 0; k < size; k++) {
        const own = permutation[k];
        for (let f = 0; f < count; f++) mean[k * count + f] += draw[at[own * count + f]];
      }
      return permutation;
    });
    for (let i = 0; i < pivot.length; i++) pivot[i] = mean[i] / draws.length;
  }
  return permutations;
}

/** The usual labelling of each chain, and how many draws are in another. */
function usual(fit: FitData, permutations: readonly Int32Array[]) {
  let row = 0;
  let switched = 0;
  const chains = fit.chains.map(({ draws }) => {
    const counts = new Map<string, { readonly permutation: Int32Array; count: number }>();
    for (let t = 0; t < draws; t++, row++) {
      const permutation = permutations[row];
      const key = permutation.join();
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { permutation, count: 1 });
      else known.count++;
    }
    const most = [...counts.values()].reduce((a, b) => (b.count > a.count ? b : a));
    switched += draws - most.count;
    return most.permutation;
  });
  return { chains, switched: switched / permutations.length };
}
