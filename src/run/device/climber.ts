/** Stochastic gradient ascent as a loop on a device. */
import { internalError } from "../../base/internal.js";
import type {
  DeviceNoise,
  GraphDevice,
  LoopProgram,
  NamedValues,
  Precision,
} from "../../device/contract.js";
import {
  type Averages,
  adamGraph,
  countsLength,
  momentNames,
  optimiserSettings,
  type StepPlayer,
} from "../../device/optimise.js";
import { CALLS, MOST_RATES } from "../../device/optimiser-settings.js";
import { turnAt } from "../../device/turns.js";
import type { Rule } from "../../inference/stochastic/adam.js";
import type {
  ClimberState,
  StepSettings,
  Taken,
  TracedClimber,
} from "../../inference/stochastic/climber.js";
import type { Graph } from "../../tensor/ops.js";
import { sizeOf } from "../../tensor/shape-rules.js";

/** One of several that take steps in turn: an objective of its own, in params of its own. */
export interface ObjectivePlayer {
  readonly graph: Graph;
  /** Its steps in a round. */
  readonly steps: number;
  /** The stretches `[from, to)` of the params that it moves. */
  readonly spans: readonly (readonly [number, number])[];
}

/** An objective with its gradient, and what changes from step to step. */
export interface Objective {
  /** Of several players, the first one's. */
  readonly graph: Graph;
  readonly players?: readonly ObjectivePlayer[];
  readonly names: { readonly value: string; readonly gradient: string; readonly params: string };
  readonly noise: readonly DeviceNoise[];
  /** Inputs that steps change, each with the output that is its next value. */
  readonly state: Readonly<Record<string, string>>;
  /** The output with the next values of params that no gradient moves: 1 in the mask. */
  readonly written?: { readonly output: string; readonly mask: Float64Array };
  /** An input that is to have the step size. */
  readonly rate?: string;
  /** Whether iterates are ever averaged; true if absent. */
  readonly isAveraged?: boolean;
  readonly rule: Rule;
  /** Precision of matrix products, where the device has a choice. */
  readonly products?: Precision;
  /** Inputs that stay as they are. */
  readonly data: NamedValues;
  /** First values of what steps change, beside the params. */
  readonly initial: NamedValues;
}

/** Value and gradient at a point. */
export interface ValueAndGradient {
  readonly lp: number;
  readonly gradient: Float64Array;
}

/** A climber on a device, with the gradient at a point for the precision guard. */
export class DeviceClimber implements TracedClimber {
  readonly #program: LoopProgram;
  readonly #objective: Objective;
  readonly #length: number;
  readonly #players: readonly ObjectivePlayer[];
  readonly #averages: Averages;
  readonly mostSteps: number;
  readonly mostRates = MOST_RATES;
  #call = 0;
  /** Steps of each player since the moments were forgotten. */
  #steps: number[];
  /** Iterates in the mean: without those of the last call that averaged, and those. */
  #merged = 0;
  #pending = 0;

  /** What steps change on the device. */
  readonly #carried: readonly string[];

  private constructor(
    program: LoopProgram,
    objective: Objective,
    length: number,
    mostSteps: number,
    averages: Averages,
    carried: readonly string[],
  ) {
    this.#averages = averages;
    this.#carried = carried;
    this.#program = program;
    this.#objective = objective;
    this.#length = length;
    this.#players = playersOf(objective, length);
    this.#steps = this.#players.map(() => 0);
    this.mostSteps = mostSteps;
    program.set(objective.data);
    this.restart();
  }

