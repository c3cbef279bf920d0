/**
 * All benchmarks in one run: a table, then one JSON line for each figure. Arguments choose some of
 * `gradient`, `hmm`, `dense`, `compile`, `nuts`, `dp`, `vi`, `vae`, `process`.
 */
import { compileFigures } from "./compile.js";
import { denseFigures } from "./dense.js";
import { dpFigures } from "./dp.js";
import { type Figure, jsonLine, table } from "./figures.js";
import { gradientFigures } from "./gradient.js";
import { hmmFigures } from "./hmm.js";
import { nutsFigures } from "./nuts.js";
import { processFigures } from "./process.js";
import { vaeFigures } from "./vae.js";
import { viFigures } from "./vi.js";

const benches: Readonly<Record<string, () => Figure[] | Promise<Figure[]>>> = {
  // First, while no other bench has shaped what the optimiser knows.
  gradient: gradientFigures,
  hmm: hmmFigures,
  dense: denseFigures,
  compile: () => compileFigures(),
  nuts: () => nutsFigures(),
  dp: () => dpFigures(),
  vi: viFigures,
  vae: vaeFigures,
  process: processFigures,
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  process.exitCode = 1;
} else {
  const names = chosen.length > 0 ? chosen : Object.keys(benches);
  const figures: Figure[] = [];
  for (const name of names) figures.push(...(await benches[name]()));
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}\n`);
  console.log(table(figures));
  console.log(`\n${figures.map(jsonLine).join("\n")}`);
}
