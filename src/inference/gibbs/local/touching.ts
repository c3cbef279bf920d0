/**
 * Which elements of a vector each entry of an array depends on: sets of elements go through the
 * graph as values do, so that plates, gathers, shifts and sums all count. What is not followed
 * entry by entry depends on every element: never on fewer than it does.
 */
import { internalError } from "../../../base/internal.js";
import { valueOfNode } from "../../../tensor/evaluate.js";
import type { InputNode, Node, NodeOf, Op } from "../../../tensor/ops.js";
import { otherAxes, sizeOf, stridesOf } from "../../../tensor/shape-rules.js";
import { dependents, operandsOf, topological } from "../../../tensor/traverse.js";

/** Members of all sets together; beyond, the sets are not worth their memory. */
const MOST_MEMBERS = 1 << 22;

/** Sets by number, each made once; 0 is the empty one, e + 1 is {e}. */
class Sets {
  readonly #members: Int32Array[];
  readonly #unions = new Map<string, number>();
  #total = 0;

  constructor(size: number) {
    this.#members = [new Int32Array(0)];
    for (let e = 0; e < size; e++) this.#members.push(Int32Array.of(e));
  }

  of(id: number): Int32Array {
    return this.#members[id];
  }
  get isFull(): boolean {
    return this.#total > MOST_MEMBERS;
  }

