/**
 * Decides which nodes are computed once by a task of their own ("roots") and which are virtual:
 * computed anew, element by element, wherever they are read. Being a root costs no memory by
 * itself: a root that is read only inside the loop that makes it stays in a local.
 */
import type { Node, Shape, UnaryFn } from "../../tensor/ops.js";
import { sizeOf, stridesOf } from "../../tensor/shape-rules.js";
import { operandsOf, topological } from "../../tensor/traverse.js";
import { matchAxes } from "./index-maps.js";
import { isElementMap, isElementwise, keepsAxes, ownCost, uniformValue } from "./nodes.js";

/** Recomputing this much in a second loop costs more than a store and a load. */
const WORTH_STORING = 4;
/** Numbers that take this long are tasks, which start as soon as their operands are there. */
const WORTH_STARTING_EARLY = 10;
/** Longer chains of virtual nodes are cut: walks over them recurse, and so do devices. */
const DEEPEST = 48;
/** More boxes than this and the pads and concats of a root get tasks of their own. */
const MOST_BOXES = 64;

/** A root or leaf seen through strides, in elements. */
export interface View {
  readonly base: Node;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** A part of a root's index space in which every pad and concat is on one side. */
export interface Box {
  readonly starts: readonly number[];
  readonly sizes: Shape;
}

export class Roots {
  /** Reachable nodes, operands first. */
  readonly order: readonly Node[];
  readonly uses = new Map<Node, number>();
  readonly #roots = new Set<Node>();
  readonly #cost = new Map<Node, number>();
  /** Virtual nodes below, on the longest path. */
  readonly #depth = new Map<Node, number>();
  readonly #uniform = new Map<Node, number | undefined>();
  readonly #boxes = new Map<Node, readonly Box[]>();
  readonly #logistic = new Map<Node, Set<UnaryFn>>();

  constructor(outputs: readonly Node[], stored: readonly Node[]) {
    this.order = topological(outputs);
    for (const node of this.order) {
      for (const x of operandsOf(node)) this.uses.set(x, this.usesOf(x) + 1);
      if (node.op === "const") this.#uniform.set(node, uniformValue(node));
      if (node.op === "unary" && (node.fn === "sigmoid" || node.fn === "softplus")) {
        const fns = this.#logistic.get(node.x) ?? new Set();
        this.#logistic.set(node.x, fns.add(node.fn));
      }
      if (node.op === "pad" || node.op === "concat" || !isElementMap(node)) this.force(node);
    }
    for (const node of outputs) this.uses.set(node, this.usesOf(node) + 1);
    for (const node of stored) this.force(node);
    for (const node of this.order) this.#decide(node);
    for (let k = this.order.length - 1; k >= 0; k--) {
      const node = this.order[k];
      if (this.isRoot(node) && isElementMap(node)) this.#boxes.set(node, this.#split(node));
    }
  }

  usesOf(node: Node): number {
    return this.uses.get(node) ?? 0;
  }

  isRoot(node: Node): boolean {
    return this.#roots.has(node);
  }

  /** The one value of a constant of equal elements. */
  uniform(node: Node): number | undefined {
    return this.#uniform.get(node);
  }

  /** Both the sigmoid and the softplus of `x` are wanted, which share exp(−|x|). */
  sharesExponential(x: Node): boolean {
    return this.#logistic.get(x)?.size === 2;
  }

  boxesOf(root: Node): readonly Box[] {
    return this.#boxes.get(root) ?? [whole(root.shape)];
  }

  force(node: Node): void {
    if (node.op !== "const" && node.op !== "input") this.#roots.add(node);
  }

