/** The posterior predictive density of one more item at given points. */
import { internalError } from "../../../base/internal.js";
import { stream } from "../../../math/rng/random.js";
import { logaddexp, logsumexp } from "../../../math/special/index.js";
import type { ClusterModel } from "../contract.js";
import { posteriorNaturals } from "../samplers/posterior.js";
import type { DpDraws } from "../samplers/run.js";

export interface PredictiveOptions {
  /** Draws used, at most, evenly spaced. */
  readonly averaged: number;
  /** Draws from P₀ for the term of a new cluster where the base is not conjugate. */
  readonly baseDraws: number;
  readonly seed: number | bigint;
}

export const PREDICTIVE_DEFAULTS: PredictiveOptions = {
  averaged: 1000,
  baseDraws: 10_000,
  seed: 0,
};

/**
 * Log density at each point: the mean over the draws of
 * Σ_c n_c / (N + α) p(y | items of c) + α / (N + α) ∫ K(y | θ) dP₀(θ).
 * Where both models are conjugate the parts are exact given the labels; else they are K(y | θ_c)
 * of the drawn θ_c, and a Monte Carlo mean over the base.
 * @param points the model with the points in place of the data's items, same θ and same base
 * @param data the model that the draws are of; its base fixed, or leave it out and the drawn
 *   parameters are used
 */
export function logPredictive(
  points: ClusterModel,
  draws: readonly DpDraws[],
  data: ClusterModel | undefined,
  options: PredictiveOptions = PREDICTIVE_DEFAULTS,
): Float64Array {
  const { items } = points;
  const isExact = data?.conjugate !== undefined && points.conjugate !== undefined;
  const base = isExact ? exactBase(points) : sampledBase(points, options);
  const out = new Float64Array(items).fill(-Infinity);
  const all = draws.flatMap((d) => Array.from({ length: d.draws }, (_, t) => ({ d, t })));
  const used = Math.min(options.averaged, all.length);
  for (let k = 0; k < used; k++) {
    const { d, t } = all[Math.floor((k * all.length) / used)];
    const labels = d.labels.subarray(t * d.items, (t + 1) * d.items);
    const clusters = d.clusters[t];
    const sizes = new Float64Array(clusters);
    for (const c of labels) sizes[c]++;
    const densities = isExact
      ? predictives(points, data, labels, clusters)
      : drawnDensities(points, d, t);
    const total = Math.log(d.items + d.alpha[t]);
    for (let i = 0; i < items; i++) {
      let sum = Math.log(d.alpha[t]) - total + base[i];
      for (let c = 0; c < clusters; c++) {
        sum = logaddexp(sum, Math.log(sizes[c]) - total + densities[i * clusters + c]);
      }
      out[i] = logaddexp(out[i], sum - Math.log(used));
    }
  }
  return out;
}

function componentsOf(model: ClusterModel | undefined) {
  return model?.conjugate ?? internalError("a base that is not conjugate");
}

function exactBase(points: ClusterModel): Float64Array {
  return predictivesOf(points, componentsOf(points).prior(), 1);
}

/** log p(point | items of c) for each point and cluster. */
function predictives(
  points: ClusterModel,
  data: ClusterModel | undefined,
  labels: Int32Array,
  clusters: number,
): Float64Array {
  return predictivesOf(points, posteriorNaturals(componentsOf(data), labels, clusters), clusters);
}

function predictivesOf(points: ClusterModel, etas: Float64Array, clusters: number): Float64Array {
  const { family, setting, contributions, offsets } = componentsOf(points);
  const [s, b] = [contributions(), offsets()];
  const width = etas.length / clusters;
  const out = new Float64Array(points.items * clusters);
  for (let c = 0; c < clusters; c++) {
    const eta = etas.subarray(c * width, (c + 1) * width);
    const normaliser = family.logNormaliser(eta, setting);
    const sum = new Float64Array(width);
    for (let i = 0; i < points.items; i++) {
      for (let k = 0; k < width; k++) sum[k] = eta[k] + s[i * width + k];
      out[i * clusters + c] = family.logNormaliser(sum, setting) - normaliser + b[i];
    }
  }
  return out;
}

function drawnDensities(points: ClusterModel, d: DpDraws, t: number): Float64Array {
  const thetas = d.thetas.subarray(d.offsets[t] * d.width, d.offsets[t + 1] * d.width);
  const out = new Float64Array(points.items * d.clusters[t]);
  points.table(thetas, d.clusters[t], out);
  return out;
}

function sampledBase(points: ClusterModel, options: PredictiveOptions): Float64Array {
  const rng = stream(options.seed, 0, 0, 0);
  const thetas = new Float64Array(options.baseDraws * points.width);
  for (let k = 0; k < options.baseDraws; k++) points.drawBase(rng, thetas, k);
  const row = new Float64Array(options.baseDraws);
  return Float64Array.from({ length: points.items }, (_, i) => {
    for (let k = 0; k < row.length; k++) row[k] = points.logLikelihood(i, thetas, k);
    return logsumexp(row) - Math.log(row.length);
  });
}
