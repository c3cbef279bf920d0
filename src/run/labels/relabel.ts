/**
 * Draws of exchangeable components, relabelled: each draw is permuted to lie closest to a pivot
 * (Marin, Mengersen & Robert 2005, section 3.1, with a mean in place of the mode after the first
 * round). The posterior of such a model is the same in every labelling; what is left is its part
 * around one of them, where means, R-hat and effective sizes of components say something.
 */
import { assign } from "../../math/assignment.js";
import type { ChainDraws, DrawPage, FitData, Relabelling } from "../results/fit.js";
import { latentLength, rowOf } from "../results/fit.js";
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
  const permutations = match(fit, width, features, group.size);
  const moves = fit.latents.flatMap((v): Move[] => {
    const axes = group.variables.find((g) => g.name === v.name)?.axes;
    const isLabel = group.labels.includes(v.name);
    return axes === undefined && !isLabel ? [] : [{ latent: v, axes }];
  });
  let first = 0;
  const chains = fit.chains.map((chain): ChainDraws => {
    const own = permutations.subarray(first * group.size, (first + chain.draws) * group.size);
    first += chain.draws;
    return relabelled(chain, width, own, group.size, moves);
  });
  return { chains, relabelling: { group, ...usual(fit, permutations, group.size) } };
}

/** A variable whose entries follow the components, along some axes; without axes it has labels. */
interface Move {
  readonly latent: FitData["latents"][number];
  readonly axes?: readonly number[];
}

/**
 * A chain with the components of each draw in another order; of a chain in a file the order is made
 * page by page as the draws are read.
 * @param permutations `[draws, size]`
 */
function relabelled(
  chain: ChainDraws,
  width: number,
  permutations: Uint16Array,
  size: number,
  moves: readonly Move[],
): ChainDraws {
  const before = new Float64Array(width);
  /** Reorders the draw that stands at `start`, the `t`-th of the chain. */
  const reorder = (values: Float64Array, start: number, t: number): void => {
    const permutation = Int32Array.from(permutations.subarray(t * size, (t + 1) * size));
    if (permutation.every((p, k) => p === k)) return;
    before.set(values.subarray(start, start + width));
    const inverse = inverseOf(permutation);
    for (const { latent, axes } of moves) {
      const { offset, length } = latent;
      const to = start + offset;
      if (axes === undefined) {
        for (let i = 0; i < length; i++) values[to + i] = inverse[before[offset + i]];
        continue;
      }
      const from = positions(latent.dims, axes, permutation);
      for (let i = 0; i < length; i++) values[to + i] = before[offset + from[i]];
    }
  };
  const { draws, pages, statistics } = chain;
  if (pages === undefined) {
    const values = chain.values.slice(0, draws * width);
    for (let t = 0; t < draws; t++) reorder(values, t * width, t);
    return { ...chain, values };
  }
  // The one page that is in memory, in its own order.
  let current: DrawPage | undefined;
  const page = (draw: number): DrawPage => {
    const isHere =
      current !== undefined && draw >= current.first && draw < current.first + current.draws;
    if (isHere && current !== undefined) return current;
    const { first, draws: count, values: read } = pages.page(draw);
    const values = read.slice(0, count * width);
    for (let t = 0; t < count; t++) reorder(values, t * width, first + t);
    current = { first, draws: count, values };
    return current;
  };
  const forEachPage = (visit: (page: DrawPage) => void): void => {
    for (let first = 0; first < draws; ) {
      const found = page(first);
      visit(found);
      first = found.first + found.draws;
    }
  };
  const isMoved = (from: number, to: number): boolean =>
    moves.some(({ latent: { offset, length } }) => from < offset + length && to > offset);
  const { stepSize, dimension, inverseMetric, thin } = chain;
  return {
    stepSize,
    dimension,
    inverseMetric,
    thin,
    draws,
    statistics,
    pages: {
      file: pages.file,
      page,
      columns: (from, to) => {
        if (!isMoved(from, to)) return pages.columns(from, to);
        const out = new Float64Array((to - from) * draws);
        forEachPage(({ first, draws: count, values }) => {
          for (let k = from; k < to; k++) {
            const at = (k - from) * draws + first;
            for (let t = 0; t < count; t++) out[at + t] = values[t * width + k];
          }
        });
        return out;
      },
    },
    get values() {
      const values = new Float64Array(draws * width);
      forEachPage((found) => {
        values.set(found.values.subarray(0, found.draws * width), found.first * width);
      });
      return values;
    },
  };
}

