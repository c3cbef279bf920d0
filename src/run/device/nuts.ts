/**
 * NUTS of many chains as one program on a device (src/inference/nuts/many.ts). The host sees the
 * chains between calls of many passes: sums over the chains during the warmup, boxes of draws after
 * it. Metric and step size are adapted to all chains together, as those of HMC (hmc.ts), and become
 * a chain's at its next trajectory. A round of the warmup is as many passes as a trajectory takes
 * on average: chains are not synchronised within the phases of the schedule.
 */
import type { Diagnostic } from "../../base/diagnostic.js";
import type { GraphDevice, LoopProgram } from "../../device/contract.js";
import {
  type CovarianceState,
  initCovariance,
  regularisedCovariance,
  resetCovariance,
  stepCovariance,
} from "../../inference/adaptation/covariance.js";
import {
  DUAL_AVERAGING_DEFAULTS,
  initDualAveraging,
  stepDualAveraging,
} from "../../inference/adaptation/dual-averaging.js";
import { warmupSchedule } from "../../inference/adaptation/windows.js";
import type { NutsOptions } from "../../inference/contract.js";
import { BOXED, controlOf, manyTrees, TOLD, TOLD_COUNT } from "../../inference/nuts/many.js";
import { cholesky } from "../../math/linalg/index.js";
import type { Graph } from "../../tensor/ops.js";
import { packPlain, unpackPlain } from "../storage/plain.js";
import {
  isLost,
  type ManyControls,
  type ManyDraws,
  type ManyFailure,
  type ManyProgress,
  type Starts,
  searchStepSize,
} from "./many.js";
import { deviceNoise } from "./noise.js";
import { Rows, type RowsState } from "./rows.js";

/** Passes of a call, at most. */
const MOST_PASSES = 1024;
/** Depth of the trees while chains come in from their starts, and passes of a round. */
const FIRST_DEPTH = 4;
const FIRST_PASSES = 20;
/** Rounds after a change of metric, in which the step size swings, and their passes. */
const SETTLING_ROUNDS = 10;
const SETTLING_PASSES = 8;
const FIRST_STEP_SIZE = 1;
/** More transitions than a run makes, in single precision a whole number. */
const UNLIMITED = 2 ** 24;
/** Positions that a window's estimate of the metric takes, at least; reading all costs more. */
const ENOUGH_POSITIONS = 50_000;

/** How the passes are cut: the same on all devices, so that all make the same draws. */
export interface Cut {
  /** Draws of a chain that stay on the device until they are read. */
  readonly box: number;
  /** Joins that a pass checks: with three one chain in fifteen waits for a pass. */
  readonly joins: number;
  /** Share of a box that a chain fills on average before the boxes are read. */
  readonly filled: number;
}
const MOST_BOXED = 8;
/** Numbers in all boxes. */
const BOX_ROOM = 1 << 24;

function cutOf(chains: number, dimension: number): Cut {
  const room = Math.floor(BOX_ROOM / (chains * (dimension + BOXED.length)));
  return { box: Math.max(1, Math.min(MOST_BOXED, room)), joins: 3, filled: 0.75 };
}

async function compileTrees(
  device: GraphDevice,
  density: Graph,
  { chains, metric, maxTreeDepth }: NutsOptions,
  { box, joins }: Cut,
): Promise<{ readonly program: LoopProgram; readonly carried: readonly string[] }> {
  const shape = { chains, metric, maxDepth: maxTreeDepth, box, joins };
  const { graph, state, noise, trace } = manyTrees(density, shape);
  const mostSteps = MOST_PASSES;
  const drawn = deviceNoise(noise);
  const program = await device.compileLoop({ graph, state, trace, noise: drawn, mostSteps });
  // Boxes are empty where the chains are seen.
  return { program, carried: Object.keys(state).filter((name) => name !== "box") };
}

/** Runs all chains from their starts. */
export async function runTrees(
  device: GraphDevice,
  density: Graph,
  options: NutsOptions,
  starts: Starts,
  controls: ManyControls,
  cut: Cut = cutOf(options.chains, density.inputs[0].shape[0]),
): Promise<ManyDraws | ManyFailure> {
  const { program, carried } = await compileTrees(device, density, options, cut);
  try {
    program.seed(controls.seed, 0);
    const { q, lp, grad } = starts;
    const fresh = new Float64Array(options.chains).fill(1);
    program.set({ sample_q: q, sample_lp: lp, sample_grad: grad, fresh });
    const [dimension] = density.inputs[0].shape;
    return await new Trees(program, carried, options, dimension, cut, controls).run();
  } finally {
    program.close();
  }
}

const TIMED_PASSES = 8;

