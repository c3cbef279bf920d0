/**
 * One chain of the Gibbs sampler (Geman and Geman 1984), with systematic or random scan. Random numbers are keyed
 * by seed, chain, block and sweep: the same key gives the same draws, wherever a chain begins.
 */
import { internalError } from "../../base/internal.js";
import { philoxKey, stream } from "../../math/rng/index.js";
import type { Conjugate } from "../conditionals/finding.js";
import { inputBuffer } from "../conditionals/kernels.js";
import { naturalReader } from "../conditionals/natural.js";
import { loadState } from "../conditionals/states.js";
import { CutSite, type Truncated } from "../conditionals/truncated.js";
import type { ChainKey, KernelInstance } from "../contract.js";
import { expFamilies } from "../expfam/index.js";
import { STATES } from "../logjoint/direct.js";
import { pack, unpack } from "../state.js";
import { type GibbsBlock, sitesOf } from "./blocks.js";
import { drawDiscrete } from "./discrete.js";
import { HamiltonianUpdate } from "./hamiltonian.js";
import { KEY } from "./kernel/random.js";
import { ADAPT, adaptedBuffer, movedBuffer, widthsBuffer } from "./kernel/slice.js";
import { ROW, ROWS, rowCount, updateName } from "./kernel/sweep.js";
import type { GibbsPlan } from "./plan.js";
import { LAST, LEAST } from "./range.js";
import { ADAPTED_FROM, LEAST_WIDTH, sliceDraw } from "./slice.js";
import { gibbsStream } from "./stream.js";
import { truncatedDraw } from "./truncated.js";

export interface GibbsOptions {
  /** Sweeps before the draws, in which the slices' widths are adapted. */
  readonly warmup: number;
  readonly draws: number;
  /** Sweeps per kept draw. */
  readonly thin: number;
  /**
   * `systematic` (the default): every block in turn. `random`: as many updates as there are blocks,
   * each of a block chosen uniformly, which makes the chain reversible where its updates are.
   */
  readonly scan?: Scan;
}
export type Scan = "systematic" | "random";

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
/** Streams of the blocks: see `streamOf`; the start and the scan have their own. */
const DISCRETE_STREAM = 0;
const START_STREAM = 0xffffff;
/** Which blocks a random scan updates. */
const SCAN_STREAM = 0xfffffe;

/**
 * Runs a chain.
 * @param instance a workspace of the plan's kernels, owned by this chain
 * @param shouldStop asked before each sweep of the warmup, and between blocks of draws
 */
export function runGibbs(
  plan: GibbsPlan,
  instance: KernelInstance,
  options: GibbsOptions,
  key: ChainKey,
  shouldStop: () => boolean = () => false,
): GibbsOutcome {
  const sampler = new GibbsChain(plan, instance, key, options.scan);
  const failedStart = sampler.start();
  if (failedStart !== undefined) return { kind: "failed", failure: failedStart };
  const { warmup, draws, thin } = options;
  const values = new Float64Array(draws * sampler.width);
  const discrete = new Float64Array(draws * sampler.elements);
  const lp = new Float64Array(draws);
  for (let t = 0; t < warmup; t++) {
    if (shouldStop()) return { kind: "stopped", draws: 0, values, discrete, lp };
    const failure = sampler.sweep(t + 1, true);
    if (failure !== undefined) return { kind: "failed", failure };
  }
  let kept = 0;
  while (kept < draws) {
    if (shouldStop()) return { kind: "stopped", draws: kept, values, discrete, lp };
    const count = Math.min(sampler.rows, draws - kept);
    const first = warmup + kept * thin + 1;
    const failure = sampler.block(first, count, thin, { values, discrete, lp }, kept);
    if (failure !== undefined) return { kind: "failed", failure };
    kept += count;
  }
  return { kind: "finished", draws: kept, values, discrete, lp };
}

/** An update that learns, and so has a state of its own. */
interface Learner {
  readonly save: () => Float64Array;
  readonly restore: (state: Float64Array) => void;
}

type Update = (sweep: number, adapt: boolean) => GibbsFailure | undefined;

