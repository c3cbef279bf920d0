/**
 * A family fitted to a log density by its values: log p(v) = c + ⟨η, T(v)⟩ has as many unknowns as
 * T has numbers, and one more; further values test it.
 */
import { solve } from "../../math/linalg/index.js";
import type { RandomStream } from "../../math/rng/random.js";
import type { ConditionalRule } from "../conditionals/rules.js";
import { expFamilies, type Setting } from "../expfam/index.js";

/** A family to try: its rule, and what is fixed in it. */
export interface Candidate {
  readonly rule: Pick<ConditionalRule, "family" | "point">;
  readonly setting: Setting;
}

export interface UnitFit extends Candidate {
  readonly eta: Float64Array;
}

const TESTS = 4;
const TOLERANCE = 1e-7;

/** η, or undefined where the density is not of the family or is improper. */
export function fitUnit(
  { rule, setting }: Candidate,
  density: (v: Float64Array) => number,
  rng: RandomStream,
): UnitFit | undefined {
  const family = expFamilies[rule.family];
  const { size } = setting;
  const isMatrix = rule.family === "Wishart" || rule.family === "InverseWishart";
  const statistics = (v: Float64Array): Float64Array => {
    const t = family.statistics(v, setting);
    return isMatrix ? lowerHalf(t, size) : t;
  };
  const unknowns = statistics(rule.point(rng, size)).length;
  const points = Array.from({ length: unknowns + 1 + TESTS }, () => rule.point(rng, size));
  const values = points.map(density);
  if (!values.every(Number.isFinite)) return undefined;
  const rows = points.map(statistics);
  const matrix = new Float64Array(unknowns * unknowns);
  const right = new Float64Array(unknowns);
  for (let i = 0; i < unknowns; i++) {
    right[i] = values[i + 1] - values[0];
    for (let j = 0; j < unknowns; j++) matrix[i * unknowns + j] = rows[i + 1][j] - rows[0][j];
  }
  const reduced = solve(matrix, right, unknowns);
  if (reduced === undefined) return undefined;
  for (let k = unknowns + 1; k < points.length; k++) {
    let predicted = values[0];
    let scale = 1 + Math.abs(values[0]) + Math.abs(values[k]);
    reduced.forEach((e, j) => {
      predicted += e * (rows[k][j] - rows[0][j]);
      scale += Math.abs(e) * (Math.abs(rows[k][j]) + Math.abs(rows[0][j]));
    });
    // Beside an infinite scale everything would agree.
    if (!Number.isFinite(scale)) return undefined;
    if (!(Math.abs(predicted - values[k]) <= TOLERANCE * scale)) return undefined;
  }
  const eta = isMatrix ? wholeMatrix(reduced, size) : reduced;
  return family.isValid(eta, setting) ? { rule, setting, eta } : undefined;
}

/** A Pareto that begins at `lower`. */
export function paretoCandidate(lower: number): Candidate {
  return {
    rule: {
      family: "Pareto",
      point: (rng) => Float64Array.of(lower * Math.exp(3 * rng.uniform())),
    },
    setting: { size: 1, lower },
  };
}

/** (t₀, the lower triangle with its off-diagonal entries doubled). */
function lowerHalf(t: Float64Array, n: number): Float64Array {
  const out = [t[0]];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) out.push((i === j ? 1 : 2) * t[1 + i * n + j]);
  }
  return Float64Array.from(out);
}

/** The symmetric matrix of a lower triangle, behind the first number. */
function wholeMatrix(half: Float64Array, n: number): Float64Array {
  const out = new Float64Array(1 + n * n);
  out[0] = half[0];
  let next = 1;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      out[1 + i * n + j] = half[next];
      out[1 + j * n + i] = half[next];
      next++;
    }
  }
  return out;
}
