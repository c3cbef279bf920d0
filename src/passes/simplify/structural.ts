/** Rewriting of the operations that move elements. */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf, Shape } from "../../tensor/ops.js";
import { otherAxes, sameShape, sizeOf } from "../../tensor/shape-rules.js";
import { uniformValue } from "./facts.js";

export function reshapeRule(g: GraphBuilder, x: Node, shape: Shape): Node | undefined {
  if (x.op === "broadcast" && x.axes.length === 0) return g.broadcast(x.x, shape, []);
  // A transpose that only moves axes of size 1 leaves the order of the elements.
  if (x.op === "transpose" && movesOnlyUnits(x.x.shape, x.perm)) return g.reshape(x.x, shape);
  if (x.op !== "unary" && x.op !== "binary") return undefined;
  // Scales move out to where they meet sums and others of their kind. (One element is a scalar's
  // business: see `SimplifyingBuilder`.)
  const [factor, rest] = sizeOf(shape) > 1 ? scalarFactor(g, x) : [undefined, x];
  return factor === undefined ? undefined : g.mul(g.reshape(rest, shape), factor);
}

function movesOnlyUnits(shape: Shape, perm: readonly number[]): boolean {
  const moved = perm.filter((k) => shape[k] !== 1);
  return moved.every((k, i) => i === 0 || k > moved[i - 1]);
}

export function transposeRule(g: GraphBuilder, x: Node, perm: readonly number[]): Node | undefined {
  if (movesOnlyUnits(x.shape, perm)) {
    return g.reshape(
      x,
      perm.map((k) => x.shape[k]),
    );
  }
  if (x.op !== "broadcast") return undefined;
  const place = x.axes.map((a, k) => ({ at: perm.indexOf(a), k })).sort((a, b) => a.at - b.at);
  return g.broadcast(
    g.transpose(
      x.x,
      place.map((p) => p.k),
    ),
    perm.map((k) => x.shape[k]),
    place.map((p) => p.at),
  );
}

export function sliceRule(
  g: GraphBuilder,
  x: Node,
  starts: readonly number[],
  sizes: Shape,
): Node | undefined {
  switch (x.op) {
    case "broadcast": {
      const inner = g.slice(
        x.x,
        x.axes.map((a) => starts[a]),
        x.axes.map((a) => sizes[a]),
      );
      return g.broadcast(inner, sizes, x.axes);
    }
    case "concat": {
      let along = 0;
      for (const part of x.xs) {
        const from = starts[x.axis] - along;
        const size = part.shape[x.axis];
        if (from >= 0 && from + sizes[x.axis] <= size) {
          return g.slice(
            part,
            starts.map((s, k) => (k === x.axis ? from : s)),
            sizes,
          );
        }
        along += size;
      }
      return undefined;
    }
    case "pad": {
      const from = starts.map((s, k) => s - x.starts[k]);
      const inside = from.every((s, k) => s >= 0 && s + sizes[k] <= x.x.shape[k]);
      return inside ? g.slice(x.x, from, sizes) : undefined;
    }
    default:
      return undefined;
  }
}

export function padRule(g: GraphBuilder, x: Node, shape: Shape): Node | undefined {
  return uniformValue(x) === 0 ? g.full(shape, 0, x.dtype) : undefined;
}

export function concatRule(g: GraphBuilder, xs: readonly Node[], axis: number): Node | undefined {
  const flat = xs.flatMap((x) => (x.op === "concat" && x.axis === axis ? x.xs : [x]));
  const parts: Node[] = [];
  for (const x of flat) {
    if (x.shape[axis] === 0) continue;
    const last = parts[parts.length - 1];
    const joined = last === undefined ? undefined : joinSlices(g, last, x, axis);
    if (joined === undefined) parts.push(x);
    else parts[parts.length - 1] = joined;
  }
  if (parts.length === 0) return flat[0];
  if (parts.length === xs.length && parts.every((p, k) => p === xs[k])) return undefined;
  return g.concat(parts, axis);
}

/** Two neighbouring slices of one array, or two repetitions of one scalar, as one. */
function joinSlices(g: GraphBuilder, a: Node, b: Node, axis: number): Node | undefined {
  const shape = a.shape.map((s, k) => (k === axis ? s + b.shape[k] : s));
  if (a.op === "broadcast" && b.op === "broadcast" && a.x === b.x && a.axes.length === 0) {
    return b.axes.length === 0 ? g.broadcast(a.x, shape, []) : undefined;
  }
  if (a.op !== "slice" || b.op !== "slice" || a.x !== b.x) return undefined;
  const follows = b.starts.every((s, k) => s === a.starts[k] + (k === axis ? a.shape[axis] : 0));
  return follows ? g.slice(a.x, a.starts, shape) : undefined;
}

/** first, first + 1 …: the indices of a slice. */
function contiguousFrom(indices: NodeOf<"const">): number | undefined {
  const { data } = indices;
  if (data.length === 0) return undefined;
  for (let k = 1; k < data.length; k++) if (data[k] !== data[0] + k) return undefined;
  return data[0];
}

