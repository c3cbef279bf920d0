/** Short constructors for kernel IR, so that hand-written kernels read like code. */
import type {
  BinaryInstr,
  Conversion,
  Expr,
  Local,
  Reduction,
  ScalarType,
  Stmt,
  UnaryInstr,
} from "./ir.js";

const comparisons: ReadonlySet<BinaryInstr> = new Set(["eq", "ne", "lt", "le", "gt", "ge", "lt_u"]);

export function f64(value: number): Expr {
  return { kind: "const", type: "f64", value };
}
export function i32(value: number): Expr {
  return { kind: "const", type: "i32", value };
}
export function i64(value: bigint): Expr {
  return { kind: "const", type: "i64", value };
}
export function get(local: Local): Expr {
  return { kind: "local", type: local.type, name: local.name };
}
export function index(name: string): Expr {
  return { kind: "local", type: "i32", name };
}
export function load(buffer: string, at: Expr, type: ScalarType = "f64"): Expr {
  return { kind: "load", type, buffer, index: at };
}
export function unary(fn: UnaryInstr, x: Expr): Expr {
  return { kind: "unary", type: fn === "eqz" ? "i32" : x.type, fn, x };
}
export function binary(fn: BinaryInstr, x: Expr, y: Expr): Expr {
  return { kind: "binary", type: comparisons.has(fn) ? "i32" : x.type, fn, x, y };
}
export const add = (x: Expr, y: Expr): Expr => binary("add", x, y);
/** `x + a b`, which may be rounded once. */
export function multiplyAdd(a: Expr, b: Expr, x: Expr): Expr {
  return { kind: "binary", type: "f64", fn: "add", x, y: mul(a, b), fused: true };
}
export const sub = (x: Expr, y: Expr): Expr => binary("sub", x, y);
export const mul = (x: Expr, y: Expr): Expr => binary("mul", x, y);
export const div = (x: Expr, y: Expr): Expr => binary("div", x, y);
export const neg = (x: Expr): Expr => unary("neg", x);
export const lt = (x: Expr, y: Expr): Expr => binary("lt", x, y);
export const le = (x: Expr, y: Expr): Expr => binary("le", x, y);
export const gt = (x: Expr, y: Expr): Expr => binary("gt", x, y);
export const ge = (x: Expr, y: Expr): Expr => binary("ge", x, y);
export const eq = (x: Expr, y: Expr): Expr => binary("eq", x, y);
export const and = (x: Expr, y: Expr): Expr => binary("and", x, y);
export const or = (x: Expr, y: Expr): Expr => binary("or", x, y);

export function select(condition: Expr, then: Expr, otherwise: Expr): Expr {
  return { kind: "select", type: then.type, condition, then, else: otherwise };
}
export function convert(fn: Conversion, x: Expr): Expr {
  const isFloat = fn === "f64_bits" || fn === "f64_via_f32";
  const type: ScalarType = isFloat ? "f64" : (fn.slice(0, 3) as ScalarType);
  return { kind: "convert", type, fn, x };
}
export function call(fn: string, args: readonly Expr[], type: ScalarType = "f64"): Expr {
  return { kind: "call", type, fn, args };
}
export function set(local: Local, value: Expr): Stmt {
  return { kind: "set", local, value };
}
export function store(buffer: string, at: Expr, value: Expr): Stmt {
  return { kind: "store", buffer, index: at, value };
}
export function loop(
  indexName: string,
  from: Expr,
  to: Expr,
  body: readonly Stmt[],
  parallel?: { readonly reductions: readonly Reduction[] },
): Stmt {
  return { kind: "for", index: indexName, from, to, step: 1, body, parallel };
}
/** A loop from 0 whose iterations may run on several threads. */
export function concurrent(indexName: string, count: number, body: readonly Stmt[]): Stmt {
  const [from, to] = [i32(0), i32(count)];
  return { kind: "for", index: indexName, from, to, step: 1, body, concurrent: true };
}
export function when(
  condition: Expr,
  then: readonly Stmt[],
  otherwise: readonly Stmt[] = [],
): Stmt {
  return { kind: "if", condition, then, else: otherwise };
}
export function whileLoop(condition: Expr, body: readonly Stmt[]): Stmt {
  return { kind: "while", condition, body };
}
export function perform(fn: string, args: readonly Expr[], result?: Local): Stmt {
  return { kind: "call", fn, args, result };
}
export function giveBack(value?: Expr): Stmt {
  return { kind: "return", value };
}
