/** The linear assignment problem. */

/**
 * The assignment of least total cost: `result[row]` is the column of each row. By shortest
 * augmenting paths in O(n³) (Jonker & Volgenant 1987, "A shortest augmenting path algorithm for
 * dense and sparse linear assignment problems").
 * @param cost n × n, row-major, finite
 */
export function assign(cost: ArrayLike<number>, n: number): Int32Array {
  // Row 0 and column 0 of the duals and matches stand for "none".
  const rowDual = new Float64Array(n + 1);
  const columnDual = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1);
  const previous = new Int32Array(n + 1);
  const slack = new Float64Array(n + 1);
  const done = new Uint8Array(n + 1);
  for (let row = 1; row <= n; row++) {
    rowOf[0] = row;
    slack.fill(Number.POSITIVE_INFINITY);
    done.fill(0);
    let column = 0;
    do {
      done[column] = 1;
      const at = rowOf[column];
      let least = Number.POSITIVE_INFINITY;
      let next = 0;
      for (let j = 1; j <= n; j++) {
        if (done[j] === 1) continue;
        const reduced = cost[(at - 1) * n + j - 1] - rowDual[at] - columnDual[j];
        if (reduced < slack[j]) {
          slack[j] = reduced;
          previous[j] = column;
        }
        if (slack[j] < least) {
          least = slack[j];
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (done[j] === 1) {
          rowDual[rowOf[j]] += least;
          columnDual[j] -= least;
        } else slack[j] -= least;
      }
      column = next;
    } while (rowOf[column] !== 0);
    while (column !== 0) {
      rowOf[column] = rowOf[previous[column]];
      column = previous[column];
    }
  }
  const result = new Int32Array(n);
  for (let j = 1; j <= n; j++) result[rowOf[j] - 1] = j - 1;
  return result;
}
