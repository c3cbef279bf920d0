/**
 * The precision guard: before a run, the device's log density and gradient are compared with f64 at
 * a few points. Densities are known up to a constant, so what counts is the error of differences
 * between points; a gradient is measured against its largest element.
 */
import { type Diagnostic, diagnostic, TildeError } from "../base/diagnostic.js";

/** The log density and its gradient at one point. */
export interface DensityAt {
  readonly lp: number;
  readonly gradient: ArrayLike<number>;
}

export interface PrecisionReport {
  /**
   * Largest error of a difference of log densities beyond its rounding, in nats; of an objective,
   * its largest relative error.
   */
  readonly lpError: number;
  /** Largest error of a gradient's element, relative to the largest element at that point. */
  readonly gradientError: number;
}

/** Errors that are told (`warn`) and that end the run (`refuse`). */
export const LIMITS = {
  lp: { warn: 0.05, refuse: 1 },
  gradient: { warn: 0.001, refuse: 0.05 },
  /** Of an objective that is climbed: only its gradient steers, its value is read. */
  value: { warn: 0.0001, refuse: 0.01 },
} as const;

/** Of a difference of log densities: sixteen roundings. */
const ROUNDING = 2 ** -20;

/**
 * A density is judged by differences in nats, an objective by its relative error; of a step, what it
 * adds to the params takes the place of a gradient.
 */
export type GuardKind = "density" | "objective" | "step";

/**
 * Compares pairs of results at the same points (at least two). Returns a warning where the device
 * `name` is rough. @throws TildeError `device_imprecise` where it is not to be relied on, also where one
 * side is finite and the other is not.
 */
export function checkPrecision(
  exact: readonly DensityAt[],
  device: readonly DensityAt[],
  name: string,
  kind: GuardKind = "density",
): { readonly report: PrecisionReport; readonly warnings: readonly Diagnostic[] } {
  const usable = exact.flatMap((e, k) => (Number.isFinite(e.lp) ? [k] : []));
  let lp: Finding = NOTHING;
  let gradient: Finding = NOTHING;
  const origin = usable[0];
  for (const k of usable) {
    const [e, d] = [exact[k], device[k]];
    const difference = e.lp - exact[origin].lp;
    const onDevice = d.lp - device[origin].lp;
    const apart = Math.abs(onDevice - difference);
    // Points that differ by thousands of nats are told apart whatever rounding does.
    const error = Math.max(0, apart - ROUNDING * Math.abs(difference));
    const what = "a difference of log densities";
    if (kind === "density") lp = worse(lp, { what, found: onDevice, wanted: difference, error });
    else {
      const part = Math.abs(d.lp - e.lp) / Math.max(1, Math.abs(e.lp));
      lp = worse(lp, { what: "the objective", found: d.lp, wanted: e.lp, error: part });
    }
    let size = 1;
    for (let i = 0; i < e.gradient.length; i++) size = Math.max(size, Math.abs(e.gradient[i]));
    for (let i = 0; i < e.gradient.length; i++) {
      const [found, wanted] = [d.gradient[i], e.gradient[i]];
      const relative = Math.abs(found - wanted) / size;
      const element = `element ${i} of the ${kind === "step" ? "step" : "gradient"}`;
      gradient = worse(gradient, { what: element, found, wanted, error: relative });
    }
  }
  const warnings = [
    ...judge(name, lp, kind === "density" ? LIMITS.lp : LIMITS.value),
    ...judge(name, gradient, LIMITS.gradient),
  ];
  return { report: { lpError: lp.error, gradientError: gradient.error }, warnings };
}

/** The largest error of a kind. */
interface Finding {
  readonly what: string;
  readonly found: number;
  readonly wanted: number;
  readonly error: number;
}
const NOTHING: Finding = { what: "", found: 0, wanted: 0, error: 0 };

/** NaN is the worst error there is. */
function worse(a: Finding, b: Finding): Finding {
  return Number.isNaN(a.error) || b.error <= a.error ? a : b;
}

function judge(
  name: string,
  { what, found, wanted, error }: Finding,
  limits: { readonly warn: number; readonly refuse: number },
): Diagnostic[] {
  const params = (limit: number) => ({
    name,
    what,
    device: digits(found),
    exact: digits(wanted),
    error: digits(error),
    limit: digits(limit),
  });
  if (!(error <= limits.refuse)) {
    throw new TildeError([diagnostic("device_imprecise", undefined, params(limits.refuse))]);
  }
  return error > limits.warn ? [diagnostic("device_rough", undefined, params(limits.warn))] : [];
}

function digits(x: number): string {
  return Number.isFinite(x) ? String(Number(x.toPrecision(7))) : String(x);
}
