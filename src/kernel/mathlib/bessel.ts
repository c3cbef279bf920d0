/** log I₀ and I₁/I₀, branch-free: the algorithms of src/math/special/bessel.ts. */
import { I0_FAR_P, I0_NEAR_P, I1_FAR_P, I1_NEAR_P } from "../../math/special/coefficients.js";
import { add, call, div, eq, f64, lt, mul, select, sub } from "../build.js";
import type { Expr, KernelFunction } from "../ir.js";
import { abs, type Body, copysign, define, horner, sqrt } from "./define.js";

/** Below this the power series in (x/2)² serves, above it a polynomial in 1/x. */
const NEAR = 8;

interface Parts {
  readonly a: Expr;
  readonly near: Expr;
  /** (x/2)², bounded by its value at `NEAR`. */
  readonly w: Expr;
  readonly s: Expr;
}

function parts(b: Body, x: Expr): Parts {
  const a = b.let(abs(x));
  const near = b.let(lt(a, f64(NEAR)));
  const w = b.let(select(near, mul(mul(f64(0.25), a), a), f64(16)));
  const s = b.let(sub(div(f64(1), a), f64(0.0625)));
  return { a, near, w, s };
}

const logI0 = define("log_i0", ["x"], (b, x) => {
  const { a, near, w, s } = parts(b, x);
  const small = b.let(call("log1p", [mul(w, horner(I0_NEAR_P, w))]));
  const scaled = div(horner(I0_FAR_P, s), sqrt(a));
  const large = b.let(add(a, call("log", [scaled])));
  return select(near, small, select(eq(a, f64(Infinity)), a, large));
});

const besselRatio = define("bessel_ratio", ["x"], (b, x) => {
  const { near, w, s } = parts(b, x);
  const small = div(
    mul(mul(f64(0.5), x), horner(I1_NEAR_P, w)),
    add(f64(1), mul(w, horner(I0_NEAR_P, w))),
  );
  const large = copysign(div(horner(I1_FAR_P, s), horner(I0_FAR_P, s)), x);
  const far = select(eq(abs(x), f64(Infinity)), copysign(f64(1), x), large);
  return select(near, small, far);
});

export const besselFunctions: readonly KernelFunction[] = [logI0, besselRatio];
