/** Fits in the formats of other programs. */
import { join } from "node:path";
import { fail } from "../../../base/diagnostic.js";
import { nearestNames } from "../../../base/nearest.js";
import type { FitData } from "../fit.js";
import { writeCmdstan } from "./cmdstan.js";
import { writeNetcdf } from "./netcdf.js";

const writers = {
  /** `fit.nc`: ArviZ's InferenceData. */
  netcdf: (fit: FitData, directory: string, names?: readonly string[]) =>
    writeNetcdf(fit, join(directory, "fit.nc"), names),
  /** `cmdstan-1.csv` …: a file to each chain. */
  cmdstan: async (fit: FitData, directory: string, names?: readonly string[]) => {
    await writeCmdstan(fit, directory, names);
  },
} as const;

/** A format of other programs that a fit can be written in. */
export type FitFormat = keyof typeof writers;
export const fitFormats = Object.keys(writers) as FitFormat[];

/**
 * Formats by name.
 * @param option what the option is called where it was given
 * @throws TildeError for a name that is none of them
 */
export function checkFormats(names: readonly string[], option: string): FitFormat[] {
  return names.map((name) => {
    const found = fitFormats.find((f) => f === name);
    if (found !== undefined) return found;
    const near = nearestNames(name, fitFormats);
    const hint = near.length > 0 ? ` (did you mean ${near[0]}?)` : "";
    const wanted = `one of ${fitFormats.join(", ")}${hint}`;
    return fail("bad_option", undefined, { option, value: name, wanted });
  });
}

/** Writes a fit into a folder that exists. @throws TildeError where that fails */
export async function writeFormats(
  fit: FitData,
  directory: string,
  formats: readonly FitFormat[],
  names?: readonly string[],
): Promise<void> {
  for (const format of formats) await writers[format](fit, directory, names);
}