/** The state of a chain and its updates. */
export class GibbsChain {
  /** Continuous latent scalars, and discrete elements. */
  readonly width: number;
  readonly elements: number;
  readonly #plan: GibbsPlan;
  readonly #instance: KernelInstance;
  readonly #key: ChainKey;
  readonly #tables: readonly Float64Array[];
  readonly #updates: readonly Update[];
  /** Runs of blocks by one kernel call, and blocks that the host does. */
  readonly #steps: readonly ((sweep: number, adapt: boolean) => GibbsFailure | undefined)[];
  readonly #cuts: readonly CutSite[];
  readonly #learners: Learner[] = [];
  /** How many draws a block has at most. */
  readonly rows: number;
  readonly #block: ((first: number, count: number, thin: number) => number) | undefined;
  readonly #writeRow: () => number;
  readonly #continuousRow: Float64Array;
  readonly #discreteRow: Float64Array;
  readonly #scan: Scan;
  readonly #adapt: Float64Array;

  constructor(plan: GibbsPlan, instance: KernelInstance, key: ChainKey, scan: Scan = "systematic") {
    this.#plan = plan;
    this.#instance = instance;
    this.#key = key;
    this.#scan = scan;
    this.#adapt = instance.f64(ADAPT);
    this.width = plan.joint.sites.reduce((n, s) => n + s.latent.length, 0);
    this.elements = plan.discrete?.counts.length ?? 0;
    const [only] = plan.segments;
    const isWhole = plan.segments.length === 1 && only.kind === "kernel" && scan === "systematic";
    this.#block = isWhole ? instance.fn("gibbs_block") : undefined;
    this.rows = isWhole ? rowCount(this.width + this.elements) : 1;
    const row = instance.f64(ROW);
    this.#writeRow = instance.fn("gibbs_write");
    this.#continuousRow = row.subarray(0, this.width);
    this.#discreteRow = row.subarray(this.width, this.width + this.elements);
    this.#tables = plan.joint.factors.map((_, k) => instance.f64(`table_${k}`));
    const [low, high] = philoxKey(key.seed);
    instance.i32(KEY).set([low | 0, high | 0, key.chain | 0]);
    this.#cuts = plan.blocks.flatMap((b) => {
      if (b.kind !== "truncated") return [];
      return [new CutSite(plan.joint, instance, b.finding.site, b.finding.support)];
    });
    this.#updates = plan.blocks.map((b) => this.#updateOf(b));
    this.#steps = plan.segments.map((segment) => {
      if (segment.kind === "host") return this.#updates[segment.at];
      const run = instance.fn(segment.fn);
      return (sweep) => {
        const done = run(sweep);
        return done === segment.to - segment.from ? undefined : this.#failure(segment.from + done);
      };
    });
  }

  /** Finds a state of positive density. */
  start(): GibbsFailure | undefined {
    for (let k = 0; k < START_TRIES; k++) {
      const rng = stream(this.#key.seed, this.#key.chain, START_STREAM, k);
      loadState(this.#plan.joint, this.#instance, this.#plan.draw(rng));
      if (k % 2 === 1) this.#levelCounts((k - 1) / 2);
      for (const cut of this.#cuts) cut.enter();
      if (this.#drawStates(0) !== undefined) continue;
      if (Number.isFinite(this.logJoint())) return undefined;
    }
    return { kind: "start", tries: START_TRIES };
  }

  /**
   * Counts at powers of two, later sites lower: data may ask for more than random states have, and
   * one count for more than another.
   */
  #levelCounts(attempt: number): void {
    let level = 2 ** (attempt % 20);
    this.#plan.joint.sites.forEach((site, k) => {
      if (!site.isCount) return;
      this.#instance.f64(inputBuffer(k)).fill(Math.floor(level));
      if (attempt % 40 < 20) level /= 2;
    });
  }

  /** The state, and what the updates learned: all that the draws which follow depend on. */
  save(): Float64Array {
    const learned = this.#learners.flatMap(({ save }) => {
      const own = save();
      return [Float64Array.of(own.length), own];
    });
    return pack([...this.#sites(), ...learned]);
  }

  /** Puts back what `save` gave, instead of `start`. */
  restore(state: Float64Array): void {
    const sites = this.#sites();
    let at = sites.reduce((n, s) => n + s.length, 0);
    unpack(state.subarray(0, at), sites);
    for (const { restore } of this.#learners) {
      const length = state[at++];
      restore(state.subarray(at, at + length));
      at += length;
    }
  }

  #sites(): Float64Array[] {
    const { joint } = this.#plan;
    const found = joint.sites.map((_, k) => this.#instance.f64(inputBuffer(k)));
    return joint.states === undefined ? found : [...found, this.#instance.f64(STATES)];
  }

  /** One update of everything; sweeps are numbered from 1. */
  sweep(index: number, adapt: boolean): GibbsFailure | undefined {
    this.#adapt[0] = adapt ? 1 : 0;
    if (this.#scan === "random") return this.#randomScan(index, adapt);
    for (const step of this.#steps) {
      const failure = step(index, adapt);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #randomScan(index: number, adapt: boolean): GibbsFailure | undefined {
    const count = this.#updates.length;
    const rng = stream(this.#key.seed, this.#key.chain, SCAN_STREAM, index);
    for (let k = 0; k < count; k++) {
      // Updates are numbered through, so that a block that comes twice draws other numbers.
      const failure = this.#updates[rng.int(count)](index * count + k, adapt);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /**
   * Makes `count` draws (at most `rows`), each the last of `thin` sweeps that are numbered from
   * `first` on, and writes them from row `row` on. One call of a kernel where everything is
   * compiled.
   */
  block(
    first: number,
    count: number,
    thin: number,
    into: Pick<GibbsDraws, "values" | "discrete" | "lp">,
    row: number,
  ): GibbsFailure | undefined {
    const { values, discrete, lp } = into;
    this.#adapt[0] = 0;
    if (this.#block === undefined) {
      for (let k = 0; k < count; k++) {
        for (let s = 0; s < thin; s++) {
          const failure = this.sweep(first + k * thin + s, false);
          if (failure !== undefined) return failure;
        }
        this.write(values, discrete, row + k);
        lp[row + k] = this.logJoint();
      }
      return undefined;
    }
    const failed = this.#block(first, count, thin);
    if (failed >= 0) return this.#failure(failed);
    const rows = this.#instance.f64(ROWS);
    const { width, elements } = this;
    const whole = width + elements;
    for (let k = 0; k < count; k++) {
      const at = k * (whole + 1);
      // Short rows: a loop costs less than views of them.
      for (let i = 0; i < width; i++) values[(row + k) * width + i] = rows[at + i];
      for (let i = 0; i < elements; i++) {
        discrete[(row + k) * elements + i] = rows[at + width + i];
      }
      lp[row + k] = rows[at + whole];
    }
    return undefined;
  }

  logJoint(): number {
    return this.#instance.call("lp");
  }

  /** Writes the state as row `row` of the draws. */
  write(values: Float64Array, discrete: Float64Array, row: number): void {
    this.#writeRow();
    values.set(this.#continuousRow, row * this.width);
    if (this.elements > 0) discrete.set(this.#discreteRow, row * this.elements);
  }

  /** The discrete elements by the host; with the words of the compiled update. */
  #drawStates(sweep: number): GibbsFailure | undefined {
    const { discrete } = this.#plan;
    if (discrete === undefined) return undefined;
    this.#instance.call("tables");
    const rng = gibbsStream(this.#key, DISCRETE_STREAM, sweep);
    const states = this.#instance.f64(STATES);
    return drawDiscrete(discrete, this.#tables, states, rng) ? undefined : { kind: "impossible" };
  }

  #failure(at: number): GibbsFailure {
    const block = this.#plan.blocks[at];
    if (block.kind === "discrete") return { kind: "impossible" };
    return { kind: "improper", name: this.#nameOf(sitesOf(block)[0]) };
  }

  #updateOf(block: GibbsBlock): Update {
    const { compiled, blocks } = this.#plan;
    const name = updateName(block, compiled);
    if (name !== undefined) {
      if (block.kind === "slice" || block.kind === "count") this.#learnWidths(block.site);
      const run = this.#instance.fn(name);
      const at = blocks.indexOf(block);
      return (sweep) => (run(sweep) === 1 ? undefined : this.#failure(at));
    }
    switch (block.kind) {
      case "discrete":
        return (sweep) => this.#drawStates(sweep);
      case "conjugate":
        return this.#conjugate(block.finding);
      case "truncated":
        return this.#truncated(block.finding);
      case "slice":
        return this.#slice(block.site, false);
      case "count":
        return this.#slice(block.site, true);
      case "hamiltonian": {
        const move = new HamiltonianUpdate(this.#plan.joint, block, this.#instance, this.#key);
        this.#learners.push({ save: () => move.save(), restore: (state) => move.restore(state) });
        const at = blocks.indexOf(block);
        return (sweep, adapt) => (move.update(sweep, adapt) ? undefined : this.#failure(at));
      }
      case "joint":
        return internalError("a normal block has no kernel");
    }
  }

  /** What the compiled slices of a site adapt. */
  #learnWidths(site: number): void {
    const names = [adaptedBuffer(site), widthsBuffer(site), movedBuffer(site)];
    const state = names.map((name) => this.#instance.f64(name));
    state[1].fill(1);
    this.#learners.push({
      save: () => pack(state),
      restore: (saved) => {
        unpack(saved, state);
      },
    });
  }

  #conjugate(f: Conjugate): (sweep: number) => GibbsFailure | undefined {
    const family = expFamilies[f.rule.family];
    const setting = { size: f.size };
    const read = naturalReader(this.#plan.joint, f, this.#instance);
    const values = this.#instance.f64(inputBuffer(f.site));
    const inside = insideOf(f);
    return (sweep) => {
      const rng = gibbsStream(this.#key, f.site + 1, sweep);
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

  #truncated(f: Truncated): Update {
    const { joint } = this.#plan;
    const cut = new CutSite(joint, this.#instance, f.site, f.support);
    const whole = Array.from({ length: f.length }, () => f.support);
    return (sweep) => {
      const rng = gibbsStream(this.#key, f.site + 1, sweep);
      const intervals = f.probes ? whole.map((_, i) => cut.interval(i)) : whole;
      const etas = cut.naturals(f.family, intervals);
      for (let i = 0; i < f.length; i++) {
        const x = truncatedDraw(f.family, etas[i], intervals[i], cut.values[i], rng);
        if (x === undefined) return { kind: "improper", name: f.name };
        cut.values[i] = x;
      }
      return undefined;
    };
  }

  /**
   * With `whole`, of whole numbers n: of n + u with u uniform on (0, 1), whose density is that of n
   * at its whole part, so that the draw leaves it invariant (Neal 2003, section 4).
   */
  #slice(
    site: number,
    whole: boolean,
  ): (sweep: number, adapt: boolean) => GibbsFailure | undefined {
    const values = this.#instance.f64(inputBuffer(site)).subarray(0, this.#lengthOf(site));
    const density = this.#instance.fn(`density_${site}`);
    const widths = new Float64Array(values.length).fill(1);
    const moved = new Float64Array(values.length);
    let adapted = 0;
    this.#learners.push({
      save: () => pack([[adapted], widths, moved]),
      restore: (state) => {
        const head = new Float64Array(1);
        unpack(state, [head, widths, moved]);
        adapted = head[0];
      },
    });
    return (sweep, adapt) => {
      const rng = gibbsStream(this.#key, site + 1, sweep);
      let lp = density();
      if (!Number.isFinite(lp)) return { kind: "improper", name: this.#nameOf(site) };
      if (adapt) adapted++;
      for (let i = 0; i < values.length; i++) {
        const before = values[i];
        let evaluated = before;
        let known = lp;
        const { x, y } = sliceDraw(
          whole ? before + rng.uniform() : before,
          lp,
          widths[i],
          (at) => {
            const value = whole ? Math.floor(at) : at;
            // Neighbours share a whole number.
            if (value === evaluated) return known;
            evaluated = value;
            values[i] = value;
            const found = density();
            known = Number.isNaN(found) ? -Infinity : found;
            return known;
          },
          rng,
        );
        values[i] = whole ? Math.floor(x) : x;
        lp = y;
        if (!adapt) continue;
        // Twice the mean distance of moves: the interval then needs few steps out or in.
        moved[i] += Math.abs(x - before);
        const least = whole ? 1 : LEAST_WIDTH;
        if (adapted >= ADAPTED_FROM) widths[i] = Math.max(least, (2 * moved[i]) / adapted);
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
