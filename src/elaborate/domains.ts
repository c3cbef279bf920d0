/** Arguments of distributions against the region that the parameter must lie in. */
import type { ParamDomain, ParamSpec } from "../distributions/contract.js";
import type { Expr } from "../model/ir.js";
import { type Interval, intervalOf } from "../model/interval.js";
import { printType } from "../model/print.js";
import { type Cx, quote } from "./context.js";

interface DomainRule {
  /** The closed hull of the elements' region; touching a border is not worth a warning. */
  readonly range: Interval;
  /** The lower border itself is outside: a scale of exactly 0. */
  readonly openBelow?: boolean;
  readonly isInt?: boolean;
  /** What to declare a variable as. */
  readonly declare?: string;
  readonly words: string;
}

const INF = Number.POSITIVE_INFINITY;
const all: Interval = { lo: -INF, hi: INF };

const domainRules: { readonly [K in ParamDomain]: DomainRule } = {
  real: { range: all, words: "a real" },
  positive: { range: { lo: 0, hi: INF }, openBelow: true, declare: "positive", words: "positive" },
  nonnegative: { range: { lo: 0, hi: INF }, declare: "nonnegative", words: "nonnegative" },
  unit: { range: { lo: 0, hi: 1 }, declare: "unit", words: "between 0 and 1" },
  count: {
    range: { lo: 0, hi: INF },
    isInt: true,
    declare: "count",
    words: "a count (0, 1, 2, …)",
  },
  positive_int: { range: { lo: 1, hi: INF }, isInt: true, words: "a positive int" },
  simplex: { range: { lo: 0, hi: 1 }, declare: "simplex", words: "a simplex (≥ 0, sum 1)" },
  positive_vector: {
    range: { lo: 0, hi: INF },
    openBelow: true,
    declare: "positive",
    words: "positive",
  },
  cov: { range: all, words: "a covariance matrix" },
  corr: { range: all, words: "a correlation matrix" },
  cholesky_cov: { range: all, words: "a Cholesky factor" },
  cholesky_corr: { range: all, words: "a Cholesky factor of a correlation matrix" },
  ordered: { range: all, words: "increasing" },
  size: { range: { lo: 1, hi: INF }, isInt: true, words: "a size" },
};

/** False after an error; warns where the argument may leave the region. */
export function checkDomain(cx: Cx, dist: string, p: ParamSpec, arg: Expr): boolean {
  const rule = domainRules[p.domain];
  const wantsInt = rule.isInt === true;
  if (wantsInt && arg.type.scalar === "real") {
    const isWhole = arg.kind === "const" && Number.isInteger(arg.value);
    if (!isWhole) {
      cx.reporter.report("parameter_int", arg.span, {
        dist,
        param: p.name,
        actual: printType(arg.type),
      });
      return false;
    }
  }
  const range = intervalOf(arg, cx.model.lookupInterval);
  const { lo, hi } = rule.range;
  const isOutside = range.hi < lo || range.lo > hi || (rule.openBelow === true && range.hi <= lo);
  // An empty array has the empty interval.
  if (isOutside && range.lo <= range.hi) {
    cx.reporter.report("parameter_outside", arg.span, {
      dist,
      param: p.name,
      words: rule.words,
      value: range.lo === range.hi ? String(range.lo) : undefined,
      bound: range.hi < lo || range.hi <= lo ? `at most ${range.hi}` : `at least ${range.lo}`,
      text: quote(arg.span),
    });
    return false;
  }
  if (!constantItemsFit(cx, dist, p, arg)) return false;
  if (range.lo < lo || range.hi > hi) warnOutside(cx, dist, p, arg, rule, range);
  return true;
}

/** Items of a literal array one by one, a literal simplex by its sum, literal cuts by their order. */
function constantItemsFit(cx: Cx, dist: string, p: ParamSpec, arg: Expr): boolean {
  if (arg.kind !== "array" || p.rank !== 1) return true;
  for (const item of arg.items) {
    if (item.type.dims.length > 0) return true;
    if (!checkDomain(cx, dist, { ...p, rank: 0 }, item)) return false;
  }
  const values = arg.items.map((x) => (x.kind === "const" ? x.value : undefined));
  if (!values.every((v) => v !== undefined)) return true;
  const total = values.reduce((a, b) => a + b, 0);
  // Weights are written with a few digits: thirds as 0.333 are still meant.
  const badSum = p.domain === "simplex" && Math.abs(total - 1) > 1e-2;
  const badOrder = p.domain === "ordered" && values.some((v, i) => i > 0 && v <= values[i - 1]);
  if (!badSum && !badOrder) return true;
  cx.reporter.report("parameter_values", arg.span, {
    dist,
    param: p.name,
    words: domainRules[p.domain].words,
    found: badSum
      ? `its items sum to ${Number(total.toPrecision(6))}`
      : "its items do not increase",
  });
  return false;
}

function warnOutside(
  cx: Cx,
  dist: string,
  p: ParamSpec,
  arg: Expr,
  rule: DomainRule,
  range: Interval,
): void {
  const root = rootVariable(arg);
  const role = root?.kind === "var" ? root.role : undefined;
  // What a data value or a long formula turns out to be is checked when it is known.
  if (p.domain === "size" || (role === undefined && !cx.model.isRandom(arg))) return;
  cx.reporter.report("parameter_may_leave", arg.span, {
    dist,
    param: p.name,
    words: rule.words,
    text: quote(arg.span),
    name: root?.kind === "var" ? root.name.replace(/#\d+$/, "") : undefined,
    role,
    declare: rule.declare,
    below: range.lo < rule.range.lo,
  });
}

/** The variable that an argument is, perhaps indexed. */
function rootVariable(e: Expr): Expr | undefined {
  if (e.kind === "var") return e;
  return e.kind === "index" ? rootVariable(e.target) : undefined;
}
