/** Frequencies of partitions against the posterior by enumeration, for each algorithm. */
import { describe, it } from "vitest";
import type { ClusterModel } from "../../../../src/inference/dp/contract.js";
import type { DpOptions } from "../../../../src/inference/dp/samplers/run.js";
import {
  bernoulliModel,
  laplaceModel,
  multinomialModel,
  normalGammaModel,
  normalInverseWishartModel,
  normalModel,
  poissonModel,
} from "../../../helpers/cluster-models.js";
import { chain, exactPosterior, expectFrequencies, subsetMarginal } from "../partitions.js";

const y = Float64Array.of(-1.3, -0.9, 0.2, 0.8, 1.4, 2.1);
const conjugate: Readonly<Record<string, ClusterModel>> = {
  "normal means": normalModel(y, { sigma: 0.6, mean: 0.3, sd: 1.5 }),
  "normal means and precisions": normalGammaModel(y, { m: 0, kappa: 0.2, shape: 2, rate: 0.5 }),
  "bivariate normals": normalInverseWishartModel([
    [0, 0.2],
    [0.4, -0.1],
    [2, 1.5],
    [2.3, 2.2],
    [-1, 1],
  ]),
  "vectors of 0 and 1": bernoulliModel([
    [1, 0, 1, 1],
    [1, 0, 1, 0],
    [0, 1, 0, 1],
    [0, 1, 0, 0],
    [1, 1, 1, 1],
    [0, 0, 0, 0],
  ]),
  "counts over categories": multinomialModel([
    [3, 0, 1],
    [2, 1, 0],
    [0, 2, 2],
    [0, 3, 1],
    [1, 1, 1],
  ]),
  counts: poissonModel(Float64Array.of(0, 1, 1, 4, 6, 9)),
};
const algorithms: Readonly<Record<string, Partial<DpOptions>>> = {
  "collapsed Gibbs": { algorithm: "collapsed", splitMerge: 0 },
  "collapsed Gibbs with split–merge": { algorithm: "collapsed", splitMerge: 2, splitScans: 2 },
  "instantiated parameters": { algorithm: "instantiated", splitMerge: 0 },
  "instantiated parameters with split–merge": { algorithm: "instantiated", splitMerge: 2 },
  "algorithm 8": { algorithm: "auxiliary", splitMerge: 0, auxiliaries: 2 },
  "algorithm 8 with split–merge": { algorithm: "auxiliary", splitMerge: 2, auxiliaries: 1 },
  // At α = 1 and six items, 24 components err by less than 3e-6.
  "blocked sticks": { algorithm: "blocked", truncation: 24 },
};

const DRAWS = 20000;

describe("frequencies of partitions", () => {
  for (const [name, model] of Object.entries(conjugate)) {
    const exact = exactPosterior(model.items, 1, subsetMarginal(model));
    for (const [title, options] of Object.entries(algorithms)) {
      it(`${name}: ${title}`, () => {
        const draws = chain(model, { warmup: 200, draws: DRAWS, thin: 2, ...options });
        expectFrequencies(draws, exact.partitions, exact.masses);
      });
    }
  }

  it("of split–merge alone do not leave what they can reach", () => {
    const model = conjugate["normal means"];
    const exact = exactPosterior(model.items, 1, subsetMarginal(model));
    const options: Partial<DpOptions> = { algorithm: "collapsed", splitMerge: 20, splitScans: 0 };
    const draws = chain(model, { warmup: 50, draws: 8000, thin: 1, ...options });
    expectFrequencies(draws, exact.partitions, exact.masses);
  });

  // Marginals of the members of a cluster by the trapezoid rule over θ.
  const laplace = laplaceModel(y, 0.6, 1);
  const integral = (members: readonly number[]): number => {
    const [low, step, count] = [-12, 0.004, 6001];
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const theta = Float64Array.of(low + k * step);
      const log = members.reduce((s, i) => s + laplace.logLikelihood(i, theta, 0), 0);
      sum += Math.exp(log - Math.abs(theta[0])) / 2;
    }
    return Math.log(sum * step);
  };
  const known = new Map<string, number>();
  const remembered = (members: readonly number[]): number => {
    const key = members.join(" ");
    const value = known.get(key) ?? integral(members);
    known.set(key, value);
    return value;
  };
  for (const title of ["algorithm 8", "algorithm 8 with split–merge", "blocked sticks"]) {
    it(`a base that is not conjugate: ${title}`, () => {
      const exact = exactPosterior(y.length, 1, remembered);
      const options = algorithms[title];
      const draws = chain(laplace, { warmup: 200, draws: DRAWS, thin: 2, ...options });
      expectFrequencies(draws, exact.partitions, exact.masses);
    });
  }
});
