/** Random states of a model's latent sites: where conditionals are tested and chains begin. */
import { internalError } from "../../base/internal.js";
import type { RandomStream } from "../../math/rng/random.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { evaluate } from "../../tensor/evaluate.js";
import type { KernelInstance } from "../contract.js";
import { buildDirectJoint, type DirectJoint, STATES } from "../logjoint/direct.js";
import { latentVariables } from "../logjoint/latents.js";
import { inputBuffer } from "./kernels.js";

/** A point of every latent site, continuous ones in both coordinates. */
export interface RandomState {
  readonly own: readonly Float64Array[];
  readonly free: readonly Float64Array[];
  readonly states: Float64Array;
}

export type DrawState = (rng: RandomStream) => RandomState;

/** Means of the counts of random states: whole parts of exponentials. */
const COUNT_MEAN = 3;

/**
 * States with unconstrained numbers uniform on (−radius, radius), discrete ones uniform; with
 * `counts` also of sites of endless whole numbers.
 */
export function randomStates(
  conditioned: Conditioned,
  methodName: string,
  radius = 2,
  withCounts = false,
): DrawState {
  const all = new Set(latentVariables(conditioned).map((v) => v.name));
  const joint = buildDirectJoint(conditioned, all, methodName, withCounts);
  const counts = joint.discrete.flatMap((s) => {
    return new Array<number>(s.dims.reduce((n, d) => n * d, 1)).fill(s.count);
  });
  const outputs = joint.sites.map((s) => s.own);
  return (rng) => {
    const free = joint.sites.map((s) => {
      return Float64Array.from({ length: s.input.shape[0] }, () => {
        if (s.isCount) return Math.floor(COUNT_MEAN * rng.exponential());
        return radius * (2 * rng.uniform() - 1);
      });
    });
    const states = Float64Array.from(counts, (count) => rng.int(count));
    const inputs = Object.fromEntries(joint.sites.map((s, k) => [s.input.name, free[k]]));
    const own = evaluate(outputs, { ...inputs, [STATES]: states });
    return { own, free, states };
  };
}

/** Puts a state into the input buffers of a joint's kernels. */
export function loadState(joint: DirectJoint, instance: KernelInstance, state: RandomState): void {
  joint.sites.forEach((site, k) => {
    const values =
      (site.isFree ? state.free : state.own)[k] ?? internalError("a state lacks a site");
    instance.f64(inputBuffer(k)).set(values);
  });
  if (joint.states !== undefined) instance.f64(STATES).set(state.states);
}
