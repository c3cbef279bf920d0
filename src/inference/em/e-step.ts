/**
 * The E-step: q over the latent sites given the parameters. Its result is a bound on the log
 * likelihood (the log likelihood itself where q is exact), and the scenarios over which the M-step
 * averages.
 */
import type { RandomStream } from "../../math/rng/random.js";
import type { Factor } from "../ascent/contract.js";
import type { EmFailure } from "./contract.js";
import type { Expected } from "./expected.js";

/**
 * Statistics and counts as one part of E log p: the whole is Σ weight · part. Loading puts them
 * where the kernels read.
 */
export interface Scenario {
  readonly weight: number;
  readonly load: () => void;
}

export interface EStep {
  /** In words, for plans. */
  readonly description: string;
  /** Whether q is the exact posterior of the latent sites given the parameters. */
  readonly exact: boolean;
  /** Puts q where it can begin: latent statistics of a neutral point, jittered. */
  readonly start: (rng: RandomStream) => void;
  /** Updates q; the bound at the present parameters. */
  readonly update: () => number | EmFailure;
  /** Only counts: replaces the distribution of the discrete sites for one M-step. */
  readonly overrideCounts: (write: (counts: readonly Float64Array[]) => void) => void;
  readonly scenarios: () => readonly Scenario[];
  /** Mean and sd of a continuous latent site's scalars. */
  readonly moments: (site: number) => { readonly mean: Float64Array; readonly sd: Float64Array };
  readonly factor: (site: number) => Factor | undefined;
  readonly marginals: () => readonly Float64Array[];
  /** What an update goes on from beside statistics and counts, where there is such, and back. */
  readonly save?: () => Float64Array;
  readonly load?: (state: Float64Array) => void;
}

/** A latent site and its factor. */
export interface LatentFactor {
  readonly site: number;
  readonly name: string;
  readonly length: number;
  readonly factor: Factor;
  /** Neutral values to begin with. */
  readonly begin: (rng: RandomStream) => readonly Float64Array[];
}

/**
 * One factor for each continuous site and one for all discrete sites, each updated once given the
 * others. With one factor, or factors that no term joins, that is the exact posterior; otherwise
 * the bound of mean-field variational EM, which still never falls.
 */
export function factorisedEStep(
  expected: Expected,
  latents: readonly LatentFactor[],
  isExact: boolean,
): EStep {
  const hasTables = expected.tables.length > 0;
  const parts = latents.map((l) => `${l.name}: ${l.factor.family}, ${l.factor.structure}`);
  if (hasTables) {
    parts.push(`${expected.kernels.discrete.map((s) => s.name).join(", ")}: summed`);
  }
  const whole: Scenario = { weight: 1, load: () => undefined };
  const byName = new Map(latents.map((l) => [l.site, l]));
  return {
    description: `${isExact ? "exact" : "mean field"}; ${parts.join("; ")}`,
    exact: isExact,
    start: (rng) => {
      for (const { site, begin } of latents) {
        begin(rng).forEach((values, j) => {
          expected.statistics[site][j].set(values);
        });
      }
      // Where no factor reads them they are overwritten, and a device has them.
      if (latents.length === 0) return;
      for (const [p, counts] of expected.counts.entries()) {
        const { references } = expected.kernels.patterns[p];
        counts.fill(1 / references.reduce((n, r) => n * r.axis.size, 1));
      }
    },
    update: () => {
      let entropy = 0;
      for (const { site, factor, name } of latents) {
        if (!factor.update(expected.natural(site))) return { kind: "improper", name };
        factor.statistics(expected.statistics[site]);
        entropy += factor.entropy();
      }
      expected.refreshTables();
      const logSum = expected.sumDiscrete();
      if (logSum === -Infinity) return { kind: "impossible" };
      const value = expected.terms() + logSum + entropy;
      return Number.isFinite(value) ? value : { kind: "not_finite", value };
    },
    overrideCounts: (write) => write(expected.counts),
    scenarios: () => [whole],
    moments: (site) => {
      const found = byName.get(site);
      const length = found?.length ?? 0;
      return {
        mean: Float64Array.from({ length }, (_, i) => found?.factor.mean(i) ?? Number.NaN),
        sd: Float64Array.from({ length }, (_, i) => found?.factor.sd(i) ?? Number.NaN),
      };
    },
    factor: (site) => byName.get(site)?.factor,
    marginals: () => expected.marginals(),
  };
}
