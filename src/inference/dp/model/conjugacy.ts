/**
 * Joint conjugacy of a component's parameters, found as conditionals are: by an identity, not by the
 * model's text. In a family with statistics T, log K(y_i | θ) = ⟨s_i, T(θ)⟩ + b_i and
 * log p₀(θ) − log h(θ) = ⟨η₀, T(θ)⟩ − A(η₀) for every θ. Both are solved for at random θ and tested
 * at others (a randomised identity test: Schwartz 1980).
 */
import { leastSquares } from "../../../math/linalg/index.js";
import type { ExpFamily, Setting } from "../../expfam/contract.js";
import { type ProductPart, productFamily } from "../product.js";
import type { Arrangement } from "./arrangements.js";

/** What the identity is tested on; rows of `thetas` in the arrangement's layout. */
export interface Densities {
  /** log p₀ of a row. */
  readonly base: (thetas: Float64Array, row: number) => number;
  /** log K(y_i | θ_row) of all items and rows, `out[i · count + row]`. */
  readonly table: (thetas: Float64Array, count: number, out: Float64Array) => void;
  readonly items: number;
}

export interface Solved {
  readonly prior: Float64Array;
  readonly contributions: Float64Array;
  readonly offsets: Float64Array;
}

/** Relative to the terms that the two sides are sums of. */
const TOLERANCE = 1e-7;
const TESTS = 6;

export function familyOf({ parts }: Arrangement): { family: ExpFamily; setting: Setting } {
  const [only] = parts;
  if (parts.length === 1) return { family: only.family, setting: only.setting };
  return { family: productFamily(parts), setting: { size: parts.length } };
}

export const naturalsOf = (parts: readonly ProductPart[]): number =>
  parts.reduce((n, p) => n + p.naturals, 0);

/** How many random θ the identity wants. */
export function pointsFor({ parts }: Arrangement): number {
  return 2 * (naturalsOf(parts) + 1) + TESTS;
}

/**
 * η₀, s and b from the densities at `points`, of which the last few are the test.
 * @returns undefined where the identity does not hold, or the points do not settle it
 */
export function solveIdentity(
  arrangement: Arrangement,
  densities: Densities,
  points: Float64Array,
): Solved | undefined {
  const { family, setting } = familyOf(arrangement);
  const width = arrangement.layout.length;
  const total = points.length / width;
  const rows = Array.from({ length: total }, (_, r) => points.subarray(r * width, (r + 1) * width));
  const statistics = rows.map((x) => family.statistics(x, setting));
  const base = rows.map((x, r) => densities.base(points, r) - family.logBase(x, setting));
  const { items } = densities;
  const table = new Float64Array(items * total);
  densities.table(points, total, table);
  // Points where a density or statistic overflows say nothing.
  const usable = rows.flatMap((_, r) => {
    if (!Number.isFinite(base[r]) || !statistics[r].every(Number.isFinite)) return [];
    for (let i = 0; i < items; i++) if (!Number.isFinite(table[i * total + r])) return [];
    return [r];
  });
  const columns = 1 + items;
  const value = (r: number, c: number): number => (c === 0 ? base[r] : table[(c - 1) * total + r]);
  const terms = equalTerms(usable.map((r) => statistics[r]));
  if (usable.length < terms.length + 1 + TESTS) return undefined;
  const fitted = usable.slice(0, -TESTS);
  const solution = fit(fitted, terms, statistics, columns, value);
  if (solution === undefined) return undefined;
  const n = terms.length + 1;
  // The largest number met at a column's points: what rounding is relative to.
  for (const r of usable) {
    for (let c = 0; c < columns; c++) {
      let [sum, scale] = [0, Math.abs(value(r, c))];
      for (let k = 0; k < n; k++) {
        const t = k < terms.length ? statistics[r][terms[k][0]] : 1;
        const term = solution[k * columns + c] * t;
        sum += term;
        scale += Math.abs(term);
      }
      // Beside an infinite scale everything would agree.
      if (!Number.isFinite(scale)) return undefined;
      if (!(Math.abs(sum - value(r, c)) <= TOLERANCE * scale)) return undefined;
    }
  }
  const naturals = naturalsOf(arrangement.parts);
  const prior = new Float64Array(naturals);
  const contributions = new Float64Array(items * naturals);
  const offsets = new Float64Array(items);
  terms.forEach((same, k) => {
    for (const at of same) {
      prior[at] = solution[k * columns] / same.length;
      for (let i = 0; i < items; i++) {
        contributions[i * naturals + at] = solution[k * columns + 1 + i] / same.length;
      }
    }
  });
  for (let i = 0; i < items; i++) offsets[i] = solution[terms.length * columns + 1 + i];
  if (!family.isValid(prior, setting)) return undefined;
  // The base must be normalised as the family is.
  const constant = -solution[terms.length * columns];
  const normaliser = family.logNormaliser(prior, setting);
  const isNormalised = Math.abs(constant - normaliser) <= 1e-6 * (1 + Math.abs(normaliser));
  return isNormalised ? { prior, contributions, offsets } : undefined;
}

/** Statistics that are equal everywhere, as the two halves of a symmetric matrix, as one term. */
function equalTerms(statistics: readonly Float64Array[]): number[][] {
  const groups: number[][] = [];
  const count = statistics[0]?.length ?? 0;
  for (let k = 0; k < count; k++) {
    const same = groups.find(([j]) =>
      statistics.every((t) => Math.abs(t[j] - t[k]) <= 1e-12 * Math.abs(t[k])),
    );
    if (same === undefined) groups.push([k]);
    else same.push(k);
  }
  return groups;
}

/** Least squares in scaled columns: `[terms + 1, columns]`, the constant last. */
function fit(
  points: readonly number[],
  terms: readonly number[][],
  statistics: readonly Float64Array[],
  columns: number,
  value: (r: number, c: number) => number,
): Float64Array | undefined {
  const n = terms.length + 1;
  const m = points.length;
  const at = (r: number, k: number): number => (k < terms.length ? statistics[r][terms[k][0]] : 1);
  const scales = Float64Array.from({ length: n }, (_, k) =>
    points.reduce((most, r) => Math.max(most, Math.abs(at(r, k))), 0),
  );
  if (scales.some((s) => !(s > 0))) return undefined;
  const a = Float64Array.from({ length: m * n }, (_, e) => {
    const k = e % n;
    return at(points[Math.floor(e / n)], k) / scales[k];
  });
  const b = new Float64Array(m * columns);
  points.forEach((r, row) => {
    for (let c = 0; c < columns; c++) b[row * columns + c] = value(r, c);
  });
  const solved = leastSquares(a, b, m, n, columns)?.solution;
  return solved?.map((v, e) => v / scales[Math.floor(e / columns)]);
}
