/**
 * Params whose next values the graph of an objective gives itself. A state, `param v = init then e`, is
 * what e was at the step before: power iterations, running means. No gradient moves it.
 */
import { fail } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { Conditioned } from "../../passes/condition/index.js";
import type { GraphBuilder } from "../../tensor/builder.js";
import type { Node } from "../../tensor/ops.js";
import { emptyContext } from "../logjoint/context.js";
import type { ParamSlot } from "./contract.js";
import { type Builder, lowerProgram, type Program } from "./programs.js";

/** The output with what `theta` becomes. */
export const NEXT = "theta.next";

/** `theta` with other values of one param, given in its unconstrained numbers. */
export function replaced(g: GraphBuilder, theta: Node, slot: ParamSlot, values: Node): Node {
  const flat = g.reshape(values, [slot.length]);
  const after = slot.offset + slot.length;
  const [dimension] = theta.shape;
  const before = g.slice(theta, [0], [slot.offset]);
  return g.concat([before, flat, g.slice(theta, [after], [dimension - after])], 0);
}

/** 1 for each number of a state; undefined where there are none. */
export function stateMask(
  slots: readonly ParamSlot[],
  dimension: number,
): Float64Array | undefined {
  const states = slots.filter((s) => s.isState === true);
  if (states.length === 0) return undefined;
  const mask = new Float64Array(dimension);
  for (const s of states) mask.fill(1, s.offset, s.offset + s.length);
  return mask;
}

/** The states of a program with their slots. */
function statesOf({ model }: Conditioned, slots: ReadonlyMap<string, ParamSlot>) {
  return (model.states ?? []).map(({ param, next }) => {
    return { slot: slots.get(param) ?? internalError(`no state ${param}`), next };
  });
}

/**
 * The next values of a program's states.
 * @throws TildeError where one reads a latent site, which has no value outside of draws.
 */
export function nextOfProgram(b: Builder, program: Program): [ParamSlot, Node][] {
  const { conditioned, slots } = program;
  return statesOf(conditioned, slots).map(({ slot, next }) => {
    const { l } = lowerProgram(b, program, (name) => {
      const isKnown = conditioned.observed.has(name) || program.streams.has(name);
      return isKnown ? undefined : fail("state_draw", next.span, { name: slot.param, site: name });
    });
    return [slot, l.lower(next, emptyContext).node];
  });
}

/** Those of the objective's own states, whose values may follow its evaluations. */
export function nextOfObjective(
  conditioned: Conditioned,
  slots: ReadonlyMap<string, ParamSlot>,
  lower: (e: ReturnType<typeof statesOf>[number]["next"]) => Node,
): [ParamSlot, Node][] {
  return statesOf(conditioned, slots).map(({ slot, next }) => [slot, lower(next)]);
}
