/** What follows for every family from its log-normaliser and expected statistics. */
import { internalError } from "../../base/internal.js";
import type { ExpFamily, Setting } from "./contract.js";

/** ⟨x, y⟩, with 0 · ∞ = 0: a statistic that does not count may be infinite. */
export function inner(x: Float64Array, y: Float64Array): number {
  if (x.length !== y.length) internalError(`inner product of ${x.length} and ${y.length} numbers`);
  let sum = 0;
  for (let i = 0; i < x.length; i++) if (x[i] !== 0 && y[i] !== 0) sum += x[i] * y[i];
  return sum;
}

/** log p(x | η), for x in the support. */
export function logDensity(
  family: ExpFamily,
  eta: Float64Array,
  setting: Setting,
  x: Float64Array,
): number {
  const linear = inner(eta, family.statistics(x, setting));
  return linear - family.logNormaliser(eta, setting) + family.logBase(x, setting);
}

/** −E log p(x | η): differential entropy, or entropy of a discrete family, in nats. */
export function entropy(family: ExpFamily, eta: Float64Array, setting: Setting): number {
  const linear = inner(eta, family.mean(eta, setting));
  return family.logNormaliser(eta, setting) - linear - family.expectedLogBase(eta, setting);
}

/**
 * KL(p_η ‖ p_θ) = ⟨η − θ, E_η T⟩ − A(η) + A(θ): the Bregman divergence of A (Wainwright and Jordan
 * 2008, § 5.2.2). Both are of one family and one setting.
 */
export function divergence(
  family: ExpFamily,
  eta: Float64Array,
  theta: Float64Array,
  setting: Setting,
): number {
  const difference = eta.map((e, i) => e - theta[i]);
  const linear = inner(difference, family.mean(eta, setting));
  return linear - family.logNormaliser(eta, setting) + family.logNormaliser(theta, setting);
}
