/** log Γ, ψ and ψ′: the algorithms of src/math/special/gamma.ts. */
import {
  DIGAMMA_CORE_P,
  DIGAMMA_CORE_Q,
  DIGAMMA_TAIL_P,
  DIGAMMA_ZERO,
  LGAMMA_CORE_P,
  LGAMMA_CORE_Q,
  STIRLING_P,
  TRIGAMMA_TAIL_P,
} from "../../math/special/coefficients.js";
import {
  add,
  call,
  div,
  eq,
  f64,
  ge,
  get,
  giveBack,
  gt,
  lt,
  mul,
  neg,
  select,
  set,
  sub,
  unary,
  when,
  whileLoop,
} from "../build.js";
import type { Expr, KernelFunction } from "../ir.js";
import { abs, define, horner, isNaNExpr, product, ratio, sum } from "./define.js";

const HALF_LOG_2PI = 0.9189385332046728;
const LOG_PI = 1.1447298858494002;
/** Where the asymptotic series in 1/x² take over. */
const ASYMPTOTIC = 8;

const log = (x: Expr): Expr => call("log", [x]);
const log1p = (x: Expr): Expr => call("log1p", [x]);
const isWhole = (x: Expr): Expr => eq(x, unary("floor", x));

/** sin πx with the argument reduced exactly; |x| < 2⁵². */
const sinPi = define("sin_pi", ["x"], (b, x) => {
  const n = b.let(unary("nearest", x));
  const half = b.let(mul(n, f64(0.5)));
  const s = b.let(call("sin", [mul(f64(Math.PI), sub(x, n))]));
  return select(eq(half, unary("floor", half)), s, neg(s));
});

/** cos πx: sin π(½ - |s|) vanishes exactly at |s| = ½. */
const cosPi = define("cos_pi", ["x"], (b, x) => {
  const n = b.let(unary("nearest", x));
  const half = b.let(mul(n, f64(0.5)));
  const c = b.let(call("sin", [mul(f64(Math.PI), sub(f64(0.5), abs(sub(x, n))))]));
  return select(eq(half, unary("floor", half)), c, neg(c));
});

/** What Stirling's formula leaves out of lgamma(x), x ≥ 0. */
const stirlingCorrection = define("stirling_correction", ["x"], (b, x) => {
  const w = div(f64(1), mul(x, x));
  b.do(when(ge(x, f64(ASYMPTOTIC)), [giveBack(div(horner(STIRLING_P, w), x))]));
  const formula = add(sub(mul(sub(x, f64(0.5)), log(x)), x), f64(HALF_LOG_2PI));
  return sub(call("lgamma", [x]), formula);
});

/** lgamma(2 + s), s in [-1/2, 1], in relative accuracy at its zeros 0 and -1. */
const lgammaCore = define("lgamma_core", ["s"], (_, s) =>
  mul(mul(s, add(f64(1), s)), ratio(LGAMMA_CORE_P, LGAMMA_CORE_Q, s)),
);

/** Stirling's formula, x ≥ 8. */
const lgammaLarge = define("lgamma_large", ["x"], (b, x) => {
  const w = b.let(div(f64(1), mul(x, x)));
  const main = mul(sub(x, f64(0.5)), sub(log(x), f64(1)));
  return sum(main, f64(HALF_LOG_2PI - 0.5), div(horner(STIRLING_P, w), x));
});

const lgamma = define("lgamma", ["x"], (b, x) => {
  const core = (s: Expr) => call("lgamma_core", [s]);
  const plus = (k: number) => add(x, f64(k));
  const shifted = log(product(x, plus(1), plus(2), plus(3), plus(4)));
  b.do(
    when(isNaNExpr(x), [giveBack(x)]),
    when(eq(abs(x), f64(Infinity)), [giveBack(f64(Infinity))]),
    when(ge(x, f64(ASYMPTOTIC)), [giveBack(call("lgamma_large", [x]))]),
    when(ge(x, f64(3)), [giveBack(sub(call("lgamma_large", [plus(5)]), shifted))]),
    when(ge(x, f64(1.5)), [giveBack(core(sub(x, f64(2))))]),
    when(ge(x, f64(0.5)), [giveBack(sub(core(sub(x, f64(1))), log1p(sub(x, f64(1)))))]),
    when(gt(x, f64(0)), [giveBack(sub(sub(core(x), log1p(x)), log(x)))]),
    when(isWhole(x), [giveBack(f64(Infinity))]),
    // Γ(x) Γ(-x) = -π / (x sin πx); for tiny x, x sin πx underflows, but Γ(x) ≈ 1/x.
    when(gt(x, f64(-1e-150)), [giveBack(neg(log(neg(x))))]),
  );
  const reflected = log(abs(mul(x, call("sin_pi", [x]))));
  return sub(sub(f64(LOG_PI), reflected), call("lgamma", [neg(x)]));
});

