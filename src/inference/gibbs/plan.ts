/**
 * What a Gibbs sampler of a model does in one sweep: its discrete elements, then each continuous
 * site by its conditional family, or by slice sampling in unconstrained coordinates.
 */
import type { KernelModule } from "../../kernel/ir.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { type Conditionals, findConditionals } from "../conditionals/find.js";
import { directKernels, type MakeInstance } from "../conditionals/kernels.js";
import { isCompiled, referenceValues } from "../conditionals/natural.js";
import { type DiscretePlan, planDiscrete } from "./discrete.js";

export interface GibbsPlan extends Conditionals {
  readonly discrete: DiscretePlan | undefined;
  readonly kernels: KernelModule;
}

/** @throws TildeError where a latent discrete site is infinite or read as no table holds it */
export function planGibbs(
  conditioned: Conditioned,
  make: MakeInstance,
  methodName = "gibbs",
): GibbsPlan {
  const found = findConditionals(conditioned, make, methodName);
  const conjugate = found.findings.flatMap((f) => (f.kind === "conjugate" ? [f] : []));
  const kernels = directKernels(found.joint, {
    statistics: conjugate.filter(isCompiled).map((f) => ({ site: f.site, at: referenceValues(f) })),
    gradients: conjugate.filter((f) => !isCompiled(f)).map((f) => f.site),
    densities: found.findings.flatMap((f) => (f.kind === "other" ? [f.site] : [])),
    tables: true,
    values: true,
    lp: true,
  });
  return { ...found, discrete: planDiscrete(found.joint), kernels };
}

/** One line for each block of a sweep, in its order. */
export function describePlan(plan: GibbsPlan): string[] {
  const lines: string[] = [];
  const names = plan.joint.discrete.map((s) => s.name).join(", ");
  for (const kind of ["chain", "joint", "single"] as const) {
    const count = plan.discrete?.blocks.filter((b) => b.kind === kind).length ?? 0;
    if (count > 0) lines.push(`${names}: ${count} × ${discreteWords[kind]}`);
  }
  for (const f of plan.findings) {
    const how =
      f.kind === "other"
        ? "slice sampling, scalar by scalar, unconstrained"
        : `${f.rule.family} conditional, ${structureWords[f.structure]}`;
    lines.push(`${f.name}: ${how}`);
  }
  return lines;
}

const discreteWords = {
  chain: "forward filtering, backward sampling",
  joint: "joint table",
  single: "element by element",
} as const;
const structureWords = {
  elementwise: "all elements at once",
  event: "all events at once",
  block: "as one block",
  coloured: "in classes of independent elements",
} as const;
