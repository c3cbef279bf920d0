/** Random inputs in the form that devices take. */
import type { DeviceNoise, ZigguratTables } from "../../device/contract.js";
import {
  TAIL_START,
  zigguratEdges,
  zigguratHeights,
} from "../../inference/hamiltonian/ziggurat.js";
import { type Noise, noiseSite } from "../../inference/stochastic/noise.js";

function zigguratTables(): ZigguratTables {
  const edges = zigguratEdges();
  return { edges, heights: zigguratHeights(edges), tailStart: TAIL_START };
}

/** The same streams as `noiseKernels` draws from on the CPU. */
export function deviceNoise(noise: readonly Noise[]): DeviceNoise[] {
  const tables = zigguratTables();
  return noise.map((own, k) => {
    const { buffer, law } = own;
    const site = noiseSite(own, k);
    const made = law.kind === "normal" ? { ...law, retrySite: site + 1, tables } : law;
    return { input: buffer, site, law: made };
  });
}

/** Minibatches of one size, and the input for the numbers of their rows. */
export interface RowInput {
  readonly input: string;
  readonly all: number;
}

/**
 * Shuffles of rows from the streams that `rowKernels` draws them from on the CPU, where they come
 * after `before` others.
 */
export function deviceRows(rows: readonly RowInput[], before: number): DeviceNoise[] {
  return rows.map(({ input, all }, k) => {
    const own = { buffer: input, length: 0, law: { kind: "uniform" } as const };
    return { input, site: noiseSite(own, before + k), law: { kind: "rows", of: all } };
  });
}
