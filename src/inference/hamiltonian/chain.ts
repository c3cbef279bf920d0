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
import { pack, unpack } from "../state.js";
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
  const rows = storage.statistics.length / STATISTIC_COUNT;
  if (rows < (controls.sink === undefined ? options.draws : 1)) {
    internalError("a chain's storage is too small");
  }
  const clock = new Clock();
  const adaptation: Adaptation = {
    done: 0,
    averaging: initDualAveraging(1),
    covariance: sampler.covariance(),
  };
  const { past } = controls;
  if (past === undefined) {
    const failure = findStart(instance, key, options.initRadius, controls.start);
    if (failure !== undefined) return { kind: "failed", failure };
    const search = sampler.start();
    if (search.kind !== "found") {
      return { kind: "failed", failure: { kind: "step_size", search: search.kind } };
    }
    adaptation.averaging = initDualAveraging(sampler.stepSize);
  } else {
    clock.before = restoreWarmup(sampler, adaptation, past.warmup);
  }
  const warmup = yield* runWarmup(sampler, options, controls, adaptation, clock);
  if (warmup.kind === "failed") return warmup;
  const seconds = clock.seconds;
  const sampling = new Clock();
  let first = 0;
  if (past?.draws !== undefined) {
    const found = restoreDraws(sampler, past.draws);
    first = found.done;
    sampling.before = found.seconds;
  }
  const draws =
    warmup.kind === "stopped"
      ? first
      : yield* runDraws(sampler, options, storage, controls, first, sampling);
  return {
    kind: draws === options.draws ? "finished" : "stopped",
    draws,
    storage,
    stepSize: sampler.stepSize,
    inverseMetric: sampler.inverse.slice(),
    gradients: { warmup: warmup.gradients, sampling: sampler.gradients - warmup.gradients },
    seconds: { warmup: seconds, sampling: sampling.seconds },
  };
}

