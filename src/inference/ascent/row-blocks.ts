/**
 * Passes over the data in blocks of rows. Sufficient statistics are sums over the items, so that a
 * pass over all of them is a loop over blocks of items whose carries are these sums, and of arrays
 * with an entry for each item and component only a block's part is ever there. Which axis of a node
 * has the items is followed through the operations from the data on; what reads several items at once
 * (chains, running sums along the items) is not taken apart, and the graph stays as it is.
 */
import { internalError } from "../../base/internal.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { ConstNode, Graph, InputNode, Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { rebuild } from "../../tensor/transform.js";
import { operandsOf, topological } from "../../tensor/traverse.js";
import { inParts } from "./parts.js";
import { blockRules, type RowStatus, rowStatus } from "./row-rules.js";

export interface RowBlocks {
  /** Length of the axis of items. */
  readonly rows: number;
  /** Numbers of intermediate arrays that a block may have. */
  readonly room: number;
  /** Outputs of rank 0 of which parts are wanted that add up to them. */
  readonly parts: ReadonlySet<string>;
  /** Known arrays that inputs stand for, by the inputs' names. */
  readonly data: ReadonlyMap<string, ConstNode>;
}

/** Sizes of blocks: `count` of `rows`, and one of `rest`. */
export interface Blocking {
  readonly count: number;
  readonly rows: number;
  readonly rest: number;
}

/**
 * Blocks of nearly equal size, without a rest where a number of blocks up to twice the least divides
 * the rows.
 * @param perRow numbers of a row's intermediate arrays
 */
export function blocking(rows: number, perRow: number, room: number): Blocking {
  const least = Math.min(rows, Math.max(1, Math.ceil((rows * perRow) / room)));
  for (let count = least; count <= Math.min(rows, 2 * least); count++) {
    if (rows % count === 0) return { count, rows: rows / count, rest: 0 };
  }
  const own = Math.floor(rows / least);
  return { count: least, rows: own, rest: rows - least * own };
}

/**
 * The outputs of `graph`, in a fresh builder, as a loop over blocks of rows. Undefined where all rows
 * have room at once, or where they hang together.
 */
export function inRowBlocks(graph: Graph, options: RowBlocks): Graph | undefined {
  const { rows, room, parts, data } = options;
  const order = topological(graph.outputs.map((o) => o.node));
  const status = new Map<Node, RowStatus>();
  let perRow = 0;
  for (const n of order) {
    const found = rowStatus(n, rows, (x) => status.get(x) ?? internalError("operands first"));
    if (found === undefined) return undefined;
    status.set(n, found);
    if (found.kind !== "rows" || n.op === "input" || n.op === "const") continue;
    if (n.op !== "broadcast" && n.op !== "reshape") perRow += sizeOf(n.shape) / rows;
  }
  const statusOf = (n: Node): RowStatus => status.get(n) ?? internalError("a node of no graph");
  const blocks = blocking(rows, perRow, room);
  if (blocks.count <= 1) return undefined;

  const g = new GraphBuilder();
  const outer = new Outer(g, graph.inputs, data);
  const ends = graph.outputs.map((o) => ({ ...o, status: statusOf(o.node) }));
  // What a block gives: its parts of the sums, and its rows.
  const totals = order.filter((n) => statusOf(n).kind === "total");
  const stacked: Stacked[] = [];
  for (const { name, node, status: s } of ends) {
    if (s.kind === "rows") stacked.push({ node, as: "rows", axis: s.axis });
    else if (parts.has(name)) {
      for (const t of summands(node)) {
        if (statusOf(t).kind === "total") stacked.push({ node: t, as: "parts", axis: 0 });
      }
    }
  }
  const isStacked = new Set(stacked.flatMap((s) => (s.as === "parts" ? [s.node] : [])));
  const readWhole = dependOn(order, isStacked, ends, parts);
  const carried = totals.filter((t) => !isStacked.has(t) || readWhole.has(t));
  if (carried.length + stacked.length === 0) return undefined;

  const shared: { readonly inside: InputNode; readonly outside: Node }[] = [];
  const slices: { readonly inside: InputNode; readonly outside: Node }[] = [];
  const nested = new GraphBuilder();
  const body = new Block(nested, statusOf, blocks.rows, {
    whole: (n) => {
      const inside = nested.input(`const${shared.length}`, n.shape, n.dtype);
      shared.push({ inside, outside: outer.at(n) });
      return inside;
    },
    rows: (n, axis) => {
      const outside = outer.stacked(n, axis, blocks);
      const inside = nested.input(`slice${slices.length}`, outside.shape.slice(1), n.dtype);
      slices.push({ inside, outside });
      return inside;
    },
  });
  const carry = carried.map((n, k) => nested.input(`carry${k}`, n.shape, n.dtype));
  const nextCarry = carried.map((n, k) => nested.add(carry[k], body.at(n)));
  const ys = stacked.map((s) => yieldOf(nested, body, s));
  const loop = g.scanOf(
    {
      length: blocks.count,
      init: carried.map((n) => g.zeros(n.shape)),
      xs: slices.map((s) => s.outside),
      consts: shared.map((s) => s.outside),
    },
    {
      carry,
      slices: slices.map((s) => s.inside),
      consts: shared.map((s) => s.inside),
      nextCarry,
      ys,
    },
  );
  const tail =
    blocks.rest === 0
      ? undefined
      : new Block(g, statusOf, blocks.rest, {
          whole: (n) => outer.at(n),
          rows: (n, axis) => outer.rest(n, axis, blocks),
        });
  carried.forEach((n, k) => {
    const sum = loop.carry[k];
    outer.set(n, tail === undefined ? sum : g.add(sum, tail.at(n)));
  });
  const found = stacked.map((s, k) => {
    const main = g.reshape(loop.ys[k], [blocks.count * ys[k].shape[0], ...ys[k].shape.slice(1)]);
    return tail === undefined ? main : g.concat([main, yieldOf(g, tail, s)], 0);
  });
  let next = 0;
  const outputs = ends.map(({ name, node, status: s }) => {
    if (s.kind === "rows") return { name, node: fromFront(g, found[next++], s.axis) };
    if (!parts.has(name)) return { name, node: outer.at(node) };
    const list = summands(node).map((t) =>
      statusOf(t).kind === "total" ? found[next++] : g.reshape(outer.at(t), [1]),
    );
    return { name, node: list.length === 1 ? list[0] : g.concat(list, 0) };
  });
  return { inputs: g.inputs, outputs };
}

