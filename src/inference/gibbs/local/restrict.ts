/**
 * Chosen entries of an array without the rest, for an element that is known when the density is
 * evaluated: places go down through whatever works entry by entry to the sites and to arrays that do
 * not change while the elements of a site are drawn, which are computed once before.
 */
import { internalError } from "../../../base/internal.js";
import type { GraphBuilder } from "../../../tensor/builder.js";
import type { Node, NodeOf, Op, ScanNode } from "../../../tensor/ops.js";
import { sizeOf } from "../../../tensor/shape-rules.js";
import { rebuild } from "../../../tensor/transform.js";
import { type Place, type Places, type Run, spreadNode, unionRuns } from "./places.js";
import { knownIndices } from "./touching.js";

/** Entries of an array, over the runs along which they change. */
export interface Entry {
  readonly node: Node;
  readonly runs: readonly Run[];
}

/** How entries follow from those of the operands. */
type Rule<K extends Op> = (r: Restriction, n: NodeOf<K>, at: readonly Place[]) => Entry;

export class Restriction {
  readonly #known = new Map<string, Entry>();
  readonly #wholes = new Map<Node, Node>();
  #runs = 0;
  /** Arrays that had to be computed whole although they change. */
  readonly wholes: Node[] = [];

  /**
   * @param moving what depends on the site whose element moves
   * @param still the stand-in, in `g`, of an array that does not change
   */
  constructor(
    readonly g: GraphBuilder,
    readonly places: Places,
    readonly moving: ReadonlySet<Node>,
    readonly still: (n: Node) => Node,
  ) {}

