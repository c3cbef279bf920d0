/** The options of CAVI, and what they are unless given. */
export interface CaviOptions {
  /** Sweeps of each restart, at most. */
  readonly maxIterations: number;
  /** Converged when a sweep changes the bound by less than this part of it. */
  readonly tolerance: number;
  readonly restarts: number;
}

export const CAVI_DEFAULTS: CaviOptions = { maxIterations: 1000, tolerance: 1e-9, restarts: 5 };
