/**
 * Whether ranks are uniform. With L draws a rank is one of 0 … L; under a correct method all are
 * equally likely (Talts et al. 2018, theorem 1). The statistic is the pointwise binomial tail
 * probability of the ranks' distribution function where it is least likely (Säilynoja, Bürkner &
 * Vehtari 2022, equation 8), and its p-value comes from simulated uniform ranks: unlike a χ² of
 * bins it sees small shifts and rare extremes alike.
 */
import { stream } from "../../math/rng/random.js";

export interface Uniformity {
  /** The share of uniform samples that deviate as much or more. */
  readonly p: number;
  /** The largest distance between the ranks' distribution function and the uniform one. */
  readonly distance: number;
}

const SIMULATIONS = 2000;
const SEED = 20_180_418;

/** A test for many sets of `count` ranks among `levels` = L + 1. */
export function uniformityTest(
  count: number,
  levels: number,
): (ranks: ArrayLike<number>) => Uniformity {
  const tails = binomialTails(count, levels);
  const statistic = (ranks: ArrayLike<number>): { least: number; distance: number } => {
    const counts = new Float64Array(levels);
    for (let k = 0; k < count; k++) counts[ranks[k]]++;
    let below = 0;
    let least = 1;
    let distance = 0;
    // The last threshold is passed by all.
    for (let z = 0; z + 1 < levels; z++) {
      below += counts[z];
      least = Math.min(least, tails[z * (count + 1) + below]);
      distance = Math.max(distance, Math.abs(below / count - (z + 1) / levels));
    }
    return { least, distance };
  };
  const simulated = new Float64Array(SIMULATIONS);
  const ranks = new Int32Array(count);
  for (let s = 0; s < SIMULATIONS; s++) {
    const rng = stream(SEED, 0, 0, s);
    for (let k = 0; k < count; k++) ranks[k] = rng.int(levels);
    simulated[s] = statistic(ranks).least;
  }
  return (found) => {
    const { least, distance } = statistic(found);
    // Equal tails differ by rounding; the sample itself counts as one of those as extreme.
    const asExtreme = simulated.reduce((n, v) => n + (v <= least * (1 + 1e-9) ? 1 : 0), 1);
    return { p: asExtreme / (SIMULATIONS + 1), distance };
  };
}

/** 2 min(P(X ≤ x), P(X ≥ x)) of Binomial(count, (z + 1)/levels), `[z, x]`. */
function binomialTails(count: number, levels: number): Float64Array {
  const tails = new Float64Array((levels - 1) * (count + 1));
  const logFactorial = new Float64Array(count + 1);
  for (let k = 1; k <= count; k++) logFactorial[k] = logFactorial[k - 1] + Math.log(k);
  for (let z = 0; z + 1 < levels; z++) {
    const p = (z + 1) / levels;
    const mass = Float64Array.from({ length: count + 1 }, (_, x) => {
      const ways = logFactorial[count] - logFactorial[x] - logFactorial[count - x];
      return Math.exp(ways + x * Math.log(p) + (count - x) * Math.log1p(-p));
    });
    let below = 0;
    const upTo = mass.map((m) => {
      below += m;
      return below;
    });
    let above = 0;
    for (let x = count; x >= 0; x--) {
      above += mass[x];
      tails[z * (count + 1) + x] = Math.min(1, 2 * Math.min(upTo[x], above));
    }
  }
  return tails;
}
