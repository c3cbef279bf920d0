/**
 * HMC of many chains as one program on a device. Step size and metric are adapted to all chains
 * together: by the harmonic mean of their acceptances while they come in from their starts, so that
 * none is left behind (Hoffman, Radul and Sountsov 2021), by the plain mean after that.
 */
import type { Diagnostic } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice, LoopProgram } from "../../device/contract.js";
import {
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
import type { HmcOptions } from "../../inference/contract.js";
import { ACCEPTANCE, manyChains, pathOf } from "../../inference/hmc/many.js";
import { pack, unpack } from "../../inference/state.js";
import { cholesky, triangularSolve } from "../../math/linalg/index.js";
import type { Graph } from "../../tensor/ops.js";
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

/** Leapfrog steps of a transition, at most; fewer while the chains come in. */
const MOST_STEPS = 1024;
const FIRST_MOST_STEPS = 64;
const FIRST_STEP_SIZE = 1;
const OWN_STATISTICS = ["lp", "accept", "energy", "divergent"] as const;

/** Runs all chains from their starts. */
export async function runMany(
  device: GraphDevice,
  density: Graph,
  options: HmcOptions,
  starts: Starts,
  controls: ManyControls,
): Promise<ManyDraws | ManyFailure> {
  const { graph, state, noise, trace } = manyChains(density, options.chains, options.metric);
  const program = await device.compileLoop({
    graph,
    state,
    trace,
    noise: deviceNoise(noise),
    mostSteps: MOST_STEPS,
  });
  try {
    program.seed(controls.seed, 0);
    program.set({ q: starts.q, lp: starts.lp, grad: starts.grad });
    return await new Chains(program, options, density.inputs[0].shape[0], controls).run();
  } finally {
    program.close();
  }
}

class Chains {
  readonly #program: LoopProgram;
  readonly #options: HmcOptions;
  readonly #dimension: number;
  readonly #controls: ManyControls;
  #stepSize: number;
  /** Passes of the loop so far: each has random numbers of its own. */
  #passes = 0;
  #divergences = 0;
  #warmSeconds = 0;
  #inverse: Float64Array = new Float64Array(0);

  constructor(
    program: LoopProgram,
    options: HmcOptions,
    dimension: number,
    controls: ManyControls,
  ) {
    this.#program = program;
    this.#options = options;
    this.#dimension = dimension;
    this.#controls = controls;
    this.#stepSize = options.stepSize ?? FIRST_STEP_SIZE;
  }

  async run(): Promise<ManyDraws | ManyFailure> {
    const { stepSize, warmup, draws } = this.#options;
    const { keeper } = this.#controls;
    const begun = performance.now();
    this.#setMetric(undefined);
    let stopped = false;
    if (keeper.past === undefined) {
      const isGiven = stepSize !== undefined && warmup === 0;
      const search = isGiven ? undefined : await this.#searchStepSize();
      if (search !== undefined) return { kind: "step_size", search };
      const warm = await this.#warmUp();
      if (warm !== "warm" && warm !== "stopped") return { kind: "step_size", search: warm };
      stopped = warm === "stopped";
      this.#divergences = 0;
      this.#warmSeconds = (performance.now() - begun) / 1000;
      if (!stopped) keeper.warm(await this.#state());
    } else {
      this.#goOn(keeper.past.state);
    }
    const at = performance.now();
    const drawn = await this.#draw(keeper.past?.draws ?? 0, stopped ? 0 : draws);
    return {
      ...drawn,
      stepSize: this.#stepSize,
      figures: { leapfrog_steps: this.#steps(MOST_STEPS) },
      gradients: this.#gradients,
      seconds: { warmup: this.#warmSeconds, sampling: (performance.now() - at) / 1000 },
    };
  }

  /** Between transitions: all that the draws from here on depend on. */
  async #state(): Promise<Float64Array> {
    const { q, lp, grad } = await this.#program.read(["q", "lp", "grad"]);
    const head = [this.#passes, this.#stepSize, this.#divergences, this.#warmSeconds];
    return pack([head, this.#inverse, q, lp, grad]);
  }

  /** Takes up what `#state` gave. */
  #goOn(state: Float64Array): void {
    const { chains } = this.#options;
    const d = this.#dimension;
    const head = new Float64Array(4);
    const inverse = new Float64Array(this.#inverse.length);
    const [q, lp, grad] = [chains * d, chains, chains * d].map((n) => new Float64Array(n));
    unpack(state, [head, inverse, q, lp, grad]);
    [this.#passes, this.#stepSize, this.#divergences, this.#warmSeconds] = head;
    if (!this.#setMetric(inverse)) internalError("a metric became singular");
    this.#program.set({ q, lp, grad });
  }

  get #gradients(): number {
    return this.#passes * this.#options.chains;
  }

  /** Leapfrog steps that the integration time takes. */
  #steps(most: number): number {
    const wanted = Math.round(this.#options.integrationTime / this.#stepSize);
    return Math.max(1, Math.min(most, wanted));
  }

  /** `count` transitions of `steps` leapfrog steps; the acceptances of the last one. */
  async #transitions(steps: number, count: number): Promise<Float64Array> {
    this.#program.set({ hmc_path: pathOf(this.#stepSize, steps, this.#options.jitter) });
    let last: Float64Array | undefined;
    // As many whole transitions in a call as there is room for.
    const most = Math.max(1, Math.floor(MOST_STEPS / steps));
    for (let done = 0; done < count; done += most) {
      const passes = steps * Math.min(most, count - done);
      const { acceptance } = await this.#program.steps(this.#passes, passes);
      this.#passes += passes;
      last = acceptance.slice(-Object.keys(ACCEPTANCE).length);
    }
    return last ?? internalError("no transition");
  }

  async #searchStepSize(): Promise<"unbounded" | "vanishing" | undefined> {
    const probe = async (): Promise<number> => (await this.#transitions(1, 1))[ACCEPTANCE.harmonic];
    return await searchStepSize(probe, (factor) => {
      this.#stepSize *= factor;
    });
  }

  async #warmUp(): Promise<"warm" | "stopped" | "unbounded" | "vanishing"> {
    const { warmup, targetAccept, metric, chains } = this.#options;
    const d = this.#dimension;
    const settings = { ...DUAL_AVERAGING_DEFAULTS, target: targetAccept };
    const schedule = warmupSchedule(warmup);
    const ends = new Set(schedule.ends);
    const covariance = initCovariance(metric, d);
    let state = initDualAveraging(this.#stepSize);
    for (let t = 0; t < warmup; t++) {
      const isEarly = t < schedule.from;
      const steps = this.#steps(isEarly ? FIRST_MOST_STEPS : MOST_STEPS);
      const acceptance = await this.#transitions(steps, 1);
      const kind = isEarly ? ACCEPTANCE.harmonic : ACCEPTANCE.mean;
      state = stepDualAveraging(state, acceptance[kind], settings);
      this.#stepSize = Math.exp(state.logStep);
      if (t >= schedule.from && t < schedule.to) {
        const { q } = await this.#program.read(["q"]);
        for (let c = 0; c < chains; c++) stepCovariance(covariance, q.subarray(c * d, (c + 1) * d));
      }
      if (ends.has(t)) {
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
    if (state.count > 0) this.#stepSize = Math.exp(state.logStepAverage);
    return "warm";
  }

  /** The unit metric, or that of an inverse; false where that is not positive definite. */
  #setMetric(inverse: Float64Array | undefined): boolean {
    const d = this.#dimension;
    if (this.#options.metric === "diag") {
      const diagonal = inverse ?? new Float64Array(d).fill(1);
      this.#inverse = diagonal;
      this.#program.set({
        hmc_inverse: diagonal,
        hmc_factor: diagonal.map((v) => 1 / Math.sqrt(v)),
      });
      return true;
    }
    const unit = new Float64Array(d * d);
    for (let i = 0; i < d; i++) unit[i * (d + 1)] = 1;
    const factor = cholesky(inverse ?? unit, d);
    if (factor === undefined) return false;
    this.#inverse = inverse ?? unit;
    // Rows z of independent normals become z L⁻¹, whose covariance is the metric.
    this.#program.set({
      hmc_inverse: inverse ?? unit,
      hmc_factor: triangularSolve(factor, unit, d, d, "lower"),
    });
    return true;
  }

  /** @param past draws that an earlier run has made */
  async #draw(
    past: number,
    wanted: number,
  ): Promise<Pick<ManyDraws, "draws" | "interrupted" | "warnings">> {
    const { thin, draws } = this.#options;
    const { keeper, shouldStop } = this.#controls;
    const steps = this.#steps(MOST_STEPS);
    const warnings: Diagnostic[] = [];
    const state = (): Promise<Float64Array> => this.#state();
    let done = past;
    while (done < wanted) {
      try {
        await this.#transitions(steps, thin);
        const read = await this.#program.read(["q", ...OWN_STATISTICS]);
        const { q, lp, accept, energy, divergent } = read;
        this.#divergences += divergent.reduce((n, v) => n + v, 0);
        const constant = { stepsize: this.#stepSize, n_leapfrog: steps };
        const statistics = { lp, accept_stat: accept, energy, divergent, ...constant };
        await keeper.add({ q, statistics }, state);
      } catch (error) {
        if (!isLost(error) || keeper.draws === 0) throw error;
        warnings.push(...error.diagnostics);
        break;
      }
      done++;
      this.#tell("sampling", done, draws);
      if (await shouldStop()) break;
    }
    await keeper.end(warnings.length === 0 ? state : undefined);
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
