/** Knows the form that `GraphBuilder.logsumexp` builds, so that its gradient is the softmax. */
import type { Node, NodeOf } from "../../tensor/ops.js";
import { sameShape } from "../../tensor/shape-rules.js";
import type { Adjoints } from "./contract.js";

interface LogSumExp {
  readonly x: Node;
  /** exp(x − shift). */
  readonly terms: Node;
  /** Its sum over `axes`. */
  readonly total: Node;
  readonly axes: readonly number[];
}

/** The parts of shift + log Σ exp(x − shift), shift the guarded maximum of x; or undefined. */
function match(n: NodeOf<"binary">): LogSumExp | undefined {
  return matchSides(n.x, n.y) ?? matchSides(n.y, n.x);
}

function matchSides(shift: Node, log: Node): LogSumExp | undefined {
  if (log.op !== "unary" || log.fn !== "log") return undefined;
  const total = log.x;
  if (total.op !== "reduce" || total.fn !== "sum") return undefined;
  const terms = total.x;
  if (terms.op !== "unary" || terms.fn !== "exp") return undefined;
  const difference = terms.x;
  if (difference.op !== "binary" || difference.fn !== "sub") return undefined;
  const repeated = difference.y;
  if (repeated.op !== "broadcast" || repeated.x !== shift) return undefined;
  if (shift.op !== "ternary" || shift.fn !== "select") return undefined;
  const largest = shift.y;
  if (largest.op !== "reduce" || largest.fn !== "max" || largest.x !== difference.x) {
    return undefined;
  }
  if (!sameShape(largest.axes, total.axes)) return undefined;
  return { x: difference.x, terms, total, axes: total.axes };
}

/** Adds the adjoint of a log-sum-exp to that of its argument; false where `n` is none. */
export function logSumExpVjp(a: Adjoints, n: NodeOf<"binary">, dy: Node): boolean {
  const found = match(n);
  if (found === undefined) return false;
  const { g } = a;
  // Only −∞ under the sum: every weight is 0, not 0/0.
  const safe = g.select(g.gt(found.total, 0), g.div(dy, found.total), 0);
  a.add(found.x, g.mul(found.terms, g.unreduce(safe, found.x, found.axes)));
  return true;
}
