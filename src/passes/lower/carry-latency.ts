/**
 * Shortens the path from one step of a scan to the next. Steps wait for the carry, while whatever
 * does not need it is ready long before: of a sum with one term that depends on the carry, the other
 * terms are added up first. `y − (b + c·carry)` becomes `(y − b) − c·carry`, one addition less to
 * wait for. Sums are rounded in another order, as they are elsewhere in the lowering.
 */
import { GraphBuilder } from "../../tensor/builder.js";
import type { Node, ScanBody } from "../../tensor/ops.js";
import { transform } from "../../tensor/transform.js";
import { dependents, operandsOf, topological, useCounts } from "../../tensor/traverse.js";

interface Term {
  readonly node: Node;
  readonly negative: boolean;
}

/** The same body with sums that depend on the carry put in order; itself where there are none. */
export function shortenCarries(body: ScanBody): ScanBody {
  const outputs = [...body.nextCarry, ...body.ys];
  const order = topological(outputs);
  const bound = dependents(order, body.carry);
  const uses = useCounts(outputs, order);
  /** Sums that are terms of another and of nothing else. */
  const inner = new Set<Node>();
  const all = order.filter((node) => bound.has(node) && isSum(node));
  for (const node of all) {
    for (const x of operandsOf(node)) {
      if (isSum(x) && bound.has(x) && uses.get(x) === 1) inner.add(x);
    }
  }
  const sums = new Map<Node, { readonly free: readonly Term[]; readonly last: Term }>();
  for (const node of all) {
    if (inner.has(node)) continue;
    const terms = termsOf(node, inner);
    const [last, ...others] = terms.filter((t) => bound.has(t.node));
    const free = terms.filter((t) => !bound.has(t.node));
    if (others.length === 0 && free.length > 1) sums.set(node, { free, last });
  }
  if (sums.size === 0) return body;
  const g = new GraphBuilder();
  const inputs = [...body.carry, ...body.slices, ...body.consts];
  const renamed = new Map(inputs.map((x) => [x, g.input(x.name, x.shape, x.dtype)]));
  const { outputs: results } = transform(g, outputs, (node, at) => {
    const input = node.op === "input" ? renamed.get(node) : undefined;
    if (input !== undefined) return input;
    const sum = sums.get(node);
    if (sum === undefined) return undefined;
    // A term with a plus first, so that nothing has to be negated.
    const free = [...sum.free].sort((a, b) => Number(a.negative) - Number(b.negative));
    const start = free[0].negative ? g.neg(at(free[0].node)) : at(free[0].node);
    return [...free.slice(1), sum.last].reduce(
      (total, { node: x, negative }) => (negative ? g.sub(total, at(x)) : g.add(total, at(x))),
      start,
    );
  });
  const count = body.nextCarry.length;
  const to = (x: Node) => renamed.get(x as (typeof inputs)[number])!;
  return {
    carry: body.carry.map(to),
    slices: body.slices.map(to),
    consts: body.consts.map(to),
    nextCarry: results.slice(0, count),
    ys: results.slice(count),
  };
}

function isSum(node: Node): boolean {
  return node.op === "binary" && (node.fn === "add" || node.fn === "sub");
}

/** The terms of a sum in order, through the sums among them that are in `inner`. */
function termsOf(sum: Node, inner: ReadonlySet<Node>): Term[] {
  const terms: Term[] = [];
  const stack: Term[] = [{ node: sum, negative: false }];
  for (let term = stack.pop(); term !== undefined; term = stack.pop()) {
    const { node, negative } = term;
    if (node.op === "binary" && (node === sum || inner.has(node))) {
      stack.push({ node: node.y, negative: negative !== (node.fn === "sub") });
      stack.push({ node: node.x, negative });
    } else {
      terms.push(term);
    }
  }
  return terms;
}
