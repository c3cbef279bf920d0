/** Natural parameters of a site's conditional at the state that its kernels hold. */
import type { KernelInstance } from "../contract.js";
import type { DirectJoint } from "../logjoint/direct.js";
import type { Conjugate, Split } from "./finding.js";
import { inputBuffer } from "./kernels.js";

/** The gradient of the log joint in one site, the others as they are. */
export interface SiteGradient {
  /** The site's values, a live view. */
  readonly values: Float64Array;
  /** A live view of the gradient at them. */
  readonly gradient: () => Float64Array;
}

export function siteGradient(
  joint: DirectJoint,
  site: number,
  instance: KernelInstance,
): SiteGradient {
  const values = instance.f64(inputBuffer(site)).subarray(0, joint.sites[site].input.shape[0]);
  const output = instance.f64(`grad_${site}`);
  const run = instance.fn(`grad_${site}`);
  return {
    values,
    gradient: () => {
      run();
      return output;
    },
  };
}

/** η of each of the units, the rest of the site as it is; the values are left as they were. */
export function naturalParameters(
  evaluate: SiteGradient,
  split: Split,
  units: Int32Array,
): Float64Array[] {
  const { rule, unit, size } = split;
  const before = evaluate.values.slice();
  const gradients = rule.references(size).map((reference) => {
    for (const u of units) evaluate.values.set(reference, u * unit);
    return evaluate.gradient().slice();
  });
  evaluate.values.set(before);
  return readUnits(gradients, split, units);
}

function readUnits(
  gradients: readonly Float64Array[],
  split: Split,
  units: Int32Array,
): Float64Array[] {
  const { rule, unit, size } = split;
  return Array.from(units, (u) => {
    const own = gradients.map((g) => g.subarray(u * unit, (u + 1) * unit));
    return rule.read(own, size);
  });
}

/** Up to so many references are compiled into the statistics of a site. */
const COMPILED_REFERENCES = 16;

/** Whether a site's natural parameters come from a kernel of its own (`stats_<site>`). */
export function isCompiled(split: Split): boolean {
  return (
    split.classes.length === 1 && split.rule.references(split.size).length <= COMPILED_REFERENCES
  );
}

/** The whole site's value at each reference point, for the kernels. */
export function referenceValues(split: Split): Float64Array[] {
  const units = split.classes[0].length;
  return split.rule.references(split.size).map((reference) => {
    const whole = new Float64Array(units * split.unit);
    for (let u = 0; u < units; u++) whole.set(reference, u * split.unit);
    return whole;
  });
}

/**
 * A function that gives η of every unit of a class at the state in the workspace. The module must
 * have `stats_<site>` where `isCompiled`, else `grad_<site>`.
 */
export function naturalReader(
  joint: DirectJoint,
  found: Conjugate,
  instance: KernelInstance,
): (units: Int32Array) => Float64Array[] {
  if (!isCompiled(found)) {
    const evaluate = siteGradient(joint, found.site, instance);
    return (units) => naturalParameters(evaluate, found, units);
  }
  const run = instance.fn(`stats_${found.site}`);
  const output = instance.f64(`stats_${found.site}`);
  const length = joint.sites[found.site].latent.length;
  const count = found.rule.references(found.size).length;
  return (units) => {
    run();
    const gradients = Array.from({ length: count }, (_, r) =>
      output.subarray(r * length, (r + 1) * length),
    );
    return readUnits(gradients, found, units);
  };
}
