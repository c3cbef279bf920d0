/** Operations that move elements. */
import type { Node, NodeOf } from "../../tensor/ops.js";
import type { Algebra } from "./algebra.js";
import { constant } from "./arrays.js";
import type { Value } from "./terms.js";

/** Operations that move elements, of whatever `read` gives for their operands. */
export function moved(
  a: Algebra,
  n: Node,
  read: (x: Node) => Value,
  numbers: (x: Node) => Float64Array | undefined,
): Value | undefined {
  switch (n.op) {
    case "broadcast":
      return a.broadcast(read(n.x), n.shape, n.axes);
    case "reshape":
      return a.reshape(read(n.x), n.shape);
    case "transpose":
      return a.transpose(read(n.x), n.perm);
    case "slice":
      return a.slice(read(n.x), n.starts, n.shape, n.x.shape);
    case "gather": {
      const at = numbers(n.indices);
      return at === undefined ? undefined : a.gather(read(n.x), n.axis, at, n.indices.shape);
    }
    case "concat": {
      let start = 0;
      const size = n.shape[n.axis];
      const parts = n.xs.map((x) => {
        const placed = a.place(read(x), n.axis, start, size);
        start += x.shape[n.axis];
        return placed;
      });
      return parts.reduce((x, y) => a.add(x, y));
    }
    default:
      return undefined;
  }
}

/** Elements put to different places of zeros; undefined where two meet. */
export function scattered(
  a: Algebra,
  n: NodeOf<"scatter_add">,
  x: Value,
  to: Float64Array,
): Value | undefined {
  if (n.indices.shape.length !== 1 || new Set(to).size !== to.length) return undefined;
  const size = n.shape[n.axis];
  const from = new Float64Array(size);
  const mask = new Float64Array(size);
  to.forEach((place, k) => {
    from[place] = k;
    mask[place] = 1;
  });
  const moved = a.gather(x, n.axis, from, [size]);
  return a.masked(moved, constant(moved.dims[n.axis], mask));
}

/** Running sums as a product with a triangle of ones. */
export function cumulated(a: Algebra, n: NodeOf<"cumulative">, x: Value): Value {
  const size = n.shape[n.axis];
  const length = x.dims.length;
  const last = a.transpose(x, [...otherThan(length, n.axis), n.axis]);
  const ones = new Float64Array(size * size);
  for (let from = 0; from < size; from++) {
    for (let to = 0; to < size; to++) {
      const [early, late] = n.reverse ? [to, from] : [from, to];
      ones[from * size + to] = early < late || (early === late && !n.exclusive) ? 1 : 0;
    }
  }
  const rows: Value = { ...last, dims: [...last.dims.slice(0, -1), [], last.dims[length - 1]] };
  const made = a.matmul(rows, a.ofNumbers(ones, [size, size]));
  const dims = [...made.dims.slice(0, -2), made.dims[made.dims.length - 1]];
  const back = Array.from({ length }, (_, k) => {
    if (k === n.axis) return length - 1;
    return k < n.axis ? k : k - 1;
  });
  return a.transpose({ dims, terms: made.terms }, back);
}

export const otherThan = (length: number, axis: number): number[] =>
  Array.from({ length }, (_, k) => k).filter((k) => k !== axis);
