/** Formal Cholesky factors of matrix sites; see `summation.ts` for what becomes of them. */

import type { Algebra } from "./algebra.js";
import { offsets, stridesBy } from "./arrays.js";
import { powerOf } from "./coefficients.js";
import { readingPower } from "./readings.js";
import {
  type Axis,
  axesSize,
  type Constant,
  Obstacle,
  type Reading,
  sitesOf,
  type Term,
  type Value,
} from "./terms.js";

/** The lower factor of a positive multiple of a matrix site, or of its inverse. */
export function choleskyOf(a: Algebra, v: Value): Value {
  const refuse = (why: string): never => {
    throw new Obstacle(sitesOf(v.terms), `the Cholesky factor of ${why} has no expectation`);
  };
  const [t] = v.terms;
  if (v.terms.length !== 1 || t.sums.length > 0) {
    return refuse("a sum of random matrices");
  }
  const diagonal = diagonalPower(a, v, 0.5);
  if (diagonal !== undefined) return diagonal;
  if (t.readings.length !== 1) return refuse("a product of random matrices");
  const [r] = t.readings;
  const [rows, columns] = v.dims.slice(-2);
  if (t.coefficients.some((c) => c.axes.some((x) => rows.includes(x) || columns.includes(x)))) {
    return refuse("a matrix that is scaled by element");
  }
  const d = a.sites[r.site].matrix;
  const isMatrix = r.fn.kind === "inverse" || (r.fn.kind === "power" && r.fn.exponent === 1);
  if (d === undefined || !isMatrix || !isWhole(r, rows, columns, d)) {
    return refuse("anything but a matrix site");
  }
  const ofInverse = r.fn.kind === "inverse";
  const coefficients = t.coefficients.map((c) => powerOf(a.g, c, 0.5));
  const fn =
    d === 1
      ? ({ kind: "power", exponent: ofInverse ? -0.5 : 0.5 } as const)
      : ({ kind: "factor", ofInverse, inverted: false } as const);
  return { dims: v.dims, terms: [{ ...t, coefficients, readings: [{ ...r, fn }] }] };
}

/** The inverse of what `choleskyOf` gives; undefined for anything else. */
export function inverseFactor(a: Algebra, v: Value): Value | undefined {
  const [t] = v.terms;
  const diagonal = diagonalPower(a, v, -1);
  if (diagonal !== undefined) return diagonal;
  if (v.terms.length !== 1 || t.sums.length > 0 || t.readings.length !== 1) return undefined;
  const [r] = t.readings;
  const d = a.sites[r.site].matrix;
  if (d === undefined) return undefined;
  const coefficients = t.coefficients.map((c) => powerOf(a.g, c, -1));
  const inverse = (reading: Reading): Value => {
    const term: Term = { ...t, coefficients, readings: [reading] };
    return { dims: v.dims, terms: [term] };
  };
  if (d === 1 && r.fn.kind === "power") {
    return inverse({ ...r, fn: { kind: "power", exponent: -r.fn.exponent } });
  }
  const [rows, columns] = v.dims.slice(-2);
  if (r.fn.kind !== "factor" || r.fn.inverted || !isWhole(r, rows, columns, d)) return undefined;
  return inverse({ ...r, fn: { ...r.fn, inverted: true } });
}

/** The inverse of a matrix site (times a scalar); undefined for anything else. */
export function inverseMatrix(a: Algebra, v: Value): Value | undefined {
  const [t] = v.terms;
  const diagonal = diagonalPower(a, v, -1);
  if (diagonal !== undefined) return diagonal;
  if (v.terms.length !== 1 || t.sums.length > 0 || t.readings.length !== 1) return undefined;
  const [r] = t.readings;
  const d = a.sites[r.site].matrix;
  const [rows, columns] = v.dims.slice(-2);
  if (d === undefined || !isWhole(r, rows, columns, d)) return undefined;
  const coefficients = t.coefficients.map((c) => powerOf(a.g, c, -1));
  const of = (reading: Reading): Value => ({
    dims: v.dims,
    terms: [{ ...t, coefficients, readings: [reading] }],
  });
  if (r.fn.kind === "inverse") return of({ ...r, fn: { kind: "power", exponent: 1 } });
  if (r.fn.kind !== "power" || Math.abs(r.fn.exponent) !== 1) return undefined;
  if (d === 1) return of({ ...r, fn: { kind: "power", exponent: -r.fn.exponent } });
  return r.fn.exponent === 1 ? of({ ...r, fn: { kind: "inverse" } }) : undefined;
}

