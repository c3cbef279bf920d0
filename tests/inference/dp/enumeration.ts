/** Models and algorithms whose frequencies of partitions are compared with enumeration. */
import type { ClusterModel } from "../../../src/inference/dp/contract.js";
import type { DpOptions } from "../../../src/inference/dp/samplers/run.js";
import {
  bernoulliModel,
  multinomialModel,
  normalGammaModel,
  normalInverseWishartModel,
  normalModel,
  poissonModel,
} from "../../helpers/cluster-models.js";

export const y = Float64Array.of(-1.3, -0.9, 0.2, 0.8, 1.4, 2.1);
export const conjugate: Readonly<Record<string, ClusterModel>> = {
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
export const algorithms: Readonly<Record<string, Partial<DpOptions>>> = {
  "collapsed Gibbs": { algorithm: "collapsed", splitMerge: 0 },
  "collapsed Gibbs with split–merge": { algorithm: "collapsed", splitMerge: 2, splitScans: 2 },
  "instantiated parameters": { algorithm: "instantiated", splitMerge: 0 },
  "instantiated parameters with split–merge": { algorithm: "instantiated", splitMerge: 2 },
  "algorithm 8": { algorithm: "auxiliary", splitMerge: 0, auxiliaries: 2 },
  "algorithm 8 with split–merge": { algorithm: "auxiliary", splitMerge: 2, auxiliaries: 1 },
  // At α = 1 and six items, 24 components err by less than 3e-6.
  "blocked sticks": { algorithm: "blocked", truncation: 24 },
};
