/**
 * Small axes beside long ones are unrolled before tasks are made: components of a mixture, columns
 * of a few predictors. A node of shape `[1000, 3]` becomes three of shape `[1000, 1]`, a reduction
 * over the small axis a few additions, and the loops that are left run over the long axis alone, so
 * that they fuse and run as vectors with every intermediate value in a local.
 *
 * From the reductions that profit the choice spreads to operands and readers, so that both sides
 * of a softmax see the same exponentials.
 */
import { GraphBuilder } from "../../tensor/builder.js";
import type { ConcatNode, Graph, Node, ReduceNode, Shape } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { rebuild } from "../../tensor/transform.js";
import { operandsOf, topological } from "../../tensor/traverse.js";
import { matchAxes } from "./index-maps.js";
import { isElementwise } from "./nodes.js";

/** Longer axes keep their loops: the code would grow more than the loops cost. */
const SMALL = 12;
/** The other axes must have this many elements, or there is no loop to be fast in. */
const LONG = 16;
/** And this many times the small axis: matrices of linear algebra keep their two loops. */
const LONGER = 8;
/** Nodes that one graph may grow by. */
const MOST_NODES = 6000;

/** Unrolls one small axis after the other, as far as the budget goes. */
export function unrollSmallAxes(graph: Graph): Graph {
  let result = graph;
  for (let budget = MOST_NODES; budget > 0; ) {
    const order = topological(result.outputs.map((o) => o.node));
    const axes = chooseAxes(order);
    let growth = 0;
    for (const [node, axis] of axes) growth += node.shape[axis];
    if (growth === 0 || growth > budget) return result;
    budget -= growth;
    const unroller = new Unroller(axes, order);
    result = {
      inputs: result.inputs,
      outputs: result.outputs.map(({ name, node }) => ({ name, node: unroller.whole(node) })),
    };
    result = { ...result, inputs: unroller.inputs() };
  }
  return result;
}

/** Whether axis `axis` of a node may be unrolled. */
function isSmall(shape: Shape, axis: number): boolean {
  const extent = shape[axis];
  return (
    extent >= 2 && extent <= SMALL && sizeOf(shape) >= extent * Math.max(LONG, LONGER * extent)
  );
}

/** The nodes to unroll, each with the axis. */
function chooseAxes(order: readonly Node[]): ReadonlyMap<Node, number> {
  const chosen = new Map<Node, number>();
  const work: Node[] = [];
  const choose = (node: Node, axis: number | undefined): void => {
    if (axis === undefined || axis < 0 || chosen.has(node) || !isSmall(node.shape, axis)) return;
    chosen.set(node, axis);
    work.push(node);
  };
  const readers = new Map<Node, Node[]>();
  for (const node of order) {
    for (const x of operandsOf(node)) {
      const known = readers.get(x);
      if (known === undefined) readers.set(x, [node]);
      else known.push(node);
    }
  }
  for (const node of order) {
    if (node.op !== "reduce") continue;
    // Where the small axis is reduced the loops over it go; else one accumulator for each index.
    const axes = node.x.shape.map((_, axis) => axis).filter((axis) => isSmall(node.x.shape, axis));
    const axis = axes.find((a) => node.axes.includes(a)) ?? axes[0];
    if (axis === undefined) continue;
    choose(node.x, axis);
    for (let next = work.pop(); next !== undefined; next = work.pop()) {
      const at = chosen.get(next)!;
      eachOperandAxis(next, at, choose);
      for (const reader of readers.get(next) ?? []) choose(reader, readerAxis(reader, next, at));
    }
  }
  return chosen;
}

type AxisVisitor = (operand: Node, axis: number | undefined) => void;