/** Seconds of a pass. */
export async function timeTrees(
  device: GraphDevice,
  density: Graph,
  options: NutsOptions,
): Promise<number> {
  const cut = cutOf(options.chains, density.inputs[0].shape[0]);
  const { program } = await compileTrees(device, density, options, cut);
  try {
    // The first call ends the setting up. All chains rest: a pass costs them as much.
    await program.steps(0, 1);
    const start = performance.now();
    await program.steps(0, TIMED_PASSES);
    return (performance.now() - start) / 1000 / TIMED_PASSES;
  } finally {
    program.close();
  }
}

/** Sums over chains and passes. */
interface Told {
  readonly ended: number;
  readonly accept: number;
  readonly reciprocal: number;
  readonly leapfrogs: number;
  readonly rate: number;
}

/** Where the chains stand between two looks into their boxes, as plain data. */
interface TreesState {
  readonly passes: number;
  readonly round: number;
  readonly gradients: number;
  readonly divergences: number;
  readonly stepSize: number;
  /** What the warmup took. */
  readonly warm: Warm;
  readonly carried: Readonly<Record<string, Float64Array>>;
  readonly rows: RowsState;
}

interface Warm {
  readonly passes: number;
  readonly gradients: number;
  readonly seconds: number;
}

class Trees {
  readonly #program: LoopProgram;
  /** What passes change, and the metric. */
  readonly #carried: readonly string[];
  #warm: Warm = { passes: 0, gradients: 0, seconds: 0 };
  readonly #options: NutsOptions;
  readonly #dimension: number;
  readonly #cut: Cut;
  readonly #controls: ManyControls;
  #stepSize: number;
  /** Passes of the loop so far: each has random numbers of its own. */
  #passes = 0;
  /** Passes of a round, about as many as a trajectory takes. */
  #round = 4;
  #gradients = 0;
  #divergences = 0;

  constructor(
    program: LoopProgram,
    carried: readonly string[],
    options: NutsOptions,
    dimension: number,
    cut: Cut,
    controls: ManyControls,
  ) {
    this.#program = program;
    this.#carried = [...carried, "nuts_factor"];
    this.#options = options;
    this.#dimension = dimension;
    this.#cut = cut;
    this.#controls = controls;
    this.#stepSize = options.stepSize ?? FIRST_STEP_SIZE;
  }

