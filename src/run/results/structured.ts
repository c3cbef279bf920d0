/**
 * What methods with closed-form posteriors or approximations give beside draws: moments of each
 * scalar, and histories of what they maximise. EM, CAVI and their like hand these over as plain
 * data, and summaries show them in place of the figures of draws.
 */
import { internalError } from "../../base/internal.js";
import type { DiscreteSite } from "../../inference/logjoint/discrete/index.js";
import type { LatentVariable } from "../../inference/logjoint/latents.js";
import { elementCount, elementName, unravel } from "../../model/data.js";
import type { Model } from "../../model/ir.js";
import type { DiscreteRange, ExactFigures, Figure, FitData } from "./fit.js";

/** Moments of the latent scalars of a continuous site, in their order. */
export interface SiteMoments {
  readonly name: string;
  readonly dims: readonly number[];
  readonly length: number;
  /** Positions of the latent scalars where only some are latent. */
  readonly elements?: Float64Array;
  readonly mean: (scalar: number) => number;
  readonly sd: (scalar: number) => number;
  /** Absent where the quantiles have no closed form. */
  readonly quantile?: (scalar: number, p: number) => number;
}

/** Probabilities of the values of a discrete site's elements. */
export interface SiteProbabilities extends DiscreteRange {
  readonly name: string;
  readonly dims: readonly number[];
  /** `[elements, count]`. */
  readonly probabilities: Float64Array;
}

/** The figures of each scalar, by its name. */
export function figuresOfMoments(site: SiteMoments): [string, ExactFigures][] {
  const { name, dims, length, elements, mean, sd, quantile } = site;
  return Array.from({ length }, (_, k) => {
    const quantiles =
      quantile === undefined
        ? {}
        : { q5: quantile(k, 0.05), q50: quantile(k, 0.5), q95: quantile(k, 0.95) };
    const at = elementName(name, unravel(elements?.[k] ?? k, dims));
    return [at, { mean: mean(k), sd: sd(k), ...quantiles }];
  });
}

/**
 * The figures of each element of a discrete site.
 * @param mostProbable its value in the most probable joint assignment, where that is known
 */
export function figuresOfProbabilities(
  site: SiteProbabilities,
  mostProbable?: (element: number) => number,
): [string, ExactFigures][] {
  const { name, dims, low, count, probabilities } = site;
  const values = Array.from({ length: count }, (_, k) => low + k);
  return Array.from({ length: elementCount(dims) }, (_, e) => {
    const p = probabilities.subarray(e * count, (e + 1) * count);
    const mean = values.reduce((m, v, k) => m + v * p[k], 0);
    const variance = values.reduce((s, v, k) => s + (v - mean) ** 2 * p[k], 0);
    const quantile = (level: number): number => {
      let below = 0;
      for (let k = 0; k < count; k++) {
        below += p[k];
        // The probabilities sum to 1 only up to rounding.
        if (below >= level - 1e-12) return values[k];
      }
      return values[count - 1];
    };
    const figures: ExactFigures = {
      mean,
      sd: Math.sqrt(variance),
      q5: quantile(0.05),
      q50: quantile(0.5),
      q95: quantile(0.95),
      values,
      probabilities: Array.from(p),
      ...(mostProbable !== undefined && { mostProbable: mostProbable(e) }),
    };
    return [elementName(name, unravel(e, dims)), figures];
  });
}

/** Continuous latents as they are, then discrete sites behind them with the values they take. */
export function drawnSites(
  { variables }: Model,
  continuous: readonly LatentVariable[],
  discrete: readonly Pick<DiscreteSite, "name" | "dims" | "offset" | "low" | "count">[],
): Required<Pick<FitData, "latents" | "ranges">> {
  const width = continuous.reduce((n, v) => n + v.length, 0);
  const found = discrete.map(({ name, dims, offset }): LatentVariable => {
    const variable = variables.find((v) => v.name === name) ?? internalError(`no site ${name}`);
    return { name, variable, dims, offset: width + offset, length: elementCount(dims) };
  });
  return {
    latents: [...continuous, ...found],
    ranges: new Map(discrete.map(({ name, low, count }) => [name, { low, count }])),
  };
}

/** What an iterative method did: the final value of what it maximises, and how it got there. */
export interface Climb {
  readonly value: number;
  /** After each iteration. */
  readonly history: ArrayLike<number>;
  readonly iterations: number;
  readonly converged: boolean;
}

/** `{ elbo: { final, history }, converged, iterations }` for the name `elbo`. */
export function climbFigures(
  name: "elbo" | "log_likelihood",
  climb: Climb,
): Record<string, Figure> {
  return {
    [name]: { final: climb.value, history: Array.from(climb.history) },
    converged: climb.converged,
    iterations: climb.iterations,
  };
}
