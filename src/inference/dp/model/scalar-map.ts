/** Scalars of elementwise supports on the whole line and back, on the host, for slice sampling. */
import { internalError } from "../../../base/internal.js";
import type { Expr, Support } from "../../../model/ir.js";

export interface ScalarMap {
  readonly toLine: (x: number) => number;
  readonly fromLine: (u: number) => number;
  /** log |dx/du|. */
  readonly logSlope: (u: number) => number;
}

const softplus = (u: number): number => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));
const sigmoid = (u: number): number =>
  u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u));

const line: ScalarMap = { toLine: (x) => x, fromLine: (u) => u, logSlope: () => 0 };

const above = (a: number): ScalarMap => ({
  toLine: (x) => Math.log(x - a),
  fromLine: (u) => a + Math.exp(u),
  logSlope: (u) => u,
});
const below = (b: number): ScalarMap => ({
  toLine: (x) => Math.log(b - x),
  fromLine: (u) => b - Math.exp(u),
  logSlope: (u) => u,
});
const between = (a: number, b: number): ScalarMap => ({
  toLine: (x) => Math.log((x - a) / (b - x)),
  fromLine: (u) => a + (b - a) * sigmoid(u),
  logSlope: (u) => Math.log(b - a) - softplus(u) - softplus(-u),
});

const bound = (e: Expr | undefined): number | undefined =>
  e === undefined ? undefined : e.kind === "const" ? e.value : internalError("a bound is random");

/** For supports that `structureOf` lets through. */
export function scalarMap(s: Support): ScalarMap {
  switch (s.kind) {
    case "real":
      return line;
    case "positive":
    case "nonnegative":
      return above(0);
    case "unit":
      return between(0, 1);
    case "interval": {
      const [a, b] = [bound(s.lower), bound(s.upper)];
      if (a !== undefined && b !== undefined) return between(a, b);
      if (a !== undefined) return above(a);
      return b === undefined ? line : below(b);
    }
    default:
      return internalError(`no scalar map of ${s.kind}`);
  }
}
