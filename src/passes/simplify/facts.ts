/** What the rules may know of a node without its value. */
import { uniformValue } from "../../tensor/elementwise-builder.js";
import type { Node, UnaryFn } from "../../tensor/ops.js";

export { uniformValue };

/** A constant, or a constant that a broadcast repeats. */
export function isConstant(n: Node): boolean {
  return n.op === "const" || (n.op === "broadcast" && n.x.op === "const");
}

/**
 * How far outward a factor or a term belongs in a chain of products or sums: what is the same for
 * more elements stands further out, where it meets its like and can leave a sum. 0: one value an
 * element; 1: repeated along some axes; 2: one scalar; 3: one constant.
 */
export function repetition(n: Node): 0 | 1 | 2 | 3 {
  if (uniformValue(n) !== undefined) return 3;
  if (n.op !== "broadcast") return 0;
  return n.axes.length === 0 ? 2 : 1;
}

const nonnegativeFns: ReadonlySet<UnaryFn> = new Set([
  "abs",
  "exp",
  "sqrt",
  "square",
  "sigmoid",
  "softplus",
  "erfc",
  "erfcx",
  "trigamma",
  "cosh",
]);

/** Known to be ≥ 0 (or NaN). Erfc, trigamma and the like of the reals only. */
export function isNonnegative(n: Node): boolean {
  if (n.dtype === "bool") return true;
  if (n.op === "broadcast" || n.op === "reshape" || n.op === "gather") return isNonnegative(n.x);
  if (n.op === "const") return n.data.every((v) => v >= 0);
  return n.op === "unary" && nonnegativeFns.has(n.fn);
}

/** The operand of `fn`, where `n` is that function of one. */
export function operandOf(n: Node, fn: UnaryFn): Node | undefined {
  return n.op === "unary" && n.fn === fn ? n.x : undefined;
}
