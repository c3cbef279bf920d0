/**
 * What coordinate ascent asks of one factor of q. A factor is an exponential family over one site's
 * scalars whose sufficient statistics are those that the expected joint reads of the site: its
 * natural parameters come as the gradient of E log p in them, and its expected statistics go back.
 */
import type { RandomStream } from "../../math/rng/random.js";

/** Why a factor could not be updated. */
export interface Improper {
  readonly kind: "improper";
  /** The site whose natural parameters are those of no distribution. */
  readonly name: string;
}

/** Moments of a distribution over a site's scalars, in the site's own coordinates. */
export interface Marginals {
  readonly mean: (scalar: number) => number;
  readonly sd: (scalar: number) => number;
  readonly quantile: (scalar: number, p: number) => number;
}

export interface Factor extends Marginals {
  /** The family in words, for plans and results. */
  readonly family: string;
  /** Whether it has no closed form: its moments and draws come from points. */
  readonly isNumerical?: boolean;
  /** How the scalars hang together: `elementwise`, blocks of a size, one sparse vector. */
  readonly structure: string;
  /**
   * Takes natural parameters, one array for each statistic of the site, in their order. False where
   * they are those of no proper distribution; the factor is then left in an undefined state.
   */
  readonly update: (natural: readonly Float64Array[]) => boolean;
  /** Writes the expected statistics, in the same order. */
  readonly statistics: (out: readonly Float64Array[]) => void;
  /** −E log q, in nats. */
  readonly entropy: () => number;
  /** The same part by part: of independent units, each by one of its scalars. */
  readonly entropies: (add: (scalar: number, nats: number) => void) => void;
  /**
   * One draw of the site's scalars.
   * @param states of the discrete elements, for factors that are conditional on them
   */
  readonly draw: (rng: RandomStream, out: Float64Array, states: Int32Array) => void;
}

/** A factor from all but its entropy, which is the sum of its parts. */
export function factorFrom(parts: Omit<Factor, "entropy">): Factor {
  const entropy = (): number => {
    let total = 0;
    parts.entropies((_, nats) => {
      total += nats;
    });
    return total;
  };
  return { ...parts, entropy };
}
