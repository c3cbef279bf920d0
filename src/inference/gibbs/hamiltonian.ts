/**
 * NUTS or HMC within Gibbs: some sites, in unconstrained coordinates, move by one transition that
 * leaves their joint conditional as it is; step size and metric adapt in the warmup. The kernels are
 * those of the samplers themselves under names of their own, on the shared state of the chain.
 */

import type { KernelFunction, KernelModule } from "../../kernel/ir.js";
import { philoxKey } from "../../math/rng/index.js";
import { collapse } from "../../passes/collapse/index.js";
import { gradient } from "../../passes/grad/index.js";
import { ConstantPool, lowerGraph } from "../../passes/lower/index.js";
import { SimplifyingBuilder, simplify } from "../../passes/simplify/index.js";
import type { Node } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";
import { substitute } from "../../tensor/transform.js";
import { topological } from "../../tensor/traverse.js";
import {
  type CovarianceState,
  initCovariance,
  regularisedCovariance,
  resetCovariance,
  stepCovariance,
} from "../adaptation/covariance.js";
import {
  DUAL_AVERAGING_DEFAULTS,
  type DualAveragingState,
  initDualAveraging,
  stepDualAveraging,
} from "../adaptation/dual-averaging.js";
import { findStepSize } from "../adaptation/step-size.js";
import { inputBuffer } from "../conditionals/kernels.js";
import { type ChainKey, HMC_DEFAULTS, type KernelInstance, NUTS_DEFAULTS } from "../contract.js";
import { f64Buffer, STATISTICS } from "../hamiltonian/shape.js";
import { copy } from "../hamiltonian/vector.js";
import { withHmc } from "../hmc/assemble.js";
import { type DirectJoint, STATES } from "../logjoint/direct.js";
import { withNuts } from "../nuts/assemble.js";
import { pack, unpack } from "../state.js";
import { prefixed } from "./prefix.js";

/** The moving point's input; no site can have this name. */
const POSITION = ".position";

export interface HamiltonianBlock {
  readonly id: number;
  readonly method: "nuts" | "hmc";
  readonly sites: readonly number[];
}

/** A trajectory per sweep needs no deep trees: the next sweep goes on. */
const TREE_DEPTH = 8;
const MOST_STEPS = 256;
/** Positions between two renewals of the metric double from this on. */
const FIRST_WINDOW = 25;

const prefixOf = (block: HamiltonianBlock): string => `h${block.id}_`;

/** The block's sampler as a module whose names have a prefix; the state's buffers keep theirs. */
export function hamiltonianModule(joint: DirectJoint, block: HamiltonianBlock): KernelModule {
  const { sites, method } = block;
  const own = sites.map((s) => joint.sites[s].input);
  const touched = joint.terms.filter((t) => {
    const found = topological([t]);
    return own.some((input) => found.includes(input));
  });
  const length = own.reduce((n, i) => n + sizeOf(i.shape), 0);
  const all = [...joint.sites.map((s) => s.input), ...(joint.states ? [joint.states] : [])];
  const rest = all.filter((n) => !own.includes(n));

  const g = new SimplifyingBuilder();
  const q = g.input(POSITION, [length]);
  const fresh = rest.map((n) => g.input(n.name, n.shape, n.dtype));
  let offset = 0;
  const slices = own.map((input): [Node, Node] => {
    const size = sizeOf(input.shape);
    offset += size;
    return [input, g.slice(q, [offset - size], [size])];
  });
  const terms = substitute(g, touched, new Map(slices));
  const sum = terms.reduce<Node>((total, t) => g.add(total, t), g.constant(0));
  const density = collapse(
    simplify({ inputs: [q, ...fresh], outputs: [{ name: "lp", node: sum }] }),
  );
  const h = new SimplifyingBuilder();
  const inputs = density.inputs.map((n) => h.input(n.name, n.shape, n.dtype));
  const [lp] = substitute(h, [density.outputs[0].node], new Map());
  const [grad] = gradient(h, lp, [h.requireInput(POSITION)]);
  const graph = simplify({
    inputs,
    outputs: [
      { name: "lp", node: lp },
      { name: "grad", node: grad },
    ],
  });
  const pool = new ConstantPool();
  const buffers: Record<string, string> = { [POSITION]: "q" };
  joint.sites.forEach((s, k) => {
    if (!sites.includes(k)) buffers[s.input.name] = inputBuffer(k);
  });
  if (joint.states !== undefined) buffers[STATES] = STATES;
  const lowered = lowerGraph(graph, {
    name: "lp_grad",
    result: "lp",
    inputs: buffers,
    outputs: { grad: "grad" },
    constants: pool,
  });
  const shared = Object.values(buffers).filter((b) => b !== "q");
  const constrain: KernelFunction = {
    name: "constrain",
    params: [],
    body: [...copy(length, [{ buffer: "q" }, { buffer: "constrained" }])],
    exported: false,
  };
  const model: KernelModule = {
    buffers: [
      f64Buffer("q", length),
      f64Buffer("grad", length),
      f64Buffer("constrained", length),
      ...pool.buffers(),
      ...pool.scratchBuffers(),
    ],
    functions: [...lowered.functions.map((f) => ({ ...f, exported: false })), constrain],
  };
  const whole = method === "nuts" ? withNuts(model, "diag", TREE_DEPTH) : withHmc(model, "diag");
  return prefixed(whole, prefixOf(block), new Set(shared));
}

const ACCEPT = STATISTICS.indexOf("accept_stat");

