/**
 * Sums over axes. What can be summed now is: axes of one coefficient, or of two known ones. Sums
 * over a Cholesky factor's columns give the matrix back: with L Lᵀ = X, Σⱼ L[i, j] L[k, j] =
 * X[i, k], Σᵢ L⁻¹[i, j] L⁻¹[i, k] = X⁻¹[j, k], and Σᵢ log L[i, i] = ½ log |X|.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import { contract, multiply, offsets, scalarConstant, spreadIndex, stridesBy } from "./arrays.js";
import { MAX_PRODUCT, summed, withFactor } from "./coefficients.js";
import { multiplyReadings } from "./readings.js";
import type { SiteFacts } from "./sites.js";
import {
  type Axis,
  axesSize,
  type Coefficient,
  type Constant,
  type Reading,
  type Term,
  unionOf,
} from "./terms.js";

/** The term summed over `axes`, which leave the value's dims. */
export function sumTerm(
  g: GraphBuilder,
  sites: readonly SiteFacts[],
  t: Term,
  axes: readonly Axis[],
): Term {
  let out: Term = { ...t, sums: [...t.sums, ...axes] };
  for (;;) {
    const next = step(g, sites, out);
    if (next === undefined) return out;
    out = next;
  }
}

/** One simplification of the sums; undefined where there is none. */
function step(g: GraphBuilder, sites: readonly SiteFacts[], t: Term): Term | undefined {
  for (const axis of t.sums) {
    const holders = t.coefficients.filter((c) => c.axes.includes(axis));
    const readers = t.readings.filter((r) => r.axes.includes(axis));
    const sums = t.sums.filter((a) => a !== axis);
    if (readers.length === 0) {
      if (holders.length === 0) {
        const n = scalarConstant(axis.size);
        return { ...t, sums, coefficients: withFactor(g, t.coefficients, n) };
      }
      const rest = t.coefficients.filter((c) => !holders.includes(c));
      const made = sumHolders(g, holders, axis);
      if (made !== undefined) return { ...t, sums, coefficients: withFactor(g, rest, made) };
    }
    if (holders.length > 0) continue;
    const others = t.readings.filter((r) => !readers.includes(r));
    if (readers.length === 2) {
      const made = matrixElement(readers[0], readers[1], axis, sites);
      if (made === undefined) continue;
      return { ...t, sums, readings: multiplyReadings([...others, made], sites) };
    }
    if (readers.length === 1) {
      const made = logDeterminant(readers[0], axis, sites);
      if (made === undefined) continue;
      const coefficients = withFactor(g, t.coefficients, scalarConstant(made.factor));
      return { ...t, sums, coefficients, readings: [...others, made.reading] };
    }
  }
  return undefined;
}

function sumHolders(
  g: GraphBuilder,
  holders: readonly Coefficient[],
  axis: Axis,
): Coefficient | undefined {
  if (holders.length === 1) return summed(g, holders[0], new Set([axis]));
  const known = holders.filter((c): c is Constant => c.kind === "constant");
  if (known.length !== holders.length) return undefined;
  const size = axesSize(unionOf(known).filter((a) => a !== axis));
  if (size > MAX_PRODUCT) return undefined;
  const [last, ...front] = [...known].reverse();
  return contract(front.reduce(multiply), last, [axis]);
}

/** Row, column and matrix of a formal reading, with one of them a bijection of `axis` alone. */
interface Along {
  /** The other coordinate and the matrix, over `rest`. */
  readonly rest: readonly Axis[];
  readonly outer: Int32Array;
  readonly event: Int32Array;
  readonly inner: Int32Array;
}

function along(r: Reading, axis: Axis, d: number, innerIsRow: boolean): Along | undefined {
  if (axis.size !== d) return undefined;
  const rest = r.axes.filter((a) => a !== axis);
  const strides = stridesBy(r.axes);
  const bases = offsets(rest, strides);
  const stride = strides.get(axis) ?? 0;
  const innerOf = (p: number): number => (innerIsRow ? Math.floor(p / d) % d : p % d);
  const outerOf = (p: number): number => (innerIsRow ? p % d : Math.floor(p / d) % d);
  const inner = Int32Array.from({ length: d }, (_, k) => innerOf(r.index[k * stride]));
  if (new Set(inner).size !== d) return undefined;
  const outer = new Int32Array(bases.length);
  const event = new Int32Array(bases.length);
  for (let i = 0; i < bases.length; i++) {
    const first = r.index[bases[i]];
    outer[i] = outerOf(first);
    event[i] = Math.floor(first / (d * d));
    for (let k = 0; k < d; k++) {
      const p = r.index[bases[i] + k * stride];
      if (innerOf(p) !== inner[k] || outerOf(p) !== outer[i]) return undefined;
      if (Math.floor(p / (d * d)) !== event[i]) return undefined;
    }
  }
  return { rest, outer, event, inner };
}

function matrixElement(
  a: Reading,
  b: Reading,
  axis: Axis,
  sites: readonly SiteFacts[],
): Reading | undefined {
  const d = sites[a.site].matrix;
  if (d === undefined || a.site !== b.site) return undefined;
  if (a.fn.kind !== "factor" || b.fn.kind !== "factor") return undefined;
  const { ofInverse, inverted } = a.fn;
  if (b.fn.ofInverse !== ofInverse || b.fn.inverted !== inverted) return undefined;
  const x = along(a, axis, d, inverted);
  const y = along(b, axis, d, inverted);
  if (x === undefined || y === undefined) return undefined;
  if (!x.inner.every((v, k) => v === y.inner[k])) return undefined;
  const axes = unionOf([{ axes: x.rest }, { axes: y.rest }]);
  const [e1, e2] = [x, y].map((s) => spreadIndex(s.event, s.rest, axes));
  if (!e1.every((v, k) => v === e2[k])) return undefined;
  const [i, j] = [x, y].map((s) => spreadIndex(s.outer, s.rest, axes));
  // The matrix is symmetric: the lower triangle stands for both.
  const index = e1.map((e, k) => e * d * d + Math.max(i[k], j[k]) * d + Math.min(i[k], j[k]));
  const fn =
    ofInverse === inverted
      ? ({ kind: "power", exponent: 1 } as const)
      : ({ kind: "inverse" } as const);
  return { site: a.site, fn, axes, index };
}

function logDeterminant(
  r: Reading,
  axis: Axis,
  sites: readonly SiteFacts[],
): { readonly factor: number; readonly reading: Reading } | undefined {
  const d = sites[r.site].matrix;
  if (d === undefined || r.fn.kind !== "log_diagonal" || axis.size !== d) return undefined;
  const rest = r.axes.filter((a) => a !== axis);
  const strides = stridesBy(r.axes);
  const bases = offsets(rest, strides);
  const stride = strides.get(axis) ?? 0;
  const event = new Int32Array(bases.length);
  for (let i = 0; i < bases.length; i++) {
    event[i] = Math.floor(r.index[bases[i]] / (d * d));
    const seen = new Set<number>();
    for (let k = 0; k < d; k++) {
      const p = r.index[bases[i] + k * stride];
      if (Math.floor(p / (d * d)) !== event[i]) return undefined;
      seen.add(p % d);
    }
    if (seen.size !== d) return undefined;
  }
  const reading: Reading = { site: r.site, fn: { kind: "log_det" }, axes: rest, index: event };
  return { factor: r.fn.ofInverse ? -0.5 : 0.5, reading };
}
