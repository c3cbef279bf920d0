/**
 * Step-size adaptation by dual averaging: Hoffman and Gelman, "The No-U-Turn sampler" (JMLR 2014),
 * section 3.2, eq. 6, with Stan's constants.
 */

export interface DualAveragingOptions {
  /** Acceptance statistic aimed at, δ. */
  readonly target: number;
  readonly gamma: number;
  readonly t0: number;
  readonly kappa: number;
}

export const DUAL_AVERAGING_DEFAULTS: DualAveragingOptions = {
  target: 0.8,
  gamma: 0.05,
  t0: 10,
  kappa: 0.75,
};

export interface DualAveragingState {
  readonly count: number;
  /** What log step sizes are shrunk towards, μ. */
  readonly centre: number;
  /** Running mean of δ - acceptance, H̄. */
  readonly error: number;
  readonly logStep: number;
  /** Weighted mean of the log step sizes, the result. */
  readonly logStepAverage: number;
}

/** A fresh state whose steps are shrunk towards ten times `stepSize`, as Stan does. */
export function initDualAveraging(stepSize: number): DualAveragingState {
  return {
    count: 0,
    centre: Math.log(10 * stepSize),
    error: 0,
    logStep: Math.log(stepSize),
    logStepAverage: 0,
  };
}

/** Learns from one transition's acceptance statistic; above 1 (or NaN: 0) it counts as 1. */
export function stepDualAveraging(
  state: DualAveragingState,
  acceptance: number,
  { target, gamma, t0, kappa }: DualAveragingOptions,
): DualAveragingState {
  const count = state.count + 1;
  const accepted = Number.isNaN(acceptance) ? 0 : Math.min(acceptance, 1);
  const eta = 1 / (count + t0);
  const error = (1 - eta) * state.error + eta * (target - accepted);
  const logStep = state.centre - (Math.sqrt(count) / gamma) * error;
  const weight = count ** -kappa;
  const logStepAverage = (1 - weight) * state.logStepAverage + weight * logStep;
  return { count, centre: state.centre, error, logStep, logStepAverage };
}
