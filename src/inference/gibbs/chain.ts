/**
 * One chain of the systematic-scan Gibbs sampler (Geman and Geman 1984). Random numbers are keyed
 * by seed, chain, block and sweep: the same key gives the same draws, wherever a chain begins.
 */
import { stream } from "../../math/rng/random.js";
import type { Conjugate } from "../conditionals/find.js";
import { inputBuffer } from "../conditionals/kernels.js";
import { naturalReader } from "../conditionals/natural.js";
import { loadState } from "../conditionals/states.js";
import type { ChainKey, KernelInstance } from "../contract.js";
import { expFamilies } from "../expfam/index.js";
import { STATES } from "../logjoint/direct.js";
import { drawDiscrete } from "./discrete.js";
import type { GibbsPlan } from "./plan.js";
import { sliceDraw } from "./slice.js";

export interface GibbsOptions {
  /** Sweeps before the draws, in which the slices' widths are adapted. */
  readonly warmup: number;
  readonly draws: number;
  /** Sweeps per kept draw. */
  readonly thin: number;
}

/** Why a chain could not go on. */
export type GibbsFailure =
  /** No random state had a positive density. */
  | { readonly kind: "start"; readonly tries: number }
  /** The conditional of a site is no distribution at the state reached: improper. */
  | { readonly kind: "improper"; readonly name: string }
  /** No value of a discrete element has positive density, or all densities are NaN. */
  | { readonly kind: "impossible" };

export interface GibbsDraws {
  readonly kind: "finished" | "stopped";
  readonly draws: number;
  /** Row t: the continuous latent scalars of draw t in the layout of the latents' offsets. */
  readonly values: Float64Array;
  /** Row t: the discrete elements of draw t, in their numbering, as values of the model. */
  readonly discrete: Float64Array;
  /** log p(data, latents) of each draw, with the Jacobian of the slice-sampled sites. */
  readonly lp: Float64Array;
}
export type GibbsOutcome = GibbsDraws | { readonly kind: "failed"; readonly failure: GibbsFailure };

const START_TRIES = 100;
/** Streams of the blocks: the discrete one, then the sites; the start has one of its own. */
const DISCRETE_STREAM = 0;
const START_STREAM = 0xffffff;

/**
 * Runs a chain.
 * @param instance a workspace of the plan's kernels, owned by this chain
 * @param shouldStop asked before each sweep
 */
export function runGibbs(
  plan: GibbsPlan,
  instance: KernelInstance,
  options: GibbsOptions,
  key: ChainKey,
  shouldStop: () => boolean = () => false,
): GibbsOutcome {
  const sampler = new GibbsChain(plan, instance, key);
  const failedStart = sampler.start();
  if (failedStart !== undefined) return { kind: "failed", failure: failedStart };
  const { warmup, draws, thin } = options;
  const values = new Float64Array(draws * sampler.width);
  const discrete = new Float64Array(draws * sampler.elements);
  const lp = new Float64Array(draws);
  const total = warmup + draws * thin;
  let kept = 0;
  for (let t = 0; t < total; t++) {
    if (shouldStop()) return { kind: "stopped", draws: kept, values, discrete, lp };
    const failure = sampler.sweep(t + 1, t < warmup);
    if (failure !== undefined) return { kind: "failed", failure };
    if (t < warmup || (t - warmup + 1) % thin !== 0) continue;
    sampler.write(values, discrete, kept);
    lp[kept++] = sampler.logJoint();
  }
  return { kind: "finished", draws: kept, values, discrete, lp };
}

/** The state of a chain and its updates. */
export class GibbsChain {
  /** Continuous latent scalars, and discrete elements. */
  readonly width: number;
  readonly elements: number;
  readonly #plan: GibbsPlan;
  readonly #instance: KernelInstance;
  readonly #key: ChainKey;
  readonly #tables: readonly Float64Array[];
  readonly #updates: readonly ((sweep: number, adapt: boolean) => GibbsFailure | undefined)[];