/** Calls back with each draw of all chains, which stands at `start` of the values. */
function forEachRow(
  { chains }: FitData,
  width: number,
  visit: (values: Float64Array, start: number, row: number) => void,
): void {
  let row = 0;
  for (const chain of chains) {
    for (let t = 0; t < chain.draws; t++, row++) {
      const { values, start } = rowOf(chain, t, width);
      visit(values, start, row);
    }
  }
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
  const means = new Float64Array(count);
  const squares = new Float64Array(count);
  let n = 0;
  forEachRow(fit, width, (values, start) => {
    for (const own of rows) {
      n++;
      for (let f = 0; f < count; f++) {
        const x = values[start + own[f]];
        const d = x - means[f];
        means[f] += d / n;
        squares[f] += d * (x - means[f]);
      }
    }
  });
  const weights = squares.map((square) => (square > 0 ? n / square : 0));
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
function bestDraw({ chains }: FitData): { readonly chain: ChainDraws; readonly draw: number } {
  let [chain, draw, highest] = [chains[0], 0, Number.NEGATIVE_INFINITY];
  for (const own of chains) {
    const { lp } = own.statistics;
    for (let t = 0; t < own.draws; t++) {
      const density = lp?.[t] ?? Number.NEGATIVE_INFINITY;
      if (density > highest) [chain, draw, highest] = [own, t, density];
    }
  }
  return { chain, draw };
}

/** For each draw: which of its components is component k of the pivot, `[draws, size]`. */
function match(fit: FitData, width: number, features: Features, size: number): Uint16Array {
  const { count, positions: at, weights } = features;
  const total = fit.chains.reduce((n, c) => n + c.draws, 0);
  const best = bestDraw(fit);
  const begin = rowOf(best.chain, best.draw, width);
  const pivot = Float64Array.from(at, (p) => begin.values[begin.start + p]);
  const cost = new Float64Array(size * size);
  const permutations = new Uint16Array(total * size);
  for (let round = 0; round < ROUNDS; round++) {
    const mean = new Float64Array(pivot.length);
    forEachRow(fit, width, (values, start, row) => {
      for (let k = 0; k < size; k++) {
        for (let own = 0; own < size; own++) {
          let sum = 0;
          for (let f = 0; f < count; f++) {
            const d = values[start + at[own * count + f]] - pivot[k * count + f];
            sum += weights[f] * d * d;
          }
          cost[k * size + own] = sum;
        }
      }
      const permutation = assign(cost, size);
      permutations.set(permutation, row * size);
      for (let k = 0; k < size; k++) {
        const own = permutation[k];
        for (let f = 0; f < count; f++) mean[k * count + f] += values[start + at[own * count + f]];
      }
    });
    for (let i = 0; i < pivot.length; i++) pivot[i] = mean[i] / total;
  }
  return permutations;
}

/** The usual labelling of each chain, and how many draws are in another. */
function usual(fit: FitData, permutations: Uint16Array, size: number) {
  let row = 0;
  let switched = 0;
  const chains = fit.chains.map(({ draws }) => {
    const counts = new Map<string, { readonly permutation: Int32Array; count: number }>();
    for (let t = 0; t < draws; t++, row++) {
      const permutation = permutations.subarray(row * size, (row + 1) * size);
      const key = permutation.join();
      const known = counts.get(key);
      if (known === undefined)
        counts.set(key, { permutation: Int32Array.from(permutation), count: 1 });
      else known.count++;
    }
    const most = [...counts.values()].reduce((a, b) => (b.count > a.count ? b : a));
    switched += draws - most.count;
    return most.permutation;
  });
  return { chains, switched: switched / row };
}
