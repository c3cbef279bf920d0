/**
 * Factors of single scalars in any exponential family, q(v) ∝ exp Σ_j η_j T_j(v), by quadrature:
 * generalised inverse Gaussian, truncated normal, a half-normal scale under a normal likelihood.
 * After a map of the support onto the line the integrand is smooth and decays at both ends, where
 * the trapezoidal rule converges geometrically (Trefethen & Weideman 2014).
 */
import { internalError } from "../../../base/internal.js";
import type { RandomStream } from "../../../math/rng/random.js";
import type { Statistic } from "../../expectation/contract.js";
import { type Factor, factorFrom } from "../contract.js";

/** Support of a scalar: all v between the bounds, which may be infinite. */
export interface Range {
  readonly lower: number;
  readonly upper: number;
}

export interface QuadratureLayout {
  readonly length: number;
  readonly range: Range;
  readonly statistics: readonly Statistic[];
}

/** Points of the rule; the integrand spans about twelve standard deviations of t. */
const POINTS = 256;
/** The search for the mode spans t in ± this. */
const REACH = 350;
/** Where log q has fallen by so much the rest is left out. */
const DROP = 40;

type Transform = (t: number) => { readonly v: number; readonly logSlope: number };

function transformOf({ lower, upper }: Range): Transform {
  if (lower === -Infinity && upper === Infinity) {
    // A scale-free grid on the line: fine near 0, wide beyond.
    return (t) => ({
      v: Math.sinh(t),
      logSlope: Math.abs(t) + Math.log1p(Math.exp(-2 * Math.abs(t))) - Math.LN2,
    });
  }
  if (upper === Infinity) return (t) => ({ v: lower + Math.exp(t), logSlope: t });
  if (lower === -Infinity) return (t) => ({ v: upper - Math.exp(t), logSlope: t });
  const width = upper - lower;
  return (t) => {
    const p = 1 / (1 + Math.exp(-t));
    const v = t < 0 ? lower + width * p : upper - width / (1 + Math.exp(t));
    return { v, logSlope: Math.log(width) - Math.abs(t) - 2 * Math.log1p(Math.exp(-Math.abs(t))) };
  };
}

/** T_j at v; products are those of each scalar with itself. */
export function scalarStatistic(s: Statistic, v: number): number {
  switch (s.kind) {
    case "value":
      return v;
    case "products":
      return v * v;
    case "log":
      return Math.log(v);
    case "log1m":
      return Math.log1p(-v);
    case "power":
      return v ** s.exponent;
    case "log_det":
    case "inverse":
      return internalError(`a scalar has no ${s.kind}`);
  }
}

interface Grid {
  readonly from: number;
  readonly step: number;
  /** Weights of the points, which sum to 1. */
  readonly weights: Float64Array;
  readonly logNormaliser: number;
}

export function quadratureFactor({ length, range, statistics }: QuadratureLayout): Factor {
  const transform = transformOf(range);
  const eta = statistics.map(() => new Float64Array(length));
  /** Of each statistic, where its entry of scalar i stands: products come in any order. */
  const place = statistics.map((s) => {
    const out = Int32Array.from({ length }, (_, i) => i);
    if (s.kind === "products") for (let k = 0; k < length; k++) out[s.first[k]] = k;
    return out;
  });
  const grids = new Array<Grid | undefined>(length).fill(undefined);
  const logDensity = (i: number, t: number): number => {
    const { v, logSlope } = transform(t);
    let sum = logSlope;
    for (let j = 0; j < statistics.length; j++) {
      const e = eta[j][i];
      if (e !== 0) sum += e * scalarStatistic(statistics[j], v);
    }
    return Number.isNaN(sum) ? -Infinity : sum;
  };
  const grid = (i: number): Grid => grids[i] ?? internalError("a factor is read before its update");
  const expectation = (i: number, f: (v: number) => number): number => {
    const { from, step, weights } = grid(i);
    let sum = 0;
    for (let k = 0; k < POINTS; k++) {
      if (weights[k] > 0) sum += weights[k] * f(transform(from + k * step).v);
    }
    return sum;
  };
  /** t at probability p, the weights as a density that is constant between midpoints. */
  const quantile = (i: number, p: number): number => {
    const { from, step, weights } = grid(i);
    let below = 0;
    for (let k = 0; k < POINTS; k++) {
      if (below + weights[k] >= p || k === POINTS - 1) {
        const part = weights[k] > 0 ? (p - below) / weights[k] : 0.5;
        return transform(from + (k - 0.5 + Math.min(1, Math.max(0, part))) * step).v;
      }
      below += weights[k];
    }
    return internalError("no quantile");
  };
  return factorFrom({
    isNumerical: true,
    family: `exp(${statistics.map(nameOf).join(" + ")}) by quadrature`,
    structure: "elementwise",
    update: (natural) => {
      natural.forEach((n, j) => {
        for (let i = 0; i < length; i++) eta[j][i] = n[place[j][i]];
      });
      for (let i = 0; i < length; i++) {
        const found = makeGrid((t) => logDensity(i, t));
        if (found === undefined) return false;
        grids[i] = found;
      }
      return true;
    },
    statistics: (out) => {
      for (let i = 0; i < length; i++) {
        const { from, step, weights } = grid(i);
        for (const o of out.keys()) out[o][place[o][i]] = 0;
        for (let k = 0; k < POINTS; k++) {
          if (weights[k] === 0) continue;
          const { v } = transform(from + k * step);
          for (let j = 0; j < statistics.length; j++) {
            out[j][place[j][i]] += weights[k] * scalarStatistic(statistics[j], v);
          }
        }
      }
    },
    entropies: (add) => {
      for (let i = 0; i < length; i++) {
        let own = grid(i).logNormaliser;
        for (let j = 0; j < statistics.length; j++) {
          if (eta[j][i] === 0) continue;
          own -= eta[j][i] * expectation(i, (v) => scalarStatistic(statistics[j], v));
        }
        add(i, own);
      }
    },
    mean: (i) => expectation(i, (v) => v),
    sd: (i) => {
      const mean = expectation(i, (v) => v);
      return Math.sqrt(expectation(i, (v) => (v - mean) ** 2));
    },
    quantile,
    draw: (rng: RandomStream, out) => {
      for (let i = 0; i < length; i++) out[i] = quantile(i, rng.uniform());
    },
  });
}

