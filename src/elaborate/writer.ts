/** Syntax as the compiler writes it where a construct stands for others; all of it at one span. */
import type { Span } from "../base/span.js";
import type * as ast from "../syntax/ast.js";

/** Makers of syntax at `span`. */
export interface Writer {
  readonly name: (text: string) => ast.Expr;
  /** An int. */
  readonly number: (value: number) => ast.Expr;
  readonly arg: (value: ast.Expr) => ast.Arg;
  readonly call: (fn: string, ...args: readonly ast.Expr[]) => ast.Expr;
  readonly plus: (a: ast.Expr, b: ast.Expr) => ast.Expr;
  readonly minus: (a: ast.Expr, b: ast.Expr) => ast.Expr;
  readonly times: (a: ast.Expr, b: ast.Expr) => ast.Expr;
  readonly over: (a: ast.Expr, b: ast.Expr) => ast.Expr;
  readonly mod: (a: ast.Expr, b: ast.Expr) => ast.Expr;
  readonly less: (a: ast.Expr, b: ast.Expr) => ast.Expr;
  readonly choose: (condition: ast.Expr, then: ast.Expr, other: ast.Expr) => ast.Expr;
  /** `x[i]`. */
  readonly at: (x: ast.Expr, index: ast.Expr) => ast.Expr;
  /** The target with one more index, read. */
  readonly element: (target: ast.Target, index: ast.Expr) => ast.Expr;
  /** `[for n in 0..to: body]`. */
  readonly comprehension: (n: string, to: ast.Expr, body: ast.Expr) => ast.Expr;
  /** `let name = value`. */
  readonly define: (name: string, value: ast.Expr) => ast.Stmt;
  readonly loop: (
    name: string,
    from: ast.Expr,
    to: ast.Expr,
    statements: readonly ast.Stmt[],
  ) => ast.Stmt;
}

export function writer(span: Span): Writer {
  const name = (text: string): ast.Expr => ({ kind: "name", span, name: text });
  const number = (value: number): ast.Expr => ({ kind: "number", span, value, isInt: true });
  const arg = (value: ast.Expr): ast.Arg => ({ span, value });
  const binary =
    (op: ast.BinaryOp) =>
    (left: ast.Expr, right: ast.Expr): ast.Expr => ({ kind: "binary", span, op, left, right });
  const place = (value: ast.Expr): ast.Index => ({ kind: "at", span, value });
  const block = (statements: readonly ast.Stmt[]): ast.Block => {
    return { kind: "block", span, statements };
  };
  return {
    name,
    number,
    arg,
    call: (fn, ...args) => ({ kind: "call", span, callee: name(fn), args: args.map(arg) }),
    plus: binary("+"),
    minus: binary("-"),
    times: binary("*"),
    over: binary("/"),
    mod: binary("%"),
    less: binary("<"),
    choose: (condition, then, other) => ({ kind: "if", span, condition, then, else: other }),
    at: (x, index) => ({ kind: "index", span, target: x, indices: [place(index)] }),
    element: (target, index) => ({
      kind: "index",
      span,
      target: name(target.name.text),
      indices: [...target.indices, index].map(place),
    }),
    comprehension: (n, to, body) => ({
      kind: "comprehension",
      span,
      binders: [{ span, variable: { text: n, span }, from: number(0), to }],
      body,
    }),
    define: (text, value) => {
      return { kind: "let", span, target: { span, name: { text, span }, indices: [] }, value };
    },
    loop: (text, from, to, statements) => {
      return { kind: "for", span, variable: { text, span }, from, to, body: block(statements) };
    },
  };
}
