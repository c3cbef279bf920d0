/**
 * Batching: a graph of one item becomes the graph of many, along a new leading axis. What does not
 * depend on the item is computed once. Matrix products with one operand of all items become one
 * product. (The transform is known as `vmap`; see Frostig, Johnson and Leary 2018.)
 */

import { internalError } from "../../base/internal.js";
import { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node, NodeOf, Op, ScanNode } from "../../tensor/ops.js";
import { scanArgs, transform } from "../../tensor/transform.js";
import { operandsOf } from "../../tensor/traverse.js";
import type { BatchContext } from "./context.js";
import { batchedGather, batchedScatter } from "./indexing.js";
import { batchedMatmul, batchedTriangularSolve, withBatch } from "./linalg.js";

/** The same operation for all items, where an operand depends on the item. */
type BatchRule<K extends Op> = (cx: BatchContext, n: NodeOf<K>) => Node;

const lifted = (axes: readonly number[]): number[] => axes.map((a) => a + 1);

const batchRules: { readonly [K in Exclude<Op, "const" | "input">]: BatchRule<K> } = {
  unary: ({ g, at }, n) => g.unary(n.fn, at(n.x)),
  binary: ({ g, all }, n) => g.binary(n.fn, all(n.x), all(n.y)),
  ternary: ({ g, all }, n) => g.ternary(n.fn, all(n.x), all(n.y), all(n.z)),
  broadcast: ({ g, at, size }, n) =>
    g.broadcast(at(n.x), [size, ...n.shape], [0, ...lifted(n.axes)]),
  reshape: ({ g, at, size }, n) => g.reshape(at(n.x), [size, ...n.shape]),
  transpose: ({ g, at }, n) => g.transpose(at(n.x), [0, ...lifted(n.perm)]),
  slice: ({ g, at, size }, n) => g.slice(at(n.x), [0, ...n.starts], [size, ...n.shape]),
  pad: ({ g, at, size }, n) => g.pad(at(n.x), [0, ...n.starts], [size, ...n.shape]),
  concat: ({ g, all }, n) => g.concat(n.xs.map(all), n.axis + 1),
  gather: batchedGather,
  scatter_add: batchedScatter,
  reduce: ({ g, at }, n) => g.reduce(n.fn, at(n.x), lifted(n.axes)),
  cumulative: ({ g, at }, n) => g.cumulative(n.fn, at(n.x), n.axis + 1, n),
  matmul: batchedMatmul,
  cholesky: ({ g, at }, n) => g.cholesky(at(n.x)),
  triangular_solve: batchedTriangularSolve,
  solve: ({ g, all }, n) => g.solve(all(n.a), all(n.b)),
  log_abs_det: ({ g, at }, n) => g.logAbsDet(at(n.x)),
  scan: (cx, n) => batchedScan(cx, n),
  output: ({ g, at }, n) => {
    const made = g.output(at(n.source) as ScanNode, n.index);
    if (n.index < n.source.init.length) return made;
    // Ys are stacked in front of the items.
    return g.transpose(made, frontSecond(made.shape.length));
  },
};

/** The permutation that changes the first two of `rank` axes. */
function frontSecond(rank: number): number[] {
  return [1, 0, ...Array.from({ length: rank - 2 }, (_, k) => k + 2)];
}

/** All carries are taken for all items; the body is batched as a graph of its own. */
function batchedScan(cx: BatchContext, n: ScanNode): Node {
  const { g, size } = cx;
  const { body } = n;
  const nested = new GraphBuilder();
  const inside = new Map<Node, Node>();
  const wide = new Set<Node>();
  const place = (input: InputNode, isWide: boolean): InputNode => {
    const shape = isWide ? [size, ...input.shape] : input.shape;
    const made = nested.input(input.name, shape, input.dtype);
    inside.set(input, made);
    if (isWide) wide.add(input);
    return made;
  };
  const carry = body.carry.map((c) => place(c, true));
  const slices = body.slices.map((s, k) => place(s, cx.isBatched(n.xs[k])));
  const consts = body.consts.map((c, k) => place(c, cx.isBatched(n.consts[k])));
  const results = batchInto(nested, [...body.nextCarry, ...body.ys], inside, wide, size);
  const args = scanArgs(n, cx.at);
  return g.scanSource(
    {
      ...args,
      init: n.init.map(cx.all),
      xs: n.xs.map((x) => {
        const made = cx.at(x);
        return cx.isBatched(x) ? g.transpose(made, frontSecond(made.shape.length)) : made;
      }),
    },
    {
      carry,
      slices,
      consts,
      nextCarry: results.slice(0, carry.length),
      ys: results.slice(carry.length),
    },
  );
}

/**
 * The outputs for `size` items in the builder `g`. `given` has inputs' stand-ins; those of inputs in
 * `wide` have the items' axis in front. Every result has it.
 */
function batchInto(
  g: GraphBuilder,
  outputs: readonly Node[],
  given: ReadonlyMap<Node, Node>,
  wide: ReadonlySet<Node>,
  size: number,
): Node[] {
  const batched = new Set<Node>(wide);
  const made = new Map<Node, Node>(given);
  const at = (old: Node): Node => made.get(old) ?? internalError(`node ${old.id} is not made`);
  const cx: BatchContext = {
    g,
    size,
    at,
    all: (old) => (batched.has(old) ? at(old) : withBatch(g, at(old), [size], 0)),
    isBatched: (old) => batched.has(old),
  };
  const { map } = transform(g, outputs, (n, known) => {
    for (const x of operandsOf(n)) made.set(x, known(x));
    if (n.op === "output") made.set(n.source, known(n.source));
    const own = given.get(n);
    if (own !== undefined) return own;
    if (!operandsOf(n).some((x) => batched.has(x))) return undefined;
    batched.add(n);
    // The entry at `n.op` takes exactly this member of the union.
    const rules = batchRules as Readonly<Record<string, (cx: BatchContext, n: Node) => Node>>;
    return rules[n.op](cx, n);
  });
  for (const [old, node] of map) made.set(old, node);
  return outputs.map(cx.all);
}

/**
 * `outputs` for `size` items, in the builder `g`. `items` gives for each input that differs from item
 * to item a node with the items' axis in front; other inputs are in `shared`, or stay what they are.
 */
export function batch(
  g: GraphBuilder,
  outputs: readonly Node[],
  size: number,
  items: ReadonlyMap<InputNode, Node>,
  shared: ReadonlyMap<InputNode, Node> = new Map(),
): Node[] {
  const given = new Map<Node, Node>([...shared, ...items]);
  return batchInto(g, outputs, given, new Set<Node>(items.keys()), size);
}
