/**
 * `explain` of methods that learn: the objective, its programs, and how gradients pass each random
 * site, with the reason.
 */
import {
  buildObjective,
  type Exactness,
  type Inexact,
  type SiteExpectation,
  type StrategyReason,
} from "../inference/objective/index.js";
import type { Model } from "../model/ir.js";
import { concreteDims } from "../passes/condition/index.js";
import { workOf } from "../tensor/work.js";
import { conditionRaw, type Declared } from "./compile.js";
import type { RawData } from "./data/values.js";
import type { NceOptions, SviOptions } from "./methods.js";
import { bindMethod, checkBatch, dataOf, programLabel, withoutOthers } from "./svi/programs.js";

/** How gradients pass one random site of what the objective draws. */
export interface EstimatorPlan {
  readonly site: string;
  readonly dims: readonly number[];
  /** The program that it is drawn from, and the draw's name in the objective. */
  readonly program: string;
  readonly draw: string;
  /** As the text would have it: `reinforce(baseline: nvil)`. */
  readonly strategy: string;
  /** Chosen by the compiler, rather than written. */
  readonly chosen: boolean;
  readonly reason: string;
  /** Which means over the site's draws are exact, given all other draws, and why not all are. */
  readonly expectation?: string;
}

/** What a learning method would do with a model, its guide and its data. */
export interface LearningPlan {
  readonly model: string;
  readonly method: "svi" | "nce";
  readonly objective: string;
  readonly guide?: string;
  /** Learned numbers: of the model and of each further program, and all together. */
  readonly params: Readonly<Record<string, number>>;
  readonly dimension: number;
  readonly estimators: readonly EstimatorPlan[];
  /** Random numbers of a step. */
  readonly noise: number;
  /** Arithmetic operations of a step: the objective and its gradient. */
  readonly operations: number;
}

const reasons: { readonly [K in StrategyReason]: string } = {
  written: "as written",
  path: "a draw is a differentiable function of noise",
  implicit: "draws have a derivative at a constant distribution function",
  sum: "its values can be summed exactly",
  local: "the values of each element can be summed while the others are drawn",
  score: "no draw of it can be differentiated",
  frozen: "the objective lets no gradient pass",
};

const exactly: { readonly [K in Exactness]: string } = {
  divergence: "its divergence from the prior is exact",
  entropy: "its entropy is exact",
  density: "its expected prior density is exact",
  none: "nothing of it is exact",
};

const inexactly: { readonly [K in Inexact]: string } = {
  family: "no closed form for these distributions",
  reads: "the prior reads draws of it",
  alone: "the model has no density for it",
  elements: "model and guide write different elements",
  nonlinear: "the objective is not affine in its densities",
  estimated: "a density is estimated",
  held: "the objective holds a density or a draw constant",
};

const inWords = ({ exact, why }: SiteExpectation): string =>
  why === undefined ? exactly[exact] : `${exactly[exact]} (${inexactly[why]})`;

/** @throws TildeError where names, data or strategies do not fit, as the run would. */
export function planLearning(
  model: Model,
  raw: RawData,
  declared: Declared,
  method: SviOptions | NceOptions,
): LearningPlan {
  const conditioned = conditionRaw(model, withoutOthers(raw, model, declared));
  const bound = bindMethod(model, declared, method);
  const { objective, args, programs } = bound;
  const batch = checkBatch(method.batch, conditioned.sizes);
  const made = buildObjective(objective, {
    programs,
    data: dataOf(bound, raw),
    args,
    batch,
    analytic: method.analytic,
  });
  const params: Record<string, number> = {};
  for (const s of made.params) params[s.program] = (params[s.program] ?? 0) + s.length;
  const estimators = made.strategies.map((s): EstimatorPlan => {
    const draw = objective.draws.find((d) => d.name === s.draw);
    const drawn = programs.get(draw?.program ?? "")?.model;
    const variable = drawn?.variables.find((v) => v.name === s.site);
    const sizes = { ...conditioned, model: drawn ?? model };
    return {
      site: s.site,
      dims: variable === undefined ? [] : concreteDims(sizes, variable.type.dims),
      program: drawn?.name ?? "",
      draw: s.draw,
      strategy: s.text,
      chosen: s.chosen,
      reason: reasons[s.reason],
      ...(s.expectation && { expectation: inWords(s.expectation) }),
    };
  });
  const guide = bound.guide === undefined ? undefined : programLabel(programs.get(bound.guide));
  const used = new Set(made.graph.inputs.map((n) => n.name));
  return {
    model: model.name,
    method: method.method,
    objective: objective.name,
    ...(guide !== undefined && { guide }),
    params,
    dimension: made.dimension,
    estimators,
    noise: made.noise
      .filter((n) => used.has(n.name))
      .reduce((sum, n) => sum + n.dims.reduce((a, b) => a * b, 1), 0),
    operations: workOf(made.graph.outputs.map((o) => o.node)),
  };
}
