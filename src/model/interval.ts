/**
 * A small abstract interpretation: closed intervals that hold every value an expression (or each
 * element of an array) can take. Sound but not tight; unknown means all of the line.
 */
import type { BuiltinName } from "./builtins.js";
import type { Expr, Support } from "./ir.js";

export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

const INF = Number.POSITIVE_INFINITY;
export const wholeLine: Interval = { lo: -INF, hi: INF };
const nonnegative: Interval = { lo: 0, hi: INF };
const unit: Interval = { lo: 0, hi: 1 };
const signed: Interval = { lo: -1, hi: 1 };

/** The smallest interval that holds both. */
export function hull(a: Interval, b: Interval): Interval {
  return { lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}

/** True where `inner` lies in `outer`. */
export function within(inner: Interval, outer: Interval): boolean {
  return inner.lo >= outer.lo && inner.hi <= outer.hi;
}

/** The values that both hold; `a` where they have none in common. */
export function meet(a: Interval, b: Interval): Interval {
  const both = { lo: Math.max(a.lo, b.lo), hi: Math.min(a.hi, b.hi) };
  return both.lo <= both.hi ? both : a;
}

/** What is known of the names that an expression mentions. */
export type IntervalLookup = (name: string) => Interval | undefined;
/** What has been declared of single expressions, such as the argument of a function. */
export type Declared = (e: Expr) => Interval | undefined;

/** The interval of one element of a value with this support. */
export function supportInterval(s: Support, lookup: IntervalLookup): Interval {
  switch (s.kind) {
    case "positive":
    case "nonnegative":
    case "positive_ordered":
    case "count":
      return nonnegative;
    case "unit":
    case "simplex":
    case "bool":
      return unit;
    case "unit_vector":
    case "corr":
    case "cholesky_corr":
      return signed;
    case "interval":
    case "integers":
      return {
        lo: s.lower === undefined ? -INF : intervalOf(s.lower, lookup).lo,
        hi: s.upper === undefined ? INF : intervalOf(s.upper, lookup).hi,
      };
    case "category":
      return { lo: 0, hi: intervalOf(s.size, lookup).hi - 1 };
    default:
      return wholeLine;
  }
}

/** Products with 0 · ∞ = 0: the interval's infinity is a bound that is not reached. */
function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b;
}

function product(a: Interval, b: Interval): Interval {
  const ends = [times(a.lo, b.lo), times(a.lo, b.hi), times(a.hi, b.lo), times(a.hi, b.hi)];
  return { lo: Math.min(...ends), hi: Math.max(...ends) };
}

function reciprocal(a: Interval): Interval {
  if (a.lo < 0 && a.hi > 0) return wholeLine;
  if (a.lo >= 0) return { lo: a.hi === INF ? 0 : 1 / a.hi, hi: a.lo === 0 ? INF : 1 / a.lo };
  return { lo: a.hi === 0 ? -INF : 1 / a.hi, hi: a.lo === -INF ? 0 : 1 / a.lo };
}

function squared(a: Interval): Interval {
  const largest = Math.max(a.lo * a.lo, a.hi * a.hi);
  if (a.lo <= 0 && a.hi >= 0) return { lo: 0, hi: largest };
  return { lo: Math.min(a.lo * a.lo, a.hi * a.hi), hi: largest };
}

function power(base: Interval, exponent: Interval): Interval {
  if (exponent.lo === exponent.hi && exponent.lo % 2 === 0 && exponent.lo > 0) {
    return base.lo >= 0 ? monotonePower(base, exponent.lo) : nonnegative;
  }
  if (base.lo < 0) return wholeLine;
  return exponent.lo === exponent.hi && exponent.lo > 0
    ? monotonePower(base, exponent.lo)
    : nonnegative;
}

function monotonePower(base: Interval, exponent: number): Interval {
  return { lo: base.lo ** exponent, hi: base.hi ** exponent };
}

