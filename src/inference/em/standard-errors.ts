/**
 * Standard errors from the observed information. By Fisher's identity the gradient of the
 * observed-data log likelihood at θ is that of Q(· | θ) at θ (Louis 1982; Oakes 1999), so central
 * differences of it, with an E-step at each point, give the Hessian for any model. It is taken in
 * unconstrained coordinates and carried to the model's own by the delta method.
 */
import { cholesky, choleskyInverse } from "../../math/linalg/index.js";
import type { Waiting } from "../ascent/pending.js";
import type { EmControls } from "./contract.js";
import type { MStep } from "./m-step.js";
import type { EmPlan } from "./plan.js";

/** The error of central differences is least near the cube root of the rounding error. */
const STEP = 2e-5;
/** Mean-field steps settle before the gradient is read: E-steps at most, and their tolerance. */
const SETTLE = 200;
const SETTLED = 1e-13;

export interface StandardErrors {
  /** In own coordinates, by parameter; NaN where the information is singular. */
  readonly errors: readonly Float64Array[];
  readonly singular: boolean;
}

/** Leaves parameters and q as they were. */
export function* standardErrors(
  plan: EmPlan,
  mStep: MStep,
  controls: EmControls,
): Waiting<StandardErrors> {
  const { parameters, eStep } = plan;
  const mode = mStep.values.map((v) => v.slice());
  const free = parameters.map((p, k) => p.coordinates.free(mode[k]));
  const starts: number[] = [];
  let d = 0;
  for (const u of free) {
    starts.push(d);
    d += u.length;
  }
  const restore = (): void => {
    mode.forEach((v, k) => {
      mStep.set(k, v);
    });
  };
  const gradientAt = function* (k: number, u: Float64Array): Waiting<Float64Array | undefined> {
    restore();
    mStep.set(k, parameters[k].coordinates.own(u));
    if (!(yield* settle(plan))) return undefined;
    const out = new Float64Array(d);
    parameters.forEach((p, j) => {
      const at = j === k ? u : free[j];
      out.set(p.coordinates.pull(at, mStep.slope(j, eStep.scenarios())), starts[j]);
    });
    return out;
  };
  const information = new Float64Array(d * d);
  let isKnown = true;
  let done = 0;
  outer: for (let k = 0; k < parameters.length; k++) {
    for (let i = 0; i < free[k].length; i++) {
      const step = STEP * Math.max(1, Math.abs(free[k][i]));
      const up = free[k].slice();
      const down = free[k].slice();
      up[i] += step;
      down[i] -= step;
      const above = yield* gradientAt(k, up);
      const below = yield* gradientAt(k, down);
      if (above === undefined || below === undefined) {
        isKnown = false;
        break outer;
      }
      const width = up[i] - down[i];
      for (let j = 0; j < d; j++) {
        information[(starts[k] + i) * d + j] = (below[j] - above[j]) / width;
      }
      done += 1;
      const logLikelihood = Number.NaN;
      controls.onProgress?.({ phase: "standard errors", done, total: d, logLikelihood });
    }
  }
  restore();
  if ((yield { kind: "discrete" }) !== "lost") eStep.update();
  const covariance = isKnown ? inverseOf(information, d) : undefined;
  const errors = parameters.map((p, k) => {
    const { length } = p.coordinates.latent;
    const out = new Float64Array(length).fill(Number.NaN);
    if (covariance === undefined) return out;
    const n = free[k].length;
    const unit = new Float64Array(length);
    for (let s = 0; s < length; s++) {
      // The row of the Jacobian of own scalar s.
      unit.fill(0)[s] = 1;
      const row = p.coordinates.pull(free[k], unit);
      let variance = 0;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          variance += row[i] * covariance[(starts[k] + i) * d + starts[k] + j] * row[j];
        }
      }
      out[s] = Math.sqrt(variance);
    }
    return out;
  });
  return { errors, singular: covariance === undefined };
}

function inverseOf(information: Float64Array, d: number): Float64Array | undefined {
  const symmetric = Float64Array.from(information, (v, at) => {
    return (v + information[(at % d) * d + Math.floor(at / d)]) / 2;
  });
  const factor = cholesky(symmetric, d);
  return factor === undefined ? undefined : choleskyInverse(factor, d);
}

/** Whether q is the one for the present parameters. */
function* settle({ eStep }: EmPlan): Waiting<boolean> {
  if ((yield { kind: "discrete" }) === "lost") return false;
  let value = eStep.update();
  if (typeof value !== "number") return false;
  for (let k = 0; !eStep.exact && k < SETTLE; k++) {
    const before: number = value;
    if ((yield { kind: "discrete" }) === "lost") return false;
    value = eStep.update();
    if (typeof value !== "number") return false;
    if (Math.abs(value - before) <= SETTLED * Math.max(1, Math.abs(value))) break;
  }
  return true;
}
