/** The fitted q as a posterior: moments, quantiles, marginals and draws of every latent scalar. */
import { internalError } from "../../base/internal.js";
import { quantileOfSorted } from "../../math/quantile.js";
import { type RandomStream, stream } from "../../math/rng/random.js";
import type { Marginals } from "../ascent/contract.js";
import { DiscreteDraws } from "../ascent/discrete-draws.js";
import type { Ascent } from "../ascent/engine.js";
import { inputBuffer } from "../conditionals/kernels.js";
import type { DiscreteSite } from "../logjoint/direct.js";
import type { LatentVariable } from "../logjoint/latents.js";
import type { CaviPlan } from "./plan.js";
import type { PointFactor } from "./points.js";

/** A continuous site; scalars are counted within it. */
export interface CaviSite extends Marginals {
  readonly latent: LatentVariable;
  /** The family of its factor, and how the factor hangs together. */
  readonly family: string;
  readonly structure: string;
}

export interface CaviDiscrete {
  readonly site: DiscreteSite;
  /** P(element = low + k), `[elements, count]`. */
  readonly marginals: Float64Array;
}

export interface CaviDraw {
  /** Latent scalars in the model's own coordinates, in the layout of the latents' offsets. */
  readonly values: Float64Array;
  /** The value of each discrete element, in their numbering. */
  readonly states: Int32Array;
}

export interface CaviPosterior {
  readonly sites: readonly CaviSite[];
  readonly discrete: readonly CaviDiscrete[];
  readonly draw: (rng: RandomStream) => CaviDraw;
}

/** Draws for moments of sites whose factor is normal in other coordinates. */
const MOMENT_DRAWS = 10_000;
const SEED = 20_241_009;

export function posteriorOf(
  plan: CaviPlan,
  ascent: Ascent,
  points: PointFactor | undefined,
): CaviPosterior {
  const { direct, places, values: kernels } = plan;
  const sites = plan.ascent.joint.sites;
  const width = direct.sites.reduce((n, s) => n + s.latent.length, 0);
  const scratch = sites.map((s) => {
    return new Float64Array(s.kind === "point" ? s.input.shape[0] : s.direct.latent.length);
  });
  const discreteDraws = new DiscreteDraws(ascent);
  const draw = (rng: RandomStream): CaviDraw => {
    const states = discreteDraws.draw(rng);
    ascent.factors.forEach((f, k) => {
      f?.draw(rng, scratch[k], states);
    });
    if (points !== undefined) {
      const u = points.draw(rng);
      let from = 0;
      for (const k of points.sites) {
        scratch[k].set(u.subarray(from, from + scratch[k].length));
        from += scratch[k].length;
      }
    }
    const values = new Float64Array(width);
    const part = (k: number): Float64Array => {
      const { site, from } = places[k];
      return scratch[site].subarray(from, from + direct.sites[k].input.shape[0]);
    };
    if (kernels !== undefined) {
      direct.sites.forEach((_, k) => {
        kernels.f64(inputBuffer(k)).set(part(k));
      });
      kernels.call("values");
    }
    direct.sites.forEach(({ latent, isFree }, k) => {
      const own = isFree ? kernels?.f64(`own_${k}`).subarray(0, latent.length) : part(k);
      values.set(own ?? internalError("no kernels for the points"), latent.offset);
    });
    return { values, states };
  };
  const sampled = samples(draw, width);
  const list = direct.sites.map(({ latent, isFree }, k): CaviSite => {
    const { site, from } = places[k];
    if (isFree) {
      const shape = points?.isFull === true ? "with full covariance" : "with diagonal covariance";
      return {
        latent,
        family: "Normal in unconstrained coordinates",
        structure: `${points?.dimension ?? 0} numbers ${shape}`,
        mean: (i) => meanOf(sampled(latent.offset + i)),
        sd: (i) => sdOf(sampled(latent.offset + i)),
        quantile: (i, p) => quantileOfSorted(sampled(latent.offset + i), p),
      };
    }
    const factor = ascent.factors[site] ?? internalError(`no factor of ${latent.name}`);
    return {
      latent,
      family: factor.family,
      structure: factor.structure,
      mean: (i) => factor.mean(from + i),
      sd: (i) => factor.sd(from + i),
      quantile: (i, p) => factor.quantile(from + i, p),
    };
  });
  const marginals = ascent.marginals();
  const discrete = plan.ascent.discrete.map((site, s) => ({ site, marginals: marginals[s] }));
  return { sites: list, discrete, draw };
}

/** Sorted draws of each latent scalar, made when they are first asked for. */
function samples(
  draw: (rng: RandomStream) => CaviDraw,
  width: number,
): (scalar: number) => Float64Array {
  let all: Float64Array[] | undefined;
  return (scalar) => {
    if (all === undefined) {
      const columns = Array.from({ length: width }, () => new Float64Array(MOMENT_DRAWS));
      for (let t = 0; t < MOMENT_DRAWS; t++) {
        const { values } = draw(stream(SEED, 0, 0, t));
        for (let i = 0; i < width; i++) columns[i][t] = values[i];
      }
      for (const c of columns) c.sort();
      all = columns;
    }
    return all[scalar];
  };
}

const meanOf = (x: Float64Array): number => x.reduce((s, v) => s + v, 0) / x.length;
function sdOf(x: Float64Array): number {
  const mean = meanOf(x);
  return Math.sqrt(x.reduce((s, v) => s + (v - mean) ** 2, 0) / (x.length - 1));
}
