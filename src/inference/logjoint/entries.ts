/**
 * Chosen entries of an array without the rest: `entriesAt(X, {a: i, b: j})[n] = X[…, i[n], …, j[n],
 * …]`. A gather of the whole array would compute all of it first; here the indices are pushed down
 * to data and latents, through whatever works entry by entry. So the density of N items, each in
 * one of K components, costs N and not N · K, and that of one item costs one.
 */
import { internalError } from "../../base/internal.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node, NodeOf, Op } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";

/** For each axis, the index node `[B]` (ints in range), or undefined where the axis is kept. */
type Choice = readonly (Node | undefined)[];

/**
 * The entries at index vectors of one length B, shape `[B, …kept axes]`.
 * @param at by axis; at least one
 */
export function entriesAt(g: GraphBuilder, node: Node, at: ReadonlyMap<number, Node>): Node {
  const [first] = at.values();
  if (first === undefined) return internalError("entries at no index");
  const choice = node.shape.map((_, axis) => at.get(axis));
  return new Entries(g, first.shape[0]).at(node, choice);
}

/** How a node's entries come from its operands'; undefined where it is not entry by entry. */
type Rule<K extends Op> = (e: Entries, n: NodeOf<K>, choice: Choice) => Node | undefined;

class Entries {
  readonly #known = new Map<Node, Map<string, Node>>();
  constructor(
    readonly g: GraphBuilder,
    readonly count: number,
  ) {}

  /** `[B, …kept]`, or the node itself where no axis is chosen. */
  at(node: Node, choice: Choice): Node {
    if (choice.every((c) => c === undefined)) return node;
    const key = choice.map((c) => c?.id ?? "").join();
    const known = this.#known.get(node) ?? new Map<string, Node>();
    this.#known.set(node, known);
    const before = known.get(key);
    if (before !== undefined) return before;
    const kept = node.shape.filter((_, k) => choice[k] === undefined);
    // A small array is cheaper made whole, and shared.
    const isSmall = sizeOf(node.shape) <= this.count * sizeOf(kept);
    const rule = rules[node.op] as Rule<Op> | undefined;
    const made = (isSmall ? undefined : rule?.(this, node, choice)) ?? this.gather(node, choice);
    known.set(key, made);
    return made;
  }

  /** The entries out of the whole node. */
  gather(node: Node, choice: Choice): Node {
    const { g } = this;
    const chosen = choice.flatMap((c, axis) => (c === undefined ? [] : [axis]));
    const kept = choice.flatMap((c, axis) => (c === undefined ? [axis] : []));
    const rest = kept.map((axis) => node.shape[axis]);
    const front = g.transpose(node, [...chosen, ...kept]);
    const sizes = chosen.map((axis) => node.shape[axis]);
    const flat = g.reshape(front, [sizes.reduce((n, d) => n * d, 1), ...rest]);
    return g.gather(
      flat,
      this.flatIndex(
        chosen.map((axis) => choice[axis]),
        sizes,
      ),
      0,
    );
  }

  /** Row-major positions; an axis of one entry adds nothing. */
  flatIndex(indices: Choice, sizes: readonly number[]): Node {
    const { g } = this;
    let total: Node | undefined;
    indices.forEach((index, k) => {
      if (index === undefined) internalError("an axis without index");
      if (total !== undefined) total = g.mul(total, sizes[k]);
      if (sizes[k] === 1) return;
      total = total === undefined ? index : g.add(total, index);
    });
    return total ?? g.constant(new Float64Array(this.count), [this.count], "int");
  }

  /** Repeats what depends on no chosen axis: shape `[B, …kept]`. */
  spread(node: Node, isChosen: boolean): Node {
    if (isChosen) return node;
    const axes = node.shape.map((_, k) => k + 1);
    return this.g.broadcast(node, [this.count, ...node.shape], axes);
  }
}

const has = (choice: Choice): boolean => choice.some((c) => c !== undefined);
/** Where each kept axis stands in `[B, …kept]`. */
function places(choice: Choice): (number | undefined)[] {
  let next = has(choice) ? 1 : 0;
  return choice.map((c) => (c === undefined ? next++ : undefined));
}

/** For operations on trailing matrices: choices among batch axes alone pass through. */
function batchOnly(choice: Choice): boolean {
  return choice.slice(-2).every((c) => c === undefined);
}

