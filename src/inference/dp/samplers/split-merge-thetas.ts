/**
 * Split–merge proposals with parameters in the state, for any base. A split keeps θ on the side of
 * one anchor, draws θ* of the other side from P₀ and divides the items one after another in
 * proportion to n K(y | θ), as Dahl, "Sequentially-allocated merge-split sampler for conjugate and
 * nonconjugate Dirichlet process mixture models" (2005), does; a merge drops the second anchor's θ.
 * The density of P₀ at θ* cancels: it is in the joint and in the proposal of the split.
 */
import type { RandomStream } from "../../../math/rng/random.js";
import { lgamma } from "../../../math/special/index.js";
import type { ThetaState } from "./instantiated.js";

/** One proposal; whether it was accepted. */
export function splitMergeThetas(state: ThetaState, alpha: number, rng: RandomStream): boolean {
  const { model, partition } = state;
  const n = partition.items;
  if (n < 2) return false;
  const i = rng.int(n);
  const j = (i + 1 + rng.int(n - 1)) % n;
  const [rowI, rowJ] = [partition.row(i), partition.row(j)];
  const isSplit = rowI === rowJ;
  const others: number[] = [];
  for (let k = 0; k < n; k++) {
    const row = partition.row(k);
    if (k !== i && k !== j && (row === rowI || row === rowJ)) others.push(k);
  }
  // A random order: what was allocated early pulls the rest. Both directions draw one alike.
  const order = rng.permutation(others.length);
  let other = rowJ;
  if (isSplit) {
    other = partition.count;
    state.reserve(other + 1);
    model.drawBase(rng, state.thetas, other);
  }
  const { thetas } = state;
  const sizes = [1, 1];
  // log K(y | θ*) − log K(y | θ) summed over the second side; log probability of the division.
  let gain = model.logLikelihood(j, thetas, other) - model.logLikelihood(j, thetas, rowI);
  let logDivision = 0;
  const sides = new Uint8Array(others.length);
  for (const at of order) {
    const k = others[at];
    const l0 = model.logLikelihood(k, thetas, rowI);
    const l1 = model.logLikelihood(k, thetas, other);
    const d = l1 - l0 + Math.log(sizes[1] / sizes[0]);
    const soft = d > 0 ? d + Math.log1p(Math.exp(-d)) : Math.log1p(Math.exp(d));
    const actual = partition.row(k) === rowJ ? 1 : 0;
    const side = isSplit ? (Math.log(rng.uniform()) < -soft ? 0 : 1) : actual;
    logDivision += side === 0 ? -soft : d - soft;
    if (side === 1) gain += l1 - l0;
    sides[at] = side;
    sizes[side]++;
  }
  const prior = Math.log(alpha) + lgamma(sizes[0]) + lgamma(sizes[1]) - lgamma(others.length + 2);
  const logSplit = prior + gain - logDivision;
  if (!(Math.log(rng.uniform()) < (isSplit ? logSplit : -logSplit))) return false;
  if (isSplit) {
    const opened = partition.open();
    partition.move(j, opened);
    others.forEach((k, at) => {
      if (sides[at] === 1) partition.move(k, opened);
    });
    return true;
  }
  partition.move(j, rowI);
  others.forEach((k, at) => {
    if (sides[at] === 1) partition.move(k, rowI);
  });
  state.close(rowJ);
  return true;
}
