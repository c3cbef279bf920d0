/**
 * Draws of `normalize(p, proposal: r, particles: M)`: M particles of r, of which one is chosen with
 * probabilities in proportion to the weights p/r (sampling importance resampling; Rubin 1988).
 */
import { internalError } from "../../base/internal.js";
import type { Draw } from "../../model/objective.js";
import type { Node } from "../../tensor/ops.js";
import type { Program } from "./conditioned-program.js";
import type { Parts } from "./costs.js";
import { logWeights } from "./estimates.js";
import { drawParticles, type Particles, wholeTrace } from "./particles.js";
import type { Builder, Trace } from "./programs.js";
import type { Copies } from "./replicate.js";
import { runningRatio, type StateNode } from "./states.js";

export interface Resampled {
  readonly trace: Trace;
  readonly particles: Particles;
  /** log w of every particle, `copies ++ [particles]`. */
  readonly weights: Node;
  /** True at the particle that was chosen; of the same shape. */
  readonly chosen: Node;
}

/** @param frozen whether no gradient passes the draw */
export function drawResampled(
  b: Builder,
  program: Program,
  name: string,
  copies: Copies,
  frozen: boolean,
): Resampled {
  const { g } = b;
  const e = program.estimate ?? internalError(`${name} is not resampled`);
  const nothing: Trace = { name, copies, values: new Map() };
  const count = e.particles;
  const particles = drawParticles(b, e, `${name}.particles`, nothing, count, false, frozen);
  const whole = wholeTrace(b, e, nothing, particles);
  const weights = logWeights(b, e, whole);
  const rank = copies.loops.length;
  // The largest of log w plus Gumbel noise falls on a particle with probability w / Σ w.
  const input = { name: `${name}.chosen`, law: "uniform" as const, dims: weights.shape };
  if (!b.noise.some((n) => n.name === input.name)) b.noise.push(input);
  const u = g.input(input.name, input.dims);
  const scores = g.sub(weights, g.log(g.neg(g.log(u))));
  const chosen = g.ge(scores, g.unreduce(g.reduce("max", scores, [rank]), scores, [rank]));
  const values = new Map<string, Node>();
  for (const site of e.own) {
    const node = whole.values.get(site) ?? internalError(`no ${site}`);
    const picked = pick(b, node, chosen, rank);
    values.set(site, frozen ? g.stopGradient(picked) : picked);
  }
  const logMean = g.sub(g.logsumexp(weights, [rank]), Math.log(count));
  const guide = program.isGuide ? program.conditioned.model.name : undefined;
  return { trace: { name, copies, values, guide, logMean }, particles, weights, chosen };
}

/** The value of the chosen particle. */
function pick({ g }: Builder, node: Node, chosen: Node, rank: number): Node {
  const axes = chosen.shape.map((_, k) => k);
  const wide = g.broadcast(chosen, node.shape, axes);
  if (node.dtype === "bool") {
    return g.ne(
      g.reduce("sum", g.select(g.and(wide, node), g.constant(1), g.constant(0)), [rank]),
      0,
    );
  }
  return g.reduce("sum", g.select(wide, node, g.full(node.shape, 0, node.dtype)), [rank]);
}

/** The most particles whose choice is summed over. */
const mostSummed = 16;

/**
 * What the choice of a particle adds to the objective for the gradient alone: Σ_m stop(R_m) π_m with
 * R_m the objective at particle m, where there are few and the draw is one; else its score.
 */
export function choiceTerm(
  parts: Parts,
  draw: Draw,
  program: Program,
  { trace, particles, weights, chosen }: Resampled,
  value: Node,
  states: StateNode[],
): Node {
  const { g } = parts;
  const rank = trace.copies.loops.length;
  const count = weights.shape[rank];
  const logChance = g.sub(weights, g.unreduce(g.logsumexp(weights, [rank]), weights, [rank]));
  if (rank === 0 && count <= mostSummed) {
    let total: Node = g.constant(0);
    for (let m = 0; m < count; m++) {
      const values = new Map(
        [...trace.values.keys()].map((site) => {
          const all = particles.trace.values.get(site) ?? internalError(`no ${site}`);
          const starts = all.shape.map((_, k) => (k === 0 ? m : 0));
          const one = g.slice(all, starts, [1, ...all.shape.slice(1)]);
          return [site, g.reshape(one, all.shape.slice(1))] as const;
        }),
      );
      const at = g.stopGradient(parts.whole(draw.name, { ...trace, values }));
      const chance = g.exp(g.reshape(g.slice(logChance, [m], [1]), []));
      total = g.add(total, g.mul(at, chance));
    }
    return total;
  }
  const score = g.sum(g.select(chosen, logChance, g.full(logChance.shape, 0, "real")));
  const cost = g.stopGradient(value);
  const site = { draw, program, trace, site: "chosen" };
  const mean = runningRatio(parts, site, states, ["cost", "weight"], cost, g.constant(1));
  return g.mul(g.sub(cost, mean), score);
}