/** Which axis of each operand is axis `axis` of the node, where there is one. */
function eachOperandAxis(node: Node, axis: number, visit: AxisVisitor): void {
  if (isElementwise(node)) {
    for (const x of operandsOf(node)) visit(x, axis);
    return;
  }
  switch (node.op) {
    case "broadcast":
      visit(node.x, node.axes.indexOf(axis));
      return;
    case "reshape":
      visit(node.x, matchAxes(node.x.shape, node.shape)?.[axis]);
      return;
    case "transpose":
      visit(node.x, node.perm[axis]);
      return;
    case "slice":
    case "pad":
      visit(node.x, axis);
      return;
    case "concat":
      for (const x of node.xs) visit(x, axis);
      return;
    case "reduce":
      visit(node.x, keptAxes(node)[axis]);
      return;
    default:
      return;
  }
}

/** Which axis of `reader` is axis `axis` of its operand `x`. */
function readerAxis(reader: Node, x: Node, axis: number): number | undefined {
  if (isElementwise(reader)) return axis;
  switch (reader.op) {
    case "broadcast":
      return reader.axes[axis];
    case "reshape":
      return matchAxes(x.shape, reader.shape)?.indexOf(axis);
    case "transpose":
      return reader.perm.indexOf(axis);
    case "slice":
    case "pad":
    case "concat":
      return axis;
    case "reduce":
      return keptAxes(reader).indexOf(axis);
    default:
      return undefined;
  }
}

/** For each axis of a reduction's result, the axis of its operand. */
function keptAxes(node: ReduceNode): number[] {
  return node.x.shape.map((_, axis) => axis).filter((axis) => !node.axes.includes(axis));
}

/** Rebuilds a graph with the chosen nodes as one node for each index of their axis. */
class Unroller {
  readonly #g = new GraphBuilder();
  readonly #axes: ReadonlyMap<Node, number>;
  readonly #wholes = new Map<Node, Node>();
  readonly #parts = new Map<Node, readonly Node[]>();

  /** Rebuilds everything, operands first. */
  constructor(axes: ReadonlyMap<Node, number>, order: readonly Node[]) {
    this.#axes = axes;
    for (const node of order) {
      const make = (): void => this.#visit(node);
      if (node.origin === undefined) make();
      else this.#g.withOrigin(node.origin, make);
    }
  }

  inputs() {
    return this.#g.inputs;
  }

  /** The node in one piece. */
  whole(node: Node): Node {
    let whole = this.#wholes.get(node);
    if (whole === undefined) {
      whole = this.#g.concat(this.#parts.get(node)!, this.#axes.get(node)!);
      this.#wholes.set(node, whole);
    }
    return whole;
  }