  #decide(node: Node): void {
    let cost = ownCost(node);
    let depth = 0;
    if (isElementMap(node)) {
      for (const x of operandsOf(node)) {
        cost += this.#cost.get(x) ?? 0;
        depth = Math.max(depth, (this.#depth.get(x) ?? 0) + 1);
      }
    }
    const size = sizeOf(node.shape);
    this.#demand(node, size);
    if (isElementwise(node)) {
      const shared = size > 1 && this.usesOf(node) > 1 && cost >= WORTH_STORING;
      if (shared || (size === 1 && ownCost(node) >= WORTH_STARTING_EARLY)) this.force(node);
    }
    if (depth > DEEPEST && isElementMap(node)) this.force(node);
    this.#depth.set(node, this.isRoot(node) ? 0 : depth);
    this.#cost.set(node, this.isRoot(node) || size <= 1 ? 0 : cost);
  }

  /** What a node asks of its operands: storage, or not to be recomputed many times. */
  #demand(node: Node, size: number): void {
    switch (node.op) {
      case "reshape":
        if (!keepsAxes(node.x.shape, node.shape) && !this.#isContiguous(node.x)) {
          this.force(node.x);
        }
        return;
      case "broadcast":
        // Along trailing axes the value is computed once, outside the inner loops.
        if (node.axes.some((axis, k) => axis !== k)) this.#keep(node.x, size, 1);
        return;
      case "gather":
        this.#keep(node.x, size, 2);
        return;
      case "scatter_add":
        if ((this.#cost.get(node.x) ?? 0) >= WORTH_STORING) this.force(node.x);
        return;
      case "matmul":
      case "cholesky":
      case "triangular_solve":
      case "solve":
      case "log_abs_det":
      case "scan":
        for (const x of operandsOf(node)) if (this.viewOf(x) === undefined) this.force(x);
        return;
      default:
        return;
    }
  }

  /** Makes `x` a root if computing it for `size` elements costs more than storing it. */
  #keep(x: Node, size: number, worth: number): void {
    const own = sizeOf(x.shape);
    if (own > 1 && own < size && (this.#cost.get(x) ?? 0) >= worth) this.force(x);
  }

  #isContiguous(node: Node): boolean {
    const view = this.viewOf(node);
    if (view === undefined) return false;
    const strides = stridesOf(node.shape);
    return node.shape.every((n, k) => n === 1 || strides[k] === view.strides[k]);
  }

  /** The node as a strided window of a root, constant or input, if it is one. */
  viewOf(node: Node): View | undefined {
    if (this.isRoot(node) || node.op === "const" || node.op === "input") {
      return { base: node, offset: 0, strides: stridesOf(node.shape) };
    }
    switch (node.op) {
      case "slice": {
        const x = this.viewOf(node.x);
        if (x === undefined) return undefined;
        const offset = node.starts.reduce((sum, s, k) => sum + s * x.strides[k], x.offset);
        return { base: x.base, offset, strides: x.strides };
      }
      case "transpose": {
        const x = this.viewOf(node.x);
        return x && { ...x, strides: node.perm.map((axis) => x.strides[axis]) };
      }
      case "broadcast": {
        const x = this.viewOf(node.x);
        if (x === undefined) return undefined;
        const strides = new Array<number>(node.shape.length).fill(0);
        node.axes.forEach((axis, k) => {
          strides[axis] = x.strides[k];
        });
        return { ...x, strides };
      }
      case "reshape": {
        const x = this.viewOf(node.x);
        if (x === undefined) return undefined;
        const pairs = matchAxes(node.x.shape, node.shape);
        if (pairs !== undefined) {
          return { ...x, strides: pairs.map((axis) => (axis < 0 ? 0 : x.strides[axis])) };
        }
        return this.#isContiguous(node.x) ? { ...x, strides: stridesOf(node.shape) } : undefined;
      }
      default:
        return undefined;
    }
  }

  /**
   * Cuts the root's index space at the edges of the pads and concats that it is made of, which
   * then need no tasks of their own.
   */
  #split(root: Node): readonly Box[] {
    const cuts = root.shape.map(() => new Set<number>());
    const inlined: Node[] = [];
    const visit = (node: Node, origin: readonly number[]): void => {
      if (node !== root && this.usesOf(node) > 1) return;
      if (node.op === "pad") {
        const start = origin.map((o, k) => o + node.starts[k]);
        start.forEach((s, k) => {
          cuts[k].add(s).add(s + node.x.shape[k]);
        });
        inlined.push(node);
        visit(node.x, start);
      } else if (node.op === "concat") {
        let start = origin;
        inlined.push(node);
        for (const x of node.xs) {
          visit(x, start);
          start = start.map((s, k) => (k === node.axis ? s + x.shape[k] : s));
          cuts[node.axis].add(start[node.axis]);
        }
        cuts[node.axis].add(origin[node.axis]);
      } else if (isElementwise(node) && (node === root || !this.isRoot(node))) {
        for (const x of operandsOf(node)) visit(x, origin);
      }
    };
    visit(
      root,
      root.shape.map(() => 0),
    );
    if (inlined.length === 0) return [whole(root.shape)];
    const edges = cuts.map((set, k) => edgesOf(set, root.shape[k]));
    if (edges.reduce((count, e) => count * (e.length - 1), 1) > MOST_BOXES) {
      // The root's own cuts alone are at most three per axis, or one per part of a concat.
      if (root.op !== "pad" && root.op !== "concat") return [whole(root.shape)];
      return this.#ownBoxes(root);
    }
    for (const node of inlined) if (node !== root) this.#roots.delete(node);
    return boxesOf(edges);
  }

  #ownBoxes(root: Node): readonly Box[] {
    const edges = root.shape.map((n, k) => {
      const set = new Set<number>();
      if (root.op === "pad") set.add(root.starts[k]).add(root.starts[k] + root.x.shape[k]);
      if (root.op === "concat" && k === root.axis) {
        let start = 0;
        for (const x of root.xs) {
          start += x.shape[k];
          set.add(start);
        }
      }
      return edgesOf(set, n);
    });
    return boxesOf(edges);
  }
}

function whole(shape: Shape): Box {
  return { starts: shape.map(() => 0), sizes: shape };
}

/** 0, the cuts inside, and `extent`. */
function edgesOf(cuts: ReadonlySet<number>, extent: number): number[] {
  const inside = [...cuts].filter((c) => c > 0 && c < extent).sort((a, b) => a - b);
  return [0, ...inside, extent];
}

function boxesOf(edges: readonly (readonly number[])[]): Box[] {
  let boxes: Box[] = [{ starts: [], sizes: [] }];
  for (const axis of edges) {
    boxes = boxes.flatMap((box) =>
      axis.slice(1).map((end, k) => ({
        starts: [...box.starts, axis[k]],
        sizes: [...box.sizes, end - axis[k]],
      })),
    );
  }
  return boxes;
}
