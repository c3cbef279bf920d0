/** Settings of the samplers, beside them: options are checked without loading a sampler. */

/**
 * `collapsed` and `instantiated` want a conjugate model; `auto` is `collapsed` there and
 * `auxiliary` (algorithm 8) elsewhere.
 */
export type DpAlgorithm = "auto" | "collapsed" | "auxiliary" | "instantiated" | "blocked";

export const DP_DEFAULTS = {
  algorithm: "auto" as DpAlgorithm,
  warmup: 500,
  draws: 1000,
  thin: 1,
  splitMerge: 1,
  splitScans: 3,
  auxiliaries: 3,
} as const;
