/**
 * What mean-field inference does with a model: which sites share a factor, which have one in closed
 * form, which take part as points in unconstrained coordinates. Sites are moved to the points until
 * the log joint is multilinear in the statistics of all others.
 */
import { fail } from "../../base/diagnostic.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { type AscentPlan, prepareAscent } from "../ascent/engine.js";
import { mergeSites, type Placement } from "../ascent/merge.js";
import { directKernels, type MakeInstance } from "../conditionals/kernels.js";
import { type DrawState, randomStates } from "../conditionals/states.js";
import type { KernelInstance } from "../contract.js";
import { expectJoint, isNotMultilinear } from "../expectation/index.js";
import { buildDirectJoint, type DirectJoint } from "../logjoint/direct.js";

export interface CaviPlanOptions {
  /** Groups of sites that share a factor. */
  readonly joint?: readonly (readonly string[])[];
}

export interface CaviPlan {
  readonly ascent: AscentPlan;
  readonly make: MakeInstance;
  /** The model's sites, in the order of its latents; those of `points` unconstrained. */
  readonly direct: DirectJoint;
  /** Where each site's scalars stand among the ascent's sites. */
  readonly places: readonly Placement[];
  /** Names of the sites in no conjugate family, and why. */
  readonly points: ReadonlyMap<string, string>;
  readonly draw: DrawState;
  /** Kernels that give constrained values of the points. */
  readonly values: KernelInstance | undefined;
}

/** @throws TildeError where a discrete site has no sum, or a joint factor cannot be made */
export function planCavi(
  conditioned: Conditioned,
  make: MakeInstance,
  options: CaviPlanOptions = {},
  methodName = "cavi",
): CaviPlan {
  const points = new Map<string, string>();
  const groups = options.joint ?? [];
  for (;;) {
    const free = new Set(points.keys());
    const direct = buildDirectJoint(conditioned, free, methodName);
    checkGroups(direct, groups, points);
    const { joint, places } = mergeSites(direct, groups);
    const found = expectJoint(joint, free);
    if (isNotMultilinear(found)) {
      for (const { name, reason } of found.sites) points.set(name, reason);
      continue;
    }
    const pointGradients = found.sites.flatMap((s, k) => (s.kind === "point" ? [k] : []));
    const ascent = prepareAscent(found, { pointGradients });
    if (ascent.kind === "no_factor") {
      for (const { name } of ascent.sites) {
        points.set(name, "its statistics are those of no family here");
      }
      continue;
    }
    return {
      ascent,
      make,
      direct,
      places,
      points,
      draw: randomStates(conditioned, methodName),
      values: free.size === 0 ? undefined : make(directKernels(direct, { values: true })),
    };
  }
}

function checkGroups(
  direct: DirectJoint,
  groups: readonly (readonly string[])[],
  points: ReadonlyMap<string, string>,
): void {
  const used = new Set<string>();
  for (const names of groups) {
    const refuse = (reason: string): never =>
      fail("joint_unsupported", undefined, { names, reason });
    if (names.length < 2) refuse("a joint factor takes at least two sites");
    for (const name of names) {
      if (used.has(name)) refuse(`\`${name}\` is named twice`);
      used.add(name);
      const site = direct.sites.find((s) => s.latent.name === name);
      if (site === undefined) {
        if (direct.discrete.some((d) => d.name === name)) continue;
        refuse(`\`${name}\` is no latent site`);
      } else if (!site.supports.every((s) => s.kind === "real")) {
        refuse(`\`${name}\` is not on the real line`);
      }
      const why = points.get(name) ?? points.get(names.join(", "));
      if (why !== undefined) refuse(why);
    }
  }
}