/** For increasing functions; a NaN at an end outside the domain means that nothing is known. */
function increasing(f: (x: number) => number, range: Interval = wholeLine) {
  return ([a]: readonly Interval[]): Interval => {
    const lo = f(a.lo);
    const hi = f(a.hi);
    return { lo: Number.isNaN(lo) ? range.lo : lo, hi: Number.isNaN(hi) ? range.hi : hi };
  };
}
const always = (range: Interval) => () => range;
const ofFirst = ([a]: readonly Interval[]): Interval => a;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)));

/** Rules for the functions of which something is known; the others can give any number. */
const rules: { readonly [K in BuiltinName]?: (args: readonly Interval[]) => Interval } = {
  neg: ([a]) => ({ lo: -a.hi, hi: -a.lo }),
  abs: ([a]) => {
    const hi = Math.max(Math.abs(a.lo), Math.abs(a.hi));
    return { lo: a.lo <= 0 && a.hi >= 0 ? 0 : Math.min(Math.abs(a.lo), Math.abs(a.hi)), hi };
  },
  sign: always(signed),
  floor: increasing(Math.floor),
  ceil: increasing(Math.ceil),
  round: increasing(Math.round),
  exp: increasing(Math.exp),
  log: increasing(Math.log),
  log1p: increasing(Math.log1p),
  expm1: increasing(Math.expm1),
  sqrt: increasing(Math.sqrt, nonnegative),
  square: ([a]) => squared(a),
  sin: always(signed),
  cos: always(signed),
  tanh: increasing(Math.tanh),
  cosh: always({ lo: 1, hi: INF }),
  sigmoid: increasing(sigmoid),
  softplus: increasing(softplus),
  erf: always(signed),
  erfc: always({ lo: 0, hi: 2 }),
  normal_cdf: always(unit),
  real: ofFirst,
  stop_gradient: ofFirst,
  int: increasing(Math.trunc),
  add: ([a, b]) => ({ lo: a.lo + b.lo, hi: a.hi + b.hi }),
  sub: ([a, b]) => ({ lo: a.lo - b.hi, hi: a.hi - b.lo }),
  mul: ([a, b]) => product(a, b),
  div: ([a, b]) => product(a, reciprocal(b)),
  pow: ([a, b]) => power(a, b),
  mod: ([, b]) => (b.lo >= 0 ? { lo: 0, hi: b.hi } : wholeLine),
  maximum: ([a, b]) => ({ lo: Math.max(a.lo, b.lo), hi: Math.max(a.hi, b.hi) }),
  minimum: ([a, b]) => ({ lo: Math.min(a.lo, b.lo), hi: Math.min(a.hi, b.hi) }),
  lt: always(unit),
  le: always(unit),
  gt: always(unit),
  ge: always(unit),
  eq: always(unit),
  ne: always(unit),
  and: always(unit),
  or: always(unit),
  not: always(unit),
  all: always(unit),
  any: always(unit),
  sum: ([a]) => sumOf(a),
  prod: ([a]) => prodOf(a),
  cumsum: ([a]) => sumOf(a),
  cumprod: ([a]) => prodOf(a),
  row_sums: ([a]) => sumOf(a),
  col_sums: ([a]) => sumOf(a),
  trace: ([a]) => sumOf(a),
  max: ofFirst,
  min: ofFirst,
  mean: ofFirst,
  sd: always(nonnegative),
  variance: always(nonnegative),
  zeros: always({ lo: 0, hi: 0 }),
  ones: always({ lo: 1, hi: 1 }),
  fill: ofFirst,
  eye: always(unit),
  range: ([a, b]) => ({ lo: a.lo, hi: b.hi - 1 }),
  diag: ofFirst,
  transpose: ofFirst,
  reverse: ofFirst,
  reshape: ofFirst,
  concat: (args) => args.reduce(hull),
  softmax: always(unit),
  log_softmax: always({ lo: -INF, hi: 0 }),
  size: always(nonnegative),
  matmul: ([a, b]) => sumOf(product(a, b)),
  dot: ([a, b]) => sumOf(product(a, b)),
  outer: ([a, b]) => product(a, b),
};

