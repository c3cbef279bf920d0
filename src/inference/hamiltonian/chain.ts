/** One chain of NUTS or HMC: start, warmup, draws. */
import { internalError } from "../../base/internal.js";
import { cholesky } from "../../math/linalg/index.js";
import { philoxKey } from "../../math/rng/index.js";
import {
  type CovarianceState,
  initCovariance,
  regularisedCovariance,
  resetCovariance,
  stepCovariance,
} from "../adaptation/covariance.js";
import {
  DUAL_AVERAGING_DEFAULTS,
  type DualAveragingOptions,
  type DualAveragingState,
  initDualAveraging,
  stepDualAveraging,
} from "../adaptation/dual-averaging.js";
import { findStepSize, type StepSizeSearch } from "../adaptation/step-size.js";
import { warmupSchedule } from "../adaptation/windows.js";
import type {
  ChainControls,
  ChainKey,
  ChainOutcome,
  ChainProgress,
  ChainStorage,
  HmcOptions,
  KernelInstance,
  NutsOptions,
} from "../contract.js";
import type { MetricKind } from "./shape.js";
import { STATISTIC_COUNT, STATISTICS } from "./shape.js";
import { findStart } from "./start.js";

const ACCEPT = STATISTICS.indexOf("accept_stat");
const DIVERGENT = STATISTICS.indexOf("divergent");

/** Where the search for a step size begins. */
const FIRST_STEP_SIZE = 1;
/** Progress is given out about this often. It paces the work, and decides nothing else. */
const PACE_MS = 5;

/** Room for `draws` draws of `width` numbers. */
export function chainStorage(draws: number, width: number): ChainStorage {
  return {
    constrained: new Float64Array(draws * width),
    statistics: new Float64Array(draws * STATISTIC_COUNT),
  };
}

/**
 * Runs a chain on an instance of a module made by `withNuts` or `withHmc`. The generator yields
 * its progress about every 5 ms and returns the outcome; whoever drives it may interleave chains,
 * and stops it through `controls.shouldStop`. The draws depend on model, options and key alone.
 */
export function* runChain(
  instance: KernelInstance,
  options: NutsOptions | HmcOptions,
  key: ChainKey,
  controls: ChainControls = {},
): Generator<ChainProgress, ChainOutcome, void> {
  const sampler = new Sampler(instance, options, key);
  const { constrained } = sampler;
  const storage = controls.storage ?? chainStorage(options.draws, constrained.length);
  if (storage.constrained.length < options.draws * constrained.length) {
    internalError("a chain's storage is too small");
  }
  const shouldStop = controls.shouldStop ?? (() => false);
  const begun = performance.now();

  const failure = findStart(instance, key, options.initRadius, controls.start);
  if (failure !== undefined) return { kind: "failed", failure };
  const search = sampler.start();
  if (search.kind !== "found") {
    return { kind: "failed", failure: { kind: "step_size", search: search.kind } };
  }
  const warmup = yield* runWarmup(sampler, options, shouldStop);
  if (warmup.kind === "failed") return warmup;
  const warm = performance.now();
  const draws =
    warmup.kind === "stopped" ? 0 : yield* runDraws(sampler, options, storage, shouldStop);
  return {
    kind: draws === options.draws ? "finished" : "stopped",
    draws,
    storage,
    stepSize: sampler.stepSize,
    inverseMetric: sampler.inverse.slice(),
    gradients: { warmup: warmup.gradients, sampling: sampler.gradients - warmup.gradients },
    seconds: { warmup: (warm - begun) / 1000, sampling: (performance.now() - warm) / 1000 },
  };
}

/** Runs a chain to its end without interruption. */
export function finishChain(
  instance: KernelInstance,
  options: NutsOptions | HmcOptions,
  key: ChainKey,
  controls: ChainControls & { readonly onProgress?: (progress: ChainProgress) => void } = {},
): ChainOutcome {
  const run = runChain(instance, options, key, controls);
  for (;;) {
    const step = run.next();
    if (step.done) return step.value;
    controls.onProgress?.(step.value);
  }
}