  static async create(
    device: GraphDevice,
    objective: Objective,
    mostSteps: number,
  ): Promise<DeviceClimber> {
    const { graph, names, noise, state, rule, written, rate, products } = objective;
    const input =
      graph.inputs.find((n) => n.name === names.params) ?? internalError("no parameters");
    const length = sizeOf(input.shape);
    const players = playersOf(objective, length);
    const several = device.precision === "f32" ? "by_call" : "running";
    const averages: Averages = objective.isAveraged === false ? "none" : several;
    const made = players.map(({ graph: own, spans }, index) => {
      const player: StepPlayer = { index, count: players.length, spans };
      const outputs = new Set(own.outputs.map((o) => o.name));
      const carried = Object.entries(state).filter(([, output]) => outputs.has(output));
      return adamGraph(own, {
        ...{ ...names, state: Object.fromEntries(carried), player, averages },
        // What natural gradients do not move takes steps of Adam.
        rule: rule === "sgd" ? "sgd" : "adam",
        ...(written && { written }),
        ...(rate !== undefined && { rate }),
      });
    });
    const carried = Object.assign({}, ...made.map((m) => m.state)) as Record<string, string>;
    const program = await device.compileLoop({
      graph: made[0].graph,
      ...(made.length > 1 && {
        turns: made.map(({ graph: own }, k) => ({ graph: own, steps: players[k].steps })),
      }),
      state: carried,
      trace: made[0].trace,
      ...{ noise, mostSteps },
      ...(products && { products }),
    });
    const changed = Object.keys(carried);
    return new DeviceClimber(program, objective, length, mostSteps, averages, changed);
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
    this.#steps = this.#players.map(() => 0);
    const moments = this.#players.flatMap(({ spans }, k) => {
      const zeros = new Float64Array(spans.reduce((n, [from, to]) => n + to - from, 0));
      return momentNames(k).map((name) => [name, zeros] as const);
    });
    const counts = new Float64Array(countsLength(this.#players.length));
    this.#program.set({ ...Object.fromEntries(moments), opt_counts: counts });
    this.#call = 0;
  }

  restartAverage(): void {
    this.#merged = 0;
    this.#pending = 0;
  }

  /** @param turn the player whose steps all of them are; absent, by the steps' numbers */
  async take(first: number, count: number, settings: StepSettings, turn?: number): Promise<Taken> {
    this.#call = (this.#call + 1) % CALLS;
    const progress = {
      ...{ call: this.#call, steps: this.#steps },
      ...{ merged: this.#merged, pending: this.#pending },
    };
    this.#program.set({ opt_settings: optimiserSettings(settings, progress, settings.rates) });
    const rows = await this.#program.steps(first, count, turn);
    const taken = rows.opt_taken.indexOf(0);
    const steps = taken < 0 ? count : taken;
    for (let t = 0; t < steps; t++) this.#steps[turn ?? turnAt(this.#players, first + t)]++;
    if (settings.averaging) {
      this.#merged += this.#pending;
      this.#pending = steps;
    }
    const bad = taken < 0 ? 0 : rows.opt_bad[taken];
    return {
      count: steps,
      values: rows.opt_value,
      bad: bad === 0 ? -1 : this.#length - bad,
    };
  }

  setParams(params: Float64Array): void {
    // Where not even the next step is finite, these are the last that were.
    this.#program.set({ [this.#objective.names.params]: params, opt_before: params });
  }

  async #read(name: string): Promise<Float64Array> {
    return (await this.#program.read([name]))[name];
  }

  params(): Promise<Float64Array> {
    return this.#read(this.#objective.names.params);
  }
  async average(): Promise<Float64Array> {
    if (this.#averages !== "by_call") return await this.#read("opt_average");
    const names = ["opt_average", "opt_recent"];
    const { opt_average, opt_recent } = await this.#program.read(names);
    const share = this.#pending / (this.#merged + this.#pending);
    return opt_recent.map((v, k) => (share === 1 ? v : (1 - share) * opt_average[k] + share * v));
  }
  before(): Promise<Float64Array> {
    return this.#read("opt_before");
  }

  async save(): Promise<ClimberState> {
    const orders = await this.#program.orders();
    const counts = Float64Array.of(this.#call, this.#merged, this.#pending, ...this.#steps);
    return {
      ...(await this.#program.read(this.#carried)),
      [COUNTS]: counts,
      ...Object.fromEntries(orders.map((order, k) => [`${ORDER}${k}`, order])),
    };
  }
  restore(state: ClimberState): void {
    this.#program.set(Object.fromEntries(this.#carried.map((name) => [name, state[name]])));
    const orders: Float64Array[] = [];
    for (let k = 0; `${ORDER}${k}` in state; k++) orders.push(state[`${ORDER}${k}`]);
    this.#program.rewind(orders);
    [this.#call, this.#merged, this.#pending] = state[COUNTS];
    this.#steps = [...state[COUNTS].subarray(3)];
  }

  /** A player's estimates at the present params, with the noise of the steps from `first` on. */
  async estimates(first: number, count: number, turn = 0): Promise<Float64Array> {
    const values = new Float64Array(count);
    for (let done = 0; done < count; done += this.mostSteps) {
      const piece = Math.min(this.mostSteps, count - done);
      this.forget();
      const taken = await this.take(first + done, piece, STANDING, turn);
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

  /**
   * A player's value and gradient at `params`, with the noise of step `step`, in the params that it
   * moves. Moments are forgotten.
   */
  async gradientAt(params: Float64Array, step: number, turn = 0): Promise<ValueAndGradient> {
    this.setParams(params);
    this.forget();
    const { values, count } = await this.take(step, 1, STANDING, turn);
    const first = await this.#read(momentNames(turn)[0]);
    // A step that was not taken leaves no gradient behind.
    const gradient = count === 0 ? first.fill(Number.NaN) : first;
    return { lp: values[0], gradient: gradient.map((v) => v / this.#share) };
  }

  /** The value at `params`, and where one step of size `rate` leads from there. Moments are forgotten. */
  async stepFrom(
    params: Float64Array,
    step: number,
    rate: number,
  ): Promise<{ readonly lp: number; readonly next: Float64Array }> {
    this.setParams(params);
    this.forget();
    const { values } = await this.take(step, 1, { ...STANDING, rate });
    return { lp: values[0], next: await this.params() };
  }

  /** The gradient's part of the first moment after one step. */
  get #share(): number {
    return this.#objective.rule === "sgd" ? 1 : 1 - STANDING.beta1;
  }
}

function playersOf({ graph, players }: Objective, length: number): readonly ObjectivePlayer[] {
  return players ?? [{ graph, steps: 1, spans: [[0, length]] }];
}

/** Parts of a saved state that are no inputs of the graph; names of inputs have no blank. */
const COUNTS = "counts so far";
const ORDER = "order ";

const TIMING_SECONDS = 0.02;
/** Steps that go nowhere. */
const STANDING: StepSettings = { rate: 0, clip: 0, averaging: false, beta1: 0.5, beta2: 0.5 };
