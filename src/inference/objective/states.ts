/** Numbers that the driver carries from step to step, which baselines are made of. */
import type { Node } from "../../tensor/ops.js";
import type { StateSlot } from "./contract.js";
import type { Parts, SiteOfDraw } from "./costs.js";

/** A number of the driver's with the node that renews it. */
export interface StateNode {
  readonly slot: StateSlot;
  readonly next: Node;
}

/** How much of a moving average the last step keeps. */
const decay = 0.99;

/** Adds a number that the driver carries from step to step; the node of its present value. */
function addState(
  { g }: Parts,
  s: SiteOfDraw,
  states: StateNode[],
  what: string,
  next: (before: Node) => Node,
): Node {
  const name = `${s.draw.name}.${s.site}.${what}`;
  const slot = { name, next: `${name}.next`, dims: [], init: 0 };
  const before = g.input(name, []);
  states.push({ slot, next: next(before) });
  return before;
}

/** The running mean of a number of each step. */
function runningMean(
  parts: Parts,
  s: SiteOfDraw,
  states: StateNode[],
  what: string,
  now: Node,
): Node {
  const { g } = parts;
  return addState(parts, s, states, what, (before) =>
    g.add(g.mul(decay, before), g.mul(1 - decay, now)),
  );
}

/** E[a] / E[b] by running means; 0 at first. */
export function runningRatio(
  parts: Parts,
  s: SiteOfDraw,
  states: StateNode[],
  names: readonly [string, string],
  a: Node,
  b: Node,
): Node {
  return ratio(
    parts,
    runningMean(parts, s, states, names[0], a),
    runningMean(parts, s, states, names[1], b),
  );
}

/** a / b, 0 where b is. */
function ratio({ g }: Parts, a: Node, b: Node): Node {
  const isZero = g.eq(b, 0);
  return g.select(isZero, g.constant(0), g.div(a, g.select(isZero, g.constant(1), b)));
}