/** What a block gives out besides its sums. */
interface Stacked {
  readonly node: Node;
  readonly as: "rows" | "parts";
  readonly axis: number;
}

function yieldOf(g: GraphBuilder, block: Block, { node, as, axis }: Stacked): Node {
  const found = block.at(node);
  return as === "parts" ? inParts(g, found) : toFront(g, found, axis);
}

/** What adds up to a number. */
function summands(n: Node): Node[] {
  return n.op === "binary" && n.fn === "add" ? [...summands(n.x), ...summands(n.y)] : [n];
}

/** Of `candidates` those that are read by more than the outputs' parts. */
function dependOn(
  order: readonly Node[],
  candidates: ReadonlySet<Node>,
  ends: readonly { readonly name: string; readonly node: Node }[],
  parts: ReadonlySet<string>,
): Set<Node> {
  const inner = new Set<Node>();
  for (const { name, node } of ends) {
    if (!parts.has(name)) continue;
    const visit = (n: Node): void => {
      if (n.op !== "binary" || n.fn !== "add") return;
      inner.add(n);
      visit(n.x);
      visit(n.y);
    };
    visit(node);
  }
  const outer = ends.filter((o) => !parts.has(o.name)).map((o) => o.node);
  const reached = new Set(topological(outer));
  return new Set(order.filter((n) => candidates.has(n) && reached.has(n)));
}

const iota = (n: number): number[] => [...Array(n).keys()];

function toFront(g: GraphBuilder, x: Node, axis: number): Node {
  if (axis === 0) return x;
  return g.transpose(x, [axis, ...iota(x.shape.length).filter((a) => a !== axis)]);
}

function fromFront(g: GraphBuilder, x: Node, axis: number): Node {
  if (axis === 0) return x;
  const perm = iota(x.shape.length).slice(1);
  perm.splice(axis, 0, 0);
  return g.transpose(x, perm);
}

/** Nodes outside of the loop. */
class Outer {
  readonly #made = new Map<Node, Node>();

  constructor(
    readonly g: GraphBuilder,
    inputs: readonly InputNode[],
    readonly data: ReadonlyMap<string, ConstNode>,
  ) {
    // In their order, read or not.
    for (const n of inputs) if (!data.has(n.name)) g.input(n.name, n.shape, n.dtype);
  }

  set(n: Node, made: Node): void {
    this.#made.set(n, made);
  }

