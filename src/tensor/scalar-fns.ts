/**
 * The elementwise functions at one point, in f64: the reference that devices are tested against.
 * Booleans are 0 and 1; any other number but 0 counts as true.
 */
import {
  besselRatio,
  betaI,
  digamma,
  erf,
  erfc,
  erfcx,
  gammaP,
  gammaPShape,
  lgamma,
  log1mexp,
  log1pexp,
  logBesselI0,
  logistic,
  normalLogCdf,
  normalQuantile,
  trigamma,
} from "../math/special/index.js";
import type { BinaryFn, ReduceFn, TernaryFn, UnaryFn } from "./ops.js";

export const unaryAt: { readonly [F in UnaryFn]: (x: number) => number } = {
  neg: (x) => -x,
  not: (x) => (x === 0 ? 1 : 0),
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundHalfAway,
  trunc: Math.trunc,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  sqrt: Math.sqrt,
  square: (x) => x * x,
  reciprocal: (x) => 1 / x,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  sigmoid: logistic,
  softplus: log1pexp,
  log1mexp,
  lgamma,
  digamma,
  trigamma,
  erf,
  erfc,
  erfcx,
  log_ndtr: normalLogCdf,
  ndtri: normalQuantile,
  log_i0: logBesselI0,
  bessel_ratio: besselRatio,
};

function truth(b: boolean): number {
  return b ? 1 : 0;
}

export const binaryAt: { readonly [F in BinaryFn]: (x: number, y: number) => number } = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
  atan2: Math.atan2,
  mod: floorMod,
  max: Math.max,
  min: Math.min,
  lt: (x, y) => truth(x < y),
  le: (x, y) => truth(x <= y),
  gt: (x, y) => truth(x > y),
  ge: (x, y) => truth(x >= y),
  eq: (x, y) => truth(x === y),
  ne: (x, y) => truth(x !== y),
  and: (x, y) => truth(x !== 0 && y !== 0),
  or: (x, y) => truth(x !== 0 || y !== 0),
  gamma_p: gammaP,
  gamma_p_da: gammaPShape,
};

export const ternaryAt: {
  readonly [F in TernaryFn]: (x: number, y: number, z: number) => number;
} = {
  select: (x, y, z) => (x !== 0 ? y : z),
  beta_inc: betaI,
};

/** The start and the step of each reduction; max and min give NaN where any element is. */
export const reduceAt: {
  readonly [F in ReduceFn]: {
    readonly start: number;
    readonly step: (a: number, x: number) => number;
  };
} = {
  sum: { start: 0, step: (a, x) => a + x },
  prod: { start: 1, step: (a, x) => a * x },
  max: { start: -Infinity, step: Math.max },
  min: { start: Infinity, step: Math.min },
};

function roundHalfAway(x: number): number {
  // trunc(x + 0.5) would round 0.49999999999999994 up.
  const t = Math.trunc(x);
  return Math.abs(x - t) >= 0.5 ? t + Math.sign(x) : t;
}

/** x − y floor(x / y), exact for the remainder and with the sign of y. */
function floorMod(x: number, y: number): number {
  const r = x % y;
  return r !== 0 && r < 0 !== y < 0 ? r + y : r;
}
