/**
 * Files of a fit: `summary.json`, `draws.csv`, `params.json` where params were learned, and the fit
 * itself for `loadFit`.
 */
import { type FileHandle, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { explained, makeFolder } from "../storage/folder.js";
import { storeFit } from "../storage/outcome.js";
import { drawsOf, openColumns } from "./columns.js";
import type { FitData, ParamTree } from "./fit.js";
import { type FitFormat, writeFormats } from "./formats/index.js";
import { readableNames } from "./readout.js";
import { MAX_ELEMENTS, type Summary, summaryJson } from "./summary.js";

/**
 * Writes the files into `directory`, which is made where it does not exist.
 * @param csv whether `draws.csv` is one of them
 * @throws TildeError where a file cannot be written.
 */
export async function saveFit(
  fit: FitData,
  summary: Summary,
  directory: string,
  names?: readonly string[],
  formats: readonly FitFormat[] = [],
  csv = true,
): Promise<void> {
  await makeFolder(directory);
  const json = `${JSON.stringify(summaryJson(fit, summary), null, 2)}\n`;
  const path = join(directory, "summary.json");
  await explained(path, writeFile(path, json));
  if (fit.params !== undefined) await saveParams(fit.params, directory);
  const table = join(directory, "draws.csv");
  if (csv) await writeDraws(fit, table, names ?? readableNames(fit));
  // Draws of an earlier run would be taken for this one's.
  else await explained(table, rm(table, { force: true }));
  storeFit(fit, directory);
  await writeFormats(fit, directory, formats, names);
}

/**
 * Writes `params.json` into `directory`, which must exist.
 * @returns its path
 * @throws TildeError where that fails.
 */
export async function saveParams(params: ParamTree, directory: string): Promise<string> {
  const path = join(directory, "params.json");
  await explained(path, writeFile(path, `${JSON.stringify(params)}\n`));
  return path;
}

/** Text is handed to the system in pieces of about this many characters. */
const PIECE = 1 << 16;

/** A comment header, then one column per scalar. Values round-trip. Memory does not grow. */
async function writeDraws(fit: FitData, path: string, names: readonly string[]): Promise<void> {
  const { columns, cut } = openColumns(fit, names, MAX_ELEMENTS);
  const lines = [
    "# Tilde draws",
    `# model = ${fit.conditioned.model.name}`,
    `# method = ${fit.method}`,
    `# seed = ${fit.seed}`,
    `# warmup = ${fit.warmup} (not included)`,
    ...cut.map(({ name, total }) => `# ${name} = the first ${MAX_ELEMENTS} of ${total} elements`),
    ["chain__", "draw__", "lp__", ...columns.map((c) => quoted(c.name))].join(","),
  ];
  const file = await explained(path, open(path, "w"));
  try {
    let text = `${lines.join("\n")}\n`;
    for (const { chain, draw } of drawsOf(fit, columns)) {
      text += `${chain},${draw},${fit.chains[chain].statistics.lp?.[draw] ?? Number.NaN}`;
      for (const { source, position } of columns) {
        text += `,${source.values[source.start + position]}`;
      }
      text += "\n";
      if (text.length > PIECE) {
        await append(file, path, text);
        text = "";
      }
    }
    await append(file, path, text);
  } finally {
    await file.close();
  }
}

function append(file: FileHandle, path: string, text: string): Promise<void> {
  return explained(path, file.appendFile(text));
}

/** Names such as `Sigma[0,1]` hold a comma. */
function quoted(name: string): string {
  return name.includes(",") ? `"${name}"` : name;
}