  constructor(plan: GibbsPlan, instance: KernelInstance, key: ChainKey) {
    this.#plan = plan;
    this.#instance = instance;
    this.#key = key;
    this.width = plan.joint.sites.reduce((n, s) => n + s.latent.length, 0);
    this.elements = plan.discrete?.counts.length ?? 0;
    this.#tables = plan.joint.factors.map((_, k) => instance.f64(`table_${k}`));
    this.#updates = plan.findings.map((f) => {
      return f.kind === "conjugate" ? this.#conjugate(f) : this.#slice(f.site);
    });
  }

  /** Finds a state of positive density. */
  start(): GibbsFailure | undefined {
    for (let k = 0; k < START_TRIES; k++) {
      const rng = stream(this.#key.seed, this.#key.chain, START_STREAM, k);
      loadState(this.#plan.joint, this.#instance, this.#plan.draw(rng));
      if (this.#drawStates(0) !== undefined) continue;
      if (Number.isFinite(this.logJoint())) return undefined;
    }
    return { kind: "start", tries: START_TRIES };
  }

  /** One update of everything; sweeps are numbered from 1. */
  sweep(index: number, adapt: boolean): GibbsFailure | undefined {
    const failed = this.#drawStates(index);
    if (failed !== undefined) return failed;
    for (const update of this.#updates) {
      const failure = update(index, adapt);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  logJoint(): number {
    return this.#instance.call("lp");
  }

  /** Writes the state as row `row` of the draws. */
  write(values: Float64Array, discrete: Float64Array, row: number): void {
    const { joint } = this.#plan;
    if (joint.sites.length > 0) this.#instance.call("values");
    joint.sites.forEach((s, k) => {
      const own = this.#instance.f64(`own_${k}`).subarray(0, s.latent.length);
      values.set(own, row * this.width + s.latent.offset);
    });
    if (this.elements === 0) return;
    const states = this.#instance.f64(STATES);
    for (const { offset, low, dims } of joint.discrete) {
      const count = dims.reduce((n, d) => n * d, 1);
      for (let i = 0; i < count; i++) {
        discrete[row * this.elements + offset + i] = states[offset + i] + low;
      }
    }
  }

  #drawStates(sweep: number): GibbsFailure | undefined {
    const { discrete } = this.#plan;
    if (discrete === undefined) return undefined;
    this.#instance.call("tables");
    const rng = stream(this.#key.seed, this.#key.chain, DISCRETE_STREAM, sweep);
    const states = this.#instance.f64(STATES);
    return drawDiscrete(discrete, this.#tables, states, rng) ? undefined : { kind: "impossible" };
  }

  #conjugate(f: Conjugate): (sweep: number) => GibbsFailure | undefined {
    const family = expFamilies[f.rule.family];
    const setting = { size: f.size };
    const read = naturalReader(this.#plan.joint, f, this.#instance);
    const values = this.#instance.f64(inputBuffer(f.site));
    const inside = insideOf(f);
    return (sweep) => {
      const rng = stream(this.#key.seed, this.#key.chain, f.site + 1, sweep);
      for (const units of f.classes) {
        const etas = read(units);
        for (let i = 0; i < units.length; i++) {
          if (!family.isValid(etas[i], setting)) return { kind: "improper", name: f.name };
          values.set(inside(family.sample(etas[i], setting, rng)), units[i] * f.unit);
        }
      }
      return undefined;
    };
  }

  #slice(site: number): (sweep: number, adapt: boolean) => GibbsFailure | undefined {
    const values = this.#instance.f64(inputBuffer(site)).subarray(0, this.#lengthOf(site));
    const density = this.#instance.fn(`density_${site}`);
    const widths = new Float64Array(values.length).fill(1);
    const moved = new Float64Array(values.length);
    let adapted = 0;
    return (sweep, adapt) => {
      const rng = stream(this.#key.seed, this.#key.chain, site + 1, sweep);
      let lp = density();
      if (!Number.isFinite(lp)) return { kind: "improper", name: this.#nameOf(site) };
      if (adapt) adapted++;
      for (let i = 0; i < values.length; i++) {
        const before = values[i];
        const { x, y } = sliceDraw(
          before,
          lp,
          widths[i],
          (at) => {
            values[i] = at;
            const found = density();
            return Number.isNaN(found) ? -Infinity : found;
          },
          rng,
        );
        values[i] = x;
        lp = y;
        if (!adapt) continue;
        // Twice the mean distance of moves: the interval then needs few steps out or in.
        moved[i] += Math.abs(x - before);
        if (adapted >= 10) widths[i] = Math.max(1e-6, (2 * moved[i]) / adapted);
      }
      return undefined;
    };
  }

  #lengthOf(site: number): number {
    return this.#plan.joint.sites[site].input.shape[0];
  }
  #nameOf(site: number): string {
    return this.#plan.joint.sites[site].latent.name;
  }
}

/** Keeps draws that round to the end of an open support inside it. */
function insideOf(f: Conjugate): (x: Float64Array) => Float64Array {
  const LAST = 1 - Number.EPSILON / 2;
  // Its reciprocal and its square root are ordinary numbers.
  const LEAST = 1e-290;
  switch (f.rule.family) {
    case "Gamma":
    case "InverseGamma":
      return (x) => x.map((v) => Math.min(Math.max(v, LEAST), 1 / LEAST));
    case "Beta":
      return (x) => x.map((v) => Math.min(Math.max(v, LEAST), LAST));
    case "Dirichlet":
      return (x) => x.map((v) => Math.max(v, LEAST));
    default:
      return (x) => x;
  }
}
