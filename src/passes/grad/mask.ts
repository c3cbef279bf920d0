/**
 * Adjoints that are 0 by a condition. A branch that was not taken may hold ∞ or NaN in its values
 * and derivatives, and 0 · ∞ is NaN; so a rule is applied inside the condition,
 * select(c, f′ dy, 0), instead of outside it, f′ select(c, dy, 0). This costs nothing: each rule
 * takes the select off and puts it back on.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { Node, NodeOf } from "../../tensor/ops.js";
import type { Adjoints } from "./contract.js";

interface Mask {
  readonly condition: Node;
  /** Whether the adjoint passes where the condition holds, or where it does not. */
  readonly passesTrue: boolean;
  readonly inner: Node;
}

function maskOf(dy: Node): Mask | undefined {
  if (dy.op !== "ternary" || dy.fn !== "select") return undefined;
  if (uniformValue(dy.z) === 0) return { condition: dy.x, passesTrue: true, inner: dy.y };
  if (uniformValue(dy.y) === 0) return { condition: dy.x, passesTrue: false, inner: dy.z };
  return undefined;
}

function applyMask(g: GraphBuilder, m: Mask, x: Node): Node {
  return m.passesTrue ? g.select(m.condition, x, 0) : g.select(m.condition, 0, x);
}

/** Runs the rule of an elementwise node inside the conditions of its adjoint. */
export function insideMasks<N extends NodeOf<"unary" | "binary" | "ternary">>(
  a: Adjoints,
  n: N,
  dy: Node,
  rule: (a: Adjoints, n: N, dy: Node) => void,
): void {
  const masks: Mask[] = [];
  let inner = dy;
  for (let m = maskOf(inner); m !== undefined; m = maskOf(inner)) {
    masks.push(m);
    inner = m.inner;
  }
  if (masks.length === 0) {
    rule(a, n, dy);
    return;
  }
  const add = (x: Node, c: Node): void =>
    a.add(
      x,
      masks.reduceRight((sum, m) => applyMask(a.g, m, sum), c),
    );
  rule({ ...a, add }, n, inner);
}

/** x + y, under one condition where both stand under the same. */
export function addMasked(g: GraphBuilder, x: Node, y: Node): Node {
  const a = maskOf(x);
  const b = a === undefined ? undefined : maskOf(y);
  if (a === undefined || b === undefined) return g.add(x, y);
  if (a.condition !== b.condition || a.passesTrue !== b.passesTrue) return g.add(x, y);
  return applyMask(g, a, addMasked(g, a.inner, b.inner));
}
