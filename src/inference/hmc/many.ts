/**
 * Hamiltonian Monte Carlo of many chains at once, as the step of a loop: all chains share the metric,
 * the step size and the number of leapfrog steps, and one pass of the loop is one leapfrog step of
 * each. The first pass of a transition draws momenta, the last one accepts or goes back (Neal 2011,
 * section 3.2). Instead of the number of steps, each chain's step size is jittered.
 */
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Graph, Node } from "../../tensor/ops.js";
import { densitiesAt } from "../hamiltonian/many.js";
import { SITES } from "../hamiltonian/random.js";
import type { MetricKind } from "../hamiltonian/shape.js";
import type { Noise } from "../stochastic/noise.js";

/** An energy that has risen by more has left the region where the integrator is stable. */
const DIVERGENCE_THRESHOLD = 1000;

export interface ManyChains {
  readonly graph: Graph;
  /** Inputs that a pass changes, each with the output that is its next value. */
  readonly state: Readonly<Record<string, string>>;
  readonly noise: readonly Noise[];
  /** Of the last pass of a transition: see `ACCEPTANCE`. */
  readonly trace: readonly ["acceptance"];
}

/** Elements of the trace `acceptance`: means over the chains. */
export const ACCEPTANCE = { mean: 0, harmonic: 1 } as const;
/** Smaller acceptances count as this in the harmonic mean. */
const LEAST_ACCEPTANCE = 1e-6;

/** Elements of the input `hmc_path`: step size, leapfrog steps of a transition, jitter in [0, 1). */
export function pathOf(stepSize: number, steps: number, jitter: number): Float64Array {
  return Float64Array.of(stepSize, steps, jitter);
}

/** Names of what belongs to a chain: `[chains, dimension]`, and `[chains]`. */
const vectors = ["q", "p", "grad", "from_q", "from_grad"] as const;
const scalars = ["lp", "from_lp", "from_energy", "scale", "accept", "energy", "divergent"] as const;

/**
 * Inputs: the chains' state (`q`, its density `lp` and gradient `grad` belong together); `hmc_at`,
 * the pass within the transition; `hmc_path`; `hmc_inverse`, the inverse metric (its diagonal, or the
 * whole matrix), and `hmc_factor`, which makes momenta of independent normals: 1/√ of the diagonal,
 * or the inverse of the lower factor of the inverse metric.
 * @param density outputs `lp` and `grad` of the input `q`
 */
export function manyChains(density: Graph, chains: number, metric: MetricKind): ManyChains {
  const [q] = density.inputs;
  const [d] = q.shape;
  const g = new SimplifyingBuilder();
  const matrix = Object.fromEntries(vectors.map((v) => [v, g.input(v, [chains, d])]));
  const each = Object.fromEntries(scalars.map((v) => [v, g.input(v, [chains])]));
  const at = g.input("hmc_at", []);
  const path = g.input("hmc_path", [3]);
  const shape = metric === "diag" ? [d] : [d, d];
  const inverse = g.input("hmc_inverse", shape);
  const factor = g.input("hmc_factor", shape);
  const normals = g.input("hmc_normals", [chains, d]);
  const uniforms = g.input("hmc_uniforms", [chains]);
  const jitters = g.input("hmc_jitters", [chains]);

  const [stepSize, steps, jitter] = [0, 1, 2].map((k) => g.reshape(g.slice(path, [k], [1]), []));
  const perChain = (x: Node): Node => g.broadcast(x, [chains]);
  const perElement = (x: Node): Node => g.broadcast(x, [chains, d], [0]);
  const product = (x: Node, m: Node): Node =>
    metric === "diag" ? g.mul(x, g.broadcast(m, [chains, d], [1])) : g.matmul(x, m);
  const kinetic = (p: Node): Node => g.mul(0.5, g.sum(g.mul(p, product(p, inverse)), [1]));
  const choose = (condition: Node, x: Node, y: Node): Node =>
    g.select(g.broadcast(condition, x.shape, condition.shape.length === 0 ? [] : [0]), x, y);

  const isFirst = g.eq(at, 0);
  const isLast = g.ge(g.add(at, 1), steps);
  const p0 = choose(isFirst, product(normals, factor), matrix.p);
  const fromQ = choose(isFirst, matrix.q, matrix.from_q);
  const fromGrad = choose(isFirst, matrix.grad, matrix.from_grad);
  const fromLp = choose(isFirst, each.lp, each.from_lp);
  const fromEnergy = choose(isFirst, g.sub(kinetic(p0), each.lp), each.from_energy);
  const spread = g.mul(perChain(jitter), g.sub(g.mul(2, jitters), 1));
  const scale = choose(isFirst, g.add(1, spread), each.scale);

  const epsilon = perElement(g.mul(perChain(stepSize), scale));
  const half = g.mul(0.5, epsilon);
  const p1 = g.add(p0, g.mul(half, matrix.grad));
  const moved = g.add(matrix.q, g.mul(epsilon, product(p1, inverse)));
  const { lp, grad } = densitiesAt(g, density, moved);
  const p2 = g.add(p1, g.mul(half, grad));

  const reached = g.sub(kinetic(p2), lp);
  const gain = g.sub(fromEnergy, reached);
  // Written so that a NaN energy is a divergence.
  const isStable = g.ge(gain, g.full([chains], -DIVERGENCE_THRESHOLD));
  const rate = g.select(isStable, g.exp(g.min(gain, g.zeros([chains]))), g.zeros([chains]));
  const accepted = g.lt(uniforms, rate);
  const back = g.and(perChain(isLast), g.not(accepted));
  const atEnd = (value: Node, before: Node): Node => choose(isLast, value, before);
  const bounded = g.max(rate, g.full([chains], LEAST_ACCEPTANCE));
  const outputs: Record<string, Node> = {
    next_q: choose(back, fromQ, moved),
    next_p: p2,
    next_grad: choose(back, fromGrad, grad),
    next_from_q: fromQ,
    next_from_grad: fromGrad,
    next_lp: choose(back, fromLp, lp),
    next_from_lp: fromLp,
    next_from_energy: fromEnergy,
    next_scale: scale,
    next_accept: atEnd(rate, each.accept),
    next_energy: atEnd(g.select(accepted, reached, fromEnergy), each.energy),
    next_divergent: atEnd(g.select(isStable, g.zeros([chains]), g.ones([chains])), each.divergent),
    next_hmc_at: g.select(isLast, 0, g.add(at, 1)),
    acceptance: g.stack([g.div(g.sum(rate), chains), g.div(chains, g.sum(g.reciprocal(bounded)))]),
  };
  const carried = [...vectors, ...scalars, "hmc_at"];
  return {
    graph: simplify({
      inputs: g.inputs,
      outputs: Object.entries(outputs).map(([name, node]) => ({ name, node })),
    }),
    state: Object.fromEntries(carried.map((name) => [name, `next_${name}`])),
    noise: [
      { buffer: "hmc_normals", length: chains * d, law: { kind: "normal" }, site: SITES.momentum },
      { buffer: "hmc_uniforms", length: chains, law: { kind: "uniform" }, site: SITES.acceptance },
      { buffer: "hmc_jitters", length: chains, law: { kind: "uniform" }, site: SITES.noise },
    ],
    trace: ["acceptance"],
  };
}
