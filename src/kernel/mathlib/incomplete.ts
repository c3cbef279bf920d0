/**
 * The regularised incomplete gamma and beta functions: the algorithms of src/math/special
 * (saddle.ts, incomplete-gamma.ts, incomplete-beta.ts).
 */
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
  le,
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
import type { Expr, KernelFunction, Local } from "../ir.js";
import { abs, type Body, copysign, define, horner, product, sqrt } from "./define.js";

const HALF_LOG_2PI = 0.9189385332046728;
const TINY = 1e-300;
const EPSILON = 2.3e-16;
/** Above this shape Temme's expansion needs only two terms. */
const TEMME = 1e9;

const log = (x: Expr): Expr => call("log", [x]);
const exp = (x: Expr): Expr => call("exp", [x]);
const not = (x: Expr): Expr => unary("eqz", x);

/** log(1 + u) - u without cancellation, u > -1. */
const log1pmx = define("log1pmx", ["u"], (b, u) => {
  const near = and(gt(u, f64(-0.4)), lt(u, f64(0.7)));
  b.do(when(near, [], [giveBack(sub(call("log1p", [u]), u))]));
  const r = b.let(div(u, add(f64(2), u)));
  const r2 = b.let(mul(r, r));
  const total = variable(b, f64(0));
  const power = variable(b, f64(1));
  const k = variable(b, f64(3));
  b.do(
    whileLoop(gt(get(power), mul(f64(1e-18), get(total))), [
      set(total, add(get(total), div(get(power), get(k)))),
      set(power, mul(get(power), r2)),
      set(k, add(get(k), f64(2))),
    ]),
  );
  return mul(r, sub(product(f64(2), r2, get(total)), u));
});

/** A local with a first value. */
function variable(b: Body, value: Expr): Local {
  const local = b.variable("f64");
  b.do(set(local, value));
  return local;
}

/** x log(x / mean) + mean - x, Loader's bd0. */
const deviance = define("deviance", ["x", "mean"], (b, x, mean) => {
  b.do(when(eq(x, f64(0)), [giveBack(mean)]));
  const u = b.let(div(sub(mean, x), x));
  const near = and(gt(u, f64(-0.4)), lt(u, f64(0.7)));
  b.do(when(near, [giveBack(mul(neg(x), call("log1pmx", [u])))]));
  const ratio = b.let(div(x, mean));
  const regular = and(gt(ratio, f64(0)), lt(ratio, f64(Infinity)));
  const apart = b.let(sub(log(x), log(mean)));
  const logRatio = b.let(select(regular, log(ratio), apart));
  return add(mul(x, logRatio), sub(mean, x));
});

/** log(rateˣ e^(-rate) / Γ(x + 1)), x > 0. */
const logPoissonMass = define("log_poisson_mass", ["x", "rate"], (_, x, rate) => {
  const correction = call("stirling_correction", [x]);
  const main = sub(neg(correction), call("deviance", [x, rate]));
  return sub(sub(main, f64(HALF_LOG_2PI)), mul(f64(0.5), log(x)));
});

/** log of the binomial mass of x successes and y failures, all arguments above 0. */
const logSplitMass = define("log_split_mass", ["x", "y", "p", "q"], (b, x, y, p, q) => {
  const n = b.let(add(x, y));
  const stirling = (v: Expr) => call("stirling_correction", [v]);
  const corrections = b.let(sub(sub(stirling(n), stirling(x)), stirling(y)));
  const deviances = add(call("deviance", [x, mul(n, p)]), call("deviance", [y, mul(n, q)]));
  const logs = sub(add(log(x), log(y)), log(n));
  return sub(sub(sub(corrections, deviances), f64(HALF_LOG_2PI)), mul(f64(0.5), logs));
});

/** lgamma(1 + s), s in [-1/2, 1/2], in relative accuracy at 0. */
const lgamma1p = define("lgamma1p", ["s"], (_, s) =>
  sub(call("lgamma_core", [s]), call("log1p", [s])),
);

