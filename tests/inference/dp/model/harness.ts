/** Plans and chain models of small Dirichlet-process mixtures. */
import {
  type DpChainModel,
  dpChainModel,
} from "../../../../src/inference/dp/model/cluster-model.js";
import type { DpPlan } from "../../../../src/inference/dp/model/dp-plan.js";
import { planDp } from "../../../../src/inference/dp/model/plan.js";
import { condition } from "../../../../src/passes/condition/index.js";
import { type Data, make } from "../../conditionals/harness.js";
import { dataSet, modelOf } from "../../logjoint/models.js";

export { type Data, make };

export interface Planned {
  readonly plan: DpPlan;
  readonly model: DpChainModel;
}

export function planned(text: string, data: Data, seed = 1): Planned {
  const plan = planDp(condition(modelOf(text), dataSet(data)), make, "gibbs");
  return { plan, model: dpChainModel(plan, make, { seed, chain: 0 }) };
}

/** `mu[0]`, `tau[1]`: the columns of θ by name. */
export function columnsOf({ layout, structure }: DpPlan): string[] {
  return layout.map(
    ({ component, element }) => `${structure.components[component].name}[${element}]`,
  );
}

export const ramp = (n: number, f: (i: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => f(i));
