/** What the driver of a chain asks of each algorithm. */
import type { RandomStream } from "../../../math/rng/random.js";

export interface DpKernel {
  /** One update of all labels given α. */
  readonly updateLabels: (alpha: number, rng: RandomStream) => void;
  /** One split–merge proposal; whether it was accepted. */
  readonly splitMerge: (alpha: number, rng: RandomStream) => boolean;
  /** Draws or updates θ of the clusters in use: rows 0 … clusters − 1 of `thetas`. */
  readonly updateThetas: (rng: RandomStream) => void;
  /** Whether the labels are drawn given θ, so that θ is part of the state. */
  readonly needsThetas: boolean;
  /** Globals given labels and θ; the tables read what follows from them again. */
  readonly updateGlobals: (rng: RandomStream) => void;
  readonly updateAlpha: (alpha: number, rng: RandomStream) => number;
  readonly clusters: () => number;
  /** Row of each item. */
  readonly rows: (out: Int32Array) => void;
  readonly thetas: () => Float64Array;
  /**
   * Up to a constant, log p(labels, data | α): θ integrated out where the model is conjugate;
   * else log p(labels | α) + log p(data | labels, θ), without the density of θ.
   */
  readonly logJoint: (alpha: number) => number;
  /** What a chain needs to go on behind a whole sweep, beside α and the sites outside the plate. */
  readonly save: () => Float64Array;
  /** Takes up what `save` gave; the sites outside the plate stand as they stood then. */
  readonly restore: (state: Float64Array) => void;
  /** Truncated algorithms: how many components there are. */
  readonly truncation?: number;
}