  #visit(node: Node): void {
    const axis = this.#axes.get(node);
    if (axis !== undefined) {
      const count = node.shape[axis];
      this.#parts.set(
        node,
        Array.from({ length: count }, (_, index) => this.#part(node, axis, index)),
      );
      return;
    }
    this.#wholes.set(node, this.#fromParts(node) ?? rebuild(this.#g, node, (x) => this.whole(x)));
  }

  /** A node that is not unrolled over an operand that is. */
  #fromParts(node: Node): Node | undefined {
    const g = this.#g;
    if (node.op === "reduce") {
      const parts = this.#parts.get(node.x);
      if (parts === undefined) return undefined;
      const axis = this.#axes.get(node.x)!;
      if (node.axes.includes(axis)) return g.reduce(node.fn, this.#fold(node, parts), node.axes);
      const results = parts.map((x) => g.reduce(node.fn, x, node.axes));
      return g.concat(results, keptAxes(node).indexOf(axis));
    }
    if (node.op === "slice") {
      const axis = this.#axes.get(node.x);
      if (axis === undefined || node.shape[axis] !== 1) return undefined;
      const starts = node.starts.map((s, k) => (k === axis ? 0 : s));
      return g.slice(this.#parts.get(node.x)![node.starts[axis]], starts, node.shape);
    }
    return undefined;
  }

  /** The parts of a reduction's operand, combined element by element. */
  #fold(node: ReduceNode, parts: readonly Node[]): Node {
    const fns = { sum: "add", prod: "mul", max: "max", min: "min" } as const;
    return parts.reduce((sum, x) => this.#g.binary(fns[node.fn], sum, x));
  }

  /** `node[…, index, …]` along `axis`, which stays with length 1. */
  #part(node: Node, axis: number, index: number): Node {
    const g = this.#g;
    const shape = node.shape.map((n, k) => (k === axis ? 1 : n));
    const same = (x: Node): Node => this.#index(x, axis, index);
    if (isElementwise(node)) return rebuild(g, node, same);
    switch (node.op) {
      case "const":
        return g.constant(column(node.data, node.shape, axis, index), shape, node.dtype);
      case "broadcast": {
        const from = node.axes.indexOf(axis);
        const x = from < 0 ? this.whole(node.x) : this.#index(node.x, from, index);
        return g.broadcast(x, shape, node.axes);
      }
      case "reshape": {
        const from = matchAxes(node.x.shape, node.shape)?.[axis];
        if (from === undefined)
          return this.#cut(
            rebuild(g, node, (x) => this.whole(x)),
            axis,
            index,
          );
        return g.reshape(this.#index(node.x, from, index), shape);
      }
      case "transpose":
        return g.transpose(this.#index(node.x, node.perm[axis], index), node.perm);
      case "slice": {
        const x = this.#index(node.x, axis, index + node.starts[axis]);
        const starts = node.starts.map((s, k) => (k === axis ? 0 : s));
        return g.slice(x, starts, shape);
      }
      case "pad": {
        const from = index - node.starts[axis];
        if (from < 0 || from >= node.x.shape[axis]) return g.zeros(shape);
        const starts = node.starts.map((s, k) => (k === axis ? 0 : s));
        return g.pad(this.#index(node.x, axis, from), starts, shape);
      }
      case "concat":
        if (node.axis === axis) return this.#piece(node, index);
        return g.concat(node.xs.map(same), node.axis);
      case "reduce":
        return g.reduce(node.fn, this.#index(node.x, keptAxes(node)[axis], index), node.axes);
      default:
        return this.#cut(this.#rebuilt(node), axis, index);
    }
  }

  /** A node whose operation is not unrolled, made once for all of its parts. */
  #rebuilt(node: Node): Node {
    const known = this.#wholes.get(node);
    if (known !== undefined) return known;
    const whole = rebuild(this.#g, node, (x) => this.whole(x));
    this.#wholes.set(node, whole);
    return whole;
  }

  /** The part of a concat along the axis that is unrolled. */
  #piece(node: ConcatNode, index: number): Node {
    let start = 0;
    for (const x of node.xs) {
      const size = x.shape[node.axis];
      if (index < start + size) return this.#index(x, node.axis, index - start);
      start += size;
    }
    return this.whole(node);
  }

  #index(x: Node, axis: number, index: number): Node {
    const parts = this.#axes.get(x) === axis ? this.#parts.get(x) : undefined;
    return parts === undefined ? this.#cut(this.whole(x), axis, index) : parts[index];
  }

  #cut(x: Node, axis: number, index: number): Node {
    const starts = x.shape.map((_, k) => (k === axis ? index : 0));
    return this.#g.slice(
      x,
      starts,
      x.shape.map((n, k) => (k === axis ? 1 : n)),
    );
  }
}

/** The data of `[…, index, …]`, contiguous. */
function column(data: Float64Array, shape: Shape, axis: number, index: number): Float64Array {
  const inner = shape.slice(axis + 1).reduce((n, m) => n * m, 1);
  const step = inner * shape[axis];
  const result = new Float64Array(data.length / shape[axis]);
  for (let from = index * inner, to = 0; to < result.length; from += step, to += inner) {
    for (let k = 0; k < inner; k++) result[to + k] = data[from + k];
  }
  return result;
}
