/** What planning a Dirichlet-process mixture finds out. */
import type { Conditioned } from "../../../passes/condition/index.js";
import type { DpDraws } from "../samplers/run.js";
import type { Arrangement } from "./arrangements.js";
import type { Column } from "./layout.js";
import type { DpStructure } from "./structure.js";

export interface DpPlan {
  readonly conditioned: Conditioned;
  readonly methodName: string;
  readonly structure: DpStructure;
  /** The numbers of a θ, in order. */
  readonly layout: readonly Column[];
  /** The family of θ given its items, where there is one. */
  readonly arrangement: Arrangement | undefined;
  /** Where its identity is solved for: rows of θ. */
  readonly points: Float64Array;
  /**
   * Log posterior predictive density of one more item at each item of other data of the same model,
   * given the draws of chains. @throws TildeError as planning does
   */
  readonly logPredictive: (others: Conditioned, chains: readonly DpDraws[]) => Float64Array;
}
