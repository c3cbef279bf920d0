/**
 * What every distribution of the table answers. One file a distribution; `index.ts` is the table.
 * `elaborate` reads the signatures, the log joint builds densities, the prior draws samples.
 */
import type { RandomStream } from "../math/rng/random.js";
import type { GraphBuilder } from "../tensor/builder.js";
import type { Node, Shape } from "../tensor/ops.js";

/** The region a parameter must lie in; checked on constants and data, warned about otherwise. */
export type ParamDomain =
  | "real"
  | "positive"
  | "nonnegative"
  | "unit"
  | "count"
  | "positive_int"
  | "simplex"
  | "positive_vector"
  | "cov"
  | "corr"
  | "cholesky_cov"
  | "cholesky_corr"
  | "ordered"
  /** A size of the event, an int of inputs only: LKJCholesky(eta, D). */
  | "size";

export interface ParamSpec {
  readonly name: string;
  /** 0 scalar, 1 vector, 2 matrix. */
  readonly rank: 0 | 1 | 2;
  readonly domain: ParamDomain;
  /** Used where the argument is left out. */
  readonly default?: number;
  /** May be left out although it has no default: Flat(lower:, upper:). */
  readonly optional?: boolean;
  /** Of a matrix: which axis of the event its rows have the size of; any where it is absent. */
  readonly axis?: 0 | 1;
}

/** A bound of a support: a number or the value of a parameter. */
export type Bound = number | { readonly param: string };

/** Where draws lie; `interval` bounds may name parameters (Uniform(a, b)). */
export type EventSupport =
  | { readonly kind: "real" | "positive" | "nonnegative" | "unit" | "count" | "bool" }
  | { readonly kind: "simplex" | "cov" | "corr" | "cholesky_cov" | "cholesky_corr" }
  | { readonly kind: "interval"; readonly lower?: Bound; readonly upper?: Bound }
  /** 0 … K − 1, where K is the length of the vector parameter (plus `extra`, default 0). */
  | { readonly kind: "category"; readonly param: string; readonly extra?: number }
  /** Integers, both ends included. */
  | { readonly kind: "integers"; readonly lower: Bound; readonly upper: Bound };

/** Arguments by canonical name; exactly those of one parameterisation. */
export type NodeArgs = Readonly<Record<string, Node>>;
export type HostArgs = Readonly<Record<string, number | Float64Array>>;

export interface Distribution {
  readonly name: string;
  /**
   * Alternative parameter lists in positional order. The first takes positional arguments; the
   * others are chosen by their keyword (`Bernoulli(logits: eta)`, `MvNormal(mu, cholesky: L)`).
   */
  readonly parameterisations: readonly (readonly ParamSpec[])[];
  readonly event: {
    readonly rank: 0 | 1 | 2;
    readonly scalar: "real" | "int" | "bool";
    /** For rank 1 and 2: the parameter whose last axis (or `size` value) is the event's size. */
    readonly sizeFrom?: string;
  };
  /** May depend on which arguments are present: Flat(), Flat(lower: 0). */
  readonly support: (present: ReadonlySet<string>) => EventSupport;
  /**
   * Log density or mass, normalised. `batch` is the shape of independent copies: `x` has shape
   * `batch ++ event`; each argument has shape `batch ++ own` or just `own` (shared by the batch).
   * The result has shape `batch`. Outside the support it is −inf for values that can be told apart
   * at run time; never NaN for parameters in their domain.
   */
  readonly logProb: (g: GraphBuilder, x: Node, args: NodeArgs, batch: Shape) => Node;
  /** One draw: a number for rank 0, row-major values otherwise. Matrices arrive row-major. */
  readonly sample: (rng: RandomStream, args: HostArgs) => number | Float64Array;
  /** Shape `batch ++ event`; absent where the mean does not exist. */
  readonly mean?: (g: GraphBuilder, args: NodeArgs, batch: Shape) => Node;
  /** P(X ≤ x), elementwise, for rank 0. */
  readonly cdf?: (g: GraphBuilder, x: Node, args: NodeArgs) => Node;
  /** log P(X ≤ x) and log P(X > x), accurate in the tails; used by Truncated. */
  readonly logCdf?: (g: GraphBuilder, x: Node, args: NodeArgs) => Node;
  readonly logCcdf?: (g: GraphBuilder, x: Node, args: NodeArgs) => Node;
  /** Host-side inverse cdf, used to draw from truncated distributions. */
  readonly quantile?: (p: number, args: HostArgs) => number;
}