export function gatherRule(
  g: GraphBuilder,
  x: Node,
  indices: Node,
  axis: number,
): Node | undefined {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const picked = uniformValue(indices);
  if (picked !== undefined) {
    // One place, possibly many times.
    const inner = g.at(x, axis, picked);
    const extra = indices.shape.length;
    const axes = otherAxes(
      shape.length,
      Array.from({ length: extra }, (_, k) => axis + k),
    );
    return g.broadcast(inner, shape, axes);
  }
  if (x.op === "broadcast" && !x.axes.includes(axis)) {
    const shift = indices.shape.length - 1;
    return g.broadcast(
      x.x,
      shape,
      x.axes.map((a) => (a < axis ? a : a + shift)),
    );
  }
  if (indices.op === "const" && indices.shape.length === 1) {
    const from = contiguousFrom(indices);
    if (from !== undefined) {
      return g.slice(
        x,
        x.shape.map((_, k) => (k === axis ? from : 0)),
        shape,
      );
    }
  }
  if (x.op === "gather" && x.axis === axis && x.indices.shape.length === 1) {
    return g.gather(x.x, g.gather(x.indices, indices, 0), axis);
  }
  return undefined;
}

export function scatterAddRule(
  g: GraphBuilder,
  x: Node,
  indices: Node,
  axis: number,
  shape: Shape,
): Node | undefined {
  if (uniformValue(x) === 0) return g.full(shape, 0, x.dtype);
  const place = uniformValue(indices);
  if (place !== undefined) {
    // Everything goes to one place.
    const own = Array.from({ length: indices.shape.length }, (_, k) => axis + k);
    const total = g.reshape(
      g.sum(x, own),
      shape.map((s, k) => (k === axis ? 1 : s)),
    );
    const starts = shape.map((_, k) => (k === axis ? place : 0));
    return g.pad(total, starts, shape);
  }
  if (indices.op === "const" && indices.shape.length === 1) {
    const from = contiguousFrom(indices);
    if (from !== undefined) {
      return g.pad(
        x,
        shape.map((_, k) => (k === axis ? from : 0)),
        shape,
      );
    }
  }
  const [factor, rest] = scalarFactor(g, x);
  if (factor === undefined) return undefined;
  return g.mul(g.scatterAdd(rest, indices, axis, shape), g.broadcast(factor, shape, []));
}

/** `x` as a scalar times the rest, for operations linear in x; no scalar where there is none. */
function scalarFactor(g: GraphBuilder, x: Node): readonly [Node | undefined, Node] {
  if (x.op === "broadcast" && x.axes.length === 0 && uniformValue(x) !== 1) {
    return [x.x, g.ones(x.shape)];
  }
  if (x.op === "unary" && x.fn === "neg") return [g.constant(-1), x.x];
  if (x.op === "reshape") {
    const [factor, rest] = scalarFactor(g, x.x);
    return [factor, factor === undefined ? x : g.reshape(rest, x.shape)];
  }
  if (x.op !== "binary" || x.fn !== "mul") return [undefined, x];
  if (x.y.op === "broadcast" && x.y.axes.length === 0) return [x.y.x, x.x];
  if (x.x.op === "broadcast" && x.x.axes.length === 0) return [x.x.x, x.y];
  return [undefined, x];
}

export function matmulRule(g: GraphBuilder, x: Node, y: Node): Node | undefined {
  const [fx, rx] = scalarFactor(g, x);
  if (fx !== undefined && rx.op !== "broadcast") return g.mul(g.matmul(rx, y), fx);
  const [fy, ry] = scalarFactor(g, y);
  if (fy !== undefined && ry.op !== "broadcast") return g.mul(g.matmul(x, ry), fy);
  if (x.shape.length !== 2 || y.shape.length !== 2) return undefined;
  const [m, k] = x.shape;
  const n = y.shape[1];
  if (k === 1) {
    // An outer product is elementwise.
    const rows = g.broadcast(g.reshape(x, [m]), [m, n], [0]);
    return g.mul(rows, g.broadcast(g.reshape(y, [n]), [m, n], [1]));
  }
  if (m !== 1 || n !== 1) return undefined;
  return g.reshape(g.sum(g.mul(g.reshape(x, [k]), g.reshape(y, [k]))), [1, 1]);
}

/**
 * A function of gathered elements, taken before gathering where that is fewer evaluations: the
 * operands are gathers by the same indices, or uniform.
 */
export function beforeGather(
  g: GraphBuilder,
  operands: readonly Node[],
  make: (operands: readonly Node[]) => Node,
): Node | undefined {
  let first: NodeOf<"gather"> | undefined;
  for (const n of operands) {
    if (n.op === "gather") {
      first ??= n;
      if (n.indices !== first.indices || n.axis !== first.axis) return undefined;
      if (!sameShape(n.x.shape, first.x.shape)) return undefined;
    } else if (n.op !== "broadcast" || n.axes.length > 0) return undefined;
  }
  if (first === undefined || sizeOf(first.x.shape) >= sizeOf(first.shape)) return undefined;
  const inner = make(operands.map((n) => (n.op === "gather" ? n.x : (n as NodeOf<"broadcast">).x)));
  return g.gather(inner, first.indices, first.axis);
}
