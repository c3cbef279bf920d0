/**
 * Inverses of expressions that read a value once, through functions of one number with known
 * inverses: y = f_n(… f_1(u)) gives u = f_1⁻¹(… f_n⁻¹(y)) and log |du/dy| as the sum of the logs of
 * their slopes. Where the image of the support ends is found on the way up.
 */
import type { BuiltinName } from "../model/builtins.js";
import type { Expr, Support } from "../model/ir.js";
import { childExprs } from "../model/traverse.js";
import type { Cx } from "./context.js";
import type { Maker } from "./derived.js";
import { sizeToExpr } from "./sizes.js";

export interface Inverse {
  /** u as an expression of the value. */
  readonly inverse: Expr;
  /** log |du/dy| there, summed over the elements. */
  readonly logSlope: Expr;
  readonly increasing: boolean;
  readonly support: Support;
}

/** Why there is none: words of the message. */
export type NoInverse = "shape" | "twice" | "never" | "function" | "sign";

/** An end of an interval. */
type End = Expr | "-inf" | "inf";
interface Ends {
  readonly lo: End;
  readonly hi: End;
}

/** One function of the chain, with what else stands in its call written into it. */
interface Step {
  readonly inverse: (y: Expr) => Expr;
  readonly logSlope: (y: Expr) => Expr;
  readonly increasing: boolean;
  /** The function at an end of where its argument lies. */
  readonly end: (e: End) => End;
}

interface Unary {
  /** Where it can be inverted: on all that it takes, or from 0 on. */
  readonly domain: "any" | "nonnegative";
  readonly limits: { readonly minus: number | "-inf"; readonly plus: number | "inf" };
  readonly inverse: (m: Maker, y: Expr) => Expr;
  readonly logSlope: (m: Maker, y: Expr) => Expr;
}

const minus = (m: Maker, x: Expr): Expr => m.call("neg", x);

/** Increasing functions, their inverses and log |d f⁻¹/dy|. */
const unary: Partial<Record<BuiltinName, Unary>> = {
  exp: {
    domain: "any",
    limits: { minus: 0, plus: "inf" },
    inverse: (m, y) => m.call("log", y),
    logSlope: (m, y) => minus(m, m.call("log", y)),
  },
  expm1: {
    domain: "any",
    limits: { minus: -1, plus: "inf" },
    inverse: (m, y) => m.call("log1p", y),
    logSlope: (m, y) => minus(m, m.call("log1p", y)),
  },
  log: {
    domain: "nonnegative",
    limits: { minus: "-inf", plus: "inf" },
    inverse: (m, y) => m.call("exp", y),
    logSlope: (_, y) => y,
  },
  log1p: {
    domain: "nonnegative",
    limits: { minus: "-inf", plus: "inf" },
    inverse: (m, y) => m.call("expm1", y),
    logSlope: (_, y) => y,
  },
  sigmoid: {
    domain: "any",
    limits: { minus: 0, plus: 1 },
    inverse: (m, y) => m.call("logit", y),
    logSlope: (m, y) => minus(m, m.call("add", m.call("log", y), m.call("log1p", minus(m, y)))),
  },
  logit: {
    domain: "any",
    limits: { minus: "-inf", plus: "inf" },
    inverse: (m, y) => m.call("sigmoid", y),
    logSlope: (m, y) =>
      minus(m, m.call("add", m.call("softplus", y), m.call("softplus", minus(m, y)))),
  },
  softplus: {
    domain: "any",
    limits: { minus: 0, plus: "inf" },
    inverse: (m, y) => m.call("add", y, m.call("log1mexp", minus(m, y))),
    logSlope: (m, y) => minus(m, m.call("log1mexp", minus(m, y))),
  },
  tanh: {
    domain: "any",
    limits: { minus: -1, plus: 1 },
    inverse: (m, y) => m.call("atanh", y),
    logSlope: (m, y) => minus(m, m.call("log1p", minus(m, m.call("square", y)))),
  },
  sinh: {
    domain: "any",
    limits: { minus: "-inf", plus: "inf" },
    inverse: (m, y) => m.call("asinh", y),
    logSlope: (m, y) => m.call("mul", m.number(-0.5), m.call("log1p", m.call("square", y))),
  },
  asinh: {
    domain: "any",
    limits: { minus: "-inf", plus: "inf" },
    inverse: (m, y) => m.call("sinh", y),
    logSlope: (m, y) => m.call("log", m.call("cosh", y)),
  },
  atan: {
    domain: "any",
    limits: { minus: -Math.PI / 2, plus: "inf" },
    inverse: (m, y) => m.call("tan", y),
    logSlope: (m, y) => m.call("log1p", m.call("square", m.call("tan", y))),
  },
  normal_cdf: {
    domain: "any",
    limits: { minus: 0, plus: 1 },
    inverse: (m, y) => m.call("normal_quantile", y),
    logSlope: (m, y) => {
      const square = m.call("square", m.call("normal_quantile", y));
      const half = m.call("mul", m.number(0.5), square);
      return m.call("add", half, m.number(0.5 * Math.log(2 * Math.PI)));
    },
  },
  normal_quantile: {
    domain: "any",
    limits: { minus: "-inf", plus: "inf" },
    inverse: (m, y) => m.call("normal_cdf", y),
    logSlope: (m, y) => {
      const half = m.call("mul", m.number(-0.5), m.call("square", y));
      return m.call("sub", half, m.number(0.5 * Math.log(2 * Math.PI)));
    },
  },
  sqrt: {
    domain: "nonnegative",
    limits: { minus: 0, plus: "inf" },
    inverse: (m, y) => m.call("square", y),
    logSlope: (m, y) => m.call("log", m.call("mul", m.number(2), y)),
  },
  square: {
    domain: "nonnegative",
    limits: { minus: 0, plus: "inf" },
    inverse: (m, y) => m.call("sqrt", y),
    logSlope: (m, y) =>
      minus(m, m.call("add", m.number(Math.LN2), m.call("mul", m.number(0.5), m.call("log", y)))),
  },
};

