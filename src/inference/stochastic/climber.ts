/**
 * What stochastic gradient ascent asks of the machine that takes its steps: parameters, moments and
 * random streams are there, and a few numbers of each step come back.
 */

/** Settings of the steps of one call. */
export interface StepSettings {
  readonly rate: number;
  /**
   * Step sizes where they change within the call: those of stretches of `grain` steps, of which the
   * first step lies `offset` within the first. `rate` is then the first of them.
   */
  readonly rates?: {
    readonly values: readonly number[];
    readonly grain: number;
    readonly offset: number;
  };
  /** Largest norm of a gradient; 0 for none. */
  readonly clip: number;
  /** Whether iterates are averaged. */
  readonly averaging: boolean;
  /** Decays of the moments (adam); the first one is the momentum of `sgd`. */
  readonly beta1: number;
  readonly beta2: number;
}

/** The steps that were taken; the objective's estimate at each, and at the one that failed. */
export interface Taken {
  readonly count: number;
  readonly values: Float64Array;
  /** Index of the first element of the gradient that is not finite; −1 where all are. */
  readonly bad: number;
}

/** All that the steps of a climber depend on beside their numbers: plain data. */
export type ClimberState = Readonly<Record<string, Float64Array>>;

export interface Climber {
  /** Steps of one call, at most. */
  readonly mostSteps: number;
  /** Keys the random streams. */
  seed(seed: number | bigint): void;
  /** Forgets the moments: a stage begins. */
  forget(): void;
  /** Forgets the average of the iterates. */
  restartAverage(): void;
  /** Steps from number `first` on, until one whose objective or gradient is not finite. */
  take(first: number, count: number, settings: StepSettings): Promise<Taken>;
  setParams(params: Float64Array): void;
  params(): Promise<Float64Array>;
  /** The mean of the iterates since `restartAverage`. */
  average(): Promise<Float64Array>;
  /** What `restore` takes; the arrays may be those that the climber goes on with. */
  save(): Promise<ClimberState>;
  /** Goes on where a climber of the same objective was. */
  restore(state: ClimberState): void;
}

/** A climber that can say where it was before it failed. */
export interface TracedClimber extends Climber {
  /** Stretches of constant step size that one call may have. */
  readonly mostRates: number;
  /** The params before the last update. */
  before(): Promise<Float64Array>;
}
