/**
 * Normal blocks whose natural parameters differ by the value of a discrete element: moments and
 * log normalisers block by block.
 */

import {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  matvec,
} from "../../math/linalg/index.js";
import { connectedBlocks } from "../ascent/factors/blocks.js";
import type { Statistic } from "../expectation/contract.js";

/** Where a normal site's statistics stand and how its scalars hang together. */
export interface NormalSite {
  readonly length: number;
  readonly statistics: readonly Statistic[];
  readonly blocks: ReturnType<typeof connectedBlocks>;
  readonly first: Int32Array;
  readonly second: Int32Array;
}

/** Blocks of more scalars are not split by the values of discrete sites. */
const BLOCK_LIMIT = 200;

/**
 * Undefined where the statistics are not those of a normal with small blocks.
 * @param natural at values of the parameters of no particular kind: a product without weight there
 * has none anywhere (masks pad the lists of products), and links nothing
 */
export function normalSite(
  statistics: readonly Statistic[],
  length: number,
  natural: readonly Float64Array[],
): NormalSite | undefined {
  const at = statistics.findIndex((s) => s.kind === "products");
  const products = statistics[at];
  const isNormal = statistics.every(
    (s) => s.kind === "value" || s.kind === "products" || (s.kind === "power" && s.exponent === 2),
  );
  if (!isNormal || statistics.every((s) => s.kind === "value")) return undefined;
  const none = new Int32Array(0);
  // A product that links nothing counts as a square, with weight 0.
  const first = products?.kind === "products" ? products.first : none;
  const second =
    products?.kind === "products"
      ? products.second.map((j, p) => (natural[at][p] === 0 ? products.first[p] : j))
      : none;
  const blocks = connectedBlocks(length, first, second);
  for (let b = 0; b < blocks.count; b++) {
    if (blocks.memberStart[b + 1] - blocks.memberStart[b] > BLOCK_LIMIT) return undefined;
  }
  return { length, statistics, blocks, first, second };
}

/** Of every block: expected statistics into `out`, and log ∫ exp(η·T); false where improper. */
export function normalMoments(
  site: NormalSite,
  natural: readonly Float64Array[],
  out: readonly Float64Array[],
  logNormaliser: Float64Array,
): boolean {
  const { blocks, statistics, first, second } = site;
  const { memberStart, members, pairStart, pairs, local } = blocks;
  for (let b = 0; b < blocks.count; b++) {
    const own = members.subarray(memberStart[b], memberStart[b + 1]);
    const n = own.length;
    const precision = new Float64Array(n * n);
    const linear = new Float64Array(n);
    statistics.forEach((s, j) => {
      const eta = natural[j];
      if (s.kind === "value") for (let i = 0; i < n; i++) linear[i] += eta[own[i]];
      else if (s.kind === "power") {
        for (let i = 0; i < n; i++) precision[i * n + i] -= 2 * eta[own[i]];
      } else {
        for (let p = pairStart[b]; p < pairStart[b + 1]; p++) {
          const [i, k] = [local[first[pairs[p]]], local[second[pairs[p]]]];
          // Once off the diagonal on either side, twice on it.
          precision[i * n + k] -= eta[pairs[p]];
          precision[k * n + i] -= eta[pairs[p]];
        }
      }
    });
    const factor = cholesky(precision, n);
    if (factor === undefined) return false;
    const covariance = choleskyInverse(factor, n);
    const mean = matvec(covariance, linear, n, n);
    let quadratic = 0;
    for (let i = 0; i < n; i++) quadratic += linear[i] * mean[i];
    const logDet = choleskyLogDeterminant(factor, n);
    logNormaliser[b] = (quadratic - logDet + n * Math.log(2 * Math.PI)) / 2;
    statistics.forEach((s, j) => {
      if (s.kind === "value") for (let i = 0; i < n; i++) out[j][own[i]] = mean[i];
      else if (s.kind === "power") {
        for (let i = 0; i < n; i++) out[j][own[i]] = mean[i] ** 2 + covariance[i * n + i];
      } else {
        for (let p = pairStart[b]; p < pairStart[b + 1]; p++) {
          const [i, k] = [local[first[pairs[p]]], local[second[pairs[p]]]];
          out[j][pairs[p]] = mean[i] * mean[k] + covariance[i * n + k];
        }
      }
    });
  }
  return true;
}
