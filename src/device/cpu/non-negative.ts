/**
 * Which i32 locals of a function are never negative: constants may then go from an index into the
 * instruction's static offset, which WebAssembly adds without wrapping. Sums and products of indices
 * are taken not to overflow, as everywhere in addresses.
 */
import type { Expr, Stmt } from "../../kernel/ir.js";

/** The greatest set of locals whose every value is not negative, given that the set's are not. */
export function nonNegativeLocals(
  body: readonly Stmt[],
  unknown: readonly string[],
  known: readonly string[] = [],
): ReadonlySet<string> {
  const values = new Map<string, Expr[]>();
  const bad = new Set(unknown);
  const add = (name: string, value: Expr): void => {
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else list.push(value);
  };
  const visit = (stmt: Stmt): void => {
    switch (stmt.kind) {
      case "set":
        if (stmt.local.type === "i32") add(stmt.local.name, stmt.value);
        return;
      case "for":
        if (stmt.step > 0) add(stmt.index, stmt.from);
        else bad.add(stmt.index);
        stmt.body.forEach(visit);
        return;
      case "while":
        stmt.body.forEach(visit);
        return;
      case "if":
        stmt.then.forEach(visit);
        stmt.else.forEach(visit);
        return;
      case "call":
        if (stmt.result !== undefined) bad.add(stmt.result.name);
        return;
      default:
        return;
    }
  };
  body.forEach(visit);
  const set = new Set([...values.keys(), ...known].filter((name) => !bad.has(name)));
  for (;;) {
    const before = set.size;
    for (const [name, list] of values) {
      if (!list.every((e) => isNonNegative(e, (local) => set.has(local)))) set.delete(name);
    }
    if (set.size === before) return set;
  }
}

/** Whether an i32 expression cannot be negative. */
export function isNonNegative(e: Expr, local: (name: string) => boolean): boolean {
  const at = (x: Expr): boolean => isNonNegative(x, local);
  switch (e.kind) {
    case "const":
      return Number(e.value) >= 0;
    case "local":
      return local(e.name);
    case "select":
      return at(e.then) && at(e.else);
    case "binary":
      switch (e.fn) {
        case "add":
        case "mul":
        case "div":
        case "rem":
        case "min":
          return at(e.x) && at(e.y);
        case "sub":
          // x − x mod y.
          return e.y.kind === "binary" && e.y.fn === "rem" && e.y.x === e.x && at(e.x);
        case "max":
        case "and":
          return at(e.x) || at(e.y);
        default:
          return false;
      }
    default:
      return false;
  }
}