const rules: { readonly [K in Op]?: Rule<K> } = {
  unary: (e, n, choice) => e.g.unary(n.fn, e.at(n.x, choice)),
  binary: (e, n, choice) => e.g.binary(n.fn, e.at(n.x, choice), e.at(n.y, choice)),
  ternary: (e, n, choice) =>
    e.g.ternary(n.fn, e.at(n.x, choice), e.at(n.y, choice), e.at(n.z, choice)),

  broadcast: (e, n, choice) => {
    const inner = n.axes.map((axis) => choice[axis]);
    const x = e.at(n.x, inner);
    const kept = n.shape.filter((_, k) => choice[k] === undefined);
    const place = places(choice);
    const own = n.axes.flatMap((axis) => place[axis] ?? []);
    return e.g.broadcast(x, [e.count, ...kept], has(inner) ? [0, ...own] : own);
  },

  transpose: (e, n, choice) => {
    const inner = n.x.shape.map((_, axis) => choice[n.perm.indexOf(axis)]);
    const place = places(inner);
    const order = n.perm.flatMap((axis) => place[axis] ?? []);
    return e.g.transpose(e.at(n.x, inner), [0, ...order]);
  },

  slice: (e, n, choice) => {
    const inner = choice.map((c, k) => (c === undefined ? c : e.g.add(c, n.starts[k])));
    const x = e.at(n.x, inner);
    const starts = n.starts.filter((_, k) => choice[k] === undefined);
    const sizes = n.shape.filter((_, k) => choice[k] === undefined);
    return e.g.slice(x, [0, ...starts], [e.count, ...sizes]);
  },

  reduce: (e, n, choice) => {
    const outer = [...choice];
    const inner = n.x.shape.map((_, axis) => (n.axes.includes(axis) ? undefined : outer.shift()));
    const place = places(inner);
    const axes = n.axes.flatMap((axis) => place[axis] ?? []);
    return e.g.reduce(n.fn, e.at(n.x, inner), axes);
  },

  gather: (e, n, choice) => {
    const rank = n.indices.shape.length;
    const own = choice.slice(n.axis, n.axis + rank);
    const before = choice.slice(0, n.axis);
    const after = choice.slice(n.axis + rank);
    if (!has(own)) {
      if (rank !== 1) return undefined;
      const inner = [...before, undefined, ...after];
      const axis = places(inner)[n.axis] ?? internalError("a kept axis without place");
      return e.g.gather(e.at(n.x, inner), n.indices, axis);
    }
    if (own.some((c) => c === undefined)) return undefined;
    return e.at(n.x, [...before, e.at(n.indices, own), ...after]);
  },

  reshape: (e, n, choice) => {
    const inner = new Array<Node | undefined>(n.x.shape.length).fill(undefined);
    for (const { from, to } of groups(n.x.shape, n.shape)) {
      const chosen = to.filter((axis) => choice[axis] !== undefined);
      if (chosen.length === 0) continue;
      if (to.some((axis) => choice[axis] === undefined && n.shape[axis] !== 1)) return undefined;
      if (from.length === 0) continue;
      const sizes = chosen.map((axis) => n.shape[axis]);
      const flat = e.flatIndex(
        chosen.map((axis) => choice[axis]),
        sizes,
      );
      const total = sizes.reduce((p, d) => p * d, 1);
      let stride = total;
      for (const axis of from) {
        const size = n.x.shape[axis];
        stride /= size;
        const step = stride;
        // Exact below 2⁵²; a table of the positions would be as long as the array.
        const whole = step === 1 ? flat : e.g.floor(e.g.div(flat, step));
        const turns = e.g.floor(e.g.div(whole, size));
        inner[axis] = axis === from[0] ? whole : e.g.sub(whole, e.g.mul(turns, size));
      }
    }
    const kept = n.shape.filter((_, k) => choice[k] === undefined);
    const x = e.spread(e.at(n.x, inner), has(inner));
    return e.g.reshape(x, [e.count, ...kept]);
  },

  cholesky: (e, n, choice) => (batchOnly(choice) ? e.g.cholesky(e.at(n.x, choice)) : undefined),
  log_abs_det: (e, n, choice) => e.g.logAbsDet(e.at(n.x, [...choice, undefined, undefined])),
  solve: (e, n, choice) =>
    batchOnly(choice) ? e.g.solve(e.at(n.a, choice), e.at(n.b, choice)) : undefined,
  triangular_solve: (e, n, choice) => {
    if (!batchOnly(choice)) return undefined;
    const l = n.l.shape.length === 2 ? n.l : e.at(n.l, choice);
    return e.g.triangularSolve(l, e.at(n.b, choice), n.transposed);
  },

  matmul: (e, n, choice) => {
    const [rows, columns] = choice.slice(-2);
    if (rows === undefined && columns === undefined) {
      const x = n.x.shape.length === 2 ? n.x : e.at(n.x, choice);
      return e.g.matmul(x, n.y.shape.length === 2 ? n.y : e.at(n.y, choice));
    }
    if (choice.length > 2 || (rows !== undefined && columns !== undefined)) return undefined;
    if (rows !== undefined) return e.g.matmul(e.at(n.x, [rows, undefined]), n.y);
    // Columns of the product, as rows.
    const y = e.at(n.y, [undefined, columns]);
    return e.g.matmul(y, e.g.transpose(n.x, [1, 0]));
  },
};

/** Axes of two shapes of one size in the smallest runs of equal products. */
function groups(
  from: readonly number[],
  to: readonly number[],
): { readonly from: number[]; readonly to: number[] }[] {
  const found: { from: number[]; to: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const run = { from: [] as number[], to: [] as number[] };
    let [a, b] = [1, 1];
    do {
      const takeFrom = j >= to.length || (i < from.length && a <= b && run.from.length === 0);
      if (takeFrom || (i < from.length && a < b)) {
        a *= from[i];
        run.from.push(i++);
      } else {
        b *= to[j];
        run.to.push(j++);
      }
    } while (a !== b && (i < from.length || j < to.length));
    found.push(run);
  }
  return found;
}
