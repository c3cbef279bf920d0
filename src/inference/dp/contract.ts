/**
 * What a sampler of a Dirichlet-process mixture knows of the model: items, components with
 * parameters θ, the density K(y_i | θ) of an item in a component, the base distribution P₀ of θ and
 * the concentration α. Parameters of components are rows of one array that the sampler owns and
 * lets grow; nothing here has a largest number of components.
 */
import type { RandomStream } from "../../math/rng/random.js";
import type { ExpFamily, Setting } from "../expfam/contract.js";

export interface ClusterModel {
  readonly items: number;
  /** Numbers in one θ: all sites of the unbounded plate, one after another, own coordinates. */
  readonly width: number;
  /** Draws θ ~ P₀ into row `row`. */
  readonly drawBase: (rng: RandomStream, thetas: Float64Array, row: number) => void;
  /** log K(y_i | θ_row). */
  readonly logLikelihood: (item: number, thetas: Float64Array, row: number) => number;
  /** log K(y_i | θ_c) for all items and the rows c < count, into `out[i · count + c]`. */
  readonly table: (thetas: Float64Array, count: number, out: Float64Array) => void;
  /**
   * One update of each θ_c, c < count, that leaves its conditional given the labels invariant; rows
   * of components without items are drawn from P₀.
   */
  readonly updateComponents: (
    thetas: Float64Array,
    count: number,
    labels: Int32Array,
    rng: RandomStream,
  ) => void;
  /** Updates all other latent sites (of P₀, say) given components and labels. Absent: none. */
  readonly updateGlobals?: (
    thetas: Float64Array,
    count: number,
    labels: Int32Array,
    rng: RandomStream,
  ) => void;
  /** The other latent sites as they stand, for a chain that is taken up again. Absent: none. */
  readonly save?: () => Float64Array;
  readonly restore?: (state: Float64Array) => void;
  /** Present where θ's posterior given any items is in the family of P₀. */
  readonly conjugate?: ConjugateComponents;
  readonly concentration: Concentration;
}

/**
 * p(θ | items in c) has natural parameters prior + Σ contributions; then
 * log ∫ Π_i K(y_i | θ) dP₀(θ) = A(prior + Σ contributions) − A(prior) + Σ offsets.
 */
export interface ConjugateComponents {
  readonly family: ExpFamily;
  readonly setting: Setting;
  /** η of P₀; read again after `updateGlobals`. */
  readonly prior: () => Float64Array;
  /** `[items · statistics]`. */
  readonly contributions: () => Float64Array;
  /** `[items]`: log base measures. */
  readonly offsets: () => Float64Array;
  /**
   * Writes x, a draw of the family in the family's coordinates, as row `row`. Absent: the numbers
   * of a row are those of x, in order.
   */
  readonly write?: (x: Float64Array, thetas: Float64Array, row: number) => void;
}

export type Concentration =
  | { readonly kind: "fixed"; readonly value: number }
  /** α ~ Gamma(shape, rate): resampled as Escobar & West (1995, section 6) do. */
  | { readonly kind: "gamma"; readonly shape: number; readonly rate: number }
  /** Any other prior: a slice update on log α. */
  | { readonly kind: "prior"; readonly logPrior: (alpha: number) => number };
