/**
 * Sum-product and max-product on a tree of cliques, in logs: the evidence, exact marginals, exact
 * joint draws, the most probable assignment. On a chain these are the forward-backward algorithm,
 * forward filtering with backward sampling, and Viterbi's (Rabiner 1989, section III).
 */
import { internalError } from "../../base/internal.js";
import type { Clique, EliminationPlan, Placed } from "./plan.js";

type Semiring = "sum" | "max";

/** Passes over one plan; its arrays are used again by every pass. */
export class Propagation {
  readonly #plan: EliminationPlan;
  readonly #messages: Float64Array;
  readonly #work: Float64Array;
  #tables: readonly Float64Array[] = [];
  #ready: Semiring | undefined;

  constructor(plan: EliminationPlan) {
    this.#plan = plan;
    this.#messages = new Float64Array(plan.messageLength);
    this.#work = new Float64Array(plan.largest);
  }

  /** The log tables of the graph's factors, in their order; kept, not copied. */
  setTables(tables: readonly Float64Array[]): void {
    this.#tables = tables;
    this.#ready = undefined;
  }

  /** log Σ over all assignments of exp Σ tables. */
  logSum(): number {
    return this.#collect("sum");
  }

  /**
   * The probability of each value of each element, one element after another.
   * @throws InternalError where every assignment has probability 0
   */
  marginals(): Float64Array {
    if (!Number.isFinite(this.#collect("sum"))) internalError("no assignment is possible");
    const { graph, cliques, messageLength } = this.#plan;
    const starts = startsOf(graph.counts);
    const out = new Float64Array(starts[graph.counts.length]);
    /** The joint probability of each clique's others, laid out as its message. */
    const above = new Float64Array(messageLength);
    const work = this.#work;
    for (let c = cliques.length - 1; c >= 0; c--) {
      const clique = cliques[c];
      const { sizes, rows, messageAt, element } = clique;
      const n = sizes[sizes.length - 1];
      this.#fill(clique);
      for (let row = 0; row < rows; row++) {
        const weight = clique.others.length === 0 ? 1 : above[messageAt + row];
        const norm = this.#messages[messageAt + row];
        for (let k = 0; k < n; k++) {
          const at = row * n + k;
          const p = weight === 0 ? 0 : weight * Math.exp(work[at] - norm);
          work[at] = p;
          out[starts[element] + k] += p;
        }
      }
      for (const m of clique.messages) collectInto(above, m, work, sizes);
    }
    return out;
  }

  /** One exact joint draw, the index of each element's value; `uniform` gives numbers in (0, 1). */
  sample(uniform: () => number): Int32Array {
    if (!Number.isFinite(this.#collect("sum"))) internalError("no assignment is possible");
    return this.#descend((logits) => {
      const largest = Math.max(...logits);
      let total = 0;
      for (const x of logits) total += Math.exp(x - largest);
      let left = uniform() * total;
      let chosen = 0;
      for (let k = 0; k < logits.length; k++) {
        const p = Math.exp(logits[k] - largest);
        if (p === 0) continue;
        chosen = k;
        left -= p;
        if (left < 0) break;
      }
      return chosen;
    });
  }

  /** The most probable joint assignment; of equal ones that with the smaller values. */
  mostProbable(): { readonly values: Int32Array; readonly logValue: number } {
    const logValue = this.#collect("max");
    const values = this.#descend((logits) => {
      let best = 0;
      for (let k = 1; k < logits.length; k++) if (logits[k] > logits[best]) best = k;
      return best;
    });
    return { values, logValue };
  }

