/** The steps of a kernel module made by `withOptimiser`, as ascents ask for them. */
import type { KernelInstance } from "../contract.js";
import { SETTINGS, TRACE } from "./adam.js";
import type { Climber, ClimberState, StepSettings, Taken } from "./climber.js";
import { seedNoise } from "./noise.js";

/** A climber over the buffers `params` and `gradient` of an instance. */
export class KernelClimber implements Climber {
  readonly mostSteps = TRACE;
  readonly #instance: KernelInstance;
  readonly #params: Float64Array;
  readonly #gradient: Float64Array;
  readonly #steps: (first: number, count: number) => number;
  /** What the params are called. */
  readonly #name: string;
  #averaged = 0;

  constructor(instance: KernelInstance, params: string, gradient: string) {
    this.#instance = instance;
    this.#name = params;
    this.#params = instance.f64(params);
    this.#gradient = instance.f64(gradient);
    this.#steps = instance.fn("opt_steps");
  }

  seed(seed: number | bigint): void {
    seedNoise(this.#instance.i32("mc_key"), seed, 0);
  }

  forget(): void {
    const settings = this.#instance.f64("opt_settings");
    settings[SETTINGS.power1] = 1;
    settings[SETTINGS.power2] = 1;
    this.#instance.f64("opt_first").fill(0);
    this.#instance.f64("opt_second").fill(0);
  }

  restartAverage(): void {
    this.#averaged = 0;
    this.#instance.f64("opt_average").fill(0);
  }

  async take(first: number, count: number, settings: StepSettings): Promise<Taken> {
    const to = this.#instance.f64("opt_settings");
    to[SETTINGS.rate] = settings.rate;
    to[SETTINGS.clip] = settings.clip;
    to[SETTINGS.averaging] = settings.averaging ? 1 : 0;
    to[SETTINGS.beta1] = settings.beta1;
    to[SETTINGS.beta2] = settings.beta2;
    const taken = this.#steps(first, count);
    if (settings.averaging) this.#averaged += taken;
    const bad = taken < count ? this.#gradient.findIndex((x) => !Number.isFinite(x)) : -1;
    return { count: taken, values: this.#instance.f64("opt_trace").slice(0, count), bad };
  }

  setParams(params: Float64Array): void {
    this.#params.set(params);
  }
  async params(): Promise<Float64Array> {
    return this.#params.slice();
  }
  async average(): Promise<Float64Array> {
    return this.#instance.f64("opt_average").map((v) => v / this.#averaged);
  }

  async save(): Promise<ClimberState> {
    const moments = MOMENTS.map((name) => [name, this.#instance.f64(name)] as const);
    const averaged = Float64Array.of(this.#averaged);
    return { [this.#name]: this.#params, averaged, ...Object.fromEntries(moments) };
  }
  restore(state: ClimberState): void {
    this.#params.set(state[this.#name]);
    [this.#averaged] = state.averaged;
    for (const name of MOMENTS) this.#instance.f64(name).set(state[name]);
  }
}

/** Buffers that steps carry on beside the params. */
const MOMENTS = ["opt_settings", "opt_first", "opt_second", "opt_average"] as const;
