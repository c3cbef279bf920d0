/** What draws of labels say that does not depend on what clusters are called. */
import { fail } from "../base/diagnostic.js";
import { internalError } from "../base/internal.js";
import type { PartitionLoss } from "../inference/dp/results/losses.js";
import {
  POINT_DEFAULTS,
  type PointPartition,
  pointPartition,
} from "../inference/dp/results/point.js";
import {
  clusterCounts,
  coClustering,
  type Partitions,
} from "../inference/dp/results/similarity.js";
import { elementCount } from "../model/data.js";
import type { Conditioned } from "../passes/condition/index.js";
import { conditionRaw } from "./compile.js";
import { readObject } from "./data/values.js";
import type { ProcessFit } from "./process-fit.js";
import type { VariableDraws } from "./results/fit.js";

/** Partitions of more items have no matrix of pairs. */
const PAIRS_LIMIT = 5000;

/** What the draws of a mixture's labels say, whatever the labels are called. */
export class Clusters {
  readonly #conditioned: Conditioned;
  readonly #partitions: Partitions;
  readonly #process: ProcessFit | undefined;

  constructor(conditioned: Conditioned, partitions: Partitions, process?: ProcessFit) {
    this.#conditioned = conditioned;
    this.#partitions = partitions;
    this.#process = process;
  }

  /** Posterior probabilities of the number of clusters in use: element k is that of k clusters. */
  get count(): Float64Array {
    const { items, draws, labels } = this.#partitions;
    const counts = Int32Array.from({ length: draws }, (_, t) => {
      return new Set(labels.subarray(t * items, (t + 1) * items)).size;
    });
    return clusterCounts(counts);
  }

  /**
   * The co-clustering matrix `[items · items]`: the share of draws with both items in one cluster.
   * @throws TildeError for more items than fit such a matrix.
   */
  get similarity(): Float64Array {
    const { items } = this.#partitions;
    if (items > PAIRS_LIMIT) fail("pairs_too_many", undefined, { items, limit: PAIRS_LIMIT });
    return coClustering(this.#partitions);
  }

  /** The partition of least expected loss (Wade & Ghahramani 2018; Dahl et al. 2022). */
  partition(loss: PartitionLoss = "variation-of-information"): PointPartition {
    const { items } = this.#partitions;
    if (items > PAIRS_LIMIT) fail("pairs_too_many", undefined, { items, limit: PAIRS_LIMIT });
    return pointPartition(this.#partitions, loss, POINT_DEFAULTS);
  }

  /**
   * Log posterior predictive density of one more item at each of some points, which `given` holds as
   * the data itself would (`{ N: 100, x: grid }`).
   * @throws TildeError where the data do not fit, and for fits without such draws.
   */
  logDensity(given: Readonly<Record<string, unknown>>): Float64Array {
    const data = readObject(given);
    const process = this.#process;
    if (process === undefined || process.chains.length === 0) {
      return fail("density_needs_draws", undefined, {});
    }
    const { plan, chains } = process;
    const own = new Map([...plan.conditioned.inputs].filter(([name]) => !data.values.has(name)));
    const points = conditionRaw(this.#conditioned.model, {
      problems: data.problems,
      values: new Map([...own, ...data.values]),
    });
    return plan.logPredictive(
      points,
      chains.map((c) => c.draws),
    );
  }
}

/** The labels of a fit, of an unbounded plate or of a finite mixture, as partitions. */
export function partitionsOf(name: string, { data, shape }: VariableDraws): Partitions {
  const [chains, draws, ...dims] = shape;
  const items = elementCount(dims);
  if (data.length !== chains * draws * items) internalError(`draws of ${name}`);
  return { items, draws: chains * draws, labels: Int32Array.from(data) };
}