/** ψ(1 + s), s in [0, 1]. */
const digammaCore = define("digamma_core", ["s"], (_, s) => {
  const fromZero = sub(sub(s, f64(DIGAMMA_ZERO[0] - 1)), f64(DIGAMMA_ZERO[1]));
  return mul(fromZero, ratio(DIGAMMA_CORE_P, DIGAMMA_CORE_Q, sub(s, f64(0.5))));
});

const digamma = define("digamma", ["x"], (b, x) => {
  const inverse = (k: number) => div(f64(1), add(x, f64(k)));
  const w = div(f64(1), mul(x, x));
  const large = sub(sub(log(x), div(f64(0.5), x)), mul(w, horner(DIGAMMA_TAIL_P, w)));
  const shift = sum(inverse(0), inverse(1), inverse(2), inverse(3), inverse(4), inverse(5));
  const core = (s: Expr) => call("digamma_core", [s]);
  b.do(
    when(eq(x, f64(Infinity)), [giveBack(x)]),
    when(ge(x, f64(ASYMPTOTIC)), [giveBack(large)]),
    when(gt(x, f64(2)), [giveBack(sub(call("digamma", [add(x, f64(6))]), shift))]),
    when(ge(x, f64(1)), [giveBack(core(sub(x, f64(1))))]),
    when(gt(x, f64(0)), [giveBack(sub(core(x), inverse(0)))]),
    when(eq(x, f64(0)), [giveBack(div(f64(-1), x))]),
    when(isWhole(x), [giveBack(f64(NaN))]),
    // Next to the pole at 0: ψ(x) = ψ(1) - 1/x + O(x).
    when(gt(x, f64(-1e-17)), [giveBack(sub(core(f64(0)), inverse(0)))]),
  );
  // ψ(x) = ψ(-x) - 1/x - π cot πx; a NaN x goes through.
  const cotangent = div(mul(f64(Math.PI), call("cos_pi", [x])), call("sin_pi", [x]));
  b.do(when(isNaNExpr(x), [giveBack(x)]));
  return sub(sub(call("digamma", [neg(x)]), inverse(0)), cotangent);
});

const trigamma = define("trigamma", ["x"], (b, x) => {
  const z = div(f64(1), x);
  const w = mul(z, z);
  const large = sum(z, mul(f64(0.5), w), mul(mul(w, z), horner(TRIGAMMA_TAIL_P, w)));
  const total = b.variable("f64");
  const y = b.variable("f64");
  b.do(
    when(ge(x, f64(ASYMPTOTIC)), [giveBack(large)]),
    when(gt(x, f64(0)), [
      set(total, f64(0)),
      set(y, x),
      whileLoop(lt(get(y), f64(ASYMPTOTIC)), [
        set(total, add(get(total), div(div(f64(1), get(y)), get(y)))),
        set(y, add(get(y), f64(1))),
      ]),
      giveBack(add(get(total), call("trigamma", [get(y)]))),
    ]),
    when(eq(x, f64(-Infinity)), [giveBack(f64(NaN))]),
    when(isNaNExpr(x), [giveBack(x)]),
    when(isWhole(x), [giveBack(f64(Infinity))]),
  );
  // ψ′(x) + ψ′(1 - x) = π² / sin² πx, and ψ′(1 - x) = ψ′(-x) - 1/x².
  const one = call("trigamma", [sub(f64(1), x)]);
  b.do(when(gt(x, f64(-1e-9)), [giveBack(add(div(div(f64(1), x), x), one))]));
  const s = b.let(div(f64(Math.PI), call("sin_pi", [x])));
  return sub(mul(s, s), one);
});

export const gammaFunctions: readonly KernelFunction[] = [
  sinPi,
  cosPi,
  stirlingCorrection,
  lgammaCore,
  lgammaLarge,
  lgamma,
  digammaCore,
  digamma,
  trigamma,
];
