/**
 * NUTS of many chains at once, as the step of a loop: one pass is one leapfrog step of every chain,
 * each at its own place in its own tree (a finite state machine as in Dance, Glaser, Orbanz and Adams,
 * "Efficiently vectorized MCMC on modern accelerators", 2025), so that none waits at the end of a
 * trajectory for the longest. A trajectory that ends leaves its draw in the chain's box, and the
 * next pass begins the next one.
 *
 * The trees are those of reference.ts: multinomial choice within a half, biased progressive choice
 * between halves (Betancourt, "A conceptual introduction to Hamiltonian Monte Carlo", 2017, appendix
 * A.3), all three checks of each join; turns.ts has the recursion as a loop.
 *
 * Momenta are r = Lᵀp for the inverse metric LLᵀ: r is standard normal, the kinetic energy is r²/2,
 * and p♯·ρ is the plain product of the r, so that the metric stands in the leapfrog step alone.
 */
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, InputNode, Node } from "../../tensor/ops.js";
import { densitiesAt } from "../hamiltonian/many.js";
import { SITES } from "../hamiltonian/random.js";
import type { MetricKind } from "../hamiltonian/shape.js";
import type { Noise } from "../stochastic/noise.js";
import { DIVERGENCE_THRESHOLD } from "./trajectory.js";
import { type Leaf, Turns } from "./turns.js";

export interface ManyTreesShape {
  readonly chains: number;
  readonly metric: MetricKind;
  /** Of the deepest tree, at least 1; the run may ask for less. */
  readonly maxDepth: number;
  /** Draws of a chain that its box holds until they are read. */
  readonly box: number;
  /**
   * Joins of subtrees that a pass checks; a chain with more to check goes on with them in the next
   * pass instead of moving. Half of all leaves have one, a quarter two, and so on.
   */
  readonly joins: number;
}

export interface ManyTrees {
  readonly graph: Graph;
  /** Inputs that a pass changes, each with the output that is its next value. */
  readonly state: Readonly<Record<string, string>>;
  readonly noise: readonly Noise[];
  /** See `TOLD`. */
  readonly trace: readonly ["told"];
}

/** Elements of the trace `told`: sums over the chains. */
export const TOLD = {
  /** Trajectories that ended, their acceptance statistics, and the reciprocals of these. */
  ended: 0,
  accept: 1,
  reciprocal: 2,
  divergent: 3,
  /** Leapfrog steps, and the acceptances of their points. */
  leapfrogs: 4,
  rate: 5,
} as const;
export const TOLD_COUNT = Object.keys(TOLD).length;
/** Smaller acceptances count as this in the harmonic mean. */
const LEAST_ACCEPTANCE = 1e-6;

/** Columns of a draw in the box, behind its position. */
export const BOXED = [
  "lp",
  "accept_stat",
  "energy",
  "divergent",
  "treedepth",
  "n_leapfrog",
] as const;

/** Elements of the input `nuts_control`. */
export interface Control {
  readonly stepSize: number;
  /** Largest depth of a tree, up to that of the shape. */
  readonly depth: number;
  readonly thin: number;
  /** Chains rest after so many transitions. */
  readonly limit: number;
  /** Chains rest while their boxes are full; else older draws are overwritten. */
  readonly keeps: boolean;
}
export function controlOf({ stepSize, depth, thin, limit, keeps }: Control): Float64Array {
  return Float64Array.of(stepSize, depth, thin, limit, keeps ? 1 : 0);
}

/**
 * What belongs to a chain, `[chains, dimension]`: the moving end of the trajectory, the other one,
 * the momentum where the half began, sums of momenta of trajectory and half, the half's proposal,
 * the trajectory's sample.
 */