function nameOf(s: Statistic): string {
  switch (s.kind) {
    case "value":
      return "v";
    case "products":
      return "v²";
    case "power":
      return `v^${s.exponent}`;
    default:
      return s.kind === "log" ? "log v" : "log(1 − v)";
  }
}

/** The points that carry the mass of exp f, or undefined where it has none or no end. */
function makeGrid(f: (t: number) => number): Grid | undefined {
  const STEP = 0.5;
  const coarse = Math.round((2 * REACH) / STEP) + 1;
  let best = -1;
  let top = -Infinity;
  const values = new Float64Array(coarse);
  for (let k = 0; k < coarse; k++) {
    values[k] = f(-REACH + k * STEP);
    if (values[k] > top) {
      top = values[k];
      best = k;
    }
  }
  if (best <= 0 || best >= coarse - 1 || !Number.isFinite(top)) return undefined;
  const mode = goldenMaximum(f, -REACH + (best - 1) * STEP, -REACH + (best + 1) * STEP);
  const peak = Math.max(top, f(mode));
  // The outermost coarse points that count, if any do, then the crossing beyond them.
  let first = best;
  let last = best;
  for (let k = 0; k < coarse; k++) {
    if (values[k] < peak - DROP) continue;
    first = Math.min(first, k);
    last = Math.max(last, k);
  }
  if (first === 0 || last === coarse - 1) return undefined;
  const left = crossing(f, peak - DROP, Math.min(mode, -REACH + first * STEP), -STEP);
  const right = crossing(f, peak - DROP, Math.max(mode, -REACH + last * STEP), STEP);
  const step = (right - left) / (POINTS - 1);
  const weights = new Float64Array(POINTS);
  let total = 0;
  for (let k = 0; k < POINTS; k++) {
    weights[k] = Math.exp(f(left + k * step) - peak);
    total += weights[k];
  }
  for (let k = 0; k < POINTS; k++) weights[k] /= total;
  return { from: left, step, weights, logNormaliser: peak + Math.log(total * step) };
}

/** Golden-section search for a maximum within a bracket. */
function goldenMaximum(f: (t: number) => number, from: number, to: number): number {
  const RATIO = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [from, to];
  let c = b - RATIO * (b - a);
  let d = a + RATIO * (b - a);
  let [fc, fd] = [f(c), f(d)];
  for (let k = 0; k < 60; k++) {
    if (fc > fd) {
      b = d;
      d = c;
      fd = fc;
      c = b - RATIO * (b - a);
      fc = f(c);
    } else {
      a = c;
      c = d;
      fc = fd;
      d = a + RATIO * (b - a);
      fd = f(d);
    }
  }
  return (a + b) / 2;
}

/** Where f falls below a level on the way from t in one direction, to a part of the distance. */
function crossing(f: (t: number) => number, level: number, t: number, direction: number): number {
  let inside = t;
  let outside = t + direction;
  for (let k = 0; f(outside) > level && k < 60; k++) {
    inside = outside;
    outside += direction * 2 ** k;
  }
  for (let k = 0; k < 30; k++) {
    const middle = (inside + outside) / 2;
    if (f(middle) > level) inside = middle;
    else outside = middle;
  }
  return outside;
}