/**
 * The inverse of `image`, an expression that reads the local `name`, at the value `y`.
 * @param support where the local lies
 */
export function invert(
  cx: Cx,
  image: Expr,
  name: string,
  y: Expr,
  support: Support,
  m: Maker,
): Inverse | NoInverse {
  const steps: Step[] = [];
  const definitions = new Map<string, Expr>();
  const reads = (e: Expr): boolean => {
    if (e.kind === "var") {
      const known = definitions.get(e.name);
      return e.name === name || (known !== undefined && reads(known));
    }
    return childExprs(e).some(reads);
  };
  let at = image;
  for (;;) {
    if (at.kind === "block") {
      for (const l of at.lets) definitions.set(l.name, l.value);
      at = at.result;
      continue;
    }
    if (at.kind === "var") {
      if (at.name === name) break;
      const known = definitions.get(at.name);
      if (known === undefined) return "never";
      at = known;
      continue;
    }
    if (at.kind !== "call") return reads(at) ? "function" : "never";
    const readers = at.args.filter(reads);
    if (readers.length === 0) return "never";
    if (readers.length > 1) return "twice";
    // What stands beside the value is read outside of the blocks that define it.
    const others = at.args.map((a) => (a === readers[0] ? a : inlined(a, definitions)));
    const step = stepOf(cx, at.fn, others, readers[0], m);
    if (typeof step === "string") return step;
    steps.push(step);
    at = readers[0];
  }
  let value = y;
  let slope: Expr | undefined;
  for (const s of steps) {
    const own = s.logSlope(value);
    slope = slope === undefined ? own : m.call("add", slope, own);
    value = s.inverse(value);
  }
  if (slope === undefined)
    return { inverse: value, logSlope: m.number(0), increasing: true, support };
  let ends = endsOf(support, m);
  for (const s of [...steps].reverse()) {
    const [a, b] = [s.end(ends.lo), s.end(ends.hi)];
    ends = s.increasing ? { lo: a, hi: b } : { lo: b, hi: a };
  }
  const increasing =
    steps.every((s) => s.increasing) || steps.filter((s) => !s.increasing).length % 2 === 0;
  return {
    inverse: value,
    logSlope: summed(cx, slope, y, m),
    increasing,
    support: supportOf(ends),
  };
}

/** The expression with the definitions of blocks written into it. */
function inlined(e: Expr, definitions: ReadonlyMap<string, Expr>): Expr {
  const used = [...definitions].map(([name, value]) => ({ name, value }));
  return used.length === 0 || e.kind === "const"
    ? e
    : { kind: "block", lets: used, result: e, span: e.span, type: e.type };
}

/** Over all elements; a slope that all of them share counts for each. */
function summed(cx: Cx, slope: Expr, y: Expr, m: Maker): Expr {
  if (y.type.dims.length === 0) return slope;
  if (slope.type.dims.length > 0) return m.call("sum", slope);
  const sizes = y.type.dims.map((d) => m.call("real", sizeToExpr(d, y.span, cx)));
  return sizes.reduce((a, b) => m.call("mul", a, b), slope);
}

function stepOf(
  cx: Cx,
  fn: BuiltinName,
  args: readonly Expr[],
  u: Expr,
  m: Maker,
): Step | NoInverse {
  const known = unary[fn];
  if (known !== undefined) {
    if (known.domain === "nonnegative" && !(cx.model.interval(u).lo >= 0)) return "sign";
    return {
      inverse: (y) => known.inverse(m, y),
      logSlope: (y) => known.logSlope(m, y),
      increasing: true,
      end: (e) => {
        const { minus, plus } = known.limits;
        if (e === "-inf") return typeof minus === "number" ? m.number(minus) : "-inf";
        if (e === "inf") {
          if (fn === "atan") return m.number(Math.PI / 2);
          return typeof plus === "number" ? m.number(plus) : "inf";
        }
        return at(m, fn, e);
      },
    };
  }
  const [a, b] = args;
  const first = a === u;
  switch (fn) {
    case "neg":
      return {
        inverse: (y) => minus(m, y),
        logSlope: () => m.number(0),
        increasing: false,
        end: (e) => (e === "inf" ? "-inf" : e === "-inf" ? "inf" : at(m, "neg", e)),
      };
    case "real":
      return same(m);
    case "add":
      return shift(
        m,
        (y) => m.call("sub", y, first ? b : a),
        true,
        (e) => m.call("add", e, first ? b : a),
      );
    case "sub":
      return first
        ? shift(
            m,
            (y) => m.call("add", y, b),
            true,
            (e) => m.call("sub", e, b),
          )
        : shift(
            m,
            (y) => m.call("sub", a, y),
            false,
            (e) => m.call("sub", a, e),
          );
    case "mul":
      return scale(cx, m, first ? b : a, false);
    case "div":
      return first ? scale(cx, m, b, true) : reciprocal(cx, m, a, u);
    case "pow":
      return first ? power(cx, m, b, u) : "function";
    default:
      return "function";
  }
}