const vectors = [
  ...["q", "r", "grad", "other_q", "other_r", "other_grad", "near_r", "rho", "sum"],
  ...["prop_q", "prop_grad", "sample_q", "sample_grad"],
] as const;
/**
 * `[chains]`. `fresh`: no trajectory is under way; the next one begins at the sample. `joined`: joins
 * of the last leaf that were checked, where some are left (else 0). `count`: transitions so far,
 * `boxed`: draws put into the box since it was emptied.
 */
const reals = [
  ...["prop_lp", "prop_energy", "sample_lp", "sample_energy"],
  ...["energy0", "side", "step", "half_weight", "weight", "accept"],
] as const;
const ints = [
  ...["leapfrogs", "depth", "leaves", "ones", "zeros", "joined", "fresh", "count", "boxed"],
] as const;
type Vector = (typeof vectors)[number];
type Scalar = (typeof reals)[number] | (typeof ints)[number];

/**
 * Inputs: the chains' state; `box`, `[chains, box, dimension + BOXED.length]`; `nuts_control`;
 * `nuts_factor`, L of the inverse metric LLᵀ (its lower triangle, or √ of its diagonal).
 * A run begins with `sample_q`, `sample_lp`, `sample_grad` of the starts and `fresh` 1; to break off
 * all trajectories set `fresh` to 1, `leaves`, `depth` and `joined` to 0.
 * @param density outputs `lp` and `grad` of the input `q`
 */
