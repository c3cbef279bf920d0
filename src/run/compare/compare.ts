/** Models set against each other by their leave-one-out predictive densities. */
import { fail } from "../../base/diagnostic.js";
import { type Loo, standardError } from "./loo.js";

export interface Compared {
  readonly name: string;
  readonly loo: Loo;
  /** How much lower its elpd is than the best model's, with the standard error of that. */
  readonly difference: number;
  readonly differenceSe: number;
  /** In the mixture of the predictive distributions that predicts best. */
  readonly weight: number;
}

/**
 * Best first.
 * @throws TildeError where the models were not fitted to the same observations.
 */
export function compareLoos(
  given: readonly { readonly name: string; readonly loo: Loo }[],
): readonly Compared[] {
  const [first, ...others] = given;
  for (const other of others) checkSame(first, other);
  const weights = stackingWeights(given.map(({ loo }) => loo.points.map((p) => p.elpd)));
  const weightOf = new Map(given.map((g, k) => [g, weights[k]]));
  const sorted = [...given].sort((a, b) => b.loo.elpd - a.loo.elpd);
  const [best] = sorted;
  return sorted.map((g) => {
    const terms = g.loo.points.map((p, i) => best.loo.points[i].elpd - p.elpd);
    return {
      ...g,
      difference: terms.reduce((sum, x) => sum + x, 0),
      differenceSe: g === best ? 0 : standardError(terms),
      weight: weightOf.get(g) ?? 0,
    };
  });
}

function checkSame(
  a: { readonly name: string; readonly loo: Loo },
  b: { readonly name: string; readonly loo: Loo },
): void {
  const [x, y] = [a.loo.observed, b.loo.observed];
  const same = x.length === y.length && x.every((value, i) => Object.is(value, y[i]));
  if (same && a.loo.points.length === b.loo.points.length) return;
  const counts: readonly [number, number] = [a.loo.points.length, b.loo.points.length];
  fail("compare_observations", undefined, { a: a.name, b: b.name, counts });
}

/** A gap of the mean log score below this is no difference that a table shows. */
const GAP = 1e-10;
const MOST_STEPS = 10_000;

/**
 * Weights w on the simplex that maximise Σ_i log Σ_k w_k exp(elpd_ki): stacking (Yao, Vehtari,
 * Simpson and Gelman, Bayesian Analysis 2018). Each step moves weight from the model whose score
 * has the least slope to that with the greatest, as far as it pays (pairwise Frank–Wolfe, Lacoste-
 * Julien and Jaggi 2015): models that add nothing reach 0 exactly. For the slopes g of the mean
 * score, g · w = 1, so that max g − 1 bounds what is still to gain.
 */
export function stackingWeights(elpds: readonly (readonly number[])[]): readonly number[] {
  const scores = elpds[0].map((_, i) => {
    const largest = Math.max(...elpds.map((e) => e[i]));
    return elpds.map((e) => Math.exp(e[i] - largest));
  });
  const weights = elpds.map(() => 1 / elpds.length);
  for (let step = 0; step < MOST_STEPS; step++) {
    const totals = scores.map((score) => score.reduce((sum, s, k) => sum + weights[k] * s, 0));
    const slopes = weights.map(
      (_, k) => scores.reduce((sum, s, i) => sum + s[k] / totals[i], 0) / scores.length,
    );
    const to = slopes.indexOf(Math.max(...slopes));
    const least = Math.min(...slopes.filter((_, k) => weights[k] > 0));
    const from = slopes.findIndex((s, k) => s === least && weights[k] > 0);
    if (slopes[to] - 1 < GAP || to === from) break;
    const moved = bestMove(
      scores.map((s) => s[to] - s[from]),
      totals,
      weights[from],
    );
    weights[to] += moved;
    weights[from] = moved === weights[from] ? 0 : weights[from] - moved;
  }
  return weights;
}

/** The t in [0, most] that maximises Σ_i log(totals_i + t gains_i), which is concave: bisection. */
function bestMove(gains: readonly number[], totals: readonly number[], most: number): number {
  const slope = (t: number): number =>
    gains.reduce((sum, g, i) => sum + g / (totals[i] + t * g), 0);
  if (slope(most) >= 0) return most;
  let [low, high] = [0, most];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (slope(middle) >= 0) low = middle;
    else high = middle;
  }
  return low;
}