  at(n: Node): Node {
    const open = [n];
    for (let x = open.at(-1); x !== undefined; x = open.at(-1)) {
      // What is made already ends the walk: rows below a sum are not wanted here.
      const missing = this.#made.has(x) ? [] : operandsOf(x).filter((y) => !this.#made.has(y));
      if (missing.length > 0) {
        open.push(...missing);
        continue;
      }
      open.pop();
      if (this.#made.has(x)) continue;
      const known = this.#known(x);
      const made =
        known === undefined
          ? rebuild(this.g, x, (y) => this.#made.get(y) ?? internalError("operands first"))
          : this.g.constant(known.data, known.shape, known.dtype);
      this.#made.set(x, made);
    }
    return this.#made.get(n) ?? internalError("a node that was not made");
  }

  #known(n: Node): ConstNode | undefined {
    return n.op === "input" ? this.data.get(n.name) : undefined;
  }

  /** The rows of the blocks: `[count, rows, …]`, the items' axis first. */
  stacked(n: Node, axis: number, { count, rows }: Blocking): Node {
    const known = n.op === "const" ? n : this.#known(n);
    const rest = n.shape.filter((_, a) => a !== axis);
    const shape = [count, rows, ...rest];
    if (known !== undefined && axis === 0) {
      return this.g.constant(known.data.subarray(0, sizeOf(shape)), shape, known.dtype);
    }
    const front = toFront(this.g, this.at(n), axis);
    const main = this.g.slice(
      front,
      front.shape.map(() => 0),
      [count * rows, ...rest],
    );
    return this.g.reshape(main, shape);
  }

  /** The rows that are left, the items' axis first. */
  rest(n: Node, axis: number, { count, rows, rest: left }: Blocking): Node {
    const known = n.op === "const" ? n : this.#known(n);
    const shape = [left, ...n.shape.filter((_, a) => a !== axis)];
    if (known !== undefined && axis === 0) {
      const from = known.data.length - sizeOf(shape);
      return this.g.constant(known.data.subarray(from), shape, known.dtype);
    }
    const front = toFront(this.g, this.at(n), axis);
    return this.g.slice(
      front,
      front.shape.map((_, a) => (a === 0 ? count * rows : 0)),
      shape,
    );
  }
}

interface Sources {
  /** Nodes that are the same for all rows. */
  readonly whole: (n: Node) => Node;
  /** Inputs, constants and what is the same for all blocks: their part of a block, rows first. */
  readonly rows: (n: Node, axis: number) => Node;
}

/** Nodes of one block. */
class Block {
  readonly #made = new Map<Node, Node>();
  readonly #whole = new Map<Node, Node>();

  constructor(
    readonly g: GraphBuilder,
    readonly statusOf: (n: Node) => RowStatus,
    readonly rows: number,
    readonly sources: Sources,
  ) {}

  /** A node of rows or a sum over rows, of this block's rows alone. */
  at(n: Node): Node {
    const known = this.#made.get(n);
    if (known !== undefined) return known;
    const status = this.statusOf(n);
    if (status.kind === "rows" && (n.op === "input" || n.op === "const")) {
      const found = this.sources.rows(n, status.axis);
      const made = fromFront(this.g, found, status.axis);
      this.#made.set(n, made);
      return made;
    }
    const made = blockRules(this.g, n, status, this.rows, {
      statusOf: this.statusOf,
      at: (x) => this.at(x),
      whole: (x) => this.whole(x),
      along: (x, axis) => this.along(x, axis),
    });
    this.#made.set(n, made);
    return made;
  }

  whole(n: Node): Node {
    const known = this.#whole.get(n);
    if (known !== undefined) return known;
    const isSmall = n.op === "const" && n.data.length === 1;
    const made = isSmall ? this.g.constant(n.data, n.shape, n.dtype) : this.sources.whole(n);
    this.#whole.set(n, made);
    return made;
  }

  /** Any node, of the block's rows along this axis. */
  along(n: Node, axis: number): Node {
    const status = this.statusOf(n);
    if (status.kind === "rows") {
      return status.axis === axis ? this.at(n) : internalError("rows along two axes");
    }
    // A value that is repeated needs no room.
    if (n.op !== "broadcast") return fromFront(this.g, this.sources.rows(n, axis), axis);
    const shape = n.shape.map((d, a) => (a === axis ? this.rows : d));
    const inner = n.axes.indexOf(axis);
    const x = inner < 0 ? this.whole(n.x) : this.along(n.x, inner);
    return this.g.broadcast(x, shape, n.axes);
  }
}
