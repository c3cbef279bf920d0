/**
 * The log joint as a function of expected statistics. In a conditionally conjugate model the log
 * joint is multilinear in the sufficient statistics of its sites (Hoffman, Johnson & Tran 2018), so
 * under a factorised q its expectation is the same polynomial at the expected statistics, and the
 * natural parameters of a site are its gradient in that site's statistics. Mean-field updates, the
 * E- and M-steps of EM and the evidence bound all come from this one graph.
 */
import type { GraphBuilder } from "../../tensor/builder.js";
import type { InputNode, Node } from "../../tensor/ops.js";
import type { DirectSite, Reference } from "../logjoint/direct.js";

/** A function of one site's scalars whose expectation the expected joint reads. */
export type Statistic =
  /** v, `[length]`; of matrix sites too (X itself). */
  | { readonly kind: "value" }
  /** v_i v_j for the listed pairs of scalars of the site, i ≤ j, `[pairs]`. */
  | { readonly kind: "products"; readonly first: Int32Array; readonly second: Int32Array }
  /** log v, `[length]`. */
  | { readonly kind: "log" }
  /** log(1 − v), `[length]`. */
  | { readonly kind: "log1m" }
  /** v to a power other than 1 (−1, −2, 2, 0.5, …), `[length]`. */
  | { readonly kind: "power"; readonly exponent: number }
  /** log |X| of each matrix of the site, `[events]`. */
  | { readonly kind: "log_det" }
  /** X⁻¹ of each matrix of the site, `[events · D · D]`. */
  | { readonly kind: "inverse" };

export interface StatisticInput {
  readonly statistic: Statistic;
  /** The input that holds its expectation; its gradient is the natural parameter. */
  readonly input: InputNode;
}

export type ExpectedSite =
  /** `site` is the index among the direct joint's sites. */
  | {
      readonly kind: "statistics";
      readonly site: number;
      readonly direct: DirectSite;
      readonly statistics: readonly StatisticInput[];
    }
  /** Read as a value (a point mass or a draw): `input` is the direct site's own. */
  | {
      readonly kind: "point";
      readonly site: number;
      readonly direct: DirectSite;
      readonly input: InputNode;
    };

export interface ExpectedFactor {
  readonly label: string;
  readonly references: readonly Reference[];
  /** Expected log density of each tuple for all values of the discrete sites it reads. */
  readonly rows: Node;
}

export interface ExpectedJoint {
  readonly g: GraphBuilder;
  readonly sites: readonly ExpectedSite[];
  readonly factors: readonly ExpectedFactor[];
  /** Expected parts of the log joint that read no discrete site, each rank 0. */
  readonly terms: readonly Node[];
}

/** Sites whose statistics do not separate where they are read; the caller may make them points. */
export interface NotMultilinear {
  readonly kind: "not_multilinear";
  readonly sites: readonly {
    readonly name: string;
    readonly site: number;
    readonly reason: string;
  }[];
}