/** log |X| of a matrix site (times a scalar), over the dims before the last two. */
export function logDeterminantOf(a: Algebra, v: Value): Value {
  const l = choleskyOf(a, v);
  const [t] = l.terms;
  const [r] = t.readings;
  const [rows, columns] = l.dims.slice(-2);
  const d = a.sites[r.site].matrix ?? 1;
  const dims = l.dims.slice(0, -2);
  const kept = r.axes.filter((x) => !rows.includes(x) && !columns.includes(x));
  const at = offsets(kept, stridesBy(r.axes));
  const index = at.map((p) => Math.floor(r.index[p] / (d * d)));
  const ofInverse = (r.fn.kind === "factor" && r.fn.ofInverse) || isNegativePower(r);
  const fn = { kind: "log_det" } as const;
  const whole = a.scale(
    a.ofReading({ site: r.site, fn, axes: kept, index }, dims),
    ofInverse ? -1 : 1,
  );
  if (t.coefficients.length === 0) return whole;
  return t.coefficients.reduce((sum, c) => {
    const log = a.map(
      a.ofCoefficient(c, dims),
      (x) => 2 * d * Math.log(x),
      (n) => a.g.mul(a.g.log(n), 2 * d),
    );
    return a.add(sum, log);
  }, whole);
}

/** A diagonal matrix of positive elements to a power, as a matrix; undefined for anything else. */
function diagonalPower(a: Algebra, v: Value, p: number): Value | undefined {
  const [t] = v.terms;
  if (v.terms.length !== 1 || t.sums.length > 0 || t.readings.length === 0) return undefined;
  if (!isDiagonalTerm(t, v)) return undefined;
  const powers = t.coefficients.map((c) => {
    if (c.kind === "node") return powerOf(a.g, c, p);
    // Zeros off the diagonal stay.
    return { ...c, data: c.data.map((x) => (x === 0 ? 0 : x ** p)) };
  });
  if (!t.readings.every((r) => a.sites[r.site].isPositive)) return undefined;
  const readings = t.readings.map((r) => readingPower(r, p, a.sites));
  return { dims: v.dims, terms: [{ ...t, coefficients: powers, readings }] };
}

/** Whether a single term is a diagonal matrix by its coefficients (or 1 × 1, of positive readings). */
function isDiagonalTerm(t: Term, v: Value): boolean {
  const [rows, columns] = v.dims.slice(-2);
  if (rows.length === 0 && columns.length === 0) {
    return t.readings.every((r) => r.fn.kind === "power");
  }
  if (rows.length !== columns.length) return false;
  return t.coefficients.some((c) => c.kind === "constant" && isDiagonal(c, rows, columns));
}

/** The diagonal of a matrix that is diagonal by its coefficients; undefined for any other. */
export function diagonalOf(a: Algebra, v: Value): Value | undefined {
  const rank = v.dims.length;
  const n = axesSize(v.dims[rank - 1]);
  if (n === 1 || !v.terms.every((t) => t.readings.length > 0 && isDiagonalTerm(t, v))) {
    return undefined;
  }
  const lead = v.dims.slice(0, -2).map(axesSize);
  const at = Array.from({ length: n }, (_, i) => i * (n + 1));
  return a.gather(a.reshape(v, [...lead, n * n]), rank - 2, at, [n]);
}

/** Whether an array is zero wherever row and column differ. */
function isDiagonal(c: Constant, rows: readonly Axis[], columns: readonly Axis[]): boolean {
  const all = [...rows, ...columns];
  if (!all.every((x) => c.axes.includes(x))) return false;
  const rest = c.axes.filter((x) => !all.includes(x));
  const n = axesSize(rows);
  const at = offsets([...rest, ...all], stridesBy(c.axes));
  return at.every((p, k) => Math.floor((k % (n * n)) / n) === k % n || c.data[p] === 0);
}

const isNegativePower = (r: Reading): boolean => r.fn.kind === "power" && r.fn.exponent < 0;

/** Whether a reading runs through whole matrices, rows and columns being these dims. */
function isWhole(r: Reading, rows: readonly Axis[], columns: readonly Axis[], d: number): boolean {
  if (d === 1) return rows.length === 0 && columns.length === 0;
  if (rows.length !== 1 || columns.length !== 1) return false;
  const [i, j] = [rows[0], columns[0]];
  if (i.size !== d || j.size !== d || !r.axes.includes(i) || !r.axes.includes(j)) return false;
  const rest = r.axes.filter((x) => x !== i && x !== j);
  const from = stridesBy(r.axes);
  const at = offsets([...rest, i, j], from);
  const block = d * d;
  const fits = (p: number, k: number, transposed: boolean): boolean => {
    const [row, column] = [Math.floor((k % block) / d), k % d];
    return p % block === (transposed ? column * d + row : row * d + column);
  };
  const matches = (transposed: boolean): boolean =>
    at.every((p, k) => {
      const first = r.index[at[k - (k % block)]];
      const position = r.index[p];
      return (
        Math.floor(position / block) === Math.floor(first / block) && fits(position, k, transposed)
      );
    });
  return matches(false) || (r.fn.kind !== "factor" && matches(true));
}