  async run(): Promise<ManyDraws | ManyFailure> {
    const { stepSize, warmup, draws } = this.#options;
    const { past } = this.#controls.keeper;
    const begun = performance.now();
    let rows: Rows | undefined;
    let stopped = false;
    if (past === undefined) {
      this.#setMetric(undefined);
      const isGiven = stepSize !== undefined && warmup === 0;
      const search = isGiven ? undefined : await this.#searchStepSize();
      if (search !== undefined) return { kind: "step_size", search };
      const warm = await this.#warmUp();
      if (warm !== "warm" && warm !== "stopped") return { kind: "step_size", search: warm };
      stopped = warm === "stopped";
      const seconds = (performance.now() - begun) / 1000;
      this.#warm = { passes: this.#passes, gradients: this.#gradients, seconds };
      this.#divergences = 0;
      this.#countAnew();
    } else {
      rows = this.#goOn(past.state);
    }
    const at = performance.now();
    const drawn = await this.#draw(stopped ? 0 : draws, rows);
    const { passes, gradients, seconds } = this.#warm;
    const calls = (this.#passes - passes) * this.#options.chains;
    return {
      ...drawn,
      stepSize: this.#stepSize,
      gradients: this.#gradients,
      figures: {
        passes: this.#passes,
        // Of the chains in passes behind the warmup: those that moved.
        moving: calls === 0 ? 0 : (this.#gradients - gradients) / calls,
      },
      seconds: { warmup: seconds, sampling: (performance.now() - at) / 1000 },
    };
  }

  /** All that the draws from here on depend on, boxes being empty. */
  async #state(rows: Rows): Promise<Float64Array> {
    const state: TreesState = {
      ...{ passes: this.#passes, round: this.#round, gradients: this.#gradients },
      ...{ divergences: this.#divergences, stepSize: this.#stepSize, warm: this.#warm },
      carried: await this.#program.read(this.#carried),
      rows: rows.save(),
    };
    return packPlain(state);
  }

  /** Takes up what `#state` gave. */
  #goOn(numbers: Float64Array): Rows {
    const { passes, round, gradients, divergences, stepSize, warm, carried, rows } = unpackPlain(
      numbers,
    ) as TreesState;
    [this.#passes, this.#round, this.#gradients] = [passes, round, gradients];
    [this.#divergences, this.#stepSize, this.#warm] = [divergences, stepSize, warm];
    this.#program.set(carried);
    return new Rows(this.#options.chains, this.#dimension, rows);
  }

  /** Takes passes under the present step size; draws are kept where they are told to be. */
  async #take(
    passes: number,
    depth: number,
    { limit = UNLIMITED, keeps = false }: { limit?: number; keeps?: boolean } = {},
  ): Promise<Told> {
    const control = {
      stepSize: this.#stepSize,
      depth: Math.min(depth, this.#options.maxTreeDepth),
      thin: keeps ? this.#options.thin : 1,
      limit,
      keeps,
    };
    this.#program.set({ nuts_control: controlOf(control) });
    const sums = new Float64Array(TOLD_COUNT);
    for (let done = 0; done < passes; ) {
      const count = Math.min(MOST_PASSES, passes - done);
      const { told } = await this.#program.steps(this.#passes, count);
      this.#passes += count;
      done += count;
      told.forEach((v, k) => {
        sums[k % TOLD_COUNT] += v;
      });
    }
    this.#gradients += sums[TOLD.leapfrogs];
    this.#divergences += sums[TOLD.divergent];
    return {
      ended: sums[TOLD.ended],
      accept: sums[TOLD.accept],
      reciprocal: sums[TOLD.reciprocal],
      leapfrogs: sums[TOLD.leapfrogs],
      rate: sums[TOLD.rate],
    };
  }

  /** Breaks off all trajectories: the next ones begin at their samples. */
  #breakOff(): void {
    const none = new Float64Array(this.#options.chains);
    this.#program.set({ fresh: none.map(() => 1), leaves: none, depth: none, joined: none });
  }

  /** Counts transitions and draws from 0 on. */
  #countAnew(): void {
    const none = new Float64Array(this.#options.chains);
    this.#program.set({ count: none, boxed: none });
  }

  async #searchStepSize(): Promise<"unbounded" | "vanishing" | undefined> {
    this.#breakOff();
    const probe = async (): Promise<number> => {
      const { ended, reciprocal } = await this.#take(1, 1);
      return ended / reciprocal;
    };
    return await searchStepSize(probe, (factor) => {
      this.#stepSize *= factor;
    });
  }

  /** As many passes as trajectories take; their mean acceptance. */
  async #takeRound(limit = UNLIMITED): Promise<{ ended: number; acceptance: number | undefined }> {
    const { chains, maxTreeDepth } = this.#options;
    const told = await this.#take(this.#round, maxTreeDepth, { limit });
    const { ended } = told;
    if (ended === 0) this.#round = Math.min(MOST_PASSES, 2 * this.#round);
    // The chains that are left over where there is a limit have long trajectories.
    const isTypical = ended > 0 && (limit === UNLIMITED || ended >= chains / 2);
    if (isTypical) {
      const wanted = Math.ceil((this.#round * chains) / ended);
      this.#round = Math.max(1, Math.min(MOST_PASSES, 2 * this.#round, wanted));
    }
    return { ended, acceptance: isTypical ? told.accept / ended : undefined };
  }

  /**
   * The acceptance of a round that breaks off what was under way, so that it is one of the present
   * step size: while chains come in the harmonic mean of those of small trees, else the mean over
   * points.
   */
  async #takeShort(isEarly: boolean): Promise<number> {
    this.#breakOff();
    if (!isEarly) {
      const { leapfrogs, rate } = await this.#take(SETTLING_PASSES, this.#options.maxTreeDepth);
      return rate / leapfrogs;
    }
    const { ended, reciprocal } = await this.#take(FIRST_PASSES, FIRST_DEPTH);
    return ended / reciprocal;
  }

  async #warmUp(): Promise<"warm" | "stopped" | "unbounded" | "vanishing"> {
    const { warmup, targetAccept, metric, chains } = this.#options;
    if (warmup === 0) return "warm";
    const settings = { ...DUAL_AVERAGING_DEFAULTS, target: targetAccept };
    const schedule = warmupSchedule(warmup);
    const covariance = initCovariance(metric, this.#dimension);
    let state = initDualAveraging(this.#stepSize);
    const learn = (acceptance: number): void => {
      state = stepDualAveraging(state, acceptance, settings);
      this.#stepSize = Math.exp(state.logStep);
    };
    let begun = 0;
    const isShort = (t: number): boolean => t < schedule.from || t - begun < SETTLING_ROUNDS;
    for (let t = 0; t < schedule.to; t++) {
      const isEarly = t < schedule.from;
      if (isShort(t)) learn(await this.#takeShort(isEarly));
      else {
        const { acceptance } = await this.#takeRound();
        if (acceptance !== undefined) learn(acceptance);
      }
      const end = schedule.ends.find((e) => e >= t) ?? schedule.to - 1;
      if (!isEarly) {
        const every = Math.max(1, Math.floor(((end + 1 - begun) * chains) / ENOUGH_POSITIONS));
        if ((end - t) % every === 0) await this.#learnPositions(covariance);
      }
      if (t === end) {
        begun = t + 1;
        const inverse = regularisedCovariance(covariance);
        resetCovariance(covariance);
        if (inverse !== undefined && this.#setMetric(inverse)) {
          const search = await this.#searchStepSize();
          if (search !== undefined) return search;
          state = initDualAveraging(this.#stepSize);
        }
      }
      this.#tell("warmup", t + 1, warmup);
      if (await this.#controls.shouldStop()) return "stopped";
    }
    let left = warmup - schedule.to;
    for (; left > 1 && isShort(warmup - left); left--) learn(await this.#takeShort(false));
    // Every chain makes the last transitions, however long its trajectories: chains seen at a pass
    // are in long trajectories more often than at a transition.
    this.#countAnew();
    for (let done = 0; done < left * chains; ) {
      const { ended, acceptance } = await this.#takeRound(left);
      done += ended;
      if (acceptance !== undefined) learn(acceptance);
      this.#tell("warmup", warmup - left + Math.floor(done / chains), warmup);
      if (await this.#controls.shouldStop()) return "stopped";
    }
    if (state.count > 0) this.#stepSize = Math.exp(state.logStepAverage);
    return "warm";
  }

  /** The draws in the boxes, chain after chain. */
  async #emptyBoxes(to: (chain: number, row: Float64Array) => void): Promise<void> {
    const { box, boxed } = await this.#program.read(["box", "boxed"]);
    const width = this.#dimension + BOXED.length;
    boxed.forEach((count, c) => {
      for (let k = 0; k < Math.min(count, this.#cut.box); k++) {
        const at = (c * this.#cut.box + k) * width;
        to(c, box.subarray(at, at + width));
      }
    });
    this.#program.set({ boxed: new Float64Array(boxed.length) });
  }

  async #learnPositions(covariance: CovarianceState): Promise<void> {
    await this.#emptyBoxes((_, row) =>
      stepCovariance(covariance, row.subarray(0, this.#dimension)),
    );
  }

  /** The unit metric, or that of an inverse; false where that is not positive definite. */
  #setMetric(inverse: Float64Array | undefined): boolean {
    const d = this.#dimension;
    if (this.#options.metric === "diag") {
      const diagonal = inverse ?? new Float64Array(d).fill(1);
      this.#program.set({ nuts_factor: diagonal.map(Math.sqrt) });
      return true;
    }
    const unit = new Float64Array(d * d);
    for (let i = 0; i < d; i++) unit[i * (d + 1)] = 1;
    const factor = cholesky(inverse ?? unit, d);
    if (factor === undefined) return false;
    this.#program.set({ nuts_factor: factor });
    return true;
  }

  async #draw(
    wanted: number,
    past: Rows | undefined,
  ): Promise<Pick<ManyDraws, "draws" | "interrupted" | "warnings">> {
    const { thin, draws, chains, maxTreeDepth } = this.#options;
    const { keeper } = this.#controls;
    const rows = past ?? new Rows(chains, this.#dimension);
    const warnings: Diagnostic[] = [];
    const state = (): Promise<Float64Array> => this.#state(rows);
    if (past === undefined && wanted > 0) await keeper.rest(state, true);
    const limit = wanted * thin;
    while (rows.complete < wanted) {
      try {
        // As long as boxes are not full, and no longer than chains have draws to make.
        const left = wanted - rows.added / chains;
        const fill = this.#round * thin * Math.min(this.#cut.box * this.#cut.filled, left);
        const passes = Math.max(1, Math.min(MOST_PASSES, Math.floor(fill)));
        const told = await this.#take(passes, maxTreeDepth, { limit, keeps: true });
        // Towards the end chains rest, and the passes that a trajectory takes are not seen.
        if (told.ended >= chains / 2) this.#round = Math.max(1, (passes * chains) / told.ended);
        await this.#emptyBoxes((chain, row) => rows.add(chain, row));
        for (const { q, statistics } of rows.take(wanted)) {
          const stepsize = this.#stepSize;
          await keeper.add({ q, statistics: { ...statistics, stepsize } });
        }
        // Chains are at different draws: what they need to go on is more than a block of draws.
        await keeper.rest(state);
      } catch (error) {
        if (!isLost(error) || keeper.draws === 0) throw error;
        warnings.push(...error.diagnostics);
        break;
      }
      this.#tell("sampling", Math.floor(rows.added / chains), draws);
      if (await this.#controls.shouldStop()) break;
    }
    await keeper.end(wanted > 0 && warnings.length === 0 ? state : undefined);
    return { draws: keeper.draws, interrupted: keeper.draws < draws, warnings };
  }

  #tell(phase: ManyProgress["phase"], done: number, total: number): void {
    this.#controls.onProgress({
      phase,
      done,
      total,
      divergences: this.#divergences,
      gradients: this.#gradients,
      stepSize: this.#stepSize,
    });
  }
}
