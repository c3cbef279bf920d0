/** Where a run of EM stands, as plain data, and back again. */
import type { DeviceUse } from "./ahead.js";
import type { EmControls, EmFailure, EmRestart } from "./contract.js";
import type { MStep } from "./m-step.js";
import type { EmPlan } from "./plan.js";

/** A run of iterations from a start. */
export interface Segment {
  readonly history: readonly number[];
  readonly values: readonly Float64Array[];
  readonly end: "limit" | "converged" | "stopped";
}

/** Iterations on their way, before an E-step. */
export interface EmClimb {
  /** Parameters, and the largest that each of their scalars was. */
  readonly values: readonly Float64Array[];
  readonly largest: readonly Float64Array[];
  readonly isQuadratic: boolean;
  /** Parameters of the last E-step, and where the iterations began. */
  readonly kept: readonly Float64Array[];
  readonly start: readonly Float64Array[];
  readonly history: readonly number[];
  /** Whether the history's last is of these parameters. */
  readonly isKnown: boolean;
  /** Whether iterations are a device's, whether it is trusted, and how many it took. */
  readonly isOn: boolean;
  readonly isTrusted: boolean | undefined;
  readonly deviceIterations: number;
  /** What the E-step goes on from, where that is not the parameters alone. */
  readonly q?: {
    readonly statistics: readonly (readonly Float64Array[])[];
    readonly counts: readonly Float64Array[];
    readonly own?: Float64Array;
  };
}

/** Where a run stands. */
export interface EmState {
  /** The start that was made last. */
  readonly restart: number;
  readonly restarts: readonly EmRestart[];
  readonly failure?: EmFailure;
  /** Short runs; sorted, where those that go on have begun, of which `finished` have ended. */
  readonly segments: readonly Segment[];
  readonly finals?: { readonly index: number; readonly finished: readonly Segment[] };
  readonly climb: EmClimb;
}

const copies = (list: readonly Float64Array[]): Float64Array[] => list.map((a) => a.slice());

/** The climb before an E-step, to be kept if that is due behind it. */
export function climbState(
  { eStep, expected, parameters }: EmPlan,
  mStep: MStep,
  device: DeviceUse,
  rest: Pick<EmClimb, "kept" | "start" | "history" | "isKnown" | "isOn">,
): EmClimb {
  const { statistics, counts } = expected;
  const own = eStep.save?.();
  return {
    ...rest,
    history: [...rest.history],
    values: copies(mStep.values),
    largest: parameters.map((_, k) => mStep.largest(k).slice()),
    isQuadratic: mStep.isQuadratic,
    isTrusted: device.isTrusted,
    deviceIterations: device.iterations,
    ...(!eStep.exact && {
      q: { statistics: statistics.map(copies), counts: copies(counts), ...(own && { own }) },
    }),
  };
}

/** Puts parameters, q and the device's part where they were. */
export function goOn(
  { eStep, expected }: EmPlan,
  mStep: MStep,
  device: DeviceUse,
  { values, largest, isQuadratic, q, isTrusted, deviceIterations }: EmClimb,
): void {
  values.forEach((v, k) => {
    mStep.set(k, v);
    mStep.largest(k).set(largest[k]);
  });
  mStep.isQuadratic = isQuadratic;
  device.goOn(isTrusted, deviceIterations);
  if (q === undefined) return;
  q.statistics.forEach((list, site) => {
    list.forEach((s, j) => {
      expected.statistics[site][j].set(s);
    });
  });
  q.counts.forEach((c, p) => {
    expected.counts[p].set(c);
  });
  if (q.own !== undefined) eStep.load?.(q.own);
}

/** Writes the state of a run when that is due, and when it is stopped: then for the last time. */
export class Keeper {
  readonly #controls: EmControls;
  #hasEnded = false;
  /** Where the run stands beside its present climb. */
  place: Omit<EmState, "climb"> = { restart: 0, restarts: [], segments: [] };

  constructor(controls: EmControls) {
    this.#controls = controls;
  }

  /** Whether climbs need to know where they stand. */
  get isOn(): boolean {
    return this.#controls.checkpoints !== undefined && !this.#hasEnded;
  }
  get isDue(): boolean {
    return this.isOn && this.#controls.checkpoints?.isDue() === true;
  }

  keep(climb: EmClimb | undefined, isStopped: boolean): void {
    if (climb === undefined || !(isStopped || this.isDue) || !this.isOn) return;
    this.#controls.checkpoints?.write({ ...this.place, climb });
    this.#hasEnded = isStopped;
  }
}
