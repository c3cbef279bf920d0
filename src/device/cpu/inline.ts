/** Which functions are inlined: short straight-line ones, such as `square` and `sigmoid`'s helpers. */
import { assertNever } from "../../base/internal.js";
import { select } from "../../kernel/build.js";
import type { Expr, KernelFunction, Stmt } from "../../kernel/ir.js";

type SetStmt = Extract<Stmt, { readonly kind: "set" }>;

/** Above this many expression nodes a call costs less than the code it saves. */
const MAX_NODES = 24;

export interface StraightLine {
  readonly sets: readonly SetStmt[];
  readonly result: Expr;
}

/** The body of a function that is a list of assignments and one final `return` of a value. */
export function straightLine(fn: KernelFunction): StraightLine | undefined {
  const last = fn.body.at(-1);
  if (last?.kind !== "return" || last.value === undefined) return undefined;
  const sets: SetStmt[] = [];
  for (const stmt of fn.body.slice(0, -1)) {
    if (stmt.kind !== "set") return undefined;
    sets.push(stmt);
  }
  return { sets, result: last.value };
}

/** The straight-line body if `fn` is small enough to be inlined. */
export function inlineBody(fn: KernelFunction): StraightLine | undefined {
  const body = straightLine(fn);
  if (body === undefined) return undefined;
  let nodes = countNodes(body.result);
  for (const { value } of body.sets) nodes += countNodes(value);
  return nodes <= MAX_NODES ? body : undefined;
}

/** The operands of an expression, in order of evaluation. */
export function operands(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "const":
    case "local":
      return [];
    case "load":
      return [e.index];
    case "unary":
    case "convert":
      return [e.x];
    case "binary":
      return [e.x, e.y];
    case "select":
      return [e.then, e.else, e.condition];
    case "call":
      return e.args;
    default:
      return assertNever(e, "expression operands");
  }
}

export function countNodes(e: Expr): number {
  let count = 1;
  for (const operand of operands(e)) count += countNodes(operand);
  return count;
}

/** Text that is equal for equal expressions only: JSON would confuse -0, NaN and infinities. */
export function keyOf(e: Expr): string {
  return JSON.stringify(e, (_, value) => {
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value !== "number") return value;
    return Object.is(value, -0) ? "-0" : String(value);
  });
}

/** Replaces locals by expressions. */
export function substitute(e: Expr, by: ReadonlyMap<string, Expr>): Expr {
  const at = (x: Expr) => substitute(x, by);
  switch (e.kind) {
    case "const":
      return e;
    case "local":
      return by.get(e.name) ?? e;
    case "load":
      return { ...e, index: at(e.index) };
    case "unary":
    case "convert":
      return { ...e, x: at(e.x) };
    case "binary":
      return { ...e, x: at(e.x), y: at(e.y) };
    case "select":
      return select(at(e.condition), at(e.then), at(e.else));
    case "call":
      return { ...e, args: e.args.map(at) };
  }
}
