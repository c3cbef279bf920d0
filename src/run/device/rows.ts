/** Draws of chains that move at their own pace, until all have made them. */
import { internalError } from "../../base/internal.js";
import { BOXED } from "../../inference/nuts/many.js";

type BoxedStatistics = Readonly<Record<(typeof BOXED)[number], Float64Array>>;

/** A draw of all chains, or of those that have it already. */
export interface Row {
  readonly q: Float64Array;
  readonly statistics: BoxedStatistics;
}

/** As plain data. */
export interface RowsState {
  readonly counts: Int32Array;
  readonly places: readonly [arrived: number, taken: number, complete: number, added: number];
  readonly rows: ReadonlyMap<number, Row>;
}

/** Draws of chains that are not at the same one. */
export class Rows {
  /** Those that not all chains have, and complete ones that were not taken; the others are gone. */
  readonly #rows = new Map<number, Row>();
  /** Of each chain. */
  readonly #counts: Int32Array;
  readonly #dimension: number;
  /** Chains that have draw `complete`. */
  #arrived = 0;
  #taken = 0;
  complete = 0;
  added = 0;

  constructor(chains: number, dimension: number, past?: RowsState) {
    this.#counts = past?.counts ?? new Int32Array(chains);
    this.#dimension = dimension;
    if (past === undefined) return;
    [this.#arrived, this.#taken, this.complete, this.added] = past.places;
    for (const [t, row] of past.rows) this.#rows.set(t, row);
  }

  /** What a further one needs to go on; the arrays are those that this one goes on with. */
  save(): RowsState {
    const places = [this.#arrived, this.#taken, this.complete, this.added] as const;
    return { counts: this.#counts, places, rows: this.#rows };
  }

  /** The next draw of a chain: position and `BOXED`. */
  add(chain: number, row: Float64Array): void {
    const d = this.#dimension;
    const chains = this.#counts.length;
    const t = this.#counts[chain]++;
    const own = this.#rows.get(t) ?? rowOf(chains, d);
    this.#rows.set(t, own);
    own.q.set(row.subarray(0, d), chain * d);
    BOXED.forEach((name, k) => {
      own.statistics[name][chain] = row[d + k];
    });
    this.added++;
    if (t === this.complete) this.#arrived++;
    while (this.#arrived === chains) {
      this.complete++;
      this.#arrived = this.#counts.reduce((n, count) => n + (count > this.complete ? 1 : 0), 0);
    }
  }

  /** Draws that all chains have, of the first `wanted`, each once. */
  *take(wanted: number): Generator<Row> {
    while (this.#taken < Math.min(this.complete, wanted)) {
      const row = this.#rows.get(this.#taken) ?? internalError(`no draw ${this.#taken}`);
      this.#rows.delete(this.#taken++);
      yield row;
    }
  }
}

function rowOf(chains: number, dimension: number): Row {
  const columns = BOXED.map((name) => [name, new Float64Array(chains)]);
  return {
    q: new Float64Array(chains * dimension),
    statistics: Object.fromEntries(columns) as BoxedStatistics,
  };
}
