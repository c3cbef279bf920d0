/** The potential scale reduction of chains that are already split and rank normalised. */
import { meanOf, variance } from "./ess.js";

/**
 * R-hat (Vehtari et al. 2021, eqs. 1-4) of `x`: `chains` chains of `draws` values one after
 * another. NaN where every chain is constant.
 */
export function potentialScaleReduction(x: Float64Array, chains: number, draws: number): number {
  const means = new Float64Array(chains);
  const squares = new Float64Array(chains);
  for (let c = 0; c < chains; c++) {
    const [start, end] = [c * draws, (c + 1) * draws];
    const mean = meanOf(x, start, end);
    let sum = 0;
    for (let i = start; i < end; i++) sum += (x[i] - mean) ** 2;
    means[c] = mean;
    squares[c] = sum;
  }
  return scaleReduction(means, squares, draws);
}

/**
 * The same from the chains' means and sums of squared distances from them.
 * @param draws of each chain
 */
export function scaleReduction(means: Float64Array, squares: Float64Array, draws: number): number {
  let within = 0;
  for (let c = 0; c < squares.length; c++) within += squares[c] / (draws - 1) / squares.length;
  const between = draws * variance(means);
  return Math.sqrt((between / within + draws - 1) / draws);
}