/** P by its power series, DLMF 8.11.4. */
const lowerSeries = define("gamma_p_series", ["a", "x"], (b, a, x) => {
  const total = variable(b, f64(1));
  const term = variable(b, f64(1));
  const n = variable(b, f64(1));
  b.do(
    whileLoop(gt(get(term), mul(get(total), f64(1e-17))), [
      set(term, mul(get(term), div(x, add(a, get(n))))),
      set(total, add(get(total), get(term))),
      set(n, add(get(n), f64(1))),
    ]),
  );
  return mul(exp(call("log_poisson_mass", [a, x])), get(total));
});

const unlessZero = (x: Expr): Expr => select(eq(x, f64(0)), f64(TINY), x);

/** Q by the continued fraction DLMF 8.9.2, modified Lentz; x > a + 1. */
const upperFraction = define("gamma_q_fraction", ["a", "x"], (b, a, x) => {
  const base = variable(b, sub(add(x, f64(1)), a));
  const c = variable(b, f64(1 / TINY));
  const d = variable(b, div(f64(1), get(base)));
  const h = variable(b, get(d));
  const n = variable(b, f64(1));
  const delta = variable(b, f64(0));
  const an = variable(b, f64(0));
  b.do(
    whileLoop(ge(abs(sub(get(delta), f64(1))), f64(EPSILON)), [
      set(an, mul(get(n), sub(a, get(n)))),
      set(base, add(get(base), f64(2))),
      set(d, add(mul(get(an), get(d)), get(base))),
      set(d, div(f64(1), unlessZero(get(d)))),
      set(c, add(get(base), div(get(an), get(c)))),
      set(c, unlessZero(get(c))),
      set(delta, mul(get(c), get(d))),
      set(h, mul(get(h), get(delta))),
      set(n, add(get(n), f64(1))),
    ]),
  );
  return product(exp(call("log_poisson_mass", [a, x])), a, get(h));
});

/** Q for x ≤ 1.1 and a < 1 where P is near 1, from the series DLMF 8.7.1. */
const upperSmall = define("gamma_q_small", ["a", "x"], (b, a, x) => {
  const low = b.let(call("lgamma1p", [select(le(a, f64(0.5)), a, sub(a, f64(1)))]));
  const logGamma = add(low, select(le(a, f64(0.5)), f64(0), log(a)));
  const head = b.let(sub(mul(a, log(x)), logGamma));
  const total = variable(b, f64(0));
  const term = variable(b, f64(1));
  const n = variable(b, f64(1));
  b.do(
    whileLoop(and(lt(get(n), f64(60)), gt(abs(get(term)), mul(f64(1e-18), abs(get(total))))), [
      set(term, mul(get(term), neg(div(x, get(n))))),
      set(total, add(get(total), div(get(term), add(a, get(n))))),
      set(n, add(get(n), f64(1))),
    ]),
  );
  return sub(neg(call("expm1", [head])), product(a, exp(head), get(total)));
});

/** P by Temme's uniform expansion for large a, DLMF 8.12.3 to 8.12.10. */
const temme = define("gamma_p_temme", ["a", "x"], (b, a, x) => {
  const half = b.let(call("deviance", [a, x]));
  b.do(when(gt(half, f64(745)), [giveBack(select(gt(x, a), f64(1), f64(0)))]));
  const eta = b.let(copysign(sqrt(div(mul(f64(2), half), a)), sub(x, a)));
  const c0 = horner([-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835], eta);
  const c1 = horner([-1 / 540, -1 / 288], eta);
  const density = exp(sub(neg(half), f64(HALF_LOG_2PI)));
  const rest = mul(density, div(add(c0, div(c1, a)), sqrt(a)));
  const main = mul(f64(0.5), call("erfc", [neg(copysign(sqrt(half), eta))]));
  return sub(main, rest);
});