  union(ids: ReadonlySet<number>): number {
    const list = [...ids].filter((id) => id !== 0).sort((a, b) => a - b);
    if (list.length < 2) return list[0] ?? 0;
    const key = list.join();
    const known = this.#unions.get(key);
    if (known !== undefined) return known;
    const found = new Set<number>();
    for (const id of list) for (const e of this.#members[id]) found.add(e);
    const members = Int32Array.from(found).sort();
    // Of nested sets the union is the largest.
    const same = list.find((id) => this.#members[id].length === members.length);
    const made = same ?? this.#members.push(members) - 1;
    if (same === undefined) this.#total += members.length;
    this.#unions.set(key, made);
    return made;
  }
}

/** Numbers of sets, one an entry; as reals, which the evaluator of values takes. */
type Ids = Float64Array;

export interface Touched {
  /** The elements that entry i of the node depends on. */
  readonly elementsAt: (node: Node, i: number) => Int32Array;
}

/**
 * The elements of `input` on which each entry of `nodes` depends.
 * @returns undefined where the sets grow too large to be of use
 */
export function touched(nodes: readonly Node[], input: InputNode): Touched | undefined {
  const order = topological(nodes);
  const moving = dependents(order, [input]);
  const sets = new Sets(sizeOf(input.shape));
  const known = new Map<Node, Ids>();
  const at = (n: Node): Ids => known.get(n) ?? new Float64Array(sizeOf(n.shape));
  for (const n of order) {
    if (!moving.has(n)) continue;
    const ids =
      n === input ? Float64Array.from(at(n), (_, e) => e + 1) : idsOf(sets, n, at, moving);
    known.set(n, ids);
    if (sets.isFull) return undefined;
  }
  return {
    elementsAt: (node, i) => sets.of((known.get(node) ?? internalError("an unknown array"))[i]),
  };
}

function idsOf(sets: Sets, n: Node, at: (n: Node) => Ids, moving: ReadonlySet<Node>): Ids {
  const rule = rules[n.op] as
    | ((sets: Sets, n: Node, at: (n: Node) => Ids, moving: ReadonlySet<Node>) => Ids | undefined)
    | undefined;
  return rule?.(sets, n, at, moving) ?? everything(sets, n, at);
}

/** One set for all entries: what any operand depends on anywhere. */
function everything(sets: Sets, n: Node, at: (n: Node) => Ids): Ids {
  const all = new Set<number>();
  // A loop is read through its results, whose only operand it is.
  for (const x of operandsOf(n)) for (const id of at(x)) all.add(id);
  return new Float64Array(Math.max(1, sizeOf(n.shape))).fill(sets.union(all));
}

type Rule<K extends Op> = (
  sets: Sets,
  n: NodeOf<K>,
  at: (n: Node) => Ids,
  moving: ReadonlySet<Node>,
) => Ids | undefined;

function pointwise(sets: Sets, lists: readonly Ids[]): Ids {
  const [first, ...rest] = lists;
  return first.map((id, i) => {
    if (rest.every((other) => other[i] === id || other[i] === 0)) return id;
    return sets.union(new Set(lists.map((l) => l[i])));
  });
}

/** Entries go where values go. */
const moved = (_: Sets, n: Node, at: (n: Node) => Ids): Ids => valueOfNode(n, at) as Ids;

/** The union over some axes, which leave the shape. */
function unionOver(sets: Sets, n: Node, ids: Ids, axes: readonly number[]): Ids {
  const kept = otherAxes(n.shape.length, axes);
  const shape = kept.map((k) => n.shape[k]);
  const from = stridesOf(n.shape);
  const to = stridesOf(shape);
  const found = Array.from({ length: sizeOf(shape) }, () => new Set<number>());
  for (let i = 0; i < ids.length; i++) {
    let o = 0;
    kept.forEach((axis, k) => {
      o += (Math.floor(i / from[axis]) % n.shape[axis]) * to[k];
    });
    found[o].add(ids[i]);
  }
  return Float64Array.from(found, (s) => sets.union(s));
}

const rules: { readonly [K in Op]?: Rule<K> } = {
  unary: (_, n, at) => at(n.x),
  binary: (sets, n, at) => pointwise(sets, [at(n.x), at(n.y)]),
  ternary: (sets, n, at) => pointwise(sets, [at(n.x), at(n.y), at(n.z)]),
  broadcast: moved,
  reshape: moved,
  transpose: moved,
  slice: moved,
  pad: moved,
  concat: moved,
  reduce: (sets, n, at) => unionOver(sets, n.x, at(n.x), n.axes),
  gather: (sets, n, at, moving) => {
    const positions = moving.has(n.indices) ? undefined : knownIndices(n.indices);
    if (positions !== undefined) {
      return valueOfNode(n, (x) => (x === n.indices ? positions : at(x))) as Ids;
    }
    // Where it points is not known: anywhere along the axis.
    const over = unionOver(sets, n.x, at(n.x), [n.axis]);
    const own = at(n.indices);
    const after = sizeOf(n.x.shape.slice(n.axis + 1));
    return Float64Array.from({ length: sizeOf(n.shape) }, (_, i) => {
      const [outer, inner] = [Math.floor(i / (after * own.length)), i % after];
      const index = own[Math.floor(i / after) % own.length];
      return sets.union(new Set([over[outer * after + inner], index]));
    });
  },
  matmul: (sets, n, at) => {
    const rank = n.shape.length;
    const rows = unionOver(sets, n.x, at(n.x), [n.x.shape.length - 1]);
    const columns = unionOver(sets, n.y, at(n.y), [n.y.shape.length - 2]);
    const [rowCount, columnCount] = [n.shape[rank - 2], n.shape[rank - 1]];
    return Float64Array.from({ length: sizeOf(n.shape) }, (_, i) => {
      const column = i % columnCount;
      const row = Math.floor(i / columnCount) % rowCount;
      const batch = Math.floor(i / (columnCount * rowCount));
      const x = rows[(n.x.shape.length === 2 ? 0 : batch) * rowCount + row];
      const y = columns[(n.y.shape.length === 2 ? 0 : batch) * columnCount + column];
      return x === y ? x : sets.union(new Set([x, y]));
    });
  },
};

/** The positions that a gather reads, where they follow from constants alone. */
export function knownIndices(n: Node): Float64Array | undefined {
  if (n.op === "const") return n.data;
  const order = topological([n]);
  if (order.some((x) => x.op === "input" || x.op === "scan")) return undefined;
  const values = new Map<Node, Float64Array>();
  for (const x of order) {
    values.set(
      x,
      valueOfNode(x, (y) => values.get(y) ?? internalError("an operand without value")),
    );
  }
  return values.get(n);
}
