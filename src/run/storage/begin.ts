/** The beginning of a run whose draws go to a folder as they come, or its taking up again. */
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { GraphDeviceName } from "../../device/contract.js";
import type { Run } from "../context.js";
import type { Method } from "../methods.js";
import { type DrawStatistic, type FitData, latentLength } from "../results/fit.js";
import { unwritable } from "./folder.js";
import { fingerprintOf, type RunRecord, recordOf, writeRecord } from "./record.js";
import { clearRun, type StreamJob } from "./stream.js";

/** A run's folder. */
export interface Streamed {
  readonly directory: string;
  readonly record: RunRecord;
  readonly job: StreamJob;
}

/**
 * Writes the record of a run where it has a folder, and makes room; of a run that is taken up again
 * what it left stays.
 * @param on of chains that a device moves: where, and whether as one program, with a file for all
 * @throws TildeError where that fails
 */
export function beginStream(
  { conditioned, seed, options, resumed, files }: Run,
  method: Extract<Method, { method: "nuts" | "hmc" | "gibbs" }>,
  { latents, ranges }: Pick<FitData, "latents" | "ranges">,
  statistics: readonly DrawStatistic[],
  on?: { readonly device: GraphDeviceName; readonly apart?: true },
): Streamed | undefined {
  if (options.out === undefined) return undefined;
  const directory = resolve(options.out);
  const fit = { conditioned, method: method.method, seed, latents, ranges };
  const isTogether = on !== undefined && on.apart !== true;
  const shared = on && { device: on.device, ...(isTogether && { together: method.chains }) };
  const origin = { options: method, files, relabel: options.relabel !== false, ...shared };
  const record = resumed ?? recordOf(fit, statistics, origin);
  if (resumed === undefined) {
    try {
      for (const name of ["fit.json", "fit.bin", "summary.json", "draws.csv"]) {
        rmSync(join(directory, name), { force: true });
      }
      clearRun(directory, method.chains);
    } catch (error) {
      unwritable(directory, error);
    }
    writeRecord(directory, record);
  }
  const each = isTogether ? method.chains : 1;
  const layout = {
    width: each * latentLength(latents),
    statistics: each * statistics.length,
    fingerprint: fingerprintOf(record),
  };
  return { directory, record, job: { directory, layout, draws: method.draws } };
}