/** The instance's buffers and functions, and the counts of one chain. */
class Sampler {
  readonly q: Float64Array;
  readonly inverse: Float64Array;
  readonly constrained: Float64Array;
  readonly statistics: Float64Array;
  readonly blockDraws: Float64Array;
  readonly blockStatistics: Float64Array;
  readonly transition: (iteration: number) => number;
  readonly block: (first: number, count: number, thin: number) => number;
  divergences = 0;
  readonly #metric: MetricKind;
  readonly #epsilon: Float64Array;
  readonly #factor: Float64Array;
  readonly #probe: (iteration: number) => number;
  readonly #leapfrogs: Float64Array;
  #probes = 0;
  readonly #firstStepSize: number;
  readonly #given: boolean;
  readonly #warmup: number;

  constructor(instance: KernelInstance, options: NutsOptions | HmcOptions, key: ChainKey) {
    const { method } = options;
    this.#metric = options.metric;
    this.#warmup = options.warmup;
    this.#given = options.stepSize !== undefined;
    this.#firstStepSize = options.stepSize ?? FIRST_STEP_SIZE;
    this.q = instance.f64("q");
    this.inverse = instance.f64("mc_inverse");
    this.constrained = instance.f64("constrained");
    this.statistics = instance.f64("mc_stats");
    this.blockDraws = instance.f64("block_draws");
    this.blockStatistics = instance.f64("block_stats");
    this.#epsilon = instance.f64("mc_epsilon");
    this.#factor = instance.f64("mc_factor");
    this.#leapfrogs = instance.f64("mc_gradients");
    this.#leapfrogs[0] = 0;
    this.transition = instance.fn(`${method}_transition`);
    this.block = instance.fn(`${method}_block`);
    this.#probe = instance.fn("mc_probe");
    const [low, high] = philoxKey(key.seed);
    instance.i32("mc_key").set([low | 0, high | 0, key.chain | 0]);
    if (method === "nuts") instance.i32("nuts_depth")[0] = options.maxTreeDepth;
    else {
      const mostSteps = 1024;
      instance.f64("hmc_path").set([options.integrationTime, options.jitter, mostSteps]);
    }
  }

  /** Evaluations since the start, which took one. */
  get gradients(): number {
    return 1 + this.#probes + this.#leapfrogs[0];
  }

  get stepSize(): number {
    return this.#epsilon[0];
  }
  set stepSize(value: number) {
    this.#epsilon[0] = value;
  }