const gammaP = define("gamma_p", ["a", "x"], (b, a, x) => {
  const domain = and(and(gt(a, f64(0)), ge(x, f64(0))), lt(a, f64(Infinity)));
  b.do(
    when(not(domain), [giveBack(f64(NaN))]),
    when(eq(x, f64(0)), [giveBack(f64(0))]),
    when(eq(x, f64(Infinity)), [giveBack(f64(1))]),
    when(ge(a, f64(TEMME)), [giveBack(call("gamma_p_temme", [a, x]))]),
  );
  const small = and(lt(x, f64(1.1)), lt(a, f64(1)));
  const above = ge(x, exp(div(f64(-0.7), a)));
  b.do(
    when(and(small, above), [giveBack(sub(f64(1), call("gamma_q_small", [a, x])))]),
    when(le(x, add(a, f64(1))), [giveBack(call("gamma_p_series", [a, x]))]),
  );
  return sub(f64(1), call("gamma_q_fraction", [a, x]));
});

/** ∂P/∂a over its mass: each term of the series times what its logarithm changes by. */
const lowerSlope = define("gamma_p_series_da", ["a", "x", "log"], (b, a, x, logRatio) => {
  const term = variable(b, f64(1));
  const harmonic = variable(b, f64(0));
  const plain = variable(b, f64(1));
  const weighted = variable(b, f64(0));
  const n = variable(b, f64(1));
  b.do(
    whileLoop(gt(get(term), mul(get(plain), f64(1e-17))), [
      set(term, mul(get(term), div(x, add(a, get(n))))),
      set(harmonic, add(get(harmonic), div(f64(1), add(a, get(n))))),
      set(plain, add(get(plain), get(term))),
      set(weighted, add(get(weighted), mul(get(term), get(harmonic)))),
      set(n, add(get(n), f64(1))),
    ]),
  );
  return sub(mul(logRatio, get(plain)), get(weighted));
});

/** ∂Q/∂a over its mass: the fraction differentiated along with its recursion. */
const upperSlope = define("gamma_q_fraction_da", ["a", "x", "log"], (b, a, x, logRatio) => {
  const base = variable(b, sub(add(x, f64(1)), a));
  const d = variable(b, div(f64(1), get(base)));
  const dd = variable(b, mul(get(d), get(d)));
  const c = variable(b, f64(1 / TINY));
  const dc = variable(b, f64(0));
  const h = variable(b, get(d));
  const dh = variable(b, get(dd));
  const n = variable(b, f64(1));
  const delta = variable(b, f64(0));
  const slope = variable(b, f64(1));
  const an = variable(b, f64(0));
  const below = variable(b, f64(0));
  const isFar = ge(abs(sub(get(delta), f64(1))), f64(EPSILON));
  const isMoving = ge(abs(get(slope)), f64(1e-16));
  const isOpen = lt(get(n), f64(1e6));
  b.do(
    whileLoop(and(select(isFar, isFar, isMoving), isOpen), [
      set(an, mul(get(n), sub(a, get(n)))),
      set(base, add(get(base), f64(2))),
      set(below, unlessZero(add(mul(get(an), get(d)), get(base)))),
      set(dd, sub(add(mul(get(n), get(d)), mul(get(an), get(dd))), f64(1))),
      set(dd, neg(div(get(dd), mul(get(below), get(below))))),
      set(d, div(f64(1), get(below))),
      set(
        dc,
        sub(sub(div(get(n), get(c)), mul(get(an), div(div(get(dc), get(c)), get(c)))), f64(1)),
      ),
      set(c, add(get(base), div(get(an), get(c)))),
      set(c, unlessZero(get(c))),
      set(delta, mul(get(c), get(d))),
      set(slope, add(mul(get(dc), get(d)), mul(get(c), get(dd)))),
      set(dh, add(mul(get(dh), get(delta)), mul(get(h), get(slope)))),
      set(h, mul(get(h), get(delta))),
      set(n, add(get(n), f64(1))),
    ]),
  );
  return add(mul(add(mul(a, logRatio), f64(1)), get(h)), mul(a, get(dh)));
});

