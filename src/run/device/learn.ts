/** `svi` and `nce` on a device: an objective climbed in loops that stay there. */
import { type Diagnostic, TildeError } from "../../base/diagnostic.js";
import { internalError } from "../../base/internal.js";
import type { GraphDevice } from "../../device/contract.js";
import type { KernelInstance } from "../../inference/contract.js";
import { NATURAL_RATE, NEXT_THETA, type ObjectiveGraph } from "../../inference/objective/index.js";
import { seedNoise } from "../../inference/stochastic/noise.js";
import { meanOf } from "../../inference/stochastic/smoothing.js";
import {
  type ClimbState,
  climb,
  interruptedAt,
  progressOf,
  type StagedFailure,
  type StagedFit,
  type StagedSearch,
  windowOf,
} from "../../inference/stochastic/staged.js";
import { FINAL_STEPS, type SviFailure, type SviFit } from "../../inference/svi/ascend.js";
import { evaluationName } from "../../inference/svi/compile.js";
import type { Run } from "../context.js";
import type { NceOptions, SviOptions } from "../methods.js";
import type { Figure } from "../results/fit.js";
import { choiceFigures, choose, timed } from "./auto.js";
import { DeviceClimber } from "./climber.js";
import { guardPrecision, pointsAround, precisionOf } from "./guard.js";
import { deviceObjective } from "./objective.js";

/** Calls of the device last about this long: between them a run can be stopped. */
const CALL_MS = 50;
/** What a lost device takes with it is at most the work of this long. */
const KEEP_MS = 1000;
/** Steps of the noise that no search takes; those of the final estimates begin below. */
const GUARD_STEPS = 0x60000000;

/** A mean of estimates with fresh noise, and its error. */
export interface Estimated {
  readonly mean: number;
  readonly error: number;
}

export interface DeviceClimb {
  readonly found: StagedFit | StagedFailure;
  /** The objective (of several players, each one's) at the result. */
  readonly final?: readonly Estimated[];
  /** Of the precision guard, and of a device that was lost. */
  readonly warnings: readonly Diagnostic[];
}

export interface ClimbRequest {
  readonly device: GraphDevice;
  readonly made: ObjectiveGraph;
  readonly batch: ReadonlyMap<string, number>;
  readonly method: SviOptions | NceOptions;
  readonly run: Run;
  /** The CPU's kernels of the objective, with the first params in `theta`. */
  readonly instance: KernelInstance;
  readonly tell: (done: number) => void;
}

/** Where a climb was done, and what came of it. */
export interface Climbed extends Omit<DeviceClimb, "found"> {
  readonly found: SviFit | SviFailure;
  readonly figures: Readonly<Record<string, Figure>>;
}

/**
 * Climbs on the run's device, on the one that is fastest where the choice is left open, or on the
 * CPU.
 * @param fresh a further instance of the CPU's kernels, to time them with
 */
export async function climbAnywhere(
  request: Omit<ClimbRequest, "device">,
  onCpu: () => Promise<SviFit | SviFailure>,
  fresh: () => KernelInstance,
): Promise<Climbed> {
  const { run, instance, method } = request;
  const { device, shelf } = run;
  if (device !== undefined) {
    return { ...(await climbOn({ ...request, device })), figures: { device: device.name } };
  }
  if (shelf === undefined) return { found: await onCpu(), warnings: [], figures: {} };
  const theta = instance.f64("theta").slice();
  const trial = fresh();
  trial.f64("theta").set(theta);
  // A round of all players, by its steps.
  const turns = request.made.players ?? [{ steps: 1 }];
  const each = turns.map((_, k) =>
    timed(() => {
      trial.call("noise", GUARD_STEPS);
      trial.call(evaluationName(k));
    }),
  );
  const round = turns.reduce((n, t) => n + t.steps, 0);
  const here = turns.reduce((sum, t, k) => sum + (t.steps / round) * each[k], 0);
  const choice = await choose(shelf, here, method.steps, (d) =>
    stepSeconds({ ...request, device: d }, theta),
  );
  const figures = choiceFigures(choice);
  if (choice.device !== undefined) {
    try {
      return { ...(await climbOn({ ...request, device: choice.device })), figures };
    } catch (error) {
      // A device that is too imprecise for the objective was no choice.
      const isRefused =
        error instanceof TildeError && error.diagnostics[0].code === "device_imprecise";
      if (!isRefused) throw error;
    }
  }
  return { found: await onCpu(), warnings: [], figures: { ...figures, device: "cpu" } };
}

/** Seconds of a step on a device, once it is set up. */
async function stepSeconds(
  { device, made, batch, method, run }: ClimbRequest,
  theta: Float64Array,
): Promise<number> {
  const mostSteps = windowOf(method.steps, 400);
  const objective = deviceObjective(made, batch, method.optimizer, method.products);
  const climber = await DeviceClimber.create(device, objective, mostSteps);
  try {
    climber.seed(run.seed);
    climber.setParams(theta);
    return await climber.stepSeconds();
  } finally {
    climber.close();
  }
}

/**
 * Climbs from `theta` of the CPU's instance and leaves the result there. Where the device is lost on
 * the way, that is the state it had a second before at most, with the loss among the warnings.
 * @throws TildeError where the device cannot run the objective, or is too imprecise for it
 */
