/** Arguments of distributions and functions against the region that the parameter must lie in. */
import type { ParamDomain, ParamSpec } from "../distributions/contract.js";
import { type Interval, supportInterval } from "../model/interval.js";
import type { Expr, Support } from "../model/ir.js";
import { printType } from "../model/print.js";
import { type Cx, quote } from "./context.js";

interface DomainRule {
  /** The closed hull of the elements' region; touching a border is not worth a warning. */
  readonly range: Interval;
  /** The lower border itself is outside: a scale of exactly 0. */
  readonly openBelow?: boolean;
  readonly isInt?: boolean;
  readonly sumsToOne?: boolean;
  readonly isOrdered?: boolean;
  /** A size is checked with the shapes. */
  readonly isSize?: boolean;
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
  simplex: {
    range: { lo: 0, hi: 1 },
    sumsToOne: true,
    declare: "simplex[K]",
    words: "a simplex (≥ 0, sum 1)",
  },
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
  ordered: { range: all, isOrdered: true, words: "increasing" },
  size: { range: { lo: 1, hi: INF }, isInt: true, isSize: true, words: "a size" },
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
  return checkRegion(cx, { owner: dist, name: p.name }, rule, arg, p.rank);
}

/** A parameter of a distribution or function, for messages. */
interface Parameter {
  readonly owner: string;
  readonly name: string;
}

/** An argument of a function against the support that its parameter declares; as `checkDomain`. */
export function checkSupport(cx: Cx, p: Parameter, support: Support, text: string, arg: Expr) {
  const rule = supportRule(cx, support, text);
  return rule === undefined || checkRegion(cx, p, rule, arg, arg.type.dims.length);
}

/** What the type written as `text` asks of a value; undefined where it allows every one. */
function supportRule(cx: Cx, s: Support, text: string): DomainRule | undefined {
  switch (s.kind) {
    case "real":
    case "int":
    case "bool":
      return undefined;
    case "interval":
    case "integers":
    case "category":
    case "positive_ordered":
    case "unit_vector": {
      const range = supportInterval(s, cx.model.lookupInterval);
      const isOrdered = s.kind === "positive_ordered";
      return { range, isOrdered, declare: text, words: `in \`${text}\`` };
    }
    default: {
      const declare = s.kind;
      return { ...domainRules[s.kind], declare };
    }
  }
}

/** Whether no value in `range` lies in the support. */
export function isOutside(cx: Cx, s: Support, range: Interval): boolean {
  const rule = supportRule(cx, s, s.kind);
  return rule !== undefined && liesOutside(rule, range);
}

function liesOutside(rule: DomainRule, range: Interval): boolean {
  const { lo, hi } = rule.range;
  // An empty array has the empty interval.
  if (range.lo > range.hi) return false;
  return range.hi < lo || range.lo > hi || (rule.openBelow === true && range.hi <= lo);
}

function checkRegion(cx: Cx, p: Parameter, rule: DomainRule, arg: Expr, rank: number): boolean {
  const range = cx.model.interval(arg);
  const { lo, hi } = rule.range;
  if (liesOutside(rule, range)) {
    cx.reporter.report("parameter_outside", arg.span, {
      dist: p.owner,
      param: p.name,
      words: rule.words,
      value: range.lo === range.hi ? String(range.lo) : undefined,
      bound: range.hi < lo || range.hi <= lo ? `at most ${range.hi}` : `at least ${range.lo}`,
      text: quote(arg.span),
    });
    return false;
  }
  if (!constantItemsFit(cx, p, rule, arg, rank)) return false;
  if (range.lo < lo || range.hi > hi) warnOutside(cx, p, arg, rule, range);
  return true;
}

/** Items of a literal array one by one, a literal simplex by its sum, literal cuts by their order. */
function constantItemsFit(
  cx: Cx,
  p: Parameter,
  rule: DomainRule,
  arg: Expr,
  rank: number,
): boolean {
  if (arg.kind !== "array" || rank !== 1) return true;
  for (const item of arg.items) {
    if (item.type.dims.length > 0) return true;
    if (!checkRegion(cx, p, rule, item, 0)) return false;
  }
  const values = arg.items.map((x) => (x.kind === "const" ? x.value : undefined));
  if (!values.every((v) => v !== undefined)) return true;
  const total = values.reduce((a, b) => a + b, 0);
  // Weights are written with a few digits: thirds as 0.333 are still meant.
  const offSum = rule.sumsToOne === true && Math.abs(total - 1) > 1e-2;
  const increases = values.every((v, i) => i === 0 || v > values[i - 1]);
  const badOrder = rule.isOrdered === true && !increases;
  if (!offSum && !badOrder) return true;
  cx.reporter.report("parameter_values", arg.span, {
    dist: p.owner,
    param: p.name,
    words: rule.words,
    found: offSum
      ? `its items sum to ${Number(total.toPrecision(6))}`
      : "its items do not increase",
  });
  return false;
}

function warnOutside(cx: Cx, p: Parameter, arg: Expr, rule: DomainRule, range: Interval): void {
  const root = rootVariable(arg);
  const isParameter = root?.kind === "var" && cx.model.parameters.has(root.name);
  const role = isParameter ? "param" : root?.kind === "var" ? root.role : undefined;
  // What a data value or a long formula turns out to be is checked when it is known.
  if (rule.isSize === true || (role === undefined && !cx.model.isRandom(arg))) return;
  cx.reporter.report("parameter_may_leave", arg.span, {
    dist: p.owner,
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
