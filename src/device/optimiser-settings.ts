/**
 * The numbers that steer a step of `adamGraph`. All counts are of the steps of one call, and the host
 * gives what came before, so that nothing is counted in single precision beyond a call: neither
 * 1 − βᵗ nor a mean of iterates loses digits however long a run is.
 */

/** Values of the input `opt_settings`. */
export interface OptimiserSettings {
  /** Step size; see `Rates` for one that changes in a call. */
  readonly rate: number;
  /** Largest Euclidean norm of a gradient; longer ones are shortened. 0: none is. */
  readonly clip: number;
  /** Whether iterates are averaged into `opt_average`. */
  readonly averaging: boolean;
  readonly beta1: number;
  readonly beta2: number;
}

/** Step sizes of stretches of steps, of which the call's first step lies `offset` within the first. */
export interface Rates {
  readonly values: readonly number[];
  /** Steps of a stretch. */
  readonly grain: number;
  readonly offset: number;
}

/** What came before a call. */
export interface Progress {
  /** Another number than that of the call before. */
  readonly call: number;
  /** Steps of each player since its moments were forgotten. */
  readonly steps: readonly number[];
  /** Iterates in the mean, without those of the last call that averaged; and those. */
  readonly merged: number;
  readonly pending: number;
}
const BEGINNING: Progress = { call: 0, steps: [0], merged: 0, pending: 0 };

/** Step sizes of one call, at most. */
export const MOST_RATES = 32;
/** Calls are told apart by numbers below this, which single precision holds. */
export const CALLS = 1 << 20;

/** Where each number stands; then step sizes, then two numbers a player. */
export const AT = {
  clip: 0,
  averaging: 1,
  beta1: 2,
  beta2: 3,
  /** 1 − β, which differences of rounded numbers would lose digits of. */
  rest1: 4,
  rest2: 5,
  log1: 6,
  log2: 7,
  call: 8,
  /** Iterates in the mean before the call. */
  averaged: 9,
  /** Share of the last call's iterates in the mean that they are to be merged into. */
  share: 10,
  grain: 11,
  offset: 12,
  rates: 13,
  /** t log β of the steps before the call, for each player and both moments. */
  before: 13 + MOST_RATES,
} as const;

/** Length of `opt_settings`. */
export function settingsLength(players: number): number {
  return AT.before + 2 * players;
}

/** e to less than this is 0 beside 1 in any precision; the log of a β of 0 is no number to send. */
const LEAST_LOG = -1000;

/**
 * The settings as numbers. 1 − βᵗ comes from t log β, which of the steps before the call is computed
 * here: single precision has no room for many steps.
 */
export function optimiserSettings(
  s: OptimiserSettings,
  { call, steps, merged, pending }: Progress = BEGINNING,
  rates: Rates = { values: [s.rate], grain: 2 ** 20, offset: 0 },
): Float64Array {
  const all = new Float64Array(settingsLength(steps.length));
  const logs = [s.beta1, s.beta2].map((beta) => Math.max(LEAST_LOG, Math.log(beta)));
  all[AT.clip] = s.clip;
  all[AT.averaging] = s.averaging ? 1 : 0;
  [all[AT.beta1], all[AT.beta2]] = [s.beta1, s.beta2];
  [all[AT.rest1], all[AT.rest2]] = [1 - s.beta1, 1 - s.beta2];
  [all[AT.log1], all[AT.log2]] = logs;
  all[AT.call] = call % CALLS;
  all[AT.averaged] = merged + pending;
  all[AT.share] = pending === 0 ? 0 : pending / (merged + pending);
  all[AT.grain] = rates.grain;
  all[AT.offset] = rates.offset;
  all.fill(rates.values[rates.values.length - 1], AT.rates, AT.before);
  all.set(rates.values, AT.rates);
  steps.forEach((n, k) => {
    logs.forEach((log, moment) => {
      all[AT.before + 2 * k + moment] = Math.max(LEAST_LOG, n * log);
    });
  });
  return all;
}