  /** Unit metric and a first step size. */
  start(): StepSizeSearch {
    const d = this.q.length;
    for (const buffer of [this.inverse, this.#factor]) {
      buffer.fill(this.#metric === "diag" ? 1 : 0);
      if (this.#metric === "dense") for (let i = 0; i < d; i++) buffer[i * d + i] = 1;
    }
    this.stepSize = this.#firstStepSize;
    // Without warmup a given step size is the one to use.
    if (this.#given && this.#warmup === 0) return { kind: "found", stepSize: this.stepSize };
    return this.searchStepSize();
  }

  /** Probes are numbered down from 2³² - 1, iterations up from 0: they share no random numbers. */
  searchStepSize(): StepSizeSearch {
    // Nothing moves, so any step is accepted.
    if (this.q.length === 0) return { kind: "found", stepSize: this.stepSize };
    const search = findStepSize(this.stepSize, (epsilon) => {
      this.stepSize = epsilon;
      this.#probes += 1;
      return this.#probe(-this.#probes);
    });
    if (search.kind === "found") this.stepSize = search.stepSize;
    return search;
  }

  /** Takes a new inverse metric, unless it is not positive definite. */
  setMetric(inverse: Float64Array): void {
    const d = this.q.length;
    if (this.#metric === "diag") {
      this.#factor.set(inverse.map((v) => 1 / Math.sqrt(v)));
    } else {
      const factor = cholesky(inverse, d);
      if (factor === undefined) return;
      this.#factor.set(factor);
    }
    this.inverse.set(inverse);
  }

  covariance(): CovarianceState {
    return initCovariance(this.#metric, this.q.length);
  }
}

type WarmupOutcome =
  | { readonly kind: "warm" | "stopped"; readonly gradients: number }
  | Extract<ChainOutcome, { readonly kind: "failed" }>;

function* runWarmup(
  sampler: Sampler,
  options: NutsOptions | HmcOptions,
  shouldStop: () => boolean,
): Generator<ChainProgress, WarmupOutcome, void> {
  const { warmup, targetAccept } = options;
  const averaging: DualAveragingOptions = { ...DUAL_AVERAGING_DEFAULTS, target: targetAccept };
  const schedule = warmupSchedule(warmup);
  const ends = new Set(schedule.ends);
  const covariance = sampler.covariance();
  const { statistics } = sampler;
  const pace = new Pace();
  let state: DualAveragingState = initDualAveraging(sampler.stepSize);
  for (let t = 0; t < warmup; t++) {
    sampler.transition(t);
    sampler.divergences += statistics[DIVERGENT];
    state = stepDualAveraging(state, statistics[ACCEPT], averaging);
    sampler.stepSize = Math.exp(state.logStep);
    if (t >= schedule.from && t < schedule.to) stepCovariance(covariance, sampler.q);
    if (ends.has(t)) {
      const inverse = regularisedCovariance(covariance);
      resetCovariance(covariance);
      if (inverse !== undefined) {
        sampler.setMetric(inverse);
        const search = sampler.searchStepSize();
        if (search.kind !== "found") {
          return { kind: "failed", failure: { kind: "step_size", search: search.kind } };
        }
        state = initDualAveraging(sampler.stepSize);
      }
    }
    if (pace.due(sampler.gradients)) {
      yield progress(sampler, "warmup", t + 1, warmup);
      if (shouldStop()) return { kind: "stopped", gradients: sampler.gradients };
    }
  }
  if (state.count > 0) sampler.stepSize = Math.exp(state.logStepAverage);
  yield progress(sampler, "warmup", warmup, warmup);
  return { kind: shouldStop() ? "stopped" : "warm", gradients: sampler.gradients };
}

/** Fills the storage and gives the number of draws. */
function* runDraws(
  sampler: Sampler,
  { warmup, draws, thin }: NutsOptions | HmcOptions,
  storage: ChainStorage,
  shouldStop: () => boolean,
): Generator<ChainProgress, number, void> {
  const width = sampler.constrained.length;
  const { blockDraws, blockStatistics } = sampler;
  const most = blockStatistics.length / STATISTIC_COUNT;
  const pace = new Pace();
  sampler.divergences = 0;
  let count = 1;
  for (let done = 0; done < draws; ) {
    const now = Math.min(count, draws - done);
    sampler.block(warmup + done * thin, now, thin);
    storage.constrained.set(blockDraws.subarray(0, now * width), done * width);
    storage.statistics.set(
      blockStatistics.subarray(0, now * STATISTIC_COUNT),
      done * STATISTIC_COUNT,
    );
    for (let row = 0; row < now; row++) {
      sampler.divergences += blockStatistics[row * STATISTIC_COUNT + DIVERGENT];
    }
    done += now;
    if (pace.due(sampler.gradients)) {
      yield progress(sampler, "sampling", done, draws);
      if (shouldStop()) return done;
      // Slow draws: give out each block, and keep blocks short.
      count = Math.max(1, count >> 1);
    } else {
      count = Math.min(most, count * 2);
    }
  }
  yield progress(sampler, "sampling", draws, draws);
  return draws;
}

function progress(
  { divergences, gradients, stepSize }: Sampler,
  phase: ChainProgress["phase"],
  done: number,
  total: number,
): ChainProgress {
  return { phase, done, total, divergences, gradients, stepSize };
}

/**
 * Says every few milliseconds that time has passed, without asking the clock each time: gradients
 * cost about the same everywhere, so their number tells when to look.
 */
class Pace {
  #given = performance.now();
  #looked = this.#given;
  #between = 1;
  #next = 0;

  /** Whether it is time, given the number of gradients so far. */
  due(gradients: number): boolean {
    if (gradients < this.#next) return false;
    const now = performance.now();
    // Aim at four looks or more to the pace.
    if (now - this.#looked < PACE_MS / 8) this.#between *= 2;
    else if (now - this.#looked > PACE_MS / 4) this.#between = Math.max(1, this.#between / 2);
    this.#looked = now;
    this.#next = gradients + this.#between;
    if (now - this.#given < PACE_MS) return false;
    this.#given = now;
    return true;
  }
}
