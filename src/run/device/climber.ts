/** Stochastic gradient ascent as a loop on a device. */
import { internalError } from "../../base/internal.js";
import type { DeviceNoise, GraphDevice, LoopProgram, NamedValues } from "../../device/contract.js";
import { adamGraph, optimiserSettings } from "../../device/optimise.js";
import type { Rule } from "../../inference/stochastic/adam.js";
import type { StepSettings, Taken, TracedClimber } from "../../inference/stochastic/climber.js";
import type { Graph } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";

/** An objective with its gradient, and what changes from step to step. */
export interface Objective {
  readonly graph: Graph;
  readonly names: { readonly value: string; readonly gradient: string; readonly params: string };
  readonly noise: readonly DeviceNoise[];
  /** Inputs that steps change, each with the output that is its next value. */
  readonly state: Readonly<Record<string, string>>;
  /** The output with the next values of params that no gradient moves: 1 in the mask. */
  readonly written?: { readonly output: string; readonly mask: Float64Array };
  readonly rule: Rule;
  /** Inputs that stay as they are. */
  readonly data: NamedValues;
  /** First values of what steps change, beside the params. */
  readonly initial: NamedValues;
}

/** A climber on a device, with the gradient at a point for the precision guard. */
export class DeviceClimber implements TracedClimber {
  readonly #program: LoopProgram;
  readonly #objective: Objective;
  readonly #length: number;
  readonly mostSteps: number;
  /** Steps since the moments were forgotten. */
  #steps = 0;

  private constructor(
    program: LoopProgram,
    objective: Objective,
    length: number,
    mostSteps: number,
  ) {
    this.#program = program;
    this.#objective = objective;
    this.#length = length;
    this.mostSteps = mostSteps;
    program.set(objective.data);
    this.restart();
  }

  static async create(
    device: GraphDevice,
    objective: Objective,
    mostSteps: number,
  ): Promise<DeviceClimber> {
    const { graph, names, noise, state, rule, written } = objective;
    const input =
      graph.inputs.find((n) => n.name === names.params) ?? internalError("no parameters");
    if (rule === "natural") return internalError("natural gradients are the CPU's alone");
    const step = adamGraph(graph, { ...names, state, rule, ...(written && { written }) });
    const program = await device.compileLoop({ ...step, noise, mostSteps });
    return new DeviceClimber(program, objective, sizeOf(input.shape), mostSteps);
  }

  close(): void {
    this.#program.close();
  }

  /** Brings all but the params back to the beginning. */
  restart(): void {
    this.#program.set(this.#objective.initial);
    this.#program.rewind();
    this.forget();
  }

  seed(seed: number | bigint): void {
    this.#program.seed(seed, 0);
  }

  forget(): void {
    const zeros = new Float64Array(this.#length);
    this.#steps = 0;
    this.#program.set({ opt_first: zeros, opt_second: zeros, opt_counts: [0, 0, 0] });
  }

  restartAverage(): void {
    this.#program.set({
      opt_average: new Float64Array(this.#length),
      opt_counts: [this.#steps, 0, 0],
    });
  }

  async take(first: number, count: number, settings: StepSettings): Promise<Taken> {
    this.#program.set({ opt_settings: optimiserSettings(settings) });
    const rows = await this.#program.steps(first, count);
    const taken = rows.opt_taken.indexOf(0);
    const steps = taken < 0 ? count : taken;
    this.#steps += steps;
    const bad = taken < 0 ? 0 : rows.opt_bad[taken];
    return {
      count: steps,
      values: rows.opt_value,
      bad: bad === 0 ? -1 : this.#length - bad,
    };
  }

  setParams(params: Float64Array): void {
    this.#program.set({ [this.#objective.names.params]: params });
  }

  async #read(name: string): Promise<Float64Array> {
    return (await this.#program.read([name]))[name];
  }

  params(): Promise<Float64Array> {
    return this.#read(this.#objective.names.params);
  }
  average(): Promise<Float64Array> {
    return this.#read("opt_average");
  }
  before(): Promise<Float64Array> {
    return this.#read("opt_before");
  }

  /** Estimates at the present params, with the noise of the steps from `first` on. */
  async estimates(first: number, count: number): Promise<Float64Array> {
    const values = new Float64Array(count);
    for (let done = 0; done < count; done += this.mostSteps) {
      const piece = Math.min(this.mostSteps, count - done);
      this.forget();
      const taken = await this.take(first + done, piece, STANDING);
      values.set(taken.values.subarray(0, piece), done);
    }
    return values;
  }

  /** Seconds of a step, by calls of more and more steps until one lasts a while. */
  async stepSeconds(): Promise<number> {
    for (let count = 1; ; count = Math.min(this.mostSteps, 4 * count)) {
      this.forget();
      const start = performance.now();
      await this.take(0, count, STANDING);
      const seconds = (performance.now() - start) / 1000;
      // The first call also ends the setting up.
      if (count > 1 && (seconds > TIMING_SECONDS || count === this.mostSteps))
        return seconds / count;
    }
  }

  /** Value and gradient at `params`, with the noise of step `step`. Moments are forgotten. */
  async gradientAt(
    params: Float64Array,
    step: number,
  ): Promise<{ readonly lp: number; readonly gradient: Float64Array }> {
    this.setParams(params);
    this.forget();
    const { values, count } = await this.take(step, 1, STANDING);
    const first = await this.#read("opt_first");
    // A step that was not taken leaves no gradient behind.
    const gradient = count === 0 ? first.fill(Number.NaN) : first;
    return { lp: values[0], gradient: gradient.map((v) => v / this.#share) };
  }

  /** The gradient's part of the first moment after one step. */
  get #share(): number {
    return this.#objective.rule === "adam" ? 1 - STANDING.beta1 : 1;
  }
}

const TIMING_SECONDS = 0.02;
/** Steps that go nowhere. */
const STANDING: StepSettings = { rate: 0, clip: 0, averaging: false, beta1: 0.5, beta2: 0.5 };
