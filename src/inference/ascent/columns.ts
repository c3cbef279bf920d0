/**
 * Where the values of a discrete site stand in sums over counts: exchanging two values exchanges two
 * columns of the counts, and two entries of a sum along one of its axes. Found by following the axis
 * through the operations; what is not followed has no known axis.
 */
import type { Node, Op } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { operandsOf, topological } from "../../tensor/traverse.js";

/** The axis; `none` where no entry changes. */
export type Columns = number | "none";

type Known = ReadonlyMap<Node, Columns | "lost">;
type Rule = (n: Node, known: Known) => Columns | "lost";

const lost = (): "lost" => "lost";

/** Elementwise: the operands that read counts agree, and the others do not tell columns apart. */
const elementwise =
  (operands: (n: Node) => readonly Node[]): Rule =>
  (n, known) => {
    let found: Columns | undefined;
    for (const x of operands(n)) {
      const at = known.get(x);
      if (at === undefined) continue;
      if (at === "lost" || (found !== undefined && found !== at)) return "lost";
      found = at;
    }
    if (found === undefined || found === "none") return found ?? "none";
    const axis = found;
    const isEven = (x: Node): boolean =>
      known.has(x) || (x.op === "broadcast" && !x.axes.includes(axis)) || sizeOf(x.shape) === 1;
    return operands(n).every(isEven) ? axis : "lost";
  };

const rules: { readonly [K in Op]: Rule } = {
  const: lost,
  input: lost,
  unary: (n, known) => (n.op === "unary" ? (known.get(n.x) ?? "lost") : "lost"),
  binary: elementwise((n) => (n.op === "binary" ? [n.x, n.y] : [])),
  ternary: elementwise((n) => (n.op === "ternary" ? [n.x, n.y, n.z] : [])),
  broadcast: (n, known) => {
    if (n.op !== "broadcast") return "lost";
    const at = known.get(n.x) ?? "lost";
    return typeof at === "number" ? n.axes[at] : at;
  },
  reshape: (n, known) => {
    if (n.op !== "reshape") return "lost";
    const at = known.get(n.x) ?? "lost";
    if (typeof at !== "number") return at;
    const before = (shape: readonly number[], axis: number): number => sizeOf(shape.slice(0, axis));
    const found = n.shape.findIndex((size, axis) => {
      return size === n.x.shape[at] && before(n.shape, axis) === before(n.x.shape, at);
    });
    return found < 0 ? "lost" : found;
  },
  transpose: (n, known) => {
    if (n.op !== "transpose") return "lost";
    const at = known.get(n.x) ?? "lost";
    return typeof at === "number" ? n.perm.indexOf(at) : at;
  },
  slice: (n, known) => {
    if (n.op !== "slice") return "lost";
    const at = known.get(n.x) ?? "lost";
    return typeof at === "number" && n.shape[at] !== n.x.shape[at] ? "lost" : at;
  },
  pad: lost,
  concat: lost,
  gather: lost,
  scatter_add: lost,
  reduce: (n, known) => {
    if (n.op !== "reduce") return "lost";
    const at = known.get(n.x) ?? "lost";
    if (typeof at !== "number") return at;
    return n.axes.includes(at) ? "none" : at - n.axes.filter((a) => a < at).length;
  },
  cumulative: lost,
  matmul: (n, known) => {
    if (n.op !== "matmul") return "lost";
    const [x, y] = [known.get(n.x), known.get(n.y)];
    const rank = n.shape.length;
    if (y === n.y.shape.length - 1 && x === undefined) return rank - 1;
    if (x === n.x.shape.length - 2 && y === undefined) return rank - 2;
    return x === "none" && y === undefined ? "none" : "lost";
  },
  cholesky: lost,
  triangular_solve: lost,
  solve: lost,
  log_abs_det: lost,
  scan: lost,
  output: lost,
};

/** The axis of each sum; undefined where it is not known. @param counts their last axis has the values */
export function columnsOf(
  sums: readonly Node[],
  counts: readonly Node[],
): readonly (Columns | undefined)[] {
  const known = new Map<Node, Columns | "lost">(counts.map((n) => [n, n.shape.length - 1]));
  const reads = new Set<Node>(counts);
  for (const n of topological(sums)) {
    if (reads.has(n)) continue;
    const rule = rules[n.op];
    const at = rule(n, known);
    // Nodes that read no counts are the same for any exchange.
    if (!dependsOn(n, reads)) continue;
    reads.add(n);
    known.set(n, at);
  }
  return sums.map((n) => {
    const at = known.get(n);
    return at === "lost" ? undefined : at;
  });
}

function dependsOn(n: Node, reads: ReadonlySet<Node>): boolean {
  return operandsOf(n).some((x) => reads.has(x));
}

/** Exchanges entries `j` and `l` along an axis of an array, in place. */
export function exchange(
  data: Float64Array,
  shape: readonly number[],
  axis: number,
  j: number,
  l: number,
): void {
  const inner = sizeOf(shape.slice(axis + 1));
  const step = shape[axis] * inner;
  for (let from = 0; from < data.length; from += step) {
    for (let k = 0; k < inner; k++) {
      const [a, b] = [from + j * inner + k, from + l * inner + k];
      [data[a], data[b]] = [data[b], data[a]];
    }
  }
}