/** One chain's moves of the block. */
export class HamiltonianUpdate {
  readonly #q: Float64Array;
  readonly #parts: readonly Float64Array[];
  readonly #refresh: () => number;
  readonly #probe: (iteration: number) => number;
  readonly #transition: (iteration: number) => number;
  readonly #epsilon: Float64Array;
  readonly #inverse: Float64Array;
  readonly #factor: Float64Array;
  readonly #statistics: Float64Array;
  readonly #covariance: CovarianceState;
  readonly #target: number;
  #averaging: DualAveragingState | undefined;
  #probes = 0;
  #window = FIRST_WINDOW;
  #seen = 0;
  #isSettled = false;

  constructor(
    joint: DirectJoint,
    block: HamiltonianBlock,
    instance: KernelInstance,
    key: ChainKey,
  ) {
    const prefix = prefixOf(block);
    const { method, sites } = block;
    this.#q = instance.f64(`${prefix}q`);
    this.#parts = sites.map((s) => {
      return instance.f64(inputBuffer(s)).subarray(0, joint.sites[s].input.shape[0]);
    });
    this.#refresh = instance.fn(`${prefix}mc_refresh`);
    this.#probe = instance.fn(`${prefix}mc_probe`);
    this.#transition = instance.fn(`${prefix}${method}_transition`);
    this.#epsilon = instance.f64(`${prefix}mc_epsilon`);
    this.#inverse = instance.f64(`${prefix}mc_inverse`);
    this.#factor = instance.f64(`${prefix}mc_factor`);
    this.#statistics = instance.f64(`${prefix}mc_stats`);
    this.#covariance = initCovariance("diag", this.#q.length);
    this.#target = (method === "nuts" ? NUTS_DEFAULTS : HMC_DEFAULTS).targetAccept;
    this.#inverse.fill(1);
    this.#factor.fill(1);
    this.#epsilon[0] = 1;
    const [low, high] = philoxKey(key.seed);
    // Blocks have keys of their own: their iterations have the same numbers.
    const word = high ^ Math.imul(block.id + 1, 0x9e3779b9);
    instance.i32(`${prefix}mc_key`).set([low | 0, word | 0, key.chain | 0]);
    if (method === "nuts") instance.i32(`${prefix}nuts_depth`)[0] = TREE_DEPTH;
    else {
      const { integrationTime, jitter } = HMC_DEFAULTS;
      instance.f64(`${prefix}hmc_path`).set([integrationTime, jitter, MOST_STEPS]);
    }
  }

  /** What the next transitions depend on beside the sites. */
  save(): Float64Array {
    const { count, centre, error, logStep, logStepAverage } =
      this.#averaging ?? initDualAveraging(1);
    const started = this.#averaging === undefined ? 0 : 1;
    const settled = this.#isSettled ? 1 : 0;
    const adapting = [started, count, centre, error, logStep, logStepAverage];
    const counts = [this.#probes, this.#window, this.#seen, settled, this.#covariance.count];
    const { mean, sums } = this.#covariance;
    return pack([adapting, counts, this.#epsilon, this.#inverse, this.#factor, mean, sums]);
  }

  restore(state: Float64Array): void {
    const head = new Float64Array(11);
    const { mean, sums } = this.#covariance;
    unpack(state, [head, this.#epsilon, this.#inverse, this.#factor, mean, sums]);
    const [started, count, centre, error, logStep, logStepAverage, ...counts] = head;
    if (started === 1) this.#averaging = { count, centre, error, logStep, logStepAverage };
    this.#probes = counts[0];
    this.#window = counts[1];
    this.#seen = counts[2];
    this.#isSettled = counts[3] === 1;
    this.#covariance.count = counts[4];
  }

  /** One transition; false where the density or step size cannot be used. */
  update(sweep: number, adapt: boolean): boolean {
    let offset = 0;
    for (const part of this.#parts) {
      this.#q.set(part, offset);
      offset += part.length;
    }
    if (!Number.isFinite(this.#refresh())) return false;
    if (this.#averaging === undefined && !this.#search()) return false;
    if (!adapt && !this.#isSettled) {
      this.#isSettled = true;
      const state = this.#averaging;
      if (state !== undefined && state.count > 0) {
        this.#epsilon[0] = Math.exp(state.logStepAverage);
      }
    }
    this.#transition(sweep);
    if (adapt && this.#averaging !== undefined) {
      this.#averaging = stepDualAveraging(this.#averaging, this.#statistics[ACCEPT], {
        ...DUAL_AVERAGING_DEFAULTS,
        target: this.#target,
      });
      this.#epsilon[0] = Math.exp(this.#averaging.logStep);
      stepCovariance(this.#covariance, this.#q);
      if (++this.#seen === this.#window && !this.#renew()) return false;
    }
    offset = 0;
    for (const part of this.#parts) {
      part.set(this.#q.subarray(offset, offset + part.length));
      offset += part.length;
    }
    return true;
  }

  /** The metric from the positions of the window, and a step size for it. */
  #renew(): boolean {
    this.#seen = 0;
    this.#window *= 2;
    const inverse = regularisedCovariance(this.#covariance);
    resetCovariance(this.#covariance);
    if (inverse === undefined) return true;
    this.#inverse.set(inverse);
    this.#factor.set(inverse.map((v) => 1 / Math.sqrt(v)));
    return this.#search();
  }

  #search(): boolean {
    const found = findStepSize(this.#epsilon[0], (epsilon) => {
      this.#epsilon[0] = epsilon;
      return this.#probe(-++this.#probes);
    });
    if (found.kind !== "found") return false;
    this.#epsilon[0] = found.stepSize;
    this.#averaging = initDualAveraging(found.stepSize);
    return true;
  }
}
