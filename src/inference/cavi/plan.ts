/**
 * What mean-field inference does with a model: which sites share a factor, which have one in closed
 * form, which take part as points in unconstrained coordinates. Sites are moved to the points until
 * the log joint is multilinear in the statistics of all others.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import { stream } from "../../math/rng/random.js";
import type { Conditioned } from "../../passes/condition/index.js";
import { type Conditional, findConditional } from "../ascent/conditional.js";
import {
  Ascent,
  type AscentPlan,
  type NoFactor,
  prepareAscent,
  prepareStaged,
} from "../ascent/engine.js";
import { mergeSites, type Placement } from "../ascent/merge.js";
import { MOST_STAGED, type NotStaged, type StagedKernels } from "../ascent/stage.js";
import { directKernels, type MakeInstance } from "../conditionals/kernels.js";
import { type DrawState, type RandomState, randomStates } from "../conditionals/states.js";
import type { KernelInstance } from "../contract.js";
import type { ExpectedJoint } from "../expectation/contract.js";
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
  /** A continuous site whose factor is conditional on a discrete one. */
  readonly conditional: Conditional | undefined;
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
  const found = planWith(conditioned, make, options, methodName, (joint) => {
    const pointGradients = joint.sites.flatMap((s, k) => (s.kind === "point" ? [k] : []));
    return prepareAscent(joint, { pointGradients });
  });
  return "kind" in found ? internalError("kernels without stages") : found;
}

/**
 * The same with passes over the data left to a device: `stage` makes an instance that answers for
 * them, of kernels whose module is the host's part.
 * @param isSingle whether the device counts in single precision
 * @returns what stands in the way where the passes cannot be told apart from the rest
 */
export function planStagedCavi(
  conditioned: Conditioned,
  make: MakeInstance,
  options: CaviPlanOptions,
  isSingle: boolean,
  stage: (kernels: StagedKernels) => KernelInstance,
): CaviPlan | NotStaged {
  let instance: KernelInstance | undefined;
  const prepare = (joint: ExpectedJoint): AscentPlan | NoFactor | NotStaged =>
    prepareStaged(joint, isSingle, (kernels) => {
      instance = stage(kernels);
    });
  const most = isSingle ? undefined : MOST_STAGED;
  const found = planWith(conditioned, make, options, "cavi", prepare, most);
  if ("kind" in found) return found;
  return { ...found, make: () => instance ?? internalError("a plan without its instance") };
}

function planWith(
  conditioned: Conditioned,
  make: MakeInstance,
  options: CaviPlanOptions,
  methodName: string,
  prepare: (joint: ExpectedJoint) => AscentPlan | NoFactor | NotStaged,
  mostProducts?: number,
): CaviPlan | NotStaged {
  const points = new Map<string, string>();
  const groups = options.joint ?? [];
  for (;;) {
    const free = new Set(points.keys());
    const direct = buildDirectJoint(conditioned, free, methodName);
    const { merged, pair } = checkGroups(direct, groups, points);
    const { joint, places } = mergeSites(direct, merged);
    const found = expectJoint(joint, free, mostProducts);
    if (isNotMultilinear(found)) {
      for (const { name, reason } of found.sites) points.set(name, reason);
      continue;
    }
    const ascent = prepare(found);
    if (ascent.kind === "not_staged") return ascent;
    if (ascent.kind === "no_factor") {
      for (const { name } of ascent.sites) {
        points.set(name, "its statistics are those of no family here");
      }
      continue;
    }
    if (pair !== undefined && ascent.isStaged === true) {
      const step = `the joint factor of \`${pair.discrete}\` and \`${pair.continuous}\``;
      return { kind: "not_staged", step, reason: "it has a part for each value, on the CPU" };
    }
    const draw = randomStates(conditioned, methodName);
    const conditional =
      pair === undefined ? undefined : conditionalOf(pair, direct, places, ascent, make, draw);
    return {
      ascent,
      make,
      direct,
      places,
      points,
      draw,
      conditional,
      values: free.size === 0 ? undefined : make(directKernels(direct, { values: true })),
    };
  }
}

interface Groups {
  /** Groups of real sites, which become one site each. */
  readonly merged: readonly (readonly string[])[];
  /** A discrete site and a continuous one. */
  readonly pair: Pair | undefined;
}
interface Pair {
  readonly discrete: string;
  readonly continuous: string;
}

function checkGroups(
  direct: DirectJoint,
  groups: readonly (readonly string[])[],
  points: ReadonlyMap<string, string>,
): Groups {
  const used = new Set<string>();
  const merged: (readonly string[])[] = [];
  let pair: Pair | undefined;
  for (const names of groups) {
    const refuse = (reason: string): never =>
      fail("joint_unsupported", undefined, { names, reason });
    if (names.length < 2) refuse("a joint factor takes at least two sites");
    const discrete = names.filter((n) => direct.discrete.some((d) => d.name === n));
    const continuous = direct.sites.filter((s) => names.includes(s.latent.name));
    for (const name of names) {
      if (used.has(name)) refuse(`\`${name}\` is named twice`);
      used.add(name);
      const isKnown = discrete.includes(name) || continuous.some((s) => s.latent.name === name);
      if (!isKnown) refuse(`\`${name}\` is no latent site`);
      const why = points.get(name) ?? points.get(names.join(", "));
      if (why !== undefined) refuse(why);
    }
    // Discrete sites that hang together are one factor anyhow.
    if (continuous.length === 0) continue;
    if (discrete.length === 0) {
      const bounded = continuous.find((s) => !s.supports.every((k) => k.kind === "real"));
      if (bounded !== undefined) refuse(`\`${bounded.latent.name}\` is not on the real line`);
      merged.push(names);
      continue;
    }
    if (discrete.length > 1 || continuous.length > 1) refuse("they are more than a pair");
    if (pair !== undefined) refuse("there can be one such pair only");
    pair = { discrete: discrete[0], continuous: continuous[0].latent.name };
  }
  return { merged, pair };
}

function conditionalOf(
  pair: Pair,
  direct: DirectJoint,
  places: readonly Placement[],
  ascent: AscentPlan,
  make: MakeInstance,
  draw: DrawState,
): Conditional {
  const names = [pair.discrete, pair.continuous];
  const refuse = (reason: string): never => fail("joint_unsupported", undefined, { names, reason });
  if (ascent.joint.sites.some((s) => s.kind === "point")) {
    refuse("the model has sites outside every conjugate family");
  }
  const instance = make(ascent.module);
  const probe = new Ascent(ascent, instance);
  const state = draw(stream(1_996, 0, 0, 1));
  for (const [k, values] of startValues(ascent, direct, places, state).entries()) {
    probe.startAt(k, values);
  }
  const at = direct.sites.findIndex((s) => s.latent.name === pair.continuous);
  const z = ascent.discrete.findIndex((d) => d.name === pair.discrete);
  const found = findConditional(ascent, instance, places[at].site, z);
  return typeof found === "string" ? refuse(found) : found;
}

/** A random state as values of the ascent's sites. */
export function startValues(
  ascent: AscentPlan,
  direct: DirectJoint,
  places: readonly Placement[],
  state: RandomState,
): Float64Array[] {
  const values = ascent.joint.sites.map((s) => {
    return new Float64Array(s.kind === "point" ? s.input.shape[0] : s.direct.latent.length);
  });
  direct.sites.forEach((s, k) => {
    const { site, from } = places[k];
    values[site].set(s.isFree ? state.free[k] : state.own[k], from);
  });
  return values;
}
