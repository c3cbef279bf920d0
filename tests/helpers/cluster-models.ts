/** Dirichlet-process mixtures written by hand: the samplers' models for tests and benchmarks. */
import type {
  ClusterModel,
  Concentration,
  ConjugateComponents,
} from "../../src/inference/dp/contract.js";
import { type ProductPart, productFamily } from "../../src/inference/dp/product.js";
import { expFamilies } from "../../src/inference/expfam/index.js";
import type { RandomStream } from "../../src/math/rng/random.js";
import { HALF_LOG_2PI, lgamma } from "../../src/math/special/index.js";

const ONE: Concentration = { kind: "fixed", value: 1 };

/** What is left to say of a conjugate model once its components and one density are known. */
export function conjugateModel(
  items: number,
  width: number,
  components: ConjugateComponents,
  logLikelihood: (item: number, theta: Float64Array) => number,
  concentration: Concentration,
): ClusterModel {
  const { family, setting } = components;
  const rowOf = (thetas: Float64Array, row: number) =>
    thetas.subarray(row * width, (row + 1) * width);
  return {
    items,
    width,
    concentration,
    conjugate: components,
    drawBase: (rng, thetas, row) => {
      thetas.set(family.sample(components.prior(), setting, rng), row * width);
    },
    logLikelihood: (item, thetas, row) => logLikelihood(item, rowOf(thetas, row)),
    table: (thetas, count, out) => {
      for (let c = 0; c < count; c++) {
        const theta = rowOf(thetas, c);
        for (let i = 0; i < items; i++) out[i * count + c] = logLikelihood(i, theta);
      }
    },
    updateComponents: (thetas, count, labels, rng) => {
      const prior = components.prior();
      const s = components.contributions();
      for (let c = 0; c < count; c++) {
        const eta = prior.slice();
        for (let i = 0; i < items; i++) {
          if (labels[i] !== c) continue;
          for (let k = 0; k < eta.length; k++) eta[k] += s[i * eta.length + k];
        }
        thetas.set(family.sample(eta, setting, rng), c * width);
      }
    },
  };
}

const logNormal = (y: number, mu: number, sigma: number): number =>
  -HALF_LOG_2PI - Math.log(sigma) - 0.5 * ((y - mu) / sigma) ** 2;

export interface NormalOptions {
  readonly sigma: number;
  readonly mean: number;
  readonly sd: number;
  readonly alpha?: Concentration;
}

/** y_i ~ Normal(θ, sigma), θ ~ Normal(mean, sd). `y` is read anew at each use. */
export function normalModel(y: Float64Array, o: NormalOptions): ClusterModel {
  const w = o.sigma ** -2;
  const components: ConjugateComponents = {
    family: expFamilies.Normal,
    setting: { size: 1 },
    prior: () => expFamilies.Normal.toNatural({ mu: o.mean, sigma: o.sd }),
    contributions: () => Float64Array.from([...y].flatMap((v) => [w * v, -w / 2])),
    offsets: () => y.map((v) => -HALF_LOG_2PI - Math.log(o.sigma) - 0.5 * w * v * v),
  };
  const likelihood = (i: number, t: Float64Array) => logNormal(y[i], t[0], o.sigma);
  return conjugateModel(y.length, 1, components, likelihood, o.alpha ?? ONE);
}

export interface NormalGammaOptions {
  readonly m: number;
  readonly kappa: number;
  readonly shape: number;
  readonly rate: number;
  readonly alpha?: Concentration;
}

/** y_i ~ Normal(μ, 1/√τ), (μ, τ) ~ NormalGamma. */
export function normalGammaModel(y: Float64Array, o: NormalGammaOptions): ClusterModel {
  const prior = expFamilies.NormalGamma.toNatural({
    m: o.m,
    kappa: o.kappa,
    shape: o.shape,
    rate: o.rate,
  });
  const contributions = Float64Array.from([...y].flatMap((v) => [0.5, (-v * v) / 2, v, -0.5]));
  const offsets = y.map(() => -HALF_LOG_2PI);
  const components: ConjugateComponents = {
    family: expFamilies.NormalGamma,
    setting: { size: 2 },
    prior: () => prior,
    contributions: () => contributions,
    offsets: () => offsets,
  };
  const likelihood = (i: number, t: Float64Array) => logNormal(y[i], t[0], 1 / Math.sqrt(t[1]));
  return conjugateModel(y.length, 2, components, likelihood, o.alpha ?? ONE);
}