  run(size: number): Run {
    return { id: this.#runs++, size };
  }

  /** The entries of `n` at a place on each axis. */
  at(n: Node, places: readonly Place[]): Entry {
    const key = `${n.id}|${places.map((p) => p.id).join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const rule = (this.moving.has(n) ? movingRules : stillRules)[n.op] as Rule<Op> | undefined;
    const made = rule === undefined ? this.leaf(n, places) : rule(this, n, places);
    this.#known.set(key, made);
    return made;
  }

  /** The entries at a position in row-major order. */
  entryAt(n: Node, flat: Place): Entry {
    return this.at(n, this.axes(flat, n.shape));
  }

  /** The place on each axis of a position. */
  axes(flat: Place, shape: readonly number[]): Place[] {
    const p = this.places;
    let stride = sizeOf(shape);
    return shape.map((size, axis) => {
      stride /= size;
      const turned = p.apply("quotient", flat, stride);
      return axis === 0 ? turned : p.apply("rest", turned, size);
    });
  }

  /** Read from the whole array. */
  leaf(n: Node, places: readonly Place[]): Entry {
    const { g } = this;
    const array = this.whole(n);
    if (sizeOf(n.shape) === 1) return { node: g.reshape(array, []), runs: [] };
    const place = this.flat(places, n.shape);
    const flat = g.reshape(array, [sizeOf(n.shape)]);
    return { node: g.gather(flat, this.places.node(place), 0), runs: place.runs };
  }

  /** The whole array in the graph of the local density. */
  whole(n: Node): Node {
    if (n.op === "const") return this.g.constant(n.data, n.shape, n.dtype);
    if (n.op === "input") return this.g.input(n.name, n.shape, n.dtype);
    if (!this.moving.has(n)) return this.still(n);
    const known = this.#wholes.get(n);
    if (known !== undefined) return known;
    const made =
      n.op === "output"
        ? this.g.output(this.whole(n.source) as ScanNode, n.index)
        : rebuild(this.g, n, (x) => this.whole(x));
    this.#wholes.set(n, made);
    this.wholes.push(n);
    return made;
  }

  /** The position in row-major order. */
  flat(places: readonly Place[], shape: readonly number[]): Place {
    const p = this.places;
    let total = p.constant(0);
    places.forEach((place, k) => {
      total = p.apply("add", p.apply("mul", total, shape[k]), place);
    });
    return total;
  }

  /** Entries as nodes over all of their runs together. */
  align(entries: readonly Entry[]): { readonly nodes: Node[]; readonly runs: readonly Run[] } {
    const runs = unionRuns(entries.map((e) => e.runs));
    return { nodes: entries.map((e) => spreadNode(this.g, e.node, e.runs, runs)), runs };
  }

  /** The first where a condition of places holds, the second elsewhere. */
  choose(condition: Place, then: Entry, otherwise: Entry): Entry {
    const range = this.places.range(condition);
    if (range !== undefined && range.least === 1) return then;
    if (range !== undefined && range.most === 0) return otherwise;
    const mask = this.g.gt(this.places.node(condition), 0);
    const aligned = this.align([{ node: mask, runs: condition.runs }, then, otherwise]);
    const [c, x, y] = aligned.nodes;
    return { node: this.g.select(c, x, y), runs: aligned.runs };
  }

  /** Σ, Π, max or min over runs. */
  reduce(fn: NodeOf<"reduce">["fn"], e: Entry, over: readonly Run[]): Entry {
    const { g } = this;
    let { node } = e;
    for (const run of over) {
      if (e.runs.some((r) => r.id === run.id)) continue;
      // The same along the run.
      if (fn === "sum") node = g.mul(node, run.size);
      if (fn === "prod") node = g.pow(node, run.size);
    }
    const axes = e.runs.flatMap((r, k) => (over.some((o) => o.id === r.id) ? [k] : []));
    const runs = e.runs.filter((_, k) => !axes.includes(k));
    return { node: axes.length === 0 ? node : g.reduce(fn, node, axes), runs };
  }
}

function isInside(r: Restriction, place: Place, start: number, size: number): Place {
  const p = r.places;
  const from = p.apply("below", place, start);
  const to = p.apply("below", place, start + size);
  return p.apply("below", from, to);
}

/** Rules for changes of shape, of whatever array. */
const structural: { readonly [K in Op]?: Rule<K> } = {
  broadcast: (r, n, at) =>
    r.at(
      n.x,
      n.axes.map((axis) => at[axis]),
    ),
  transpose: (r, n, at) =>
    r.at(
      n.x,
      n.x.shape.map((_, axis) => at[n.perm.indexOf(axis)]),
    ),
  slice: (r, n, at) =>
    r.at(
      n.x,
      at.map((place, k) => r.places.apply("add", place, n.starts[k])),
    ),
  reshape: (r, n, at) => r.at(n.x, r.axes(r.flat(at, n.shape), n.x.shape)),
  pad: (r, n, at) => {
    const p = r.places;
    let entry: Entry | undefined;
    const inner = at.map((place, k) => {
      const shifted = p.apply("add", place, -n.starts[k]);
      return p.apply("most", p.apply("least", shifted, 0), n.x.shape[k] - 1);
    });
    entry = r.at(n.x, inner);
    const nothing: Entry = { node: r.g.constant(0), runs: [] };
    at.forEach((place, k) => {
      const inside = isInside(r, place, n.starts[k], n.x.shape[k]);
      entry = r.choose(inside, entry ?? nothing, nothing);
    });
    return entry;
  },
  concat: (r, n, at) => {
    const p = r.places;
    const place = at[n.axis];
    const range = p.range(place);
    let start = 0;
    let made: Entry | undefined;
    for (const x of n.xs) {
      const size = x.shape[n.axis];
      const isRead = range === undefined || (range.most >= start && range.least < start + size);
      if (size > 0 && isRead) {
        const own = p.apply("most", p.apply("least", p.apply("add", place, -start), 0), size - 1);
        const entry = r.at(
          x,
          at.map((other, k) => (k === n.axis ? own : other)),
        );
        const before = p.apply("below", place, start);
        made = made === undefined ? entry : r.choose(before, made, entry);
      }
      start += size;
    }
    return made ?? internalError("a place outside of what is joined");
  },
  gather: (r, n, at) => {
    const rank = n.indices.shape.length;
    const own = at.slice(n.axis, n.axis + rank);
    const known = r.moving.has(n.indices) ? undefined : knownIndices(n.indices);
    const flat = r.flat(own, n.indices.shape);
    const looked = known === undefined ? undefined : r.places.lookUp(known, flat);
    const index = looked ?? computed(r, r.at(n.indices, own));
    return r.at(n.x, [...at.slice(0, n.axis), index, ...at.slice(n.axis + rank)]);
  },
};

const computed = (r: Restriction, e: Entry): Place => r.places.computed(e.node, e.runs);

/** What does not change is computed once, and read; its shape is not. */
const stillRules = structural;

const movingRules: { readonly [K in Op]?: Rule<K> } = {
  ...structural,
  unary: (r, n, at) => {
    const x = r.at(n.x, at);
    return { node: r.g.unary(n.fn, x.node), runs: x.runs };
  },
  binary: (r, n, at) => {
    const { nodes, runs } = r.align([r.at(n.x, at), r.at(n.y, at)]);
    return { node: r.g.binary(n.fn, nodes[0], nodes[1]), runs };
  },
  ternary: (r, n, at) => {
    const { nodes, runs } = r.align([r.at(n.x, at), r.at(n.y, at), r.at(n.z, at)]);
    return { node: r.g.ternary(n.fn, nodes[0], nodes[1], nodes[2]), runs };
  },
  reduce: (r, n, at) => {
    const over = n.axes.map((axis) => r.run(n.x.shape[axis]));
    const outer = [...at];
    const inner = n.x.shape.map((_, axis) => {
      const k = n.axes.indexOf(axis);
      if (k >= 0) return r.places.along(over[k]);
      return outer.shift() ?? internalError("a kept axis without a place");
    });
    return r.reduce(n.fn, r.at(n.x, inner), over);
  },
  matmul: (r, n, at) => {
    const over = r.run(n.x.shape[n.x.shape.length - 1]);
    const along = r.places.along(over);
    const batch = at.slice(0, -2);
    const [row, column] = at.slice(-2);
    const x = r.at(n.x, [...(n.x.shape.length === 2 ? [] : batch), row, along]);
    const y = r.at(n.y, [...(n.y.shape.length === 2 ? [] : batch), along, column]);
    const { nodes, runs } = r.align([x, y]);
    return r.reduce("sum", { node: r.g.mul(nodes[0], nodes[1]), runs }, [over]);
  },
};
