/** What is found of a site: its conditional's family and how its scalars split, or none. */
import type { ConditionalRule } from "./rules.js";

/**
 * How a site's conditional splits. `elementwise`: its scalars are independent; `event`: its vectors
 * or matrices are; `block`: it is one vector; `coloured`: classes of scalars that are independent
 * given the others of the site.
 */
export type Structure = "elementwise" | "event" | "block" | "coloured";

/** A way to split a site's scalars into units of one family. */
export interface Split {
  readonly rule: ConditionalRule;
  readonly structure: Structure;
  /** Scalars in a unit, one after another in the site. */
  readonly unit: number;
  /** D of the family: `unit`, or its root for matrices. */
  readonly size: number;
  /** Units that are drawn at once; the classes one after another. */
  readonly classes: readonly Int32Array[];
}

export interface Conjugate extends Split {
  readonly kind: "conjugate";
  readonly name: string;
  /** Index among the joint's sites. */
  readonly site: number;
  /** The largest deviation from the identity that was met, relative to its terms. */
  readonly evidence: number;
}

export interface NonConjugate {
  readonly kind: "other";
  readonly name: string;
  readonly site: number;
}

export type Finding = Conjugate | NonConjugate;
