/** How library functions are written: straight-line code as assignments to fresh locals. */
import {
  add,
  binary,
  convert,
  f64,
  get,
  giveBack,
  i64,
  lt,
  mul,
  select,
  set,
  unary,
} from "../build.js";
import type { Expr, KernelFunction, Local, ScalarType, Stmt } from "../ir.js";

/** Collects the statements of a function body. */
export interface Body {
  /** Assigns a value to a fresh local and gives the local. */
  let(value: Expr): Expr;
  /** A fresh local that is assigned more than once. */
  variable(type: ScalarType): Local;
  /** Appends a statement. */
  do(...stmts: readonly Stmt[]): void;
}

/**
 * A function of f64 parameters to f64. `build` gets the parameters and returns the result; without
 * branches in what it appends, the function also has a two-lane form.
 */
export function define(
  name: string,
  params: readonly string[],
  build: (body: Body, ...args: readonly Expr[]) => Expr,
): KernelFunction {
  const locals = params.map((param): Local => ({ name: param, type: "f64" }));
  const { stmts, body } = newBody();
  const result = build(body, ...locals.map(get));
  return {
    name,
    params: locals,
    result: "f64",
    body: [...stmts, giveBack(result)],
    exported: false,
  };
}

/** A body under construction, and the list its statements go to. */
export function newBody(prefix = "t"): { readonly stmts: Stmt[]; readonly body: Body } {
  const stmts: Stmt[] = [];
  let count = 0;
  const variable = (type: ScalarType): Local => ({ name: `${prefix}${count++}`, type });
  const body: Body = {
    let(value) {
      const local = variable(value.type);
      stmts.push(set(local, value));
      return get(local);
    },
    variable,
    do: (...more) => void stmts.push(...more),
  };
  return { stmts, body };
}

/** A sum of any number of terms, from the left. */
export function sum(first: Expr, ...rest: readonly Expr[]): Expr {
  return rest.reduce((total, term) => add(total, term), first);
}
/** A product of any number of factors, from the left. */
export function product(first: Expr, ...rest: readonly Expr[]): Expr {
  return rest.reduce((total, factor) => mul(total, factor), first);
}

/** c[0] + c[1] x + …, by Horner's rule. */
export function horner(c: readonly number[], x: Expr): Expr {
  let value: Expr = f64(c[c.length - 1]);
  for (let k = c.length - 2; k >= 0; k--) value = add(mul(value, x), f64(c[k]));
  return value;
}

/**
 * c[0] + c[1] x + … as even and odd halves in x²: two independent chains, so that the latency of
 * Horner's rule is halved.
 */
export function evenOdd(c: readonly number[], x: Expr, square: Expr): Expr {
  const even = c.filter((_, k) => k % 2 === 0);
  const odd = c.filter((_, k) => k % 2 === 1);
  return add(mul(horner(odd, square), x), horner(even, square));
}

/** P(x) / Q(x) by Horner's rule. */
export function ratio(p: readonly number[], q: readonly number[], x: Expr): Expr {
  return binary("div", horner(p, x), horner(q, x));
}

/** min(x, limit) that keeps a NaN x: one instruction as SIMD. */
export function atMost(x: Expr, limit: number): Expr {
  return select(lt(f64(limit), x), f64(limit), x);
}
/** max(x, limit) that keeps a NaN x. */
export function atLeast(x: Expr, limit: number): Expr {
  return select(lt(x, f64(limit)), f64(limit), x);
}

export const abs = (x: Expr): Expr => unary("abs", x);
export const sqrt = (x: Expr): Expr => unary("sqrt", x);
export const copysign = (x: Expr, sign: Expr): Expr => binary("copysign", x, sign);
export const isNaNExpr = (x: Expr): Expr => binary("ne", x, x);
export const bitsOf = (x: Expr): Expr => convert("i64_bits", x);
export const fromBits = (x: Expr): Expr => convert("f64_bits", x);

/** 1.5 · 2⁵²: adding it leaves an integer of up to 51 bits in the low bits of the sum. */
const MAGIC = 6755399441055744;

/** An integer-valued f64 |k| < 2⁵¹, as the low bits of an i64 (the high ones are not its sign). */
export function lowBits(k: Expr): Expr {
  return bitsOf(add(k, f64(MAGIC)));
}

/** 2ᵏ for an integer-valued f64 -1022 ≤ k ≤ 1023. */
export function powerOfTwo(k: Expr): Expr {
  return fromBits(binary("shl", lowBits(add(k, f64(1023))), i64(52n)));
}