/** A sum of any number of terms, none at all included. */
function sumOf(a: Interval): Interval {
  return { lo: a.lo >= 0 ? 0 : -INF, hi: a.hi <= 0 ? 0 : INF };
}
function prodOf(a: Interval): Interval {
  if (within(a, unit)) return unit;
  return a.lo >= 0 ? nonnegative : wholeLine;
}

/** The interval of `e` (of each element, for arrays). */
export function intervalOf(e: Expr, lookup: IntervalLookup, declared?: Declared): Interval {
  const found = inferred(e, lookup, declared);
  const said = declared?.(e);
  return said === undefined ? found : meet(said, found);
}

function inferred(e: Expr, lookup: IntervalLookup, declared: Declared | undefined): Interval {
  switch (e.kind) {
    case "const":
      return Number.isNaN(e.value) ? wholeLine : { lo: e.value, hi: e.value };
    case "var":
      return lookup(e.name) ?? wholeLine;
    case "call": {
      const rule = rules[e.fn];
      return rule === undefined ? wholeLine : tidy(rule(callArgs(e, lookup, declared)));
    }
    case "index":
      return intervalOf(e.target, lookup, declared);
    case "array":
      return e.items.map((x) => intervalOf(x, lookup, declared)).reduce(hull, emptyInterval);
    case "if":
      return hull(intervalOf(e.then, lookup, declared), intervalOf(e.else, lookup, declared));
    case "comprehension":
      return intervalOf(e.body, withBinders(e, lookup, declared), declared);
    case "reduce": {
      const body = intervalOf(e.body, withBinders(e, lookup, declared), declared);
      return tidy(rules[e.op]?.([body]) ?? wholeLine);
    }
    case "block": {
      const local = new Map<string, Interval>();
      const inner: IntervalLookup = (name) => local.get(name) ?? lookup(name);
      for (const l of e.lets) {
        // The lookup may know what the name was declared to be.
        const value = intervalOf(l.value, inner, declared);
        local.set(l.name, meet(lookup(l.name) ?? wholeLine, value));
      }
      return intervalOf(e.result, inner, declared);
    }
    case "grad":
      return wholeLine;
    case "dist_method":
      if (e.method === "cdf") return unit;
      return e.method === "log_cdf" || e.method === "log_ccdf" ? { lo: -INF, hi: 0 } : wholeLine;
  }
}

const emptyInterval: Interval = { lo: INF, hi: -INF };

function callArgs(
  e: Extract<Expr, { kind: "call" }>,
  lookup: IntervalLookup,
  declared: Declared | undefined,
): Interval[] {
  // x · x and x² of one name cannot be negative.
  if (e.fn === "mul" && e.args[0].kind === "var" && e.args[1].kind === "var") {
    if (e.args[0].name === e.args[1].name) {
      const sq = squared(intervalOf(e.args[0], lookup, declared));
      return [sq, { lo: 1, hi: 1 }];
    }
  }
  return e.args.map((a) => intervalOf(a, lookup, declared));
}

function withBinders(
  e: Extract<Expr, { kind: "comprehension" | "reduce" }>,
  lookup: IntervalLookup,
  declared: Declared | undefined,
): IntervalLookup {
  const local = new Map<string, Interval>();
  const inner: IntervalLookup = (name) => local.get(name) ?? lookup(name);
  for (const b of e.binders) {
    const lo = intervalOf(b.from, inner, declared).lo;
    local.set(b.name, { lo, hi: intervalOf(b.to, inner, declared).hi - 1 });
  }
  return inner;
}

function tidy(a: Interval): Interval {
  return { lo: Number.isNaN(a.lo) ? -INF : a.lo, hi: Number.isNaN(a.hi) ? INF : a.hi };
}