export function manyTrees(density: Graph, shape: ManyTreesShape): ManyTrees {
  const { chains, metric, maxDepth, box, joins } = shape;
  const [d] = density.inputs[0].shape;
  const g = new SimplifyingBuilder();
  const v = Object.fromEntries(vectors.map((n) => [n, g.input(n, [chains, d])])) as Record<
    Vector,
    InputNode
  >;
  const s = Object.fromEntries([
    ...reals.map((n) => [n, g.input(n, [chains])]),
    ...ints.map((n) => [n, g.input(n, [chains], "int")]),
  ]) as Record<Scalar, InputNode>;
  const control = g.input("nuts_control", [5]);
  const factor = g.input("nuts_factor", metric === "diag" ? [d] : [d, d]);
  const normals = g.input("nuts_normals", [chains, d]);
  const leafUniforms = g.input("nuts_leaf", [chains]);
  const treeUniforms = g.input("nuts_tree", [2, chains]);
  const turns = new Turns(g, chains, d, maxDepth, joins);

  const setting = (k: number): Node =>
    g.broadcast(g.reshape(g.slice(control, [k], [1]), []), [chains]);
  const [stepSize, depthLimit, thin, limit, keeps] = [0, 1, 2, 3, 4].map(setting);
  const wide = (x: Node): Node => g.broadcast(x, [chains, d], [0]);
  const choose = (condition: Node, x: Node, y: Node): Node => g.select(wide(condition), x, y);
  const is = (x: Node): Node => g.ne(x, 0);
  const toInt = (condition: Node): Node => g.select(condition, ones("int"), none("int"));
  const ones = (dtype: "real" | "int"): Node => g.full([chains], 1, dtype);
  const none = (dtype: "real" | "int"): Node => g.full([chains], 0, dtype);
  const kinetic = (r: Node): Node => g.mul(0.5, g.sum(g.square(r), [1]));

  // Who begins, who turns round at the beginning of a half, who moves.
  const isFull = g.and(is(keeps), g.ge(s.boxed, g.full([chains], box, "int")));
  const rests = g.and(is(s.fresh), g.or(isFull, g.ge(s.count, limit)));
  const begins = g.and(is(s.fresh), g.not(rests));
  const moves = g.not(g.or(rests, is(s.joined)));
  const opens = g.and(moves, g.eq(s.leaves, 0));
  const towards = g.select(g.lt(g.at(treeUniforms, 0, 0), 0.5), ones("real"), g.full([chains], -1));
  const side = g.select(opens, towards, s.side);
  const isSwapped = g.and(g.and(opens, g.not(begins)), g.ne(side, s.side));
  const from = (start: Node, one: Node, two: Node): Node =>
    choose(begins, start, choose(isSwapped, two, one));
  const q0 = from(v.sample_q, v.q, v.other_q);
  const r0 = from(normals, v.r, v.other_r);
  const grad0 = from(v.sample_grad, v.grad, v.other_grad);
  const otherR = from(normals, v.other_r, v.r);
  const nearR = choose(opens, r0, v.near_r);
  const before = g.select(wide(opens), g.zeros([chains, d]), v.sum);
  const rho = choose(begins, normals, v.rho);
  const energy0 = g.select(begins, g.sub(kinetic(normals), s.sample_lp), s.energy0);
  const step = g.select(begins, stepSize, s.step);
  const weight = g.select(begins, none("real"), s.weight);
  const depth = g.select(begins, none("int"), s.depth);

  // A leapfrog step; one of length 0 where a chain rests or has joins left.
  const length = wide(g.select(moves, g.mul(side, step), none("real")));
  const half = g.mul(0.5, length);
  const scaled = (x: Node): Node => g.mul(x, g.broadcast(factor, [chains, d], [1]));
  const pulled = (x: Node): Node => (metric === "diag" ? scaled(x) : g.matmul(x, factor));
  const moved = (x: Node): Node =>
    metric === "diag" ? scaled(x) : g.matmul(x, g.transpose(factor));
  const r1 = g.add(r0, g.mul(half, pulled(grad0)));
  const q = g.add(q0, g.mul(length, moved(r1)));
  const { lp, grad } = densitiesAt(g, density, q);
  const r = g.add(r1, g.mul(half, pulled(grad)));

  // The leaf: its weight, and whether it becomes the half's proposal.
  const energy = g.sub(kinetic(r), lp);
  const gain = g.sub(energy0, energy);
  const threshold = g.full([chains], -DIVERGENCE_THRESHOLD);
  // Written so that a NaN energy is a divergence.
  const isStable = g.ge(gain, threshold);
  const logWeight = g.select(isStable, gain, threshold);
  const rate = g.select(isStable, g.exp(g.min(gain, none("real"))), none("real"));
  const accept = g.add(
    g.select(begins, none("real"), s.accept),
    g.select(moves, rate, none("real")),
  );
  const leapfrogs = g.add(g.select(begins, none("int"), s.leapfrogs), toInt(moves));
  const grown = g.select(opens, logWeight, logSum(g, s.half_weight, logWeight));
  const halfWeight = g.select(moves, grown, s.half_weight);
  const takes = g.and(moves, g.or(opens, g.lt(g.log(leafUniforms), g.sub(logWeight, halfWeight))));
  const propQ = choose(takes, q, v.prop_q);
  const propGrad = choose(takes, grad, v.prop_grad);
  const propLp = g.select(takes, lp, s.prop_lp);
  const propEnergy = g.select(takes, energy, s.prop_energy);
  const sum = choose(moves, g.add(before, r), v.sum);

  // The subtrees that it completes, and the half.
  const leaf: Leaf = { moves, opens, r, before, sum, depth, otherR, nearR, rho };
  const turned = turns.check(leaf, s);
  const isDivergent = g.and(moves, g.not(isStable));
  const isBad = g.or(isDivergent, turned.within);
  const isComplete = g.and(turned.completes, g.not(isBad));
  const updates = g.and(
    isComplete,
    g.lt(g.log(g.at(treeUniforms, 0, 1)), g.sub(halfWeight, weight)),
  );
  const sampleQ = choose(updates, propQ, v.sample_q);
  const sampleGrad = choose(updates, propGrad, v.sample_grad);
  const sampleLp = g.select(updates, propLp, s.sample_lp);
  const sampleEnergy = g.select(updates, propEnergy, g.select(begins, energy0, s.sample_energy));
  const deeper = g.add(depth, toInt(isComplete));
  const ends = g.or(isBad, g.and(isComplete, g.or(turned.whole, g.ge(deeper, depthLimit))));

  // The draw of a trajectory that has ended.
  const count = g.add(s.count, toInt(ends));
  const keptNow = g.and(ends, g.eq(g.mod(count, thin), 0));
  const acceptance = g.div(accept, g.max(leapfrogs, ones("int")));
  const column = (x: Node): Node => g.reshape(x, [chains, 1]);
  const draw = g.concat(
    [
      sampleQ,
      ...[sampleLp, acceptance, sampleEnergy, toInt(isDivergent), deeper, leapfrogs].map(column),
    ],
    1,
  );
  const width = d + BOXED.length;
  const boxes = g.input("box", [chains, box, width]);
  const at = g.select(keptNow, g.mod(s.boxed, box), g.full([chains], -1, "int"));
  const isPlace = g.eq(
    g.broadcast(at, [chains, box], [0]),
    g.broadcast(g.iota(box), [chains, box], [1]),
  );
  const nextBox = g.select(
    g.broadcast(isPlace, boxes.shape, [0, 1]),
    g.broadcast(draw, boxes.shape, [0, 2]),
    boxes,
  );

  const closes = g.or(ends, isComplete);
  const toldOf = (x: Node): Node => g.sum(g.select(ends, x, none("real")));
  const bounded = g.max(acceptance, g.full([chains], LEAST_ACCEPTANCE));
  const next: Record<Vector | Scalar, Node> = {
    q,
    r,
    grad,
    other_q: from(v.sample_q, v.other_q, v.q),
    other_r: otherR,
    other_grad: from(v.sample_grad, v.other_grad, v.grad),
    near_r: nearR,
    rho: choose(isComplete, g.add(rho, sum), rho),
    sum,
    prop_q: propQ,
    prop_grad: propGrad,
    sample_q: sampleQ,
    sample_grad: sampleGrad,
    prop_lp: propLp,
    prop_energy: propEnergy,
    sample_lp: sampleLp,
    sample_energy: sampleEnergy,
    energy0,
    side,
    step,
    half_weight: halfWeight,
    weight: g.select(isComplete, logSum(g, weight, halfWeight), weight),
    accept,
    leapfrogs,
    depth: g.select(ends, none("int"), deeper),
    leaves: g.select(closes, none("int"), turned.leaves),
    ones: turned.ones,
    zeros: turned.zeros,
    joined: g.select(closes, none("int"), turned.joined),
    fresh: g.select(g.or(ends, rests), ones("int"), none("int")),
    count,
    boxed: g.add(s.boxed, toInt(keptNow)),
  };
  const outputs: Record<string, Node> = {
    ...Object.fromEntries(
      Object.entries({ ...next, ...turned.stacks }).map(([n, x]) => [`next_${n}`, x]),
    ),
    next_box: nextBox,
    told: g.stack([
      toldOf(ones("real")),
      toldOf(acceptance),
      toldOf(g.reciprocal(bounded)),
      toldOf(toInt(isDivergent)),
      g.sum(toInt(moves)),
      g.sum(g.select(moves, rate, none("real"))),
    ]),
  };
  const carried = [...Object.keys(next), ...Object.keys(turned.stacks), "box"];
  return {
    graph: simplify({
      inputs: g.inputs,
      outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
    }),
    state: Object.fromEntries(carried.map((name) => [name, `next_${name}`])),
    noise: [
      { buffer: "nuts_normals", length: chains * d, law: { kind: "normal" }, site: SITES.momentum },
      { buffer: "nuts_leaf", length: chains, law: { kind: "uniform" }, site: SITES.leaf },
      { buffer: "nuts_tree", length: 2 * chains, law: { kind: "uniform" }, site: SITES.doubling },
    ],
    trace: ["told"],
  };
}

/** log(exp x + exp y) of finite x and y. */
function logSum(g: SimplifyingBuilder, x: Node, y: Node): Node {
  return g.add(g.max(x, y), g.log1p(g.exp(g.neg(g.abs(g.sub(x, y))))));
}
