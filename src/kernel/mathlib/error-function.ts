/** The error function and the normal distribution: the algorithms of src/math/special, branch-free. */
import {
  ERF_CORE_P,
  ERF_CORE_Q,
  ERFCX_FAR_P,
  ERFCX_FAR_Q,
  ERFCX_NEAR_P,
  ERFCX_NEAR_Q,
  QUANTILE_CENTER_P,
  QUANTILE_CENTER_Q,
  QUANTILE_FAR_P,
  QUANTILE_FAR_Q,
  QUANTILE_NEAR_P,
  QUANTILE_NEAR_Q,
} from "../../math/special/coefficients.js";
import {
  add,
  and,
  call,
  div,
  eq,
  f64,
  ge,
  get,
  giveBack,
  gt,
  i64,
  lt,
  mul,
  neg,
  select,
  set,
  sub,
  when,
} from "../build.js";
import type { Expr, KernelFunction } from "../ir.js";
import { abs, type Body, bitsOf, copysign, define, fromBits, ratio, sqrt } from "./define.js";

const SQRT_PI = 1.772453850905516;
const SQRT_HALF_PI = 1.2533141373155003;
const HALF_LOG_2PI = 0.9189385332046728;

/** exp(factor x²), factor a power of two: x splits so that the large square is exact (Cody). */
function expSquare(b: Body, x: Expr, factor: number): Expr {
  const high = b.let(fromBits(and(bitsOf(x), i64(~0x7ffffffn))));
  const low = b.let(sub(x, high));
  const main = b.let(call("exp", [mul(mul(high, high), f64(factor))]));
  const rest = b.let(call("exp", [mul(mul(low, f64(factor)), add(x, high))]));
  // For an infinite x the low part is NaN, and the answer is that of the high part.
  return b.let(select(lt(abs(x), f64(1e9)), mul(main, rest), main));
}

/** erfcx(x) for x ≥ 0. */
function erfcxPositive(b: Body, x: Expr): Expr {
  const near = b.let(select(lt(x, f64(3)), x, f64(3)));
  const z = b.let(div(f64(1), x));
  const far = div(mul(ratio(ERFCX_FAR_P, ERFCX_FAR_Q, b.let(mul(z, z))), z), f64(SQRT_PI));
  return b.let(select(lt(x, f64(3)), ratio(ERFCX_NEAR_P, ERFCX_NEAR_Q, near), far));
}

/** erf(x) for |x| ≤ 1. */
function erfCore(b: Body, x: Expr): Expr {
  const z = b.let(select(gt(abs(x), f64(1)), f64(1), mul(x, x)));
  return b.let(mul(x, ratio(ERF_CORE_P, ERF_CORE_Q, z)));
}

const erf = define("erf", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const tail = mul(expSquare(b, a, -1), erfcxPositive(b, a));
  return select(gt(a, f64(1)), copysign(sub(f64(1), tail), x), erfCore(b, x));
});

const erfc = define("erfc", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const tail = b.let(mul(expSquare(b, a, -1), erfcxPositive(b, a)));
  const core = sub(f64(1), erfCore(b, x));
  const left = select(lt(x, f64(-1)), sub(f64(2), tail), core);
  return select(lt(x, f64(0.5)), left, tail);
});

const erfcx = define("erfcx", ["x"], (b, x) => {
  const positive = erfcxPositive(b, b.let(abs(x)));
  const negative = sub(mul(f64(2), expSquare(b, x, 1)), positive);
  return select(lt(x, f64(0)), negative, positive);
});

/** Both tails: -Φ(-x) through log1p above 0, -x²/2 + log(erfcx(-x/√2)/2) below. */
const logNdtr = define("log_ndtr", ["x"], (b, x) => {
  const a = b.let(abs(x));
  const scaled = b.let(erfcxPositive(b, b.let(mul(a, f64(Math.SQRT1_2)))));
  const upper = b.let(mul(mul(f64(0.5), expSquare(b, a, -0.5)), scaled));
  const right = b.let(call("log1p", [neg(upper)]));
  const left = sub(call("log", [mul(f64(0.5), scaled)]), mul(mul(f64(0.5), x), x));
  return select(gt(x, f64(0)), right, b.let(left));
});

/** One Halley step for Φ(x) = p from the error e = (Φ(x) - p) / φ(x). */
function halley(x: Expr, e: Expr): Expr {
  return sub(x, div(e, add(f64(1), mul(mul(f64(0.5), x), e))));
}

/** Φ⁻¹ of p < 0.075 given with its logarithm. */
const lowerQuantile = define("ndtri_lower", ["p", "log_p"], (b, p, logP) => {
  b.do(when(eq(p, f64(0)), [giveBack(f64(-Infinity))]));
  b.do(when(ge(p, f64(0)), [], [giveBack(f64(NaN))]));
  const r = b.let(sqrt(neg(logP)));
  const start = b.variable("f64");
  const near = ratio(QUANTILE_NEAR_P, QUANTILE_NEAR_Q, sub(r, f64(3)));
  const far = mul(r, ratio(QUANTILE_FAR_P, QUANTILE_FAR_Q, div(f64(5), r)));
  b.do(when(lt(f64(5), r), [set(start, neg(far))], [set(start, neg(near))]));
  const x = b.let(get(start));
  // Φ(x) - p over φ(x), from logarithms: exact where both underflow.
  const mills = mul(f64(SQRT_HALF_PI), call("erfcx", [mul(neg(x), f64(Math.SQRT1_2))]));
  const error = call("expm1", [sub(logP, call("log_ndtr", [x]))]);
  return halley(x, b.let(neg(mul(mills, error))));
});

const ndtri = define("ndtri", ["p"], (b, p) => {
  const upper = sub(f64(1), p);
  b.do(
    when(gt(p, f64(0.925)), [giveBack(neg(call("ndtri_lower", [upper, call("log1p", [neg(p)])])))]),
    when(lt(p, f64(0.075)), [giveBack(call("ndtri_lower", [p, call("log", [p])]))]),
  );
  const q = b.let(sub(p, f64(0.5)));
  const z = b.let(mul(q, q));
  const x = b.let(mul(q, ratio(QUANTILE_CENTER_P, QUANTILE_CENTER_Q, z)));
  const density = call("exp", [sub(mul(mul(f64(-0.5), x), x), f64(HALF_LOG_2PI))]);
  const below = mul(f64(0.5), call("erf", [mul(x, f64(Math.SQRT1_2))]));
  return halley(x, b.let(div(sub(below, q), density)));
});

export const errorFunctions: readonly KernelFunction[] = [
  erf,
  erfc,
  erfcx,
  logNdtr,
  lowerQuantile,
  ndtri,
];
