/**
 * Positive parameters with Q(v) = a log v + Σ c_p v^p, scalar by scalar: scales, variances,
 * precisions, rates. In t = log v the function is a t + Σ c_p exp(p t), which is concave where no
 * c_p is positive.
 */
import type { Statistic } from "../../expectation/contract.js";
import { CLIMB, type ClosedForm, FOUND } from "./contract.js";
import { powerNodes } from "./nodes.js";

const NEWTON_STEPS = 200;

/** @returns undefined where the statistics are not log and powers of single scalars alone */
export function positiveForm(
  statistics: readonly Statistic[],
  length: number,
): ClosedForm | undefined {
  const powers: { readonly statistic: number; readonly exponent: number }[] = [];
  let log = -1;
  for (const [statistic, s] of statistics.entries()) {
    if (s.kind === "log") log = statistic;
    else if (s.kind === "value") powers.push({ statistic, exponent: 1 });
    else if (s.kind === "power") powers.push({ statistic, exponent: s.exponent });
    else return undefined;
  }
  if (powers.length === 0 || statistics.length < 2) return undefined;
  const exponents = Float64Array.from(powers, (p) => p.exponent);
  const name = powers.length === 1 ? "moments of scales" : "scales by Newton's method";
  const [{ statistic, exponent }] = powers;
  return {
    name,
    ...(powers.length === 1 && { nodes: powerNodes(log, statistic, exponent) }),
    maximise: (eta, v) => {
      const c = new Float64Array(powers.length);
      const found = v.slice();
      for (let i = 0; i < length; i++) {
        const a = log < 0 ? 0 : eta[log][i];
        powers.forEach((p, k) => {
          c[k] = eta[p.statistic][i];
        });
        if (a === 0 && c.every((x) => x === 0)) continue;
        const t = maximiserOf(a, c, exponents, Math.log(v[i]));
        if (t === "climb") return CLIMB;
        if (t === "unbounded") return { kind: "singular", scalar: i };
        found[i] = Math.exp(t);
        if (!(found[i] > 0 && found[i] < Infinity)) return { kind: "singular", scalar: i };
      }
      v.set(found);
      return FOUND;
    },
  };
}

/** The t that maximises a t + Σ c_k exp(p_k t). */
function maximiserOf(
  a: number,
  c: Float64Array,
  p: Float64Array,
  start: number,
): number | "unbounded" | "climb" {
  const active = [...c.keys()].filter((k) => c[k] !== 0);
  // Uphill for ever to the left or to the right: what holds it back there is missing.
  const left = active.filter((k) => p[k] < 0);
  const right = active.filter((k) => p[k] > 0);
  if (active.length === 1) {
    const [k] = active;
    const ratio = -a / (c[k] * p[k]);
    return c[k] < 0 && ratio > 0 ? Math.log(ratio) / p[k] : "unbounded";
  }
  if (active.some((k) => c[k] > 0)) return "climb";
  if ((left.length === 0 && !(a > 0)) || (right.length === 0 && !(a < 0))) return "unbounded";
  const slope = (t: number): number =>
    active.reduce((s, k) => s + c[k] * p[k] * Math.exp(p[k] * t), a);
  const bend = (t: number): number =>
    active.reduce((s, k) => s + c[k] * p[k] * p[k] * Math.exp(p[k] * t), 0);
  // A bracket of the root of the slope, which falls.
  let [low, high] = [start - 1, start + 1];
  for (let w = 1; !(slope(low) > 0); w *= 2) {
    if (w > 1e4) return "unbounded";
    low -= w;
  }
  for (let w = 1; !(slope(high) < 0); w *= 2) {
    if (w > 1e4) return "unbounded";
    high += w;
  }
  let t = Math.min(Math.max(start, low), high);
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const s = slope(t);
    if (s > 0) low = t;
    else high = t;
    const next = t - s / bend(t);
    // Newton's step where it stays in the bracket, the middle where not.
    const to = next > low && next < high ? next : (low + high) / 2;
    if (Math.abs(to - t) <= 4 * Number.EPSILON * Math.max(1, Math.abs(t))) return to;
    t = to;
  }
  return t;
}
