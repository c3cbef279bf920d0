/**
 * Split–merge proposals from restricted Gibbs scans: Jain and Neal, "A split-merge Markov chain
 * Monte Carlo procedure for the Dirichlet process mixture model" (2004), section 4.
 */
import type { RandomStream } from "../../../math/rng/random.js";
import { lgamma } from "../../../math/special/index.js";
import type { CollapsedState } from "./collapsed.js";

/**
 * One proposal on a collapsed state; whether it was accepted.
 * @param scans intermediate restricted Gibbs scans that make the launch state
 */
export function splitMergeCollapsed(
  state: CollapsedState,
  alpha: number,
  scans: number,
  rng: RandomStream,
): boolean {
  const { partition, table } = state;
  const n = partition.items;
  if (n < 2) return false;
  const i = rng.int(n);
  const j = (i + 1 + rng.int(n - 1)) % n;
  const [rowI, rowJ] = [partition.row(i), partition.row(j)];
  const isSplit = rowI === rowJ;
  const others: number[] = [];
  for (let k = 0; k < n; k++) {
    if (k === i || k === j) continue;
    const row = partition.row(k);
    if (row === rowI || row === rowJ) others.push(k);
  }
  // Rows of the launch state, and of all items together, beyond the clusters in use.
  const first = partition.count;
  const [a, b, whole] = [first, first + 1, first + 2];
  state.reserve(first + 4);
  const launch = new Launch(state, others, [i, j], [a, b], rng);
  for (let scan = 0; scan < scans; scan++) launch.scan(rng);
  if (isSplit) {
    const logProposal = launch.scan(rng);
    const logPrior = splitPrior(alpha, launch.sizes);
    const logRatio =
      logPrior + table.logMarginal(a) + table.logMarginal(b) - table.logMarginal(rowI);
    if (!(Math.log(rng.uniform()) < logRatio - logProposal)) return false;
    applySplit(state, launch, others, j, rowI);
    return true;
  }
  // The way back: the launch state's last scan would have to give the clusters as they are.
  const target = Uint8Array.from(others, (k) => (partition.row(k) === rowJ ? 1 : 0));
  const logBack = launch.scan(rng, target);
  table.clear(whole);
  for (const k of [i, j, ...others]) table.add(whole, k);
  const logPrior = splitPrior(alpha, [partition.counts[rowI], partition.counts[rowJ]]);
  const logRatio =
    table.logMarginal(whole) - table.logMarginal(rowI) - table.logMarginal(rowJ) - logPrior;
  if (!(Math.log(rng.uniform()) < logRatio + logBack)) return false;
  table.copy(whole, rowI);
  for (const k of [j, ...others]) if (partition.row(k) === rowJ) partition.move(k, rowI);
  const last = partition.close(rowJ);
  if (last !== rowJ) table.copy(last, rowJ);
  return true;
}

/** log p(two clusters) − log p(one) under the Chinese restaurant process. */
export function splitPrior(alpha: number, [a, b]: readonly [number, number]): number {
  return Math.log(alpha) + lgamma(a) + lgamma(b) - lgamma(a + b);
}

function applySplit(
  state: CollapsedState,
  launch: Launch,
  others: readonly number[],
  j: number,
  rowI: number,
): void {
  const { partition, table } = state;
  table.copy(launch.rows[0], rowI);
  // The second launch row's items get the row that opens: it is the first one.
  const opened = partition.open();
  table.copy(launch.rows[1], opened);
  partition.move(j, opened);
  others.forEach((k, at) => {
    if (launch.sides[at] === 1) partition.move(k, opened);
  });
}

/** Items divided between two rows that hold one fixed item each. */
class Launch {
  readonly rows: readonly [number, number];
  readonly sides: Uint8Array;
  readonly #state: CollapsedState;
  readonly #others: readonly number[];
  readonly #anchors: readonly [number, number];
  readonly sizes: [number, number] = [1, 1];

  /** Each item on either side with probability ½. */
  constructor(
    state: CollapsedState,
    others: readonly number[],
    anchors: readonly [number, number],
    rows: readonly [number, number],
    rng: RandomStream,
  ) {
    this.#state = state;
    this.#others = others;
    this.#anchors = anchors;
    this.rows = rows;
    this.sides = Uint8Array.from(others, () => rng.bernoulli(0.5));
    this.#fill(0, -1);
    this.#fill(1, -1);
    for (const side of this.sides) this.sizes[side]++;
  }

  /**
   * One Gibbs scan of the items between the two rows, to `target` where that is given. Gives the
   * log probability of what the scan led to.
   */
  scan(rng: RandomStream, target?: Uint8Array): number {
    const { table } = this.#state;
    let logProbability = 0;
    for (let at = 0; at < this.#others.length; at++) {
      const item = this.#others[at];
      const side = this.sides[at];
      this.sizes[side]--;
      if (!table.remove(this.rows[side], item)) this.#fill(side, at);
      const s0 = Math.log(this.sizes[0]) + table.score(this.rows[0], item);
      const s1 = Math.log(this.sizes[1]) + table.score(this.rows[1], item);
      const d = s1 - s0;
      // log(1 + e^d) without overflow: −log P(side 0).
      const soft = d > 0 ? d + Math.log1p(Math.exp(-d)) : Math.log1p(Math.exp(d));
      const next = target?.[at] ?? (Math.log(rng.uniform()) < -soft ? 0 : 1);
      logProbability += next === 0 ? -soft : d - soft;
      this.sides[at] = next;
      this.sizes[next]++;
      table.add(this.rows[next], item);
    }
    return logProbability;
  }

  #fill(side: number, without: number): void {
    const { table } = this.#state;
    table.clear(this.rows[side]);
    table.add(this.rows[side], this.#anchors[side]);
    for (let at = 0; at < this.#others.length; at++) {
      if (at !== without && this.sides[at] === side) table.add(this.rows[side], this.#others[at]);
    }
  }
}
