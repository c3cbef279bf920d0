/**
 * Draws of sites whose declared support is narrower than their distribution's: exact wherever the
 * restriction is one of scalars or sorts equal copies, by rejection otherwise.
 */
import { DiagnosticSink, fail } from "../../base/diagnostic.js";
import type { DistExpr, Expr, Support, Variable } from "../../model/ir.js";
import { checkSupport } from "../condition/check-support.js";
import { compileDist, compileIid, compileNamed, definitionOf, type HostDist } from "./dist.js";
import { type Frame, scalarValue } from "./frame.js";
import type { LocalCompiler } from "./local.js";

interface Ends {
  readonly lower?: Expr;
  readonly upper?: Expr;
}
const MAX_TRIES = 10_000;

/** The sampler of `d` restricted to the support that `variable` declares. */
export function compileDraw(
  c: LocalCompiler,
  d: DistExpr,
  variable: Variable,
  eventDims: readonly number[],
): HostDist["draw"] {
  const { support } = variable;
  const ends = endsOf(support, d);
  if (ends !== undefined) {
    const exact = betweenEnds(c, d, ends);
    if (exact !== undefined) return exact.draw;
  }
  if (support.kind === "ordered" || support.kind === "positive_ordered") {
    const sorted = sortedCopies(c, d, support);
    if (sorted !== undefined) return sorted;
  }
  return byRejection(c, d, variable, eventDims);
}

function constant(value: number, d: DistExpr): Expr {
  return { kind: "const", value, span: d.span, type: { scalar: "real", dims: [] } };
}

/** The two ends of a support of scalars. */
function endsOf(s: Support, d: DistExpr): Ends | undefined {
  switch (s.kind) {
    case "positive":
    case "nonnegative":
      return { lower: constant(0, d) };
    case "unit":
      return { lower: constant(0, d), upper: constant(1, d) };
    case "interval":
      return { lower: s.lower, upper: s.upper };
    default:
      return undefined;
  }
}

/** Scalars conditioned on an interval, each by itself; undefined for whole vectors and matrices. */
function betweenEnds(c: LocalCompiler, d: DistExpr, ends: Ends): HostDist | undefined {
  switch (d.kind) {
    case "named":
      return definitionOf(d).event.rank === 0 ? compileNamed(c, d, ends) : undefined;
    case "truncated": {
      const { base } = d;
      if (base.kind !== "named" || d.censored) return undefined;
      return compileNamed(c, base, {
        lower: inner(d.lower, ends.lower, "maximum"),
        upper: inner(d.upper, ends.upper, "minimum"),
      });
    }
    case "iid": {
      const base = betweenEnds(c, d.base, ends);
      return base && compileIid(c, d, base);
    }
    case "mixture":
    case "written": {
      if (d.event.dims.length > 0 || (d.kind === "written" && d.censored)) return undefined;
      const whole = compileDist(c, d);
      const lower = ends.lower && c.scalar(ends.lower);
      const upper = ends.upper && c.scalar(ends.upper);
      const isInside = (f: Frame, [x]: Float64Array) =>
        x >= (lower?.(f) ?? -Infinity) && x <= (upper?.(f) ?? Infinity);
      return { ...whole, draw: rejecting(whole, isInside, d) };
    }
  }
}

/** The bound that cuts more. */
function inner(
  a: Expr | undefined,
  b: Expr | undefined,
  fn: "maximum" | "minimum",
): Expr | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { kind: "call", fn, args: [a, b], span: a.span, type: { scalar: "real", dims: [] } };
}

/** n equal independent scalars restricted to increasing order are those scalars sorted. */
function sortedCopies(
  c: LocalCompiler,
  d: DistExpr,
  support: Support,
): HostDist["draw"] | undefined {
  if (d.kind !== "iid" || d.sizes.length !== 1 || d.base.event.dims.length > 0) return undefined;
  const base =
    support.kind === "positive_ordered"
      ? betweenEnds(c, d.base, { lower: constant(0, d) })
      : compileDist(c, d.base);
  if (base === undefined) return undefined;
  const copies = compileIid(c, d, base);
  return (f, rng, out) => {
    copies.draw(f, rng, out);
    out.sort();
  };
}

function byRejection(
  c: LocalCompiler,
  d: DistExpr,
  variable: Variable,
  dims: readonly number[],
): HostDist["draw"] {
  const { support } = variable;
  const isInside = (f: Frame, x: Float64Array): boolean => {
    const sink = new DiagnosticSink();
    const scope = (name: string) => {
      const v = f.slots[c.slot(name)];
      return typeof v === "number" ? scalarValue(v) : v;
    };
    checkSupport(variable.name, support, { dims, data: x }, scope, sink);
    return !sink.hasErrors;
  };
  return rejecting(compileDist(c, d), isInside, d);
}

function rejecting(
  dist: HostDist,
  isInside: (f: Frame, x: Float64Array) => boolean,
  d: DistExpr,
): HostDist["draw"] {
  return (f, rng, out) => {
    for (let k = 0; k < MAX_TRIES; k++) {
      dist.draw(f, rng, out);
      if (isInside(f, out)) return;
    }
    fail("draw_without_mass", d.span, { tries: MAX_TRIES });
  };
}
