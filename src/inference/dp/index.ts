/** Dirichlet-process mixtures: samplers, the variational method, and what draws say. */
export type { ClusterModel, Concentration, ConjugateComponents } from "./contract.js";
export { isProduct, type ProductFamily, type ProductPart, productFamily } from "./product.js";
export {
  binderDistance,
  expectedLoss,
  type PartitionLoss,
  variationOfInformation,
} from "./results/losses.js";
export {
  POINT_DEFAULTS,
  type PointOptions,
  type PointPartition,
  pointPartition,
} from "./results/point.js";
export {
  logPredictive,
  PREDICTIVE_DEFAULTS,
  type PredictiveOptions,
} from "./results/predictive.js";
export {
  clusterCounts,
  coClustering,
  type LabelRows,
  type Partitions,
  pooled,
} from "./results/similarity.js";
export { truncationError, truncationFor } from "./samplers/blocked.js";
export {
  chosenAlgorithm,
  DP_DEFAULTS,
  type DpAlgorithm,
  type DpDraws,
  type DpOptions,
  type DpProgress,
  runDp,
} from "./samplers/run.js";
export {
  ascendDp,
  DP_VARIATIONAL_DEFAULTS,
  type DpVariational,
  type DpVariationalOptions,
} from "./samplers/variational.js";