/** Rows of two numbers from MvNormal(μ, Σ), (μ, Σ) ~ NormalInverseWishart(0, ½, 4, I + ¼). */
export function normalInverseWishartModel(
  y: readonly (readonly [number, number])[],
  alpha: Concentration = ONE,
): ClusterModel {
  const family = expFamilies.NormalInverseWishart;
  const params = {
    m: Float64Array.of(0, 0),
    kappa: 0.5,
    nu: 4,
    S: Float64Array.of(1, 0.25, 0.25, 1),
  };
  const components: ConjugateComponents = {
    family,
    setting: { size: 2 },
    prior: () => family.toNatural(params),
    contributions: () =>
      Float64Array.from(
        y.flatMap(([a, b]) =>
          [-0.5, (-a * a) / 2, (-a * b) / 2, (-a * b) / 2, (-b * b) / 2].concat([a, b, -0.5]),
        ),
      ),
    offsets: () => new Float64Array(y.length).fill(-2 * HALF_LOG_2PI),
  };
  const likelihood = (i: number, t: Float64Array) => {
    const [a, b] = [y[i][0] - t[0], y[i][1] - t[1]];
    const det = t[2] * t[5] - t[3] * t[4];
    const q = (t[5] * a * a - (t[3] + t[4]) * a * b + t[2] * b * b) / det;
    return -2 * HALF_LOG_2PI - Math.log(det) / 2 - q / 2;
  };
  return conjugateModel(y.length, 6, components, likelihood, alpha);
}

/** Rows of independent 0s and 1s, each probability Beta(½, ¾): a product of families. */
export function bernoulliModel(
  y: readonly (readonly number[])[],
  alpha: Concentration = ONE,
): ClusterModel {
  const d = y[0].length;
  const part: ProductPart = {
    family: expFamilies.Beta,
    setting: { size: 1 },
    naturals: 2,
    numbers: 1,
  };
  const prior = Float64Array.from({ length: 2 * d }, (_, k) => (k % 2 === 0 ? -0.5 : -0.25));
  const components: ConjugateComponents = {
    family: productFamily(new Array<ProductPart>(d).fill(part)),
    setting: { size: d },
    prior: () => prior,
    contributions: () => Float64Array.from(y.flat().flatMap((v) => [v, 1 - v])),
    offsets: () => new Float64Array(y.length),
  };
  const likelihood = (i: number, t: Float64Array) =>
    y[i].reduce((sum, v, k) => sum + Math.log(v === 1 ? t[k] : 1 - t[k]), 0);
  return conjugateModel(y.length, d, components, likelihood, alpha);
}

/** Counts over categories from Multinomial(θ), θ ~ Dirichlet(0.6, …). */
export function multinomialModel(
  y: readonly (readonly number[])[],
  alpha: Concentration = ONE,
): ClusterModel {
  const k = y[0].length;
  const components: ConjugateComponents = {
    family: expFamilies.Dirichlet,
    setting: { size: k },
    prior: () => new Float64Array(k).fill(-0.4),
    contributions: () => Float64Array.from(y.flat()),
    offsets: () =>
      Float64Array.from(y, (row) => {
        const total = row.reduce((s, v) => s + v, 0);
        return row.reduce((s, v) => s - lgamma(v + 1), lgamma(total + 1));
      }),
  };
  const likelihood = (i: number, t: Float64Array) =>
    y[i].reduce((sum, v, j) => sum + (v === 0 ? 0 : v * Math.log(t[j])), components.offsets()[i]);
  return conjugateModel(y.length, k, components, likelihood, alpha);
}

/** y_i ~ Poisson(θ), θ ~ Gamma(1.5, 0.5). */
export function poissonModel(y: Float64Array, alpha: Concentration = ONE): ClusterModel {
  const components: ConjugateComponents = {
    family: expFamilies.Gamma,
    setting: { size: 1 },
    prior: () => Float64Array.of(0.5, -0.5),
    contributions: () => Float64Array.from([...y].flatMap((v) => [v, -1])),
    offsets: () => y.map((v) => -lgamma(v + 1)),
  };
  const likelihood = (i: number, t: Float64Array) =>
    y[i] * Math.log(t[0]) - t[0] - lgamma(y[i] + 1);
  return conjugateModel(y.length, 1, components, likelihood, alpha);
}

/**
 * y_i ~ Normal(θ, sigma) where the base of θ is the Laplace distribution of scale `scale`: not
 * conjugate. Components move by Metropolis steps.
 */
export function laplaceModel(
  y: Float64Array,
  sigma: number,
  scale: number,
  concentration: Concentration = ONE,
): ClusterModel {
  const drawBase = (rng: RandomStream, thetas: Float64Array, row: number): void => {
    thetas[row] = scale * (rng.exponential() - rng.exponential());
  };
  const logLikelihood = (i: number, thetas: Float64Array, row: number): number =>
    logNormal(y[i], thetas[row], sigma);
  return {
    items: y.length,
    width: 1,
    concentration,
    drawBase,
    logLikelihood,
    table: (thetas, count, out) => {
      for (let c = 0; c < count; c++) {
        for (let i = 0; i < y.length; i++) out[i * count + c] = logLikelihood(i, thetas, c);
      }
    },
    updateComponents: (thetas, count, labels, rng) => {
      for (let c = 0; c < count; c++) {
        const members = [...labels.keys()].filter((i) => labels[i] === c);
        if (members.length === 0) {
          drawBase(rng, thetas, c);
          continue;
        }
        const density = (theta: number): number =>
          members.reduce((s, i) => s + logNormal(y[i], theta, sigma), -Math.abs(theta) / scale);
        for (let k = 0; k < 3; k++) {
          const next = thetas[c] + sigma * rng.normal();
          const ratio = density(next) - density(thetas[c]);
          if (Math.log(rng.uniform()) < ratio) thetas[c] = next;
        }
      }
    },
  };
}
