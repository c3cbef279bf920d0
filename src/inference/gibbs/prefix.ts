/** Kernel modules under other names, so that several fit into one. */
import { select, when } from "../../kernel/build.js";
import type { Expr, KernelModule, Stmt } from "../../kernel/ir.js";

/** The module with a prefix on the names of its functions and buffers, but for shared buffers. */
export function prefixed(
  module: KernelModule,
  prefix: string,
  shared: ReadonlySet<string>,
): KernelModule {
  const functions = new Set(module.functions.map((f) => f.name));
  const buffer = (name: string): string => (shared.has(name) ? name : prefix + name);
  const callee = (name: string): string => (functions.has(name) ? prefix + name : name);
  const expr = (e: Expr): Expr => {
    switch (e.kind) {
      case "const":
      case "local":
        return e;
      case "load":
        return { ...e, buffer: buffer(e.buffer), index: expr(e.index) };
      case "unary":
      case "convert":
        return { ...e, x: expr(e.x) };
      case "binary":
        return { ...e, x: expr(e.x), y: expr(e.y) };
      case "select":
        return select(expr(e.condition), expr(e.then), expr(e.else));
      case "call":
        return { ...e, fn: callee(e.fn), args: e.args.map(expr) };
    }
  };
  const stmt = (s: Stmt): Stmt => {
    switch (s.kind) {
      case "set":
        return { ...s, value: expr(s.value) };
      case "store":
        return { ...s, buffer: buffer(s.buffer), index: expr(s.index), value: expr(s.value) };
      case "for":
        return { ...s, from: expr(s.from), to: expr(s.to), body: s.body.map(stmt) };
      case "while":
        return { ...s, condition: expr(s.condition), body: s.body.map(stmt) };
      case "if":
        return when(expr(s.condition), s.then.map(stmt), s.else.map(stmt));
      case "call":
        return { ...s, fn: callee(s.fn), args: s.args.map(expr) };
      case "return":
        return s.value === undefined ? s : { ...s, value: expr(s.value) };
      case "tile": {
        const { left, right, out } = s;
        return {
          ...s,
          steps: expr(s.steps),
          onto: expr(s.onto),
          left: { ...left, buffer: buffer(left.buffer), at: expr(left.at) },
          right: { buffer: buffer(right.buffer), at: expr(right.at) },
          out: { ...out, buffer: buffer(out.buffer), at: expr(out.at) },
        };
      }
    }
  };
  return {
    buffers: module.buffers
      .filter((b) => !shared.has(b.name))
      .map((b) => ({ ...b, name: buffer(b.name) })),
    functions: module.functions.map((f) => ({
      ...f,
      name: callee(f.name),
      body: f.body.map(stmt),
    })),
  };
}