export async function climbOn(request: ClimbRequest): Promise<DeviceClimb> {
  const { device, made, batch, method, run, instance } = request;
  const { steps, lr, schedule, warmup, momentum, clip, tolerance } = method;
  const theta = instance.f64("theta");
  const mostSteps = windowOf(steps, 400);
  const objective = {
    ...deviceObjective(made, batch, method.optimizer, method.products),
    // The last of the stages that `auto` has.
    isAveraged: schedule === "auto" && made.players === undefined,
  };
  const climber = await DeviceClimber.create(device, objective, mostSteps);
  const keeper = new Keeper(climber, request);
  const { players } = made;
  const search: StagedSearch = {
    ...{ steps, rate: lr, schedule, warmup, momentum, clip, tolerance },
    ...(players && { players }),
  };
  const checkpoints = run.checkpoint?.of<ClimbState>();
  const at = checkpoints?.past?.at ?? progressOf(search, mostSteps);
  let rough: readonly Diagnostic[] = [];
  let fitted: StagedFit | undefined;
  try {
    climber.seed(run.seed);
    rough = await checkOn(climber, request, theta.slice());
    run.checkpoint?.on(device.name);
    climber.setParams(theta);
    const found = await climb(climber, search, (done) => keeper.pace(done), {
      ...{ at, checkpoints },
    });
    if (found.kind === "diverged") {
      theta.set(found.last);
      return { found, warnings: rough };
    }
    keeper.keep(await climber.params(), found.steps);
    fitted = found;
    theta.set(keeper.kept ?? theta);
    const isRandom = made.noise.length > 0 || made.streams.length > 0;
    const count = isRandom ? trials(method.draws, found.steps) : 1;
    const final: Estimated[] = [];
    for (let k = 0; k < (players?.length ?? 1); k++) {
      final.push(meanOf(await climber.estimates(FINAL_STEPS, count, k)));
    }
    return { found, final, warnings: rough };
  } catch (error) {
    // What was read before the loss is a fit that was interrupted.
    if (!(error instanceof TildeError) || keeper.kept === undefined) throw error;
    theta.set(keeper.kept);
    const found = fitted ?? interruptedAt(search, at, keeper.keptAt);
    return { found, warnings: [...rough, ...error.diagnostics] };
  } finally {
    climber.close();
  }
}

/** Estimates that the final value is the mean of, as on the CPU. */
function trials(draws: number, steps: number): number {
  return Math.min(draws, Math.max(200, Math.floor(steps / 5)));
}

/** Sizes calls by time, hears of interruptions, and keeps the params from time to time. */
class Keeper {
  kept: Float64Array | undefined;
  keptAt = 0;
  #size = 1;
  #before = 0;
  #at = performance.now();
  #keptTime = this.#at;
  readonly #climber: DeviceClimber;
  readonly #request: ClimbRequest;

  constructor(climber: DeviceClimber, request: ClimbRequest) {
    this.#climber = climber;
    this.#request = request;
  }

  keep(params: Float64Array, done: number): void {
    this.kept = params;
    this.keptAt = done;
    this.#keptTime = performance.now();
  }

  async pace(done: number): Promise<number> {
    const { run, tell } = this.#request;
    const now = performance.now();
    if (done > this.#before) {
      const each = Math.max(1e-4, (now - this.#at) / (done - this.#before));
      this.#size = Math.max(1, Math.min(4 * this.#size, Math.floor(CALL_MS / each)));
    }
    tell(done);
    if (done > 0 && (this.kept === undefined || now - this.#keptTime > KEEP_MS)) {
      this.keep(await this.#climber.params(), done);
    }
    // Timers and signals are heard here, also where the device answers at once.
    await new Promise((resolve) => setImmediate(resolve));
    this.#before = done;
    this.#at = performance.now();
    return run.options.signal?.aborted === true ? 0 : this.#size;
  }
}

/**
 * The precision guard at the first params and around them, each with the noise of a step: value and
 * gradient of every player, and the steps along natural gradients.
 */
async function checkOn(
  climber: DeviceClimber,
  { device, made, method, run, instance }: ClimbRequest,
  theta: Float64Array,
): Promise<readonly Diagnostic[]> {
  seedNoise(instance.i32("mc_key"), run.seed, 0);
  const points = pointsAround(theta, run.seed);
  const onCpu = (point: Float64Array, k: number, player = 0): number => {
    instance.f64("theta").set(point);
    instance.call("noise", GUARD_STEPS + k);
    return instance.call(evaluationName(player));
  };
  const spans = made.players?.map((p) => p.spans) ?? [[[0, theta.length] as const]];
  const told: Diagnostic[] = [];
  try {
    for (const [player, own] of spans.entries()) {
      const found = await guardPrecision(
        precisionOf(device, method.products),
        points,
        (point, k) => {
          const lp = onCpu(point, k, player);
          const all = instance.f64("grad");
          const gradient = own.flatMap(([from, to]) => [...all.subarray(from, to)]);
          return { lp, gradient };
        },
        (point, k) => climber.gradientAt(point, GUARD_STEPS + k, player),
        "objective",
      );
      told.push(...found);
    }
    if (method.optimizer !== "natural") return told;
    // Fisher matrices are solved with: a gradient that is right may lead to a step that is not.
    const isNatural = made.written ?? internalError("no natural gradients");
    const moved = (point: Float64Array, next: Float64Array): Float64Array =>
      next.map((v, i) => (isNatural[i] === 1 ? (v - point[i]) / method.lr : 0));
    const found = await guardPrecision(
      precisionOf(device, method.products),
      points,
      (point, k) => {
        instance.f64(NATURAL_RATE)[0] = method.lr;
        const lp = onCpu(point, k);
        return { lp, gradient: moved(point, instance.f64(NEXT_THETA).slice()) };
      },
      async (point, k) => {
        const { lp, next } = await climber.stepFrom(point, GUARD_STEPS + k, method.lr);
        return { lp, gradient: moved(point, next) };
      },
      "step",
    );
    return [...told, ...found];
  } finally {
    instance.f64("theta").set(theta);
    climber.restart();
  }
}