  /** Messages from the first clique to the last; the log value of the whole. */
  #collect(semiring: Semiring): number {
    const { cliques } = this.#plan;
    if (this.#ready !== semiring) {
      for (const clique of cliques) {
        this.#fill(clique);
        const n = clique.sizes[clique.sizes.length - 1];
        const reduce = semiring === "sum" ? logSumExp : maximum;
        for (let row = 0; row < clique.rows; row++) {
          this.#messages[clique.messageAt + row] = reduce(this.#work, row * n, n);
        }
      }
      this.#ready = semiring;
    }
    let total = 0;
    for (const c of cliques) if (c.others.length === 0) total += this.#messages[c.messageAt];
    return total;
  }

  /** From the last clique to the first, each element chosen given those chosen before. */
  #descend(choose: (logits: Float64Array) => number): Int32Array {
    const { cliques, graph } = this.#plan;
    const chosen = new Int32Array(graph.counts.length);
    for (let c = cliques.length - 1; c >= 0; c--) {
      const clique = cliques[c];
      const n = clique.sizes[clique.sizes.length - 1];
      const logits = this.#work.subarray(0, n).fill(0);
      const add = (data: Float64Array, { offset, strides }: Placed): void => {
        let at = offset;
        clique.others.forEach((e, d) => {
          at += chosen[e] * strides[d];
        });
        const step = strides[strides.length - 1];
        for (let k = 0; k < n; k++) logits[k] += data[at + k * step];
      };
      for (const f of clique.factors) add(this.#tables[f.factor], f);
      for (const m of clique.messages) add(this.#messages, m);
      chosen[clique.element] = choose(logits);
    }
    return chosen;
  }

  /** The clique's log table: its factors and the messages that it received. */
  #fill(clique: Clique): void {
    const { sizes, rows } = clique;
    const work = this.#work.subarray(0, rows * sizes[sizes.length - 1]).fill(0);
    for (const f of clique.factors) addPlaced(work, sizes, this.#tables[f.factor], f);
    for (const m of clique.messages) addPlaced(work, sizes, this.#messages, m);
  }
}

/** Where each element's values start; the last entry is how many there are. */
export function startsOf(counts: Int32Array): Int32Array {
  const starts = new Int32Array(counts.length + 1);
  for (let e = 0; e < counts.length; e++) starts[e + 1] = starts[e] + counts[e];
  return starts;
}

/** Calls `f` with the place of each row (all dims but the last) in the placed array. */
function forRows(
  sizes: readonly number[],
  { offset, strides }: Placed,
  f: (row: number, at: number) => void,
): void {
  const last = sizes.length - 1;
  if (last === 0) {
    f(0, offset);
    return;
  }
  const index = new Int32Array(last);
  let at = offset;
  for (let row = 0; ; row++) {
    f(row, at);
    let d = last - 1;
    for (; d >= 0; d--) {
      at += strides[d];
      if (++index[d] < sizes[d]) break;
      at -= sizes[d] * strides[d];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

function addPlaced(
  work: Float64Array,
  sizes: readonly number[],
  data: Float64Array,
  placed: Placed,
): void {
  const n = sizes[sizes.length - 1];
  const step = placed.strides[placed.strides.length - 1];
  forRows(sizes, placed, (row, at) => {
    for (let k = 0; k < n; k++) work[row * n + k] += data[at + k * step];
  });
}

/** Sums a clique's probabilities onto the elements of a child's message. */
function collectInto(
  out: Float64Array,
  placed: Placed,
  work: Float64Array,
  sizes: readonly number[],
): void {
  const n = sizes[sizes.length - 1];
  const step = placed.strides[placed.strides.length - 1];
  forRows(sizes, placed, (row, at) => {
    for (let k = 0; k < n; k++) out[at + k * step] += work[row * n + k];
  });
}

function maximum(x: Float64Array, from: number, n: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = from; k < from + n; k++) if (x[k] > largest) largest = x[k];
  return largest;
}

function logSumExp(x: Float64Array, from: number, n: number): number {
  const largest = maximum(x, from, n);
  if (largest === Number.NEGATIVE_INFINITY) return largest;
  let total = 0;
  for (let k = from; k < from + n; k++) total += Math.exp(x[k] - largest);
  return largest + Math.log(total);
}
