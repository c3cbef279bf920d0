/**
 * Which methods would work for a model and its data: each method's own planning, without its run.
 * What a method refuses names these.
 */
import { type Diagnostic, TildeError } from "../base/diagnostic.js";
import type { MessageCode } from "../base/messages/index.js";
import { planCavi } from "../inference/cavi/index.js";
import { planDp } from "../inference/dp/model/plan.js";
import { planEm } from "../inference/em/index.js";
import { planElimination } from "../inference/enumerate/plan.js";
import { exactPosterior } from "../inference/exact/exact.js";
import { planGibbs } from "../inference/gibbs/plan.js";
import { buildDiscreteReadout } from "../inference/logjoint/discrete/readout.js";
import { buildLogJoint } from "../inference/logjoint/index.js";
import type { Conditioned } from "../passes/condition/index.js";
import { refuseNothing, refuseParams, refuseStates } from "./context.js";
import { refuseEm } from "./em.js";
import { refuseContinuous } from "./enumerate.js";
import { refuseExact } from "./exact.js";
import { gibbsWidth, makeInstance } from "./gibbs-chain.js";
import type { MethodName } from "./methods.js";
import { refuseVariational } from "./process.js";

/** Methods that take any model by itself; `prior` infers nothing, `svi` and `nce` need a guide. */
export type InferenceMethod = Exclude<MethodName, "prior" | "svi" | "nce">;

/** Whether a method would work, or what it says instead. */
export interface Verdict {
  readonly method: InferenceMethod;
  readonly refusal?: Diagnostic;
}

function gradientMethod(method: "nuts" | "hmc" | "laplace" | "map" | "vi") {
  return (conditioned: Conditioned): void => {
    if (method !== "map") refuseParams(conditioned, method);
    refuseNothing(buildLogJoint(conditioned, method), method);
  };
}

/** Each throws what the method would say of the model and its data. */
const plans: { readonly [M in InferenceMethod]: (conditioned: Conditioned) => void } = {
  nuts: gradientMethod("nuts"),
  hmc: gradientMethod("hmc"),
  gibbs: (conditioned) => {
    refuseParams(conditioned, "gibbs");
    if (conditioned.model.unbounded !== undefined) {
      planDp(conditioned, makeInstance, "gibbs");
      return;
    }
    refuseNothing({ dimension: gibbsWidth(planGibbs(conditioned, makeInstance)) }, "gibbs");
  },
  exact: (conditioned) => {
    refuseParams(conditioned, "exact");
    const found = exactPosterior(conditioned, makeInstance);
    if (found.kind !== "exact") refuseExact(conditioned, found);
    else refuseNothing({ dimension: found.joint.sites.length }, "exact");
  },
  enumerate: (conditioned) => {
    refuseParams(conditioned, "enumerate");
    refuseContinuous(conditioned);
    const { graph, sites } = buildDiscreteReadout(conditioned, "enumerate");
    refuseNothing({ dimension: sites.length }, "enumerate");
    planElimination(graph, () => sites[0].name);
  },
  cavi: (conditioned) => {
    refuseParams(conditioned, "cavi");
    if (conditioned.model.unbounded !== undefined) {
      refuseVariational(planDp(conditioned, makeInstance, "cavi"));
      return;
    }
    const { direct } = planCavi(conditioned, makeInstance);
    refuseNothing({ dimension: direct.sites.length + direct.discrete.length }, "cavi");
  },
  em: (conditioned) => {
    const plan = planEm(conditioned, makeInstance);
    if (plan.kind === "refused") refuseEm(conditioned, plan);
  },
  vi: gradientMethod("vi"),
  laplace: gradientMethod("laplace"),
  map: gradientMethod("map"),
};
export const inferenceMethods = Object.keys(plans) as readonly InferenceMethod[];

/** What each method would say, in the order of the table. */
export function judgeMethods(conditioned: Conditioned): Verdict[] {
  return inferenceMethods.map((method) => judge(conditioned, method));
}

function judge(conditioned: Conditioned, method: InferenceMethod): Verdict {
  try {
    refuseStates(conditioned, method);
    plans[method](conditioned);
    return { method };
  } catch (error) {
    if (!(error instanceof TildeError)) throw error;
    return { method, refusal: error.diagnostics[0] };
  }
}

/** Codes that say a model is outside a method's reach, where another one may do. */
const refusals: ReadonlySet<MessageCode> = new Set<MessageCode>([
  "param_needs_prior",
  "no_continuous_sites",
  "enumerate_continuous",
  "not_exact",
  "site_refused",
  "discrete_infinite",
  "discrete_sum_unsupported",
  "discrete_sum_too_large",
  "gradient_unsupported",
]);

/** The same error; where a method refused the model, with those that would take it. */
export function withAlternatives(error: unknown, conditioned: Conditioned): unknown {
  if (!(error instanceof TildeError)) return error;
  const [first, ...rest] = error.diagnostics;
  if (!refusals.has(first.code as MessageCode)) return error;
  const known = inferenceMethods.filter((method) => {
    try {
      return judge(conditioned, method).refusal === undefined;
    } catch {
      // The refusal is what counts here, not a fault in planning what nobody asked for.
      return false;
    }
  });
  const others =
    known.length === 0
      ? "no method takes this model with these data as it stands"
      : `methods that work for this model and data: ${known.join(", ")}`;
  const help = first.help === undefined ? others : `${first.help}; ${others}`;
  return new TildeError([{ ...first, help }, ...rest]);
}