const same = (m: Maker): Step =>
  shift(
    m,
    (y) => y,
    true,
    (e) => e,
  );

function shift(
  m: Maker,
  inverse: (y: Expr) => Expr,
  increasing: boolean,
  end: (e: Expr) => Expr,
): Step {
  const flip = (e: "inf" | "-inf"): End => (increasing ? e : e === "inf" ? "-inf" : "inf");
  return {
    inverse,
    logSlope: () => m.number(0),
    increasing,
    end: (e) => (typeof e === "string" ? flip(e) : end(e)),
  };
}

/** y = c u, or u / c; the sign of c must be known. */
function scale(cx: Cx, m: Maker, c: Expr, divides: boolean): Step | NoInverse {
  const { lo, hi } = cx.model.interval(c);
  const up = lo >= 0;
  if (!up && !(hi <= 0)) return "sign";
  const logSize = m.call("log", m.call("abs", c));
  const flip = (e: "inf" | "-inf"): End => (up ? e : e === "inf" ? "-inf" : "inf");
  return {
    inverse: (y) => m.call(divides ? "mul" : "div", y, c),
    logSlope: () => (divides ? logSize : minus(m, logSize)),
    increasing: up,
    end: (e) => {
      if (typeof e === "string") return flip(e);
      if (e.kind === "const" && e.value === 0) return m.number(0);
      return m.call(divides ? "div" : "mul", e, c);
    },
  };
}

/** y = c / u with both above 0. */
function reciprocal(cx: Cx, m: Maker, c: Expr, u: Expr): Step | NoInverse {
  if (!(cx.model.interval(u).lo >= 0) || !(cx.model.interval(c).lo >= 0)) return "sign";
  return {
    inverse: (y) => m.call("div", c, y),
    logSlope: (y) => m.call("sub", m.call("log", c), m.call("mul", m.number(2), m.call("log", y))),
    increasing: false,
    end: (e) => {
      if (e === "inf") return m.number(0);
      if (e === "-inf" || (e.kind === "const" && e.value === 0)) return "inf";
      return m.call("div", c, e);
    },
  };
}

/** y = u^c with u above 0 and c above 0. */
function power(cx: Cx, m: Maker, c: Expr, u: Expr): Step | NoInverse {
  if (!(cx.model.interval(u).lo >= 0) || !(cx.model.interval(c).lo > 0)) return "sign";
  const inverse = m.call("div", m.number(1), c);
  return {
    inverse: (y) => m.call("pow", y, inverse),
    logSlope: (y) => {
      const rest = m.call("sub", inverse, m.number(1));
      return m.call("sub", m.call("mul", rest, m.call("log", y)), m.call("log", c));
    },
    increasing: true,
    end: (e) => (typeof e === "string" ? e : m.call("pow", e, c)),
  };
}

/** A function at an end that is a number, as a number. */
function at(m: Maker, fn: BuiltinName, e: Expr): End {
  if (e.kind === "const" && fn === "log" && e.value === 0) return "-inf";
  if (e.kind === "const" && (fn === "logit" || fn === "normal_quantile")) {
    if (e.value === 0) return "-inf";
    if (e.value === 1) return "inf";
  }
  return m.call(fn, e);
}

function endsOf(s: Support, m: Maker): Ends {
  switch (s.kind) {
    case "positive":
    case "nonnegative":
      return { lo: m.number(0), hi: "inf" };
    case "unit":
      return { lo: m.number(0), hi: m.number(1) };
    case "interval":
      return { lo: s.lower ?? "-inf", hi: s.upper ?? "inf" };
    default:
      return { lo: "-inf", hi: "inf" };
  }
}

function supportOf({ lo, hi }: Ends): Support {
  const lower = typeof lo === "string" ? undefined : lo;
  const upper = typeof hi === "string" ? undefined : hi;
  if (lower === undefined && upper === undefined) return { kind: "real" };
  const from = lower?.kind === "const" ? lower.value : undefined;
  const to = upper?.kind === "const" ? upper.value : undefined;
  if (from === 0 && upper === undefined) return { kind: "positive" };
  if (from === 0 && to === 1) return { kind: "unit" };
  return { kind: "interval", ...(lower && { lower }), ...(upper && { upper }) };
}