/** ∂P(a, x)/∂a, as `gammaPShape` of src/math/special. */
const gammaPShape = define("gamma_p_da", ["a", "x"], (b, a, x) => {
  const domain = and(and(gt(a, f64(0)), ge(x, f64(0))), lt(a, f64(Infinity)));
  b.do(
    when(not(domain), [giveBack(f64(NaN))]),
    when(eq(x, f64(0)), [giveBack(f64(0))]),
    when(eq(x, f64(Infinity)), [giveBack(f64(0))]),
  );
  const mass = b.let(exp(call("log_poisson_mass", [a, x])));
  const large = div(mul(mul(neg(mass), a), add(f64(1), div(sub(x, a), mul(f64(2), a)))), x);
  b.do(when(ge(a, f64(TEMME)), [giveBack(large)]));
  const logRatio = b.let(sub(log(x), call("digamma", [add(a, f64(1))])));
  b.do(
    when(le(x, add(a, f64(1))), [giveBack(mul(mass, call("gamma_p_series_da", [a, x, logRatio])))]),
  );
  return neg(mul(mass, call("gamma_q_fraction_da", [a, x, logRatio])));
});

/** The continued fraction DLMF 8.17.22, modified Lentz, in steps of two. */
const betaFraction = define("beta_inc_fraction", ["a", "b", "x", "y"], (body, a, b, x, y) => {
  const total = body.let(add(a, b));
  const c = variable(body, f64(1));
  const first = sub(f64(1), div(mul(total, x), add(a, f64(1))));
  const d = variable(body, div(f64(1), unlessZero(body.let(first))));
  const h = variable(body, get(d));
  const m = variable(body, f64(1));
  const term = variable(body, f64(0));
  const delta = variable(body, f64(0));
  const am = add(a, mul(f64(2), get(m)));
  const lentz = [
    set(d, add(f64(1), mul(get(term), get(d)))),
    set(d, div(f64(1), unlessZero(get(d)))),
    set(c, add(f64(1), div(get(term), get(c)))),
    set(c, unlessZero(get(c))),
    set(delta, mul(get(d), get(c))),
    set(h, mul(get(h), get(delta))),
  ];
  const even = div(product(get(m), sub(b, get(m)), x), mul(sub(am, f64(1)), am));
  const odd = div(product(neg(add(a, get(m))), add(total, get(m)), x), mul(am, add(am, f64(1))));
  body.do(
    whileLoop(ge(abs(sub(get(delta), f64(1))), f64(EPSILON)), [
      set(term, even),
      ...lentz,
      set(term, odd),
      ...lentz,
      set(m, add(get(m), f64(1))),
    ]),
  );
  const mass = exp(call("log_split_mass", [a, b, x, y]));
  return product(mass, div(b, total), get(h));
});

const betaInc = define("beta_inc", ["a", "b", "x"], (body, a, b, x) => {
  const positive = and(gt(a, f64(0)), gt(b, f64(0)));
  const finite = and(lt(a, f64(Infinity)), lt(b, f64(Infinity)));
  const domain = and(and(positive, finite), and(ge(x, f64(0)), le(x, f64(1))));
  const y = sub(f64(1), x);
  const below = le(x, div(add(a, f64(1)), add(add(a, b), f64(2))));
  body.do(
    when(not(domain), [giveBack(f64(NaN))]),
    when(eq(x, f64(0)), [giveBack(f64(0))]),
    when(eq(x, f64(1)), [giveBack(f64(1))]),
    // The fraction converges fast below the mean; above it, I_x(a, b) = 1 - I_y(b, a).
    when(below, [giveBack(call("beta_inc_fraction", [a, b, x, y]))]),
  );
  return sub(f64(1), call("beta_inc_fraction", [b, a, y, x]));
});

export const incompleteFunctions: readonly KernelFunction[] = [
  log1pmx,
  deviance,
  logPoissonMass,
  logSplitMass,
  lgamma1p,
  lowerSeries,
  upperFraction,
  upperSmall,
  temme,
  gammaP,
  lowerSlope,
  upperSlope,
  gammaPShape,
  betaFraction,
  betaInc,
];
