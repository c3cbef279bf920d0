/**
 * Diagnostics of many short chains: chains that began at one point are a superchain, and superchains
 * are compared as long chains are (Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari and Gelman,
 * "Nested R-hat: assessing the convergence of Markov chain Monte Carlo when running many short
 * chains", 2024).
 */
import { meanOf, variance } from "./ess.js";

/** The chains of each superchain: the last one may have fewer. */
export function superchainOf(chain: number, chains: number, superchains: number): number {
  return Math.floor(chain / Math.ceil(chains / superchains));
}

/**
 * Nested R-hat (section 2.2 of the paper) of `x`: `chains` chains of `draws` values one after
 * another. One draw a chain is enough. NaN where all are equal.
 */
export function nestedRhat(
  x: Float64Array,
  chains: number,
  draws: number,
  superchains: number,
): number {
  const groups = Array.from({ length: superchains }, (): number[] => []);
  const within = new Float64Array(superchains);
  for (let c = 0; c < chains; c++) {
    const own = x.subarray(c * draws, (c + 1) * draws);
    const group = superchainOf(c, chains, superchains);
    groups[group].push(meanOf(own, 0, draws));
    if (draws > 1) within[group] += variance(own);
  }
  const filled = groups.filter((g) => g.length > 1);
  const means = Float64Array.from(filled, (g) => g.reduce((s, v) => s + v, 0) / g.length);
  let inside = 0;
  groups.forEach((g, k) => {
    if (g.length > 1) inside += variance(Float64Array.from(g)) + within[k] / g.length;
  });
  return Math.sqrt(1 + variance(means) / (inside / filled.length));
}

/**
 * What nested R-hat may be: superchains of M chains differ by chance by a share 1/M of the variance
 * (equation 8 of the paper).
 */
export function nestedLimit(chains: number, superchains: number, limit: number): number {
  return Math.sqrt(limit ** 2 + superchains / chains);
}

/** The energies' missing information (see `energyBfmi`) of each superchain, its chains pooled. */
export function pooledBfmi(energies: readonly Float64Array[], superchains: number): number[] {
  const groups = Array.from({ length: superchains }, (): Float64Array[] => []);
  energies.forEach((e, c) => {
    groups[superchainOf(c, energies.length, superchains)].push(e);
  });
  return groups.map((group) => {
    let moves = 0;
    let count = 0;
    for (const e of group) {
      for (let t = 1; t < e.length; t++) moves += (e[t] - e[t - 1]) ** 2;
      count += Math.max(0, e.length - 1);
    }
    const all = Float64Array.from(group.flatMap((e) => [...e]));
    return count === 0 ? Number.NaN : moves / count / variance(all);
  });
}