/** Seconds of a phase, with those before an interruption. */
class Clock {
  before = 0;
  readonly #begun = performance.now();
  get seconds(): number {
    return this.before + (performance.now() - this.#begun) / 1000;
  }
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
  readonly #grad: Float64Array;
  readonly #lp: Float64Array;
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
    this.#grad = instance.f64("grad");
    this.#lp = instance.f64("mc_lp");
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

  /** What a transition reads: all of it decides the draws that follow. */
  position(): readonly Float64Array[] {
    const counts = Float64Array.of(this.#probes, this.divergences);
    return [counts, this.#leapfrogs, this.#lp, this.q, this.#grad];
  }
  /** What adaptation sets. */
  adapted(): readonly Float64Array[] {
    return [this.#epsilon, this.inverse, this.#factor];
  }
  setCounts([probes, divergences]: Float64Array): void {
    this.#probes = probes;
    this.divergences = divergences;
  }
}

/** How far the warmup is, and what it has learned. */
interface Adaptation {
  done: number;
  averaging: DualAveragingState;
  readonly covariance: CovarianceState;
}

function warmupState(
  sampler: Sampler,
  { done, averaging, covariance }: Adaptation,
  seconds: number,
): Float64Array {
  const { count, centre, error, logStep, logStepAverage } = averaging;
  const head = [seconds, done, count, centre, error, logStep, logStepAverage, covariance.count];
  return pack([
    Float64Array.from(head),
    ...sampler.position(),
    ...sampler.adapted(),
    covariance.mean,
    covariance.sums,
  ]);
}

/** Puts a state of the warmup back and gives the seconds that it took. */
function restoreWarmup(sampler: Sampler, adaptation: Adaptation, state: Float64Array): number {
  const head = new Float64Array(8);
  const position = sampler.position();
  const { covariance } = adaptation;
  unpack(state, [head, ...position, ...sampler.adapted(), covariance.mean, covariance.sums]);
  sampler.setCounts(position[0]);
  const [seconds, done, count, centre, error, logStep, logStepAverage, seen] = head;
  adaptation.done = done;
  adaptation.averaging = { count, centre, error, logStep, logStepAverage };
  covariance.count = seen;
  return seconds;
}

function drawsState(sampler: Sampler, done: number, seconds: number): Float64Array {
  return pack([Float64Array.of(seconds, done), ...sampler.position()]);
}

/** Puts a state between draws back, on top of that at the end of the warmup. */
function restoreDraws(
  sampler: Sampler,
  state: Float64Array,
): { readonly seconds: number; readonly done: number } {
  const head = new Float64Array(2);
  const position = sampler.position();
  unpack(state, [head, ...position]);
  sampler.setCounts(position[0]);
  return { seconds: head[0], done: head[1] };
}

type WarmupOutcome =
  | { readonly kind: "warm" | "stopped"; readonly gradients: number }
  | Extract<ChainOutcome, { readonly kind: "failed" }>;

function* runWarmup(
  sampler: Sampler,
  options: NutsOptions | HmcOptions,
  controls: ChainControls,
  adaptation: Adaptation,
  clock: Clock,
): Generator<ChainProgress, WarmupOutcome, void> {
  const { warmup, targetAccept } = options;
  const { sink, shouldStop = () => false } = controls;
  const averaging: DualAveragingOptions = { ...DUAL_AVERAGING_DEFAULTS, target: targetAccept };
  const schedule = warmupSchedule(warmup);
  const ends = new Set(schedule.ends);
  const { covariance } = adaptation;
  const { statistics } = sampler;
  const pace = new Pace();
  const take = (): void => sink?.warmup(warmupState(sampler, adaptation, clock.seconds));
  // Of a run that is taken up again, all of this may be done.
  const isNew = adaptation.done < warmup || controls.past === undefined;
  for (let t = adaptation.done; t < warmup; t++) {
    sampler.transition(t);
    sampler.divergences += statistics[DIVERGENT];
    adaptation.averaging = stepDualAveraging(adaptation.averaging, statistics[ACCEPT], averaging);
    sampler.stepSize = Math.exp(adaptation.averaging.logStep);
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
        adaptation.averaging = initDualAveraging(sampler.stepSize);
      }
    }
    adaptation.done = t + 1;
    if (pace.due(sampler.gradients)) {
      if (sink?.isDue()) take();
      yield progress(sampler, "warmup", t + 1, warmup);
      if (shouldStop()) {
        take();
        return { kind: "stopped", gradients: sampler.gradients };
      }
    }
  }
  const { count, logStepAverage } = adaptation.averaging;
  if (count > 0) sampler.stepSize = Math.exp(logStepAverage);
  if (isNew) take();
  yield progress(sampler, "warmup", warmup, warmup);
  return { kind: shouldStop() ? "stopped" : "warm", gradients: sampler.gradients };
}

/** Fills the storage, from the draw `first` on, and gives the number of draws. */
function* runDraws(
  sampler: Sampler,
  { warmup, draws, thin }: NutsOptions | HmcOptions,
  storage: ChainStorage,
  { sink, past, shouldStop = () => false }: ChainControls,
  first: number,
  clock: Clock,
): Generator<ChainProgress, number, void> {
  const width = sampler.constrained.length;
  const { blockDraws, blockStatistics } = sampler;
  const most = blockStatistics.length / STATISTIC_COUNT;
  const rows = sink === undefined ? draws : storage.statistics.length / STATISTIC_COUNT;
  const pace = new Pace();
  if (past?.draws === undefined) sampler.divergences = 0;
  let count = 1;
  /** The draw of the storage's first row. */
  let from = first;
  let done = first;
  const take = (): void => {
    if (done > from) sink?.draws(from, done - from, drawsState(sampler, done, clock.seconds));
    from = done;
  };
  while (done < draws) {
    const now = Math.min(count, draws - done, from + rows - done);
    const row = sink === undefined ? done : done - from;
    sampler.block(warmup + done * thin, now, thin);
    storage.constrained.set(blockDraws.subarray(0, now * width), row * width);
    storage.statistics.set(
      blockStatistics.subarray(0, now * STATISTIC_COUNT),
      row * STATISTIC_COUNT,
    );
    for (let k = 0; k < now; k++) {
      sampler.divergences += blockStatistics[k * STATISTIC_COUNT + DIVERGENT];
    }
    done += now;
    const isDue = pace.due(sampler.gradients);
    if (sink !== undefined && (done - from === rows || (isDue && sink.isDue()))) take();
    if (isDue) {
      yield progress(sampler, "sampling", done, draws);
      if (shouldStop()) break;
      // Slow draws: give out each block, and keep blocks short.
      count = Math.max(1, count >> 1);
    } else {
      count = Math.min(most, count * 2);
    }
  }
  if (sink !== undefined) take();
  if (done === draws) yield progress(sampler, "sampling", draws, draws);
  return done;
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
