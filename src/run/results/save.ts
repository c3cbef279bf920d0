/** Files of a fit: `summary.json` and `draws.csv`. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FitData, VariableDraws } from "./fit.js";
import { elementsOf, readableNames, readVariables } from "./readout.js";
import { MAX_ELEMENTS, type Summary, summaryJson } from "./summary.js";

/** Writes both files into `directory`, which is made where it does not exist. */
export async function saveFit(
  fit: FitData,
  summary: Summary,
  directory: string,
  names?: readonly string[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const json = JSON.stringify(summaryJson(fit, summary), null, 2);
  await writeFile(join(directory, "summary.json"), `${json}\n`);
  await writeDraws(fit, join(directory, "draws.csv"), names ?? readableNames(fit));
}

interface Column {
  readonly header: string;
  readonly variable: VariableDraws;
  readonly position: number;
  readonly size: number;
}

/** A comment header, then one column per scalar. Values round-trip. */
async function writeDraws(fit: FitData, path: string, names: readonly string[]): Promise<void> {
  const read = readVariables(fit, names);
  const columns: Column[] = names.flatMap((name) => {
    const variable = read.get(name);
    if (variable === undefined) return [];
    const dims = variable.shape.slice(2);
    const size = dims.reduce((n, d) => n * d, 1);
    return elementsOf(fit, name, dims)
      .slice(0, MAX_ELEMENTS)
      .map(({ name: header, position }) => ({ header, variable, position, size }));
  });
  const out = createWriteStream(path);
  const lines = [
    "# Tilde draws",
    `# model = ${fit.conditioned.model.name}`,
    `# method = ${fit.method}`,
    `# seed = ${fit.seed}`,
    `# warmup = ${fit.warmup} (not included)`,
    ["chain__", "draw__", "lp__", ...columns.map((c) => quoted(c.header))].join(","),
  ];
  let text = `${lines.join("\n")}\n`;
  let row = 0;
  for (let c = 0; c < fit.chains.length; c++) {
    const chain = fit.chains[c];
    for (let t = 0; t < chain.draws; t++, row++) {
      const lp = chain.statistics.lp?.[t] ?? Number.NaN;
      text += `${c},${t},${lp}`;
      for (const { variable, position, size } of columns) {
        text += `,${variable.data[row * size + position]}`;
      }
      text += "\n";
      if (text.length > 1 << 16) {
        if (!out.write(text)) await once(out, "drain");
        text = "";
      }
    }
  }
  out.end(text);
  await once(out, "finish");
}

/** Names such as `Sigma[0,1]` hold a comma. */
function quoted(name: string): string {
  return name.includes(",") ? `"${name}"` : name;
}
