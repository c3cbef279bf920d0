/** What a run was asked to report, kept with it so that `tilde resume` reports the same. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../../base/diagnostic.js";
import { replaceFile } from "./folder.js";

export interface ReportOptions {
  /** The text of `--vars`; absent for all variables. */
  readonly vars?: string;
  /** Names of further formats, as given. */
  readonly format?: readonly string[];
  /** Whether `draws.csv` is written; absent for yes. */
  readonly csv?: boolean;
}

const fileOf = (directory: string): string => join(directory, "report.json");

/** Writes `report.json`, in place of an earlier run's. @throws TildeError where that fails */
export function writeReport(directory: string, { vars, format, csv }: ReportOptions): void {
  replaceFile(fileOf(directory), `${JSON.stringify({ vars, format, csv })}\n`);
}

/**
 * What the folder's run was asked for; nothing in particular where the run was none of the command.
 * @throws TildeError where the file is damaged
 */
export function readReport(directory: string): ReportOptions {
  const path = fileOf(directory);
  if (!existsSync(path)) return {};
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const reason = `\`report.json\`: ${(error as Error).message}`;
    return fail("fit_broken", undefined, { directory, reason });
  }
  const { vars, format, csv } = (read ?? {}) as Record<string, unknown>;
  const isText = (x: unknown): x is string => typeof x === "string";
  return {
    ...(isText(vars) && { vars }),
    ...(Array.isArray(format) && { format: format.filter(isText) }),
    ...(typeof csv === "boolean" && { csv }),
  };
}
