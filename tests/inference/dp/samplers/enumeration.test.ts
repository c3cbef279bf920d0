/** Frequencies of partitions against the posterior by enumeration, for each algorithm. */
import { describe, it } from "vitest";
import type { DpOptions } from "../../../../src/inference/dp/samplers/run.js";
import { laplaceModel } from "../../../helpers/cluster-models.js";
import { algorithms, conjugate, y } from "../enumeration.js";
import { chain, exactPosterior, expectFrequencies, subsetMarginal } from "../partitions.js";

// All algorithms on all models, with more draws: enumeration.slow.test.ts.
const DRAWS = 8000;

describe("frequencies of partitions", () => {
  for (const [name, model] of Object.entries(conjugate)) {
    const exact = exactPosterior(model.items, 1, subsetMarginal(model));
    for (const [title, options] of Object.entries(algorithms)) {
      if (name !== "normal means" && options.algorithm !== "collapsed") continue;
      it(`${name}: ${title}`, () => {
        const draws = chain(model, { warmup: 200, draws: DRAWS, thin: 1, ...options });
        expectFrequencies(draws, exact.partitions, exact.masses);
      });
    }
  }

  it("with many splits and merges from random divisions", () => {
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
      const draws = chain(laplace, { warmup: 200, draws: DRAWS, thin: 1, ...options });
      expectFrequencies(draws, exact.partitions, exact.masses);
    });
  }
});
