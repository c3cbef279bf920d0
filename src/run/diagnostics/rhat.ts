/** The potential scale reduction of chains that are already split and rank normalised. */
import { meanOf, variance } from "./ess.js";

/**
 * R-hat (Vehtari et al. 2021, eqs. 1-4) of `x`: `chains` chains of `draws` values one after
 * another. NaN where every chain is constant.
 */
export function potentialScaleReduction(x: Float64Array, chains: number, draws: number): number {
  const means = new Float64Array(chains);
  let within = 0;
  for (let c = 0; c < chains; c++) {
    const chain = x.subarray(c * draws, (c + 1) * draws);
    means[c] = meanOf(chain, 0, draws);
    let squares = 0;
    for (const value of chain) squares += (value - means[c]) ** 2;
    within += squares / (draws - 1) / chains;
  }
  const between = draws * variance(means);
  return Math.sqrt((between / within + draws - 1) / draws);
}
