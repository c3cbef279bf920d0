/** Checks the values of an input or an observed site against a support: a total table. */
import type { DiagnosticSink } from "../../base/diagnostic.js";
import { type DataValue, elementName, unravel } from "../../model/data.js";
import type { Expr, Support, SupportKind } from "../../model/ir.js";
import { printExpr } from "../../model/print.js";
import { walkExpr } from "../../model/traverse.js";
import { evaluateExpr } from "../interpret/expr.js";

type Scope = ((name: string) => DataValue | undefined) | undefined;
/** Why a value is outside, or undefined where it is inside. */
type ScalarRule<K extends SupportKind> = (
  support: Extract<Support, { kind: K }>,
  scope: Scope,
) => (x: number) => string | undefined;
/** For supports of whole vectors and matrices; `x` is one event, `n` its last size. */
type EventRule = (x: Float64Array, n: number) => string | undefined;

const inside = (): undefined => undefined;
/** A bound's value; undefined where it is one of several, or reads what inference is to find. */
function bound(e: Expr | undefined, scope: Scope): number | undefined {
  if (e === undefined || e.type.dims.length > 0) return undefined;
  let isKnown = true;
  walkExpr(e, (x) => {
    if (x.kind === "var" && scope?.(x.name) === undefined) isKnown = false;
  });
  return isKnown ? evaluateExpr(e, scope ?? (() => undefined)).data[0] : undefined;
}

const scalarRules: { [K in SupportKind]?: ScalarRule<K> } = {
  real: () => inside,
  int: () => inside,
  bool: () => inside,
  positive: () => (x) => (x > 0 ? undefined : "it must be above 0"),
  nonnegative: () => (x) => (x >= 0 ? undefined : "it must be at least 0"),
  unit: () => (x) => (x >= 0 && x <= 1 ? undefined : "it must be between 0 and 1"),
  count: () => (x) => (x >= 0 && Number.isInteger(x) ? undefined : "it must be 0, 1, 2, …"),
  interval: (s, scope) => {
    const lower = bound(s.lower, scope) ?? Number.NEGATIVE_INFINITY;
    const upper = bound(s.upper, scope) ?? Number.POSITIVE_INFINITY;
    return (x) =>
      x >= lower && x <= upper ? undefined : `it must be between ${lower} and ${upper}`;
  },
  category: (s, scope) => {
    const size = bound(s.size, scope) ?? Number.POSITIVE_INFINITY;
    return (x) =>
      x >= 0 && x < size && Number.isInteger(x)
        ? undefined
        : `it must be one of 0 … ${size - 1}${x === size ? "; indices start at 0" : ""}`;
  },
  integers: (s, scope) => {
    const lower = bound(s.lower, scope) ?? Number.NEGATIVE_INFINITY;
    const upper = bound(s.upper, scope) ?? Number.POSITIVE_INFINITY;
    return (x) =>
      x >= lower && x <= upper && Number.isInteger(x)
        ? undefined
        : `it must be a whole number from ${lower} to ${upper}`;
  },
};

/** Relative slack for constraints that data can only meet up to rounding. */
const slack = 1e-8;

const eventRules: { [K in SupportKind]?: { rank: 1 | 2; check: EventRule } } = {
  simplex: {
    rank: 1,
    check: (x) => {
      if (x.some((v) => v < 0)) return "its entries must be at least 0";
      const total = x.reduce((a, b) => a + b, 0);
      return Math.abs(total - 1) <= slack ? undefined : `its entries sum to ${total}, not 1`;
    },
  },
  ordered: { rank: 1, check: (x) => increasing(x) },
  positive_ordered: {
    rank: 1,
    check: (x) => (x.length > 0 && x[0] <= 0 ? "its entries must be above 0" : increasing(x)),
  },
  unit_vector: {
    rank: 1,
    check: (x) => {
      const norm = Math.sqrt(x.reduce((a, b) => a + b * b, 0));
      return Math.abs(norm - 1) <= slack ? undefined : `its length is ${norm}, not 1`;
    },
  },
  cov: { rank: 2, check: (x, n) => symmetric(x, n) ?? positiveDefinite(x, n) },
  corr: {
    rank: 2,
    check: (x, n) => unitDiagonal(x, n) ?? symmetric(x, n) ?? positiveDefinite(x, n),
  },
  cholesky_cov: { rank: 2, check: (x, n) => lowerFactor(x, n) },
  cholesky_corr: {
    rank: 2,
    check: (x, n) => {
      const reason = lowerFactor(x, n);
      if (reason !== undefined) return reason;
      for (let i = 0; i < n; i++) {
        let norm = 0;
        for (let j = 0; j <= i; j++) norm += x[i * n + j] ** 2;
        if (Math.abs(norm - 1) > slack) return `row ${i} has length ${Math.sqrt(norm)}, not 1`;
      }
      return undefined;
    },
  },
};

