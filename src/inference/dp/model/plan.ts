/** From a conditioned model to a plan of its Dirichlet-process mixture. */

import { stream } from "../../../math/rng/random.js";
import type { Conditioned } from "../../../passes/condition/index.js";
import type { MakeInstance } from "../../conditionals/kernels.js";
import { logPredictive } from "../results/predictive.js";
import type { DpDraws } from "../samplers/run.js";
import { arrangements } from "./arrangements.js";
import { densitiesOf, dpChainModel, type PlannedModel, testModel } from "./cluster-model.js";
import { type Densities, pointsFor, solveIdentity } from "./conjugacy.js";
import type { DpPlan } from "./dp-plan.js";
import { type Column, plainLayout } from "./layout.js";
import { structureOf } from "./structure.js";

const SEED = 20_060_614;
/** The identity must hold whatever the sites outside the plate are. */
const TEST_STATES = 2;

/**
 * The plan of a model with an unbounded plate.
 * @param make compiles kernels and makes an instance; used while planning alone
 * @throws TildeError `process_unsupported`, and what lowering the model reports
 */
export function planDp(conditioned: Conditioned, make: MakeInstance, methodName: string): DpPlan {
  const structure = structureOf(conditioned, make, methodName);
  const finish = (plan: Omit<DpPlan, "logPredictive">): DpPlan => {
    const made: DpPlan = {
      ...plan,
      logPredictive: (others, chains) =>
        predictiveAt(made, planDp(others, make, methodName), make, chains),
    };
    return made;
  };
  const plain = finish({
    conditioned,
    methodName,
    structure,
    layout: plainLayout(structure.components),
    arrangement: undefined,
    points: new Float64Array(0),
  });
  const model = testModel(plain, make);
  for (const arrangement of arrangements(structure.components)) {
    // The kernels are the same for every order of the numbers.
    const densities = reordered(densitiesOf(model), plain.layout, arrangement.layout);
    for (const draw of [basePoint, statePoint]) {
      model.restart(stream(SEED, 1, 0, 0));
      const count = pointsFor(arrangement);
      const points = inLayout(draw(plain, model, count), plain.layout, arrangement.layout);
      const holds = Array.from({ length: TEST_STATES }, (_, s) => s).every((s) => {
        model.restart(stream(SEED, 1, 0, s));
        return solveIdentity(arrangement, densities, points) !== undefined;
      });
      if (holds) return finish({ ...plain, layout: arrangement.layout, arrangement, points });
    }
  }
  return plain;
}

/** See `DpPlan.logPredictive`. */
function predictiveAt(
  plan: DpPlan,
  others: DpPlan,
  make: MakeInstance,
  chains: readonly DpDraws[],
): Float64Array {
  const key = { seed: 0, chain: 0 };
  const isFixed = plan.structure.globals.length === 0;
  const own = isFixed ? dpChainModel(plan, make, key) : undefined;
  return logPredictive(dpChainModel(others, make, key), chains, own);
}

/** Rows of θ in another order of their numbers. */
function inLayout(
  thetas: Float64Array,
  from: readonly Column[],
  to: readonly Column[],
): Float64Array {
  const width = from.length;
  const source = to.map(({ component, element }) =>
    from.findIndex((c) => c.component === component && c.element === element),
  );
  return thetas.map((_, at) => thetas[at - (at % width) + source[at % width]]);
}

function reordered(
  densities: Densities,
  plain: readonly Column[],
  layout: readonly Column[],
): Densities {
  const width = plain.length;
  return {
    items: densities.items,
    base: (thetas, row) =>
      densities.base(inLayout(thetas.subarray(row * width, (row + 1) * width), layout, plain), 0),
    table: (thetas, count, out) => densities.table(inLayout(thetas, layout, plain), count, out),
  };
}

/** Rows of θ in the plain layout. */
type DrawPoints = (plan: DpPlan, model: PlannedModel, count: number) => Float64Array;

/** Draws of the base lie where the prior expects the data. */
const basePoint: DrawPoints = ({ layout }, model, count) => {
  const points = new Float64Array(count * layout.length);
  for (let r = 0; r < count; r++) model.drawBase(stream(SEED, 2, 0, r), points, r);
  return points;
};
/** Where the base is so vague that its draws overflow: points of ordinary size. */
const statePoint: DrawPoints = ({ structure, layout }, _, count) => {
  const rows = Array.from({ length: count }, (_row, r) => {
    const { own } = structure.found.draw(stream(SEED, 3, 0, r));
    return layout.map(
      ({ component, element }) => own[structure.components[component].site][element],
    );
  });
  return Float64Array.from(rows.flat());
};
