/** Diagnostics of the Hamiltonian's energy. */
import { variance } from "./ess.js";

/**
 * Estimated Bayesian fraction of missing information of one chain: the mean squared change of the
 * energy over its variance (Betancourt, "Diagnosing suboptimal cotangent disintegrations in
 * Hamiltonian Monte Carlo", 2016, eq. 13). NaN for fewer than two draws or a constant energy.
 */
export function energyBfmi(energy: Float64Array): number {
  if (energy.length < 2) return Number.NaN;
  let sum = 0;
  for (let i = 1; i < energy.length; i++) sum += (energy[i] - energy[i - 1]) ** 2;
  return sum / (energy.length - 1) / variance(energy);
}
