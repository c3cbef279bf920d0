/** A fit read back from the folder that `tilde run --out` or `Posterior.save` left. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { presentable } from "../failure.js";
import { Posterior } from "../posterior.js";
import { readFit } from "../storage/reopen.js";
import type { FitData } from "./fit.js";

/**
 * Reads a folder back as a posterior: draws, lets, summary, predictions, as after the run. Draws
 * stay in their files and are read when they are asked for. Of a run that was killed it has the
 * blocks of draws that were finished.
 * @throws TildeError where the folder holds no fit or a broken one
 */
export async function loadFit(directory: string): Promise<Posterior> {
  try {
    return new Posterior(readFit(directory));
  } catch (error) {
    throw presentable(error);
  }
}

/** Whether a folder holds a fit. */
export function holdsFit(directory: string): boolean {
  return existsSync(join(directory, "run.json"));
}

/** The same as plain data; diagnostics are thrown as they are. @throws TildeError */
export function loadFitData(directory: string): FitData {
  return readFit(directory);
}
