/**
 * Independent families side by side as one: θ = (θ_1, …, θ_J), numbers of each part in order.
 * Clusters whose parameters are several independent sites have a base of this kind.
 */
import { internalError } from "../../base/internal.js";
import type { ExpFamily, Params, Setting } from "../expfam/contract.js";

export interface ProductPart {
  readonly family: ExpFamily;
  readonly setting: Setting;
  /** Numbers of η, and of x. */
  readonly naturals: number;
  readonly numbers: number;
}

export interface ProductFamily extends ExpFamily {
  readonly parts: readonly ProductPart[];
}

export function isProduct(family: ExpFamily): family is ProductFamily {
  return "parts" in family;
}

/**
 * The product of `parts`. Its setting is `{ size }` with size the count of parts; parameters by
 * name it has none, so those two conversions are internal errors.
 */
export function productFamily(parts: readonly ProductPart[]): ProductFamily {
  const pieces = (v: Float64Array, size: "naturals" | "numbers"): Float64Array[] => {
    let at = 0;
    return parts.map((p) => {
      const piece = v.subarray(at, at + p[size]);
      at += p[size];
      return piece;
    });
  };
  const total = (v: Float64Array, f: (p: ProductPart, eta: Float64Array) => number): number =>
    pieces(v, "naturals").reduce((sum, eta, j) => sum + f(parts[j], eta), 0);
  const joined = (rows: readonly Float64Array[]): Float64Array => {
    const out = new Float64Array(rows.reduce((n, r) => n + r.length, 0));
    let at = 0;
    for (const row of rows) {
      out.set(row, at);
      at += row.length;
    }
    return out;
  };
  return {
    name: "Product",
    parts,
    setting: () => ({ size: parts.length }),
    toNatural: (_: Params) => internalError("a product of families has no parameters by name"),
    fromNatural: () => internalError("a product of families has no parameters by name"),
    isValid: (eta) =>
      pieces(eta, "naturals").every((e, j) => parts[j].family.isValid(e, parts[j].setting)),
    statistics: (x) =>
      joined(pieces(x, "numbers").map((v, j) => parts[j].family.statistics(v, parts[j].setting))),
    logBase: (x) =>
      pieces(x, "numbers").reduce((s, v, j) => s + parts[j].family.logBase(v, parts[j].setting), 0),
    logNormaliser: (eta) => total(eta, (p, e) => p.family.logNormaliser(e, p.setting)),
    mean: (eta) =>
      joined(pieces(eta, "naturals").map((e, j) => parts[j].family.mean(e, parts[j].setting))),
    expectedLogBase: (eta) => total(eta, (p, e) => p.family.expectedLogBase(e, p.setting)),
    sample: (eta, _, rng) =>
      joined(
        pieces(eta, "naturals").map((e, j) => parts[j].family.sample(e, parts[j].setting, rng)),
      ),
  };
}