/** Reports the first value outside `support`. Bounds that the scope cannot tell are not checked. */
export function checkSupport(
  name: string,
  support: Support,
  value: DataValue,
  scope: Scope,
  sink: DiagnosticSink,
): void {
  const report = (position: number, dims: readonly number[], shown: string, reason: string) =>
    sink.report("data_outside_support", undefined, {
      element: elementName(name, unravel(position, dims)),
      value: shown,
      support: described(support, scope),
      reason,
    });
  const eventRule = eventRules[support.kind];
  if (eventRule !== undefined) {
    const n = value.dims[value.dims.length - 1];
    const size = eventRule.rank === 1 ? n : n * n;
    if (value.dims.length < eventRule.rank || size === 0) return;
    const outer = value.dims.slice(0, value.dims.length - eventRule.rank);
    for (let start = 0; start < value.data.length; start += size) {
      const event = value.data.subarray(start, start + size);
      if (event.some(Number.isNaN)) continue;
      const reason = eventRule.check(event, n);
      if (reason !== undefined) {
        report(
          start / size,
          outer,
          `[${[...event.subarray(0, 6)].join(", ")}${size > 6 ? ", …" : ""}]`,
          reason,
        );
        return;
      }
    }
    return;
  }
  // The rule's parameter narrows with the key, which indexing cannot express.
  const rule = scalarRules[support.kind] as ScalarRule<SupportKind> | undefined;
  if (rule === undefined) return;
  const why = rule(support, scope);
  const { data, missing } = value;
  for (let i = 0; i < data.length; i++) {
    const x = data[i];
    // Data are large: what is allowed everywhere costs no call.
    if (why === inside && !Number.isNaN(x)) continue;
    if (missing?.[i] === 1) continue;
    const reason = Number.isNaN(x) ? "it is not a number" : why(x);
    if (reason !== undefined) {
      report(i, value.dims, String(x), reason);
      return;
    }
  }
}

/** The support with what its bounds are for this data. */
function described(support: Support, scope: Scope): string {
  const shown = (e: Expr | undefined) => bound(e, scope) ?? (e === undefined ? "" : printExpr(e));
  switch (support.kind) {
    case "category":
      return `category(${shown(support.size)})`;
    case "interval":
      if (support.upper === undefined) return `above(${shown(support.lower)})`;
      if (support.lower === undefined) return `below(${shown(support.upper)})`;
      return `between(${shown(support.lower)}, ${shown(support.upper)})`;
    default:
      return support.kind;
  }
}

function increasing(x: Float64Array): string | undefined {
  for (let i = 1; i < x.length; i++) {
    if (!(x[i] > x[i - 1])) return `entry ${i} (${x[i]}) is not above entry ${i - 1} (${x[i - 1]})`;
  }
  return undefined;
}

function symmetric(x: Float64Array, n: number): string | undefined {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const a = x[i * n + j];
      const b = x[j * n + i];
      if (Math.abs(a - b) > slack * (Math.abs(a) + Math.abs(b))) {
        return `it is not symmetric: [${i},${j}] is ${a} but [${j},${i}] is ${b}`;
      }
    }
  }
  return undefined;
}

function unitDiagonal(x: Float64Array, n: number): string | undefined {
  for (let i = 0; i < n; i++) {
    if (Math.abs(x[i * n + i] - 1) > slack)
      return `its diagonal entry ${i} is ${x[i * n + i]}, not 1`;
  }
  return undefined;
}

/** By an attempted Cholesky factorisation. */
function positiveDefinite(x: Float64Array, n: number): string | undefined {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let s = x[i * n + j];
      for (let k = 0; k < j; k++) s -= l[i * n + k] * l[j * n + k];
      if (i !== j) l[i * n + j] = s / l[j * n + j];
      else if (s > 0) l[i * n + i] = Math.sqrt(s);
      else return "it is not positive definite";
    }
  }
  return undefined;
}

function lowerFactor(x: Float64Array, n: number): string | undefined {
  for (let i = 0; i < n; i++) {
    if (!(x[i * n + i] > 0)) return `its diagonal entry ${i} is not above 0`;
    for (let j = i + 1; j < n; j++) {
      if (x[i * n + j] !== 0) return `its entry [${i},${j}] above the diagonal is not 0`;
    }
  }
  return undefined;
}
