/**
 * Exponential families, p(x | η) = h(x) exp(⟨η, T(x)⟩ − A(η)): what each member of the table
 * answers. All on the host, in f64; vectors and row-major matrices are flat. Source: Wainwright
 * and Jordan, "Graphical models, exponential families, and variational inference" (2008), § 3.
 */
import type { RandomStream } from "../../math/rng/random.js";

/** What is fixed in a member and never inferred. */
export interface Setting {
  /** D of a vector or a square matrix, K of a simplex, rows of a matrix; 1 for scalars. */
  readonly size: number;
  /** MatrixNormal. */
  readonly columns?: number;
  /** Binomial, Multinomial. */
  readonly trials?: number;
  /** Pareto: where the support begins. */
  readonly lower?: number;
}

/** The usual parameters by name; matrices row-major. */
export type Params = Readonly<Record<string, number | Float64Array>>;

export interface ExpFamily {
  readonly name: string;
  /** What the usual parameters fix. */
  readonly setting: (params: Params) => Setting;
  readonly toNatural: (params: Params) => Float64Array;
  /** The usual parameters; for a valid η. */
  readonly fromNatural: (eta: Float64Array, setting: Setting) => Params;
  /** Whether η gives a proper distribution. */
  readonly isValid: (eta: Float64Array, setting: Setting) => boolean;
  /** T(x), as long as η. */
  readonly statistics: (x: Float64Array, setting: Setting) => Float64Array;
  /** log h(x), for x in the support. */
  readonly logBase: (x: Float64Array, setting: Setting) => number;
  /** A(η). */
  readonly logNormaliser: (eta: Float64Array, setting: Setting) => number;
  /** E T(x) = ∇A(η). */
  readonly mean: (eta: Float64Array, setting: Setting) => Float64Array;
  /** E log h(x), which the entropy needs. */
  readonly expectedLogBase: (eta: Float64Array, setting: Setting) => number;
  /** One draw, flat. */
  readonly sample: (eta: Float64Array, setting: Setting, rng: RandomStream) => Float64Array;
}
